// SPDX-License-Identifier: Apache-2.0
// Which loads stay in range, from the affine forms of their indices.
#include "plan/assumptions.h"

#include <cstddef>
#include <limits>
#include <optional>

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

/// Collects the bounds of the cone of an index. Sums and products wrap, so a form is right modulo
/// 2^32 or 2^64 only: where it is widened it must fit its type, where it is clamped the clamp must
/// not bind as well.
class AssumptionChecker::BoundsOf {
public:
    BoundsOf(const ir::Function& f, const passes::Facts& facts, std::vector<Bound>& bounds)
        : f_(f), facts_(facts), seen_(f.insts.size()), bounds_(bounds) {}

    /// False when something in the cone has no affine form.
    bool collect(ir::Value value) {
        if (seen_[value]) return true;
        seen_[value] = true;
        const ir::Inst& inst = f_.insts[value];
        if (inst.op == ir::Op::load) return false;
        const bool clamps = inst.op == ir::Op::min || inst.op == ir::Op::max;
        for (int i = 0; i < inst.count; ++i) {
            const ir::Value arg = inst.args[i];
            const bool widens = inst.type == ir::Type::i64 && f_.insts[arg].type == ir::Type::i32;
            const bool position = f_.insts[arg].op == ir::Op::parameter &&
                                  f_.insts[arg].index < f_.builtin_parameters();
            if (!position && (widens || clamps) && !add_limits(arg)) return false;
            if (!collect(arg)) return false;
        }
        return !clamps || add_clamp(value, inst);
    }

private:
    bool add_limits(ir::Value v) {
        const passes::Affine& form = facts_.unclamped[v];
        if (!form.known) return false;
        using Narrow = std::numeric_limits<std::int32_t>;
        using Wide64 = std::numeric_limits<std::int64_t>;
        if (f_.insts[v].type == ir::Type::i32)
            bounds_.push_back({form, Narrow::min(), Narrow::max()});
        else
            bounds_.push_back({form, Wide64::min(), Wide64::max()});
        return true;
    }

    // Which operand the form of a min or max is of, the facts tell: the one of equal form.
    bool add_clamp(ir::Value v, const ir::Inst& inst) {
        const passes::Affine &form = facts_.unclamped[v], *bound = nullptr;
        if (!form.known) return false;
        for (int i = 0; i < 2 && !bound; ++i) {
            if (facts_.unclamped[inst.args[i]] == form) bound = &facts_.unclamped[inst.args[1 - i]];
        }
        if (!bound || !bound->known) return false;
        const std::optional<passes::Affine> above = difference(form, *bound);
        if (!above) return false;
        using Limits = std::numeric_limits<std::int64_t>;
        const bool max = inst.op == ir::Op::max;
        bounds_.push_back({*above, max ? 0 : Limits::min(), max ? Limits::max() : 0});
        return true;
    }

    static std::optional<passes::Affine> difference(const passes::Affine& x,
                                                    const passes::Affine& y) {
        bool wraps = false;
        const auto minus = [&](std::int64_t a, std::int64_t b) {
            std::int64_t result = 0;
            wraps |= __builtin_sub_overflow(a, b, &result);
            return result;
        };
        passes::Affine d{.known = true,
                         .b = minus(x.b, y.b),
                         .h = minus(x.h, y.h),
                         .q = minus(x.q, y.q),
                         .k = minus(x.k, y.k),
                         .constant = minus(x.constant, y.constant),
                         .scalars = x.scalars};
        for (std::size_t i = 0; i < d.scalars.size(); ++i)
            d.scalars[i] = minus(x.scalars[i], y.scalars[i]);
        if (wraps) return {};
        return d;
    }

    const ir::Function& f_;
    const passes::Facts& facts_;
    std::vector<bool> seen_;
    std::vector<Bound>& bounds_;
};

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
        BoundsOf bounds(f, facts, load.bounds);
        for (int i = 0; i < inst.count && load.affine; ++i) {
            const passes::Affine& index = facts.unclamped[inst.args[i]];
            load.affine = index.known && bounds.collect(inst.args[i]);
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
        for (std::size_t i = 0; in_range && i < load.bounds.size(); ++i) {
            const Bound& bound = load.bounds[i];
            in_range = range_of(bound.form, extents, captures).within(bound.low, bound.high);
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
