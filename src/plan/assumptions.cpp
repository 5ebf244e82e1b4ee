// SPDX-License-Identifier: Apache-2.0
// Which loads stay in range, from the affine forms of their indices.
#include "plan/assumptions.h"

#include <cstddef>
#include <limits>

namespace flexion::plan {
namespace {

// 128 bits hold a 64-bit coefficient times a 31-bit length, summed, without overflow.
__extension__ typedef __int128 Wide;

struct Range {
    Wide low = 0, high = 0;
    bool within(Wide first, Wide last) const { return low >= first && high <= last; }
};

Range range_of(const passes::Affine& form, const Extents& extents, const Captures* captures) {
    Wide low = form.constant, high = form.constant;
    const auto add = [&](std::int64_t coefficient, std::int64_t length) {
        const Wide far = static_cast<Wide>(coefficient) * (length - 1);
        (coefficient < 0 ? low : high) += far;
    };
    add(form.b, extents.B);
    add(form.h, extents.H);
    add(form.q, extents.q_len);
    add(form.k, extents.kv_len);
    for (std::size_t i = 0; i < form.scalars.size(); ++i) {
        if (form.scalars[i] == 0) continue;
        const Wide term = static_cast<Wide>(form.scalars[i]) * captures->scalars[i].integer;
        low += term;
        high += term;
    }
    return {low, high};
}

// The i32 values widened to i64 in the cone of `value`; false when one has no affine form.
bool collect_widened(const ir::Function& f, const passes::Facts& facts, ir::Value value,
                     std::vector<bool>& seen, std::vector<passes::Affine>& widened) {
    if (seen[value]) return true;
    seen[value] = true;
    const ir::Inst& inst = f.insts[value];
    if (inst.op == ir::Op::load) return false;
    for (int i = 0; i < inst.count; ++i) {
        const ir::Value arg = inst.args[i];
        const bool widens = inst.type == ir::Type::i64 && f.insts[arg].type == ir::Type::i32;
        const bool position =
            f.insts[arg].op == ir::Op::parameter && f.insts[arg].index < f.builtin_parameters();
        if (widens && !position) {
            if (!facts.affine[arg].known) return false;
            widened.push_back(facts.affine[arg]);
        }
        if (!collect_widened(f, facts, arg, seen, widened)) return false;
    }
    return true;
}

// Every extent, and the distance between any two elements, is below 2^31.
bool is_narrow(const TensorView& view) {
    constexpr Wide kLimit = std::numeric_limits<std::int32_t>::max();
    Wide distance = 0;
    for (int i = 0; i < view.rank; ++i) {
        if (view.shape[i] > kLimit) return false;
        const Wide stride = view.strides[i];
        if (view.shape[i] > 1) distance += (stride < 0 ? -stride : stride) * (view.shape[i] - 1);
    }
    return distance <= kLimit;
}

}  // namespace

AssumptionChecker::AssumptionChecker(const ir::Function* score, const ir::Function* mask) {
    if (score) add(*score, false);
    if (mask) add(*mask, true);
}

void AssumptionChecker::add(const ir::Function& f, bool from_mask) {
    passes::Facts facts;
    for (const ir::Inst& inst : f.insts) {
        if (inst.op != ir::Op::load || loads_.size() == kLoadsWithBits) continue;
        if (facts.affine.empty()) facts = passes::uniformity(f);
        Load load;
        load.from_mask = from_mask;
        load.buffer = inst.index;
        std::vector<bool> seen(f.insts.size());
        for (int i = 0; i < inst.count && load.affine; ++i) {
            const passes::Affine& index = facts.affine[inst.args[i]];
            load.affine =
                index.known && collect_widened(f, facts, inst.args[i], seen, load.widened);
            load.indices.push_back(index);
        }
        loads_.push_back(std::move(load));
    }
}

std::uint64_t AssumptionChecker::bits(const Mods& mods, const Extents& extents) const {
    std::uint64_t result = 0;
    int shift = 0;
    for (const Load& load : loads_) {
        const Captures* captures = load.from_mask ? mods.mask_captures : mods.score_captures;
        const TensorView& view = captures->buffers[load.buffer];
        bool in_range = load.affine;
        for (std::size_t i = 0; in_range && i < load.indices.size(); ++i) {
            in_range =
                range_of(load.indices[i], extents, captures).within(0, Wide{view.shape[i]} - 1);
        }
        for (std::size_t i = 0; in_range && i < load.widened.size(); ++i) {
            using Limits = std::numeric_limits<std::int32_t>;
            in_range =
                range_of(load.widened[i], extents, captures).within(Limits::min(), Limits::max());
        }
        const bool unit_stride = view.rank == 0 || view.strides[view.rank - 1] == 1;
        if (in_range) result |= std::uint64_t{kInRange} << shift;
        if (unit_stride) result |= std::uint64_t{kUnitStride} << shift;
        if (is_narrow(view)) result |= std::uint64_t{kNarrow} << shift;
        shift += kBitsPerLoad;
    }
    return result;
}

}  // namespace flexion::plan
