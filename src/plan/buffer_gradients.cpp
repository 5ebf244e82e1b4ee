// SPDX-License-Identifier: Apache-2.0
// Directions by induction over the function, injectivity by the rank of the indices' coefficients.
#include "plan/buffer_gradients.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "plan/assumptions.h"

namespace flexion::plan {
namespace {

using ir::Inst;
using ir::Op;
using passes::Affine;

Along join(Along a, Along b) {
    if (a == Along::nothing || a == b) return b;
    return b == Along::nothing ? a : Along::both;
}

Along along_of(const Affine& form) {
    if (form.q == 0 && form.k == 0) return Along::nothing;
    if (form.k == 0) return Along::query;
    if (form.q == 0) return Along::key;
    return form.q == -form.k ? Along::diagonal : Along::both;
}

/// Per value. An affine form says what a value is a function of even where sums and products wrap,
/// but for an i32 value that is widened after it may have wrapped: from there on, and for all that
/// is not affine, a value is a function of what its operands are functions of.
std::vector<Along> directions(const ir::Function& f, const passes::Facts& facts) {
    std::vector<Along> along(f.insts.size(), Along::nothing);
    std::vector<bool> exact(f.insts.size(), false);
    for (ir::Value v = 0; v < f.insts.size(); ++v) {
        const Inst& inst = f.insts[v];
        if (inst.op == Op::parameter) {
            if (v == f.q()) along[v] = Along::query;
            if (v == f.k()) along[v] = Along::key;
            if (facts.depends[v] & passes::kOnScore) along[v] = Along::both;
            exact[v] = facts.affine[v].known;
            continue;
        }
        bool whole = facts.affine[v].known;
        for (int i = 0; i < inst.count; ++i) {
            const ir::Value arg = inst.args[i];
            const bool widens = inst.type == ir::Type::i64 && f.insts[arg].type == ir::Type::i32 &&
                                f.insts[arg].op != Op::parameter;
            whole = whole && exact[arg] && !widens;
            along[v] = join(along[v], along[arg]);
        }
        exact[v] = whole;
        if (whole) along[v] = along_of(facts.affine[v]);
    }
    return along;
}

using Row = std::array<std::int64_t, 4>;  // coefficients of b, h, q, k

__extension__ typedef __int128 Wide;

/// The rank over the integers modulo a prime, which is never above the true one.
int rank_of(std::vector<Row> rows) {
    constexpr Wide kPrime = (Wide{1} << 61) - 1;
    std::size_t rank = 0;
    for (std::size_t column = 0; column < 4; ++column) {
        std::size_t pivot = rank;
        while (pivot < rows.size() && rows[pivot][column] == 0) ++pivot;
        if (pivot == rows.size()) continue;
        std::swap(rows[pivot], rows[rank]);
        const Row top = rows[rank++];
        for (std::size_t i = rank; i < rows.size(); ++i) {
            const Row row = rows[i];
            for (std::size_t c = 0; c < 4; ++c) {
                const Wide difference = Wide{top[column]} * row[c] - Wide{row[column]} * top[c];
                rows[i][c] = static_cast<std::int64_t>(difference % kPrime);
            }
        }
    }
    return static_cast<int>(rank);
}

bool injective(const std::vector<ir::Value>& indices, const passes::Facts& facts,
               std::uint8_t depends) {
    constexpr std::int64_t kLargest = std::int64_t{1} << 31;
    std::vector<Row> rows;
    for (const ir::Value index : indices) {
        const Affine& form = facts.unclamped[index];
        if (!form.known) return false;
        const Row row{form.b, form.h, form.q, form.k};
        for (const std::int64_t c : row) {
            if (c > kLargest || c < -kLargest) return false;
        }
        rows.push_back(row);
    }
    int columns = 0;
    for (const std::uint8_t bit : {passes::kOnB, passes::kOnH, passes::kOnQ, passes::kOnK}) {
        columns += (depends & bit) != 0;
    }
    return rank_of(std::move(rows)) == columns;
}

int load_of(const ir::Function& f, const ir::Result& result) {
    int number = 0;
    for (const Inst& inst : f.insts) {
        if (inst.op != Op::load) continue;
        if (inst.index == result.buffer &&
            std::equal(result.indices.begin(), result.indices.end(), inst.args.begin())) {
            return number;
        }
        ++number;
    }
    return -1;
}

}  // namespace

Derivative::Derivative(const ir::Function& score_mod, std::span<const int> buffers)
    : function(passes::derivative(score_mod, buffers)), gathers(gathers_of(function)) {}

std::vector<Gather> gathers_of(const ir::Function& function) {
    std::vector<Gather> gathers;
    const passes::Facts facts = passes::uniformity(function);
    const std::vector<Along> along = directions(function, facts);
    for (std::size_t i = 2; i < function.results.size(); ++i) {
        const ir::Result& result = function.results[i];
        Gather gather{.result = static_cast<int>(i),
                      .buffer = result.buffer,
                      .indices = result.indices,
                      .along = Along::nothing,
                      .load = load_of(function, result)};
        for (const ir::Value index : gather.indices) {
            gather.along = join(gather.along, along[index]);
            const Affine& form = facts.affine[index];
            if (!form.known) {
                gather.depends |= facts.depends[index];
                continue;
            }
            if (form.b) gather.depends |= passes::kOnB;
            if (form.h) gather.depends |= passes::kOnH;
            if (form.q) gather.depends |= passes::kOnQ;
            if (form.k) gather.depends |= passes::kOnK;
        }
        gather.injective = injective(gather.indices, facts, gather.depends);
        gathers.push_back(std::move(gather));
    }
    return gathers;
}

bool in_range(const Gather& gather, std::uint64_t assumptions) {
    if (gather.load < 0 || gather.load >= kLoadsWithBits) return false;
    return (assumptions >> (gather.load * kBitsPerLoad) & kInRange) != 0;
}

}  // namespace flexion::plan
