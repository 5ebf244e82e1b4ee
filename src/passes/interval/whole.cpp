// SPDX-License-Identifier: Apache-2.0
// Interval rules of integer ops: counted in 128 bits, given up where the result could wrap.
#include <bit>
#include <cmath>
#include <initializer_list>

#include "ir/semantics.h"
#include "passes/interval/rules.h"

namespace flexion::passes::rules {
namespace {

__extension__ typedef __int128 Wide;

Interval within(const Operands& o, Wide lo, Wide hi) {
    const Interval all = everything(o.result);
    if (lo < all.lo || hi > all.hi) return all;
    return integers(static_cast<std::int64_t>(lo), static_cast<std::int64_t>(hi));
}
Interval hull_of(const Operands& o, std::initializer_list<Wide> values) {
    return within(o, std::min(values), std::max(values));
}
bool point(const Interval& x) { return x.lo == x.hi; }

/// The op's own value where both operands are single values.
template <class F>
Interval exact(const Operands& o, F f) {
    if (o.type == ir::Type::i32) {
        const std::int64_t value =
            f(static_cast<std::int32_t>(o.x.lo), static_cast<std::int32_t>(o.y.lo));
        return integers(value, value);
    }
    const std::int64_t value = f(o.x.lo, o.y.lo);
    return integers(value, value);
}

std::int64_t floor_quotient(std::int64_t x, std::int64_t y) { return ir::sem::floordiv(x, y); }
std::int64_t trunc_quotient(std::int64_t x, std::int64_t y) { return ir::sem::truncdiv(x, y); }

/// Quotients are monotone in each operand while the divisor keeps its sign.
Interval quotient(const Operands& o, std::int64_t (*divide)(std::int64_t, std::int64_t)) {
    if (o.x.lo == everything(o.type).lo && o.y.lo <= -1 && o.y.hi >= -1) return everything(o.type);
    if (o.y.lo <= 0 && o.y.hi >= 0) {  // by zero: 0; no quotient is larger than the dividend
        const Wide most = std::max(-Wide{o.x.lo}, Wide{o.x.hi});
        if (point(o.y)) return integers(0, 0);
        return o.y.lo < 0
                   ? within(o, -most, most)
                   : integers(std::min<std::int64_t>(o.x.lo, 0), std::max<std::int64_t>(o.x.hi, 0));
    }
    return hull_of(o, {divide(o.x.lo, o.y.lo), divide(o.x.lo, o.y.hi), divide(o.x.hi, o.y.lo),
                       divide(o.x.hi, o.y.hi)});
}

}  // namespace

namespace whole {

Interval add(const Operands& o) { return within(o, Wide{o.x.lo} + o.y.lo, Wide{o.x.hi} + o.y.hi); }
Interval sub(const Operands& o) { return within(o, Wide{o.x.lo} - o.y.hi, Wide{o.x.hi} - o.y.lo); }
Interval mul(const Operands& o) {
    return hull_of(o, {Wide{o.x.lo} * o.y.lo, Wide{o.x.lo} * o.y.hi, Wide{o.x.hi} * o.y.lo,
                       Wide{o.x.hi} * o.y.hi});
}
Interval floordiv(const Operands& o) { return quotient(o, floor_quotient); }
Interval truncdiv(const Operands& o) { return quotient(o, trunc_quotient); }

Interval mod(const Operands& o) {
    if (point(o.y) && o.y.lo == 0) return integers(0, 0);
    // Within one period the remainder grows by as much as x.
    if (point(o.y) && floor_quotient(o.x.lo, o.y.lo) == floor_quotient(o.x.hi, o.y.lo))
        return integers(ir::sem::mod(o.x.lo, o.y.lo), ir::sem::mod(o.x.hi, o.y.lo));
    return integers(o.y.lo < 0 ? o.y.lo + 1 : 0, o.y.hi > 0 ? o.y.hi - 1 : 0);
}
Interval rem(const Operands& o) {
    if (point(o.y) && o.y.lo != 0 &&
        trunc_quotient(o.x.lo, o.y.lo) == trunc_quotient(o.x.hi, o.y.lo))
        return integers(ir::sem::rem(o.x.lo, o.y.lo), ir::sem::rem(o.x.hi, o.y.lo));
    const Wide most = std::max({Wide{0}, -Wide{o.y.lo} - 1, Wide{o.y.hi} - 1});
    return within(o, o.x.lo < 0 ? std::max(Wide{o.x.lo}, -most) : 0,
                  o.x.hi > 0 ? std::min(Wide{o.x.hi}, most) : 0);
}

Interval neg(const Operands& o) { return within(o, -Wide{o.x.hi}, -Wide{o.x.lo}); }
Interval abs(const Operands& o) {
    if (o.x.lo >= 0) return o.x;
    const Wide most = std::max(-Wide{o.x.lo}, Wide{o.x.hi});
    return within(o, o.x.hi < 0 ? -Wide{o.x.hi} : 0, most);
}
Interval min(const Operands& o) {
    return integers(std::min(o.x.lo, o.y.lo), std::min(o.x.hi, o.y.hi));
}
Interval max(const Operands& o) {
    return integers(std::max(o.x.lo, o.y.lo), std::max(o.x.hi, o.y.hi));
}

Interval pow(const Operands& o) {
    if (point(o.x) && point(o.y))
        return exact(o, [](auto x, auto y) { return ir::sem::pow(x, y); });
    // Monotone in both for bases from 1 and exponents from 0.
    const double most = std::pow(static_cast<double>(o.x.hi), static_cast<double>(o.y.hi));
    const double limit = o.type == ir::Type::i32 ? 0x1p30 : 0x1p62;
    if (o.x.lo < 1 || o.y.lo < 0 || !(most < limit)) return everything(o.type);
    return integers(ir::sem::pow(o.x.lo, o.y.lo), ir::sem::pow(o.x.hi, o.y.hi));
}

}  // namespace whole

Interval bit_and(const Operands& o) {
    if (point(o.x) && point(o.y)) return exact(o, [](auto x, auto y) { return x & y; });
    if (point(o.x) && o.x.lo >= 0) return bit_and({o.op, o.type, o.result, o.y, o.x});
    if (point(o.y) && is_low_mask(o.y.lo)) {  // modulo a power of two
        if ((o.x.lo & ~o.y.lo) == (o.x.hi & ~o.y.lo))
            return integers(o.x.lo & o.y.lo, o.x.hi & o.y.lo);
        return integers(0, o.y.lo);
    }
    if (o.x.lo < 0 && o.y.lo < 0) return everything(o.type);
    // A non-negative side bounds the result by itself.
    const std::int64_t x = o.x.lo < 0 ? INT64_MAX : o.x.hi, y = o.y.lo < 0 ? INT64_MAX : o.y.hi;
    return integers(0, std::min(x, y));
}
namespace {
/// All ones up to the highest bit of either bound; both non-negative.
std::int64_t ones(std::int64_t x, std::int64_t y) {
    const auto bits = static_cast<std::uint64_t>(x | y);
    return bits == 0 ? 0 : static_cast<std::int64_t>(~std::uint64_t{0} >> std::countl_zero(bits));
}
}  // namespace
Interval bit_or(const Operands& o) {
    if (point(o.x) && point(o.y)) return exact(o, [](auto x, auto y) { return x | y; });
    if (o.x.lo < 0 || o.y.lo < 0) return everything(o.type);
    return integers(std::max(o.x.lo, o.y.lo), ones(o.x.hi, o.y.hi));
}
Interval bit_xor(const Operands& o) {
    if (point(o.x) && point(o.y)) return exact(o, [](auto x, auto y) { return x ^ y; });
    if (o.x.lo < 0 || o.y.lo < 0) return everything(o.type);
    return integers(0, ones(o.x.hi, o.y.hi));
}
Interval bit_not(const Operands& o) { return integers(~o.x.hi, ~o.x.lo); }

Interval shl(const Operands& o) {
    if (point(o.x) && point(o.y))
        return exact(o, [](auto x, auto y) { return ir::sem::shl(x, y); });
    const int width = o.type == ir::Type::i32 ? 32 : 64;
    if (!point(o.y)) return everything(o.type);
    if (o.y.lo < 0 || o.y.lo >= width) return integers(0, 0);
    return within(o, Wide{o.x.lo} * (Wide{1} << o.y.lo), Wide{o.x.hi} * (Wide{1} << o.y.lo));
}
Interval shr(const Operands& o) {
    const int width = o.type == ir::Type::i32 ? 32 : 64;
    if (o.y.lo >= 0 && o.y.hi < width) {
        return hull_of(o, {o.x.lo >> o.y.lo, o.x.lo >> o.y.hi, o.x.hi >> o.y.lo, o.x.hi >> o.y.hi});
    }
    // By any amount the result lies between the value and its sign.
    return integers(o.x.lo < 0 ? o.x.lo : 0, o.x.hi >= 0 ? o.x.hi : -1);
}

}  // namespace flexion::passes::rules
