// SPDX-License-Identifier: Apache-2.0
// Structure of functions: comparison, hash, creation.
#include "ir/function.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace flexion::ir {
namespace {

/// Two 64-bit words in, one out: the high and low half of a product (wyhash's mixing step).
inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    const auto product =
        static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xbf58476d1ce4e5b9u);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t pair(std::uint64_t low, std::uint64_t high) { return low | high << 32; }

// Compared and hashed as bytes.
static_assert(std::has_unique_object_representations_v<Inst> && sizeof(Inst) == 40);

}  // namespace

bool same_structure(const Function& a, const Function& b) {
    if (a.role != b.role || a.insts.size() != b.insts.size() ||
        a.parameters.size() != b.parameters.size() || a.buffers.size() != b.buffers.size() ||
        a.results.size() != b.results.size()) {
        return false;
    }
    // Parameters are instructions too, so their types are compared there.
    if (std::memcmp(a.insts.data(), b.insts.data(), a.insts.size() * sizeof(Inst)) != 0) {
        return false;
    }
    const auto same_buffer = [](const BufferParameter& x, const BufferParameter& y) {
        return x.dtype == y.dtype && x.rank == y.rank;
    };
    const auto same_result = [](const Result& x, const Result& y) {
        return x.value == y.value && x.buffer == y.buffer && x.indices == y.indices;
    };
    return std::equal(a.buffers.begin(), a.buffers.end(), b.buffers.begin(), same_buffer) &&
           std::equal(a.results.begin(), a.results.end(), b.results.begin(), same_result);
}

std::uint64_t structural_hash(const Function& f) {
    std::uint64_t hash = mix(pair(static_cast<std::uint64_t>(f.role), f.parameters.size()),
                             pair(f.buffers.size(), f.results.size()));
    for (const Inst& inst : f.insts) {
        std::uint64_t words[5];
        std::memcpy(words, &inst, sizeof inst);
        // Only the sum of two independent products joins the chain.
        const std::uint64_t parts = mix(words[0], words[1]) + mix(words[2], words[3] ^ words[4]);
        hash = mix(hash, parts);
    }
    for (const BufferParameter& buffer : f.buffers) {
        hash = mix(hash, pair(static_cast<std::uint64_t>(buffer.dtype),
                              static_cast<std::uint64_t>(buffer.rank)));
    }
    for (const Result& result : f.results) {
        hash = mix(hash, pair(result.value, static_cast<std::uint32_t>(result.buffer)));
        for (const Value index : result.indices) hash = mix(hash, index);
    }
    return hash;
}

Function make_function(Role role, Type score_type) {
    Function f;
    f.role = role;
    f.name = "mod";
    f.parameters.reserve(8);
    f.insts.reserve(32);  // most mods; growing costs as much as tracing
    if (role == Role::score_mod) f.parameters.push_back({"s", score_type});
    for (const char* name : {"b", "h", "q", "k"}) f.parameters.push_back({name, Type::i32});
    for (std::size_t i = 0; i < f.parameters.size(); ++i) {
        f.insts.push_back({.op = Op::parameter,
                           .type = f.parameters[i].type,
                           .index = static_cast<std::uint16_t>(i)});
    }
    return f;
}

}  // namespace flexion::ir
