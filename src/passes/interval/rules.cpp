// SPDX-License-Identifier: Apache-2.0
// Interval rules of comparisons, bools, choice and conversion, and the table of all rules.
#include "passes/interval/rules.h"

#include <flexion/error.h>

#include "ir/semantics.h"
#include "passes/linear_form.h"

namespace flexion::passes {

using ir::Type;

Interval interval_of(const ir::Inst& constant) {
    if (!ir::is_float(constant.type)) {
        const std::int64_t value = integer_of(constant);
        return integers(value, value);
    }
    const double value = real_of(constant);
    if (value != value) return reals(kInfinity, -kInfinity, true);
    return reals(value, value);
}

IntervalRule interval_rule(ir::Op op) {
    switch (op) {
#define FLEXION_OP(name, arity, signature, ulp, eval, llvm_float, llvm_int, cuda, interval, ...) \
    case ir::Op::name:                                                                           \
        return rules::interval;
#include "ir/ops.def"
#undef FLEXION_OP
        default:
            throw InternalError("interval_rule: no op of the table");
    }
}

namespace rules {
namespace {

Interval less(const Operands& o, const Interval& x, const Interval& y) {
    if (!ir::is_float(o.type)) return booleans(x.hi >= y.lo, x.lo < y.hi);
    return booleans(x.nan || y.nan || x.greatest >= y.least, x.least < y.greatest);
}
Interval less_equal(const Operands& o, const Interval& x, const Interval& y) {
    if (!ir::is_float(o.type)) return booleans(x.hi > y.lo, x.lo <= y.hi);
    // An empty side has infinite ends the wrong way round: only NaN, so never true.
    const bool empty = x.empty() || y.empty();
    return booleans(x.nan || y.nan || x.greatest > y.least, !empty && x.least <= y.greatest);
}
Interval opposite(const Interval& x) { return booleans(x.hi == 1, x.lo == 0); }

template <class To, class From>
Interval convert(const Operands& o, From low, From high) {
    if constexpr (ir::sem::Real<To>) {
        return reals(ir::sem::cast<To>(low), ir::sem::cast<To>(high), o.x.nan);
    } else {
        return integers(ir::sem::cast<To>(low), ir::sem::cast<To>(high));
    }
}
template <class From>
Interval convert_from(const Operands& o, From low, From high) {
    switch (o.result) {
        case Type::f32:
            return convert<float>(o, low, high);
        case Type::f64:
            return convert<double>(o, low, high);
        case Type::i32:
            return convert<std::int32_t>(o, low, high);
        case Type::i64:
            return convert<std::int64_t>(o, low, high);
        case Type::boolean:
            break;
    }
    throw InternalError("interval of cast: no such type");
}

}  // namespace

Interval lt(const Operands& o) { return less(o, o.x, o.y); }
Interval le(const Operands& o) { return less_equal(o, o.x, o.y); }
Interval gt(const Operands& o) { return less(o, o.y, o.x); }
Interval ge(const Operands& o) { return less_equal(o, o.y, o.x); }
Interval eq(const Operands& o) {
    const Interval below = less_equal(o, o.x, o.y), above = less_equal(o, o.y, o.x);
    return booleans(!(below.is_true() && above.is_true()), !below.is_false() && !above.is_false());
}
Interval ne(const Operands& o) { return opposite(eq(o)); }

Interval isinf(const Operands& o) {
    const bool low = o.x.least == -kInfinity, high = o.x.greatest == kInfinity;
    if (o.x.empty()) return booleans(true, false);
    const bool certain = o.x.least == o.x.greatest && !o.x.nan;
    return booleans(!(certain && (low || high)), low || high);
}
Interval isnan(const Operands& o) { return booleans(!o.x.empty(), o.x.nan); }

Interval logical_and(const Operands& o) { return integers(o.x.lo & o.y.lo, o.x.hi & o.y.hi); }
Interval logical_or(const Operands& o) { return integers(o.x.lo | o.y.lo, o.x.hi | o.y.hi); }
Interval logical_xor(const Operands& o) { return ne(o); }
Interval logical_not(const Operands& o) { return opposite(o.x); }

Interval select(const Operands& o) {
    if (o.x.is_true()) return o.y;
    if (o.x.is_false()) return o.z;
    return hull(o.y, o.z);
}

Interval cast(const Operands& o) {
    if (o.type == o.result) return o.x;
    if (!ir::is_float(o.type)) {
        if (o.result == Type::boolean)
            return booleans(o.x.lo <= 0 && o.x.hi >= 0, o.x.lo || o.x.hi);
        const Interval all = everything(o.result);
        const bool wraps = ir::is_integer(o.result) && (o.x.lo < all.lo || o.x.hi > all.hi);
        return wraps ? all : convert_from(o, o.x.lo, o.x.hi);
    }
    if (o.result == Type::boolean) {  // x != 0; NaN is true
        return booleans(o.x.contains(0), o.x.nan || (!o.x.empty() && (o.x.least || o.x.greatest)));
    }
    if (ir::is_float(o.result)) {
        return o.x.empty() ? o.x : convert_from(o, o.x.least, o.x.greatest);
    }
    const Interval zero = integers(0, 0);  // of NaN
    if (o.x.empty()) return zero;
    const Interval numbers = convert_from(o, o.x.least, o.x.greatest);
    return o.x.nan ? hull(numbers, zero) : numbers;
}

#define FLEXION_RULE(name)                                            \
    Interval name(const Operands& o) {                                \
        return ir::is_float(o.type) ? real::name(o) : whole::name(o); \
    }
FLEXION_RULE(add)
FLEXION_RULE(sub)
FLEXION_RULE(mul)
FLEXION_RULE(floordiv)
FLEXION_RULE(truncdiv)
FLEXION_RULE(mod)
FLEXION_RULE(rem)
FLEXION_RULE(neg)
FLEXION_RULE(abs)
FLEXION_RULE(min)
FLEXION_RULE(max)
FLEXION_RULE(pow)
#undef FLEXION_RULE

Interval clamp(const Operands& o) {
    const Interval raised = max({ir::Op::max, o.type, o.result, o.x, o.y});
    return min({ir::Op::min, o.type, o.result, raised, o.z});
}

}  // namespace rules
}  // namespace flexion::passes
