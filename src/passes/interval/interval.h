// SPDX-License-Identifier: Apache-2.0
// The set of values that an IR value can take, and the rule of each op on such sets.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "ir/function.h"

namespace flexion::passes {

/// Integers and bools lie in [lo, hi]; floats in [least, greatest] or, with `nan`, may be NaN. A
/// float that can only be NaN has least > greatest. -0 and +0 are not told apart.
struct Interval {
    std::int64_t lo, hi;  // no initial values: arrays of registers must cost nothing
    double least, greatest;
    bool nan;

    bool is_true() const { return lo == 1; }  ///< of bools: certainly
    bool is_false() const { return hi == 0; }
    bool empty() const { return least > greatest; }
    bool contains(double x) const { return least <= x && x <= greatest; }
};

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr Interval integers(std::int64_t lo, std::int64_t hi) { return {lo, hi, 0, 0, false}; }
constexpr Interval booleans(bool may_be_false, bool may_be_true) {
    return integers(!may_be_false, may_be_true);
}
constexpr Interval reals(double least, double greatest, bool nan = false) {
    return {0, 0, least, greatest, nan};
}
/// The widest interval of a type. Written out here because inlined in hot code.
constexpr Interval everything(ir::Type type) {
    switch (type) {
        case ir::Type::boolean:
            return integers(0, 1);
        case ir::Type::i32:
            return integers(INT32_MIN, INT32_MAX);
        case ir::Type::i64:
            return integers(INT64_MIN, INT64_MAX);
        default:
            return reals(-kInfinity, kInfinity, true);
    }
}
inline Interval hull(const Interval& x, const Interval& y) {
    return {std::min(x.lo, y.lo), std::max(x.hi, y.hi), std::min(x.least, y.least),
            std::max(x.greatest, y.greatest), x.nan || y.nan};
}
/// 2^n - 1 for some n >= 0.
constexpr bool is_low_mask(std::int64_t x) {
    const auto bits = static_cast<std::uint64_t>(x);
    return x >= 0 && (bits & (bits + 1)) == 0;
}
/// A constant instruction's value.
Interval interval_of(const ir::Inst& constant);

/// An application of an op: `type` is that of the last operand, as in ops.def.
struct Operands {
    ir::Op op;
    ir::Type type;
    ir::Type result;
    Interval x{}, y{}, z{};
};
/// Contains every result of the op on members of its operands, in `typed` precision and in any
/// compiled code that keeps to the ulp of the op's row.
using IntervalRule = Interval (*)(const Operands&);
/// The rule named in the op's row; not for parameter, constant and load.
IntervalRule interval_rule(ir::Op op);

/// The rule of `inst`, whose last operand is of type `operand`, on of(v) for each operand v.
template <class F>
Interval apply_rule(const ir::Inst& inst, ir::Type operand, const F& of) {
    Operands o{inst.op, operand, inst.type};
    if (inst.count > 0) o.x = of(inst.args[0]);
    if (inst.count > 1) o.y = of(inst.args[1]);
    if (inst.count > 2) o.z = of(inst.args[2]);
    return interval_rule(inst.op)(o);
}

}  // namespace flexion::passes
