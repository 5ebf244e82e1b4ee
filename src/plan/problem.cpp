// SPDX-License-Identifier: Apache-2.0
// The hash and the text of a problem, from its rows in problem.def.
#include "plan/problem.h"

#include "support/text_builder.h"

namespace flexion::plan {
namespace {

const char* text_of(Direction direction) {
    switch (direction) {
        case Direction::forward:
            return "forward";
        case Direction::mask_leaf:
            return "mask_leaf";
        case Direction::backward:
            return "backward";
    }
    return "?";
}
const char* text_of(DType dtype) { return name_of(dtype); }
const char* text_of(bool flag) { return flag ? "yes" : "no"; }
std::string text_of(std::uint16_t number) { return formatted("{}", number); }
std::string text_of(std::uint64_t bits) { return formatted("{:#x}", bits); }

}  // namespace

std::uint64_t hash(const Problem& problem) {
    // Multiply and xor-shift per field (the finaliser of MurmurHash3, Appleby): fields are few and
    // small, and each must reach all bits.
    std::uint64_t h = 0x9E3779B97F4A7C15ull;
    const auto mix = [&h](std::uint64_t field) {
        h = (h ^ field) * 0xFF51AFD7ED558CCDull;
        h ^= h >> 33;
    };
#define FLEXION_PROBLEM(type, name, initial) mix(static_cast<std::uint64_t>(problem.name));
#include "plan/problem.def"
#undef FLEXION_PROBLEM
    return h;
}

std::string to_text(const Problem& problem) {
    TextBuilder text;
#define FLEXION_PROBLEM(type, name, initial) text.line("{} = {}", #name, text_of(problem.name));
#include "plan/problem.def"
#undef FLEXION_PROBLEM
    return text.take();
}

}  // namespace flexion::plan
