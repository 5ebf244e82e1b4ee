// SPDX-License-Identifier: Apache-2.0
// Interval rules of float ops.
#include <bit>
#include <cmath>

#include "ir/evaluate.h"
#include "ir/op.h"
#include "ir/semantics.h"
#include "passes/interval/rules.h"

namespace flexion::passes::rules {
namespace {

constexpr Interval kOnlyNan = {0, 0, kInfinity, -kInfinity, true};

bool point(const Interval& x) { return x.least == x.greatest; }
bool may_be_nan(const Operands& o) { return o.x.nan || o.y.nan || o.z.nan; }
/// Some operand is certainly NaN; ops are strict but for pow.
bool only_nan(const Operands& o) { return o.x.empty() || o.y.empty() || o.z.empty(); }
bool infinite(const Interval& x) { return x.least == -kInfinity || x.greatest == kInfinity; }

/// Moves the ends outwards by one more than the row's ulp: compiled code and the interpreter may
/// each be off.
Interval widened(const Operands& o, double least, double greatest, bool nan) {
    const double ulp = ir::info(o.op).ulp_f32;
    const int steps = ulp == 0 ? 0 : static_cast<int>(std::ceil(ulp)) + 1;
    for (int i = 0; i < steps; ++i) {
        if (o.type == ir::Type::f32) {
            least = std::nextafter(static_cast<float>(least), -INFINITY);
            greatest = std::nextafter(static_cast<float>(greatest), INFINITY);
        } else {
            least = std::nextafter(least, -kInfinity);
            greatest = std::nextafter(greatest, kInfinity);
        }
    }
    return reals(least, greatest, nan);
}

/// Applies `f` to single values in the operands' own type.
template <class F>
double typed(const Operands& o, F f, double x, double y = 0, double z = 0) {
    if (o.type == ir::Type::f32)
        return f(static_cast<float>(x), static_cast<float>(y), static_cast<float>(z));
    return f(x, y, z);
}

/// The hull of `f` at the four pairs of ends, NaN there counting as 0.
template <class F>
Interval corners(const Operands& o, F f, bool nan) {
    Interval bounds = reals(kInfinity, -kInfinity, nan);
    for (double x : {o.x.least, o.x.greatest}) {
        for (double y : {o.y.least, o.y.greatest}) {
            double value = typed(o, f, x, y);
            if (std::isnan(value)) value = 0;
            bounds.least = std::min(bounds.least, value);
            bounds.greatest = std::max(bounds.greatest, value);
        }
    }
    return bounds;
}

/// A function of one real by its eval column.
double value_at(const Operands& o, double x) {
    if (o.type == ir::Type::f64) {
        const std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
        return std::bit_cast<double>(ir::evaluate(o.op, o.type, o.result, {&bits, 1}));
    }
    const std::uint64_t bits = std::bit_cast<std::uint32_t>(static_cast<float>(x));
    const auto result =
        static_cast<std::uint32_t>(ir::evaluate(o.op, o.type, o.result, {&bits, 1}));
    return std::bit_cast<float>(result);
}

}  // namespace

namespace real {

Interval add(const Operands& o) {
    if (only_nan(o)) return kOnlyNan;
    const auto sum = [](auto x, auto y, auto) { return x + y; };
    const double least = typed(o, sum, o.x.least, o.y.least);
    const double greatest = typed(o, sum, o.x.greatest, o.y.greatest);
    const bool cancels = (o.x.least == -kInfinity && o.y.greatest == kInfinity) ||
                         (o.x.greatest == kInfinity && o.y.least == -kInfinity);
    return reals(std::isnan(least) ? -kInfinity : least,
                 std::isnan(greatest) ? kInfinity : greatest, may_be_nan(o) || cancels);
}
Interval sub(const Operands& o) {
    return add({o.op, o.type, o.result, o.x, neg({ir::Op::neg, o.type, o.result, o.y})});
}
Interval mul(const Operands& o) {
    if (only_nan(o)) return kOnlyNan;
    const bool nan = (o.x.contains(0) && infinite(o.y)) || (o.y.contains(0) && infinite(o.x));
    return corners(o, [](auto x, auto y, auto) { return x * y; }, may_be_nan(o) || nan);
}
Interval floordiv(const Operands& o) {
    Interval q = div(o);
    q.least = std::floor(q.least);
    q.greatest = std::floor(q.greatest);
    return q;
}
Interval truncdiv(const Operands& o) {
    Interval q = div(o);
    q.least = std::trunc(q.least);
    q.greatest = std::trunc(q.greatest);
    return q;
}
Interval mod(const Operands& o) {
    if (only_nan(o)) return kOnlyNan;
    const bool nan = may_be_nan(o) || o.y.contains(0) || infinite(o.x);
    if (point(o.x) && point(o.y) && !nan) {
        const double r =
            typed(o, [](auto x, auto y, auto) { return ir::sem::mod(x, y); }, o.x.least, o.y.least);
        return reals(r, r);
    }
    return reals(std::min(o.y.least, 0.0), std::max(o.y.greatest, 0.0), nan);
}
Interval rem(const Operands& o) {
    if (only_nan(o)) return kOnlyNan;
    const bool nan = may_be_nan(o) || o.y.contains(0) || infinite(o.x);
    if (point(o.x) && point(o.y) && !nan) {
        const double r = std::fmod(o.x.least, o.y.least);
        return reals(r, r);
    }
    const double most = std::max(-o.y.least, o.y.greatest);
    return reals(o.x.least < 0 ? std::max(o.x.least, -most) : 0,
                 o.x.greatest > 0 ? std::min(o.x.greatest, most) : 0, nan);
}
Interval neg(const Operands& o) { return reals(-o.x.greatest, -o.x.least, o.x.nan); }
Interval abs(const Operands& o) {
    if (o.x.empty() || o.x.least >= 0) return o.x;
    return reals(o.x.greatest < 0 ? -o.x.greatest : 0, std::max(-o.x.least, o.x.greatest), o.x.nan);
}
Interval min(const Operands& o) {
    if (only_nan(o)) return kOnlyNan;
    return reals(std::min(o.x.least, o.y.least), std::min(o.x.greatest, o.y.greatest),
                 may_be_nan(o));
}
Interval max(const Operands& o) {
    if (only_nan(o)) return kOnlyNan;
    return reals(std::max(o.x.least, o.y.least), std::max(o.x.greatest, o.y.greatest),
                 may_be_nan(o));
}
Interval pow(const Operands& o) {
    // pow(NaN, 0) and pow(1, NaN) are 1; powers of -0 keep a sign that intervals do not know.
    if (may_be_nan(o)) return everything(o.type);
    const bool single = point(o.x) && point(o.y) && o.x.least != 0;
    if (!single && o.x.least <= 0) return everything(o.type);
    const Interval ends =
        corners(o, [](auto x, auto y, auto) { return ir::sem::pow(x, y); }, false);
    const bool nan = single && std::isnan(std::pow(o.x.least, o.y.least));
    return widened(o, ends.least, ends.greatest, nan);
}

}  // namespace real

Interval div(const Operands& o) {
    if (only_nan(o)) return kOnlyNan;
    const bool nan = may_be_nan(o) || (infinite(o.x) && infinite(o.y));
    if (o.y.contains(0))  // of either sign: both infinities
        return reals(-kInfinity, kInfinity, nan || o.x.contains(0));
    return corners(o, [](auto x, auto y, auto) { return x / y; }, nan);
}
Interval fma(const Operands& o) {
    if (only_nan(o)) return kOnlyNan;
    if (infinite(o.x) || infinite(o.y) || infinite(o.z)) return everything(o.type);
    const auto with = [&](double z) {
        return corners(
            o, [&](auto x, auto y, auto t) { return std::fma(x, y, static_cast<decltype(t)>(z)); },
            may_be_nan(o));
    };
    return reals(with(o.z.least).least, with(o.z.greatest).greatest, may_be_nan(o));
}

Interval increasing(const Operands& o) {
    if (only_nan(o)) return kOnlyNan;
    return widened(o, value_at(o, o.x.least), value_at(o, o.x.greatest), o.x.nan);
}
Interval increasing_or_nan(const Operands& o) {
    const double start = o.op == ir::Op::log1p ? -1 : 0;
    if (only_nan(o) || o.x.greatest < start) return kOnlyNan;
    return widened(o, value_at(o, std::max(o.x.least, start)), value_at(o, o.x.greatest),
                   o.x.nan || o.x.least < start);
}
Interval rsqrt(const Operands& o) {
    if (only_nan(o) || o.x.greatest < 0) return kOnlyNan;
    const bool nan = o.x.nan || o.x.least < 0;
    // The root of -0 is -0, whose reciprocal is -inf.
    const double least = o.x.least <= 0 ? -kInfinity : value_at(o, o.x.greatest);
    return widened(o, least, o.x.least <= 0 ? kInfinity : value_at(o, o.x.least), nan);
}
Interval periodic(const Operands& o) {
    if (only_nan(o)) return kOnlyNan;
    if (point(o.x) && !infinite(o.x)) {
        const double value = value_at(o, o.x.least);
        return widened(o, value, value, o.x.nan);
    }
    return widened(o, -1, 1, o.x.nan || infinite(o.x));
}

}  // namespace flexion::passes::rules
