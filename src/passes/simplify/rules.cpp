// SPDX-License-Identifier: Apache-2.0
// The rules. Floats: only what holds for signed zeros, infinities and NaN; integers: in wrapping
// arithmetic. tests/passes/rules_test.cpp checks each row on all special values of each type.
#include "passes/simplify/rules.h"

#include <bit>
#include <cmath>

namespace flexion::passes {
namespace {

bool not_negative(const Interval& x) { return x.lo >= 0; }
/// A positive constant power of two.
bool power_of_two(const Match& m) {
    const std::int64_t c = m('c').range.lo;
    return c > 0 && std::has_single_bit(static_cast<std::uint64_t>(c));
}
bool power_of_two_over_positive(const Match& m) {
    return power_of_two(m) && not_negative(m('x').range);
}
bool both_positive(const Match& m) {
    return not_negative(m('x').range) && not_negative(m('y').range);
}
bool within_divisor(const Match& m) {
    return m('x').range.lo >= 0 && m('x').range.hi < m('y').range.lo;
}
bool x_below_y(const Match& m) { return m('x').range.hi <= m('y').range.lo; }
bool x_above_y(const Match& m) { return m('x').range.lo >= m('y').range.hi; }
bool never_above(const Match& m) {
    return std::max(m('x').range.hi, m('y').range.hi) <= m('z').range.lo;
}
bool positive_x(const Match& m) { return not_negative(m('x').range); }
bool covered_by_mask(const Match& m) {
    const std::int64_t c = m('c').range.lo;
    return is_low_mask(c) && m('x').range.lo >= 0 && m('x').range.hi <= c;
}
bool shifts_add_up(const Match& m) {
    const std::int64_t c = m('c').range.lo, d = m('d').range.lo;
    return c >= 0 && d >= 0 && c < 64 && d < 64 && c + d < (m('x').type == ir::Type::i32 ? 32 : 64);
}
/// x - y stays in the type.
bool exact_difference(const Match& m) {
    const Interval &x = m('x').range, &y = m('y').range, all = everything(m('x').type);
    std::int64_t lo = 0, hi = 0;
    return !__builtin_sub_overflow(x.lo, y.hi, &lo) && !__builtin_sub_overflow(x.hi, y.lo, &hi) &&
           lo >= all.lo && hi <= all.hi;
}
/// Division by c and multiplication by its reciprocal round the same number.
bool exact_reciprocal(const Match& m) {
    const double c = m('c').range.least;
    int exponent = 0;
    if (m('c').range.empty() || std::fabs(std::frexp(c, &exponent)) != 0.5) return false;
    return std::abs(exponent) < (m('c').type == ir::Type::f32 ? 126 : 1022);
}
bool of_integers(const Match& m) { return ir::is_integer(m('x').type); }
bool integral(const Match& m) { return m('x').integral; }
bool to_bool(const Match& m) { return m.result == ir::Type::boolean; }
/// A cast that loses nothing before another one.
bool lossless_first(const Match& m) {
    const ir::Type from = m('x').type, through = m('y').type;
    using enum ir::Type;
    return from == boolean || (from == i32 && (through == i64 || through == f64)) ||
           (from == f32 && through == f64);
}

constexpr Rule kRules[] = {
    // ---- sums ----
    {Domain::whole, "add(x, 0)", "x"},
    {Domain::whole, "sub(x, 0)", "x"},
    {Domain::whole, "sub(0, x)", "neg(x)"},
    {Domain::whole, "sub(x, x)", "0"},
    {Domain::whole, "sub(x, c)", "add(x, neg(c))"},
    {Domain::whole, "add(add(x, c), d)", "add(x, add(c, d))"},
    {Domain::whole, "add(sub(c, x), d)", "sub(add(c, d), x)"},
    {Domain::whole, "sub(c, add(x, d))", "sub(sub(c, d), x)"},
    {Domain::whole, "sub(c, sub(d, x))", "add(x, sub(c, d))"},
    {Domain::whole, "neg(sub(x, y))", "sub(y, x)"},
    {Domain::whole, "neg(add(x, c))", "sub(neg(c), x)"},
    {Domain::whole, "sub(add(x, y), x)", "y"},
    {Domain::whole, "sub(x, add(x, y))", "neg(y)"},
    {Domain::whole, "sub(sub(x, y), x)", "neg(y)"},
    {Domain::whole, "sub(x, sub(x, y))", "y"},
    {Domain::whole, "add(sub(x, y), y)", "x"},
    {Domain::real, "add(x, -0)", "x"},
    {Domain::real, "sub(x, 0)", "x"},
    {Domain::real, "sub(-0, x)", "neg(x)"},
    {Domain::number, "add(x, neg(y))", "sub(x, y)"},
    {Domain::number, "sub(x, neg(y))", "add(x, y)"},
    {Domain::number, "neg(neg(x))", "x"},
    // ---- products ----
    {Domain::whole, "mul(x, 0)", "0"},
    {Domain::number, "mul(x, 1)", "x"},
    {Domain::number, "mul(x, -1)", "neg(x)"},
    {Domain::number, "mul(neg(x), c)", "mul(x, neg(c))"},
    {Domain::number, "neg(mul(x, c))", "mul(x, neg(c))"},
    {Domain::number, "mul(neg(x), neg(y))", "mul(x, y)"},
    {Domain::whole, "mul(mul(x, c), d)", "mul(x, mul(c, d))"},
    {Domain::whole, "mul(cast(p), y)", "select(p, y, 0)"},
    {Domain::real, "fma(x, 1, y)", "add(x, y)"},
    {Domain::real, "fma(x, -1, y)", "sub(y, x)"},
    {Domain::real, "fma(x, y, -0)", "mul(x, y)"},
    {Domain::real, "fma(neg(x), c, y)", "fma(x, neg(c), y)"},
    {Domain::real, "fma(neg(x), neg(y), z)", "fma(x, y, z)"},
    // ---- quotients ----
    {Domain::real, "div(x, 1)", "x"},
    {Domain::real, "div(x, -1)", "neg(x)"},
    {Domain::real, "div(x, c)", "mul(x, div(1, c))", exact_reciprocal},
    {Domain::real, "div(neg(x), c)", "div(x, neg(c))"},
    {Domain::real, "div(neg(x), neg(y))", "div(x, y)"},
    {Domain::whole, "floordiv(x, 0)", "0"},
    {Domain::whole, "floordiv(0, x)", "0"},
    {Domain::whole, "floordiv(x, 1)", "x"},
    {Domain::whole, "floordiv(x, -1)", "neg(x)"},
    {Domain::whole, "floordiv(x, y)", "0", within_divisor},
    {Domain::whole, "floordiv(x, c)", "shr(x, exponent(c))", power_of_two},
    {Domain::whole, "floordiv(x, y)", "truncdiv(x, y)", both_positive},
    {Domain::whole, "truncdiv(x, 0)", "0"},
    {Domain::whole, "truncdiv(0, x)", "0"},
    {Domain::whole, "truncdiv(x, 1)", "x"},
    {Domain::whole, "truncdiv(x, -1)", "neg(x)"},
    {Domain::whole, "truncdiv(x, y)", "0", within_divisor},
    {Domain::whole, "truncdiv(x, c)", "shr(x, exponent(c))", power_of_two_over_positive},
    {Domain::whole, "mod(x, 0)", "0"},
    {Domain::whole, "mod(0, x)", "0"},
    {Domain::whole, "mod(x, 1)", "0"},
    {Domain::whole, "mod(x, -1)", "0"},
    {Domain::whole, "mod(x, y)", "x", within_divisor},
    {Domain::whole, "mod(x, c)", "bit_and(x, sub(c, 1))", power_of_two},
    {Domain::whole, "mod(x, y)", "rem(x, y)", both_positive},
    {Domain::whole, "rem(x, 0)", "0"},
    {Domain::whole, "rem(0, x)", "0"},
    {Domain::whole, "rem(x, 1)", "0"},
    {Domain::whole, "rem(x, -1)", "0"},
    {Domain::whole, "rem(x, y)", "x", within_divisor},
    {Domain::whole, "rem(x, c)", "bit_and(x, sub(c, 1))", power_of_two_over_positive},
    // ---- absolute values, minima, maxima ----
    {Domain::whole, "abs(x)", "x", positive_x},
    {Domain::number, "abs(neg(x))", "abs(x)"},
    {Domain::number, "abs(abs(x))", "abs(x)"},
    {Domain::number, "min(x, x)", "x"},
    {Domain::number, "max(x, x)", "x"},
    {Domain::whole, "min(x, y)", "x", x_below_y},
    {Domain::whole, "max(x, y)", "x", x_above_y},
    {Domain::number, "min(min(x, c), d)", "min(x, min(c, d))"},
    {Domain::number, "max(max(x, c), d)", "max(x, max(c, d))"},
    {Domain::whole, "clamp(x, y, z)", "max(x, y)", never_above},
    {Domain::whole, "clamp(x, y, z)", "min(x, z)", x_above_y},
    // ---- powers and rounding ----
    {Domain::number, "pow(x, 0)", "1"},
    {Domain::number, "pow(x, 1)", "x"},
    {Domain::whole, "pow(x, 2)", "mul(x, x)"},
    {Domain::f32, "pow(x, 2)", "mul(x, x)"},  // through double, so rounded once as well
    {Domain::whole, "pow(x, 3)", "mul(mul(x, x), x)"},
    {Domain::real, "floor(x)", "x", integral},
    {Domain::real, "ceil(x)", "x", integral},
    {Domain::real, "round(x)", "x", integral},
    {Domain::real, "trunc(x)", "x", integral},
    // ---- bits ----
    {Domain::whole, "bit_and(x, x)", "x"},
    {Domain::whole, "bit_and(x, 0)", "0"},
    {Domain::whole, "bit_and(x, -1)", "x"},
    {Domain::whole, "bit_and(x, c)", "x", covered_by_mask},
    {Domain::whole, "bit_and(bit_and(x, c), d)", "bit_and(x, bit_and(c, d))"},
    {Domain::whole, "bit_or(x, x)", "x"},
    {Domain::whole, "bit_or(x, 0)", "x"},
    {Domain::whole, "bit_or(x, -1)", "-1"},
    {Domain::whole, "bit_or(bit_or(x, c), d)", "bit_or(x, bit_or(c, d))"},
    {Domain::whole, "bit_xor(x, x)", "0"},
    {Domain::whole, "bit_xor(x, 0)", "x"},
    {Domain::whole, "bit_xor(x, -1)", "bit_not(x)"},
    {Domain::whole, "bit_xor(bit_xor(x, c), d)", "bit_xor(x, bit_xor(c, d))"},
    {Domain::whole, "bit_not(bit_not(x))", "x"},
    {Domain::whole, "bit_not(bit_xor(x, c))", "bit_xor(x, bit_not(c))"},
    {Domain::whole, "bit_xor(bit_not(x), c)", "bit_xor(x, bit_not(c))"},
    {Domain::whole, "shl(x, 0)", "x"},
    {Domain::whole, "shr(x, 0)", "x"},
    {Domain::whole, "shl(0, x)", "0"},
    {Domain::whole, "shr(0, x)", "0"},
    {Domain::whole, "shl(shl(x, c), d)", "shl(x, add(c, d))", shifts_add_up},
    {Domain::whole, "shr(shr(x, c), d)", "shr(x, add(c, d))", shifts_add_up},
    // ---- comparisons of integers ----
    {Domain::whole, "eq(x, x)", "true"},
    {Domain::whole, "le(x, x)", "true"},
    {Domain::whole, "ge(x, x)", "true"},
    {Domain::whole, "ne(x, x)", "false"},
    {Domain::whole, "eq(add(x, c), d)", "eq(x, sub(d, c))"},
    {Domain::whole, "ne(add(x, c), d)", "ne(x, sub(d, c))"},
    {Domain::whole, "eq(sub(c, x), d)", "eq(x, sub(c, d))"},
    {Domain::whole, "ne(sub(c, x), d)", "ne(x, sub(c, d))"},
    {Domain::whole, "eq(neg(x), c)", "eq(x, neg(c))"},
    {Domain::whole, "ne(neg(x), c)", "ne(x, neg(c))"},
    {Domain::whole, "eq(sub(x, y), 0)", "eq(x, y)"},
    {Domain::whole, "ne(sub(x, y), 0)", "ne(x, y)"},
    {Domain::whole, "lt(sub(x, y), 0)", "lt(x, y)", exact_difference},
    {Domain::whole, "le(sub(x, y), 0)", "le(x, y)", exact_difference},
    {Domain::whole, "gt(sub(x, y), 0)", "gt(x, y)", exact_difference},
    {Domain::whole, "ge(sub(x, y), 0)", "ge(x, y)", exact_difference},
    {Domain::number, "eq(cast(p), 0)", "logical_not(p)"},
    {Domain::number, "ne(cast(p), 0)", "p"},
    {Domain::number, "eq(cast(p), 1)", "p"},
    {Domain::number, "ne(cast(p), 1)", "logical_not(p)"},
    // ---- comparisons of all ----
    {Domain::number, "lt(x, x)", "false"},
    {Domain::number, "gt(x, x)", "false"},
    {Domain::real, "eq(x, x)", "logical_not(isnan(x))"},
    {Domain::real, "le(x, x)", "logical_not(isnan(x))"},
    {Domain::real, "ge(x, x)", "logical_not(isnan(x))"},
    {Domain::real, "ne(x, x)", "isnan(x)"},
    {Domain::boolean, "eq(p, p)", "true"},
    {Domain::boolean, "ne(p, p)", "false"},
    {Domain::boolean, "eq(p, true)", "p"},
    {Domain::boolean, "eq(p, false)", "logical_not(p)"},
    {Domain::boolean, "ne(p, r)", "logical_xor(p, r)"},
    // ---- bools ----
    {Domain::boolean, "logical_not(logical_not(p))", "p"},
    {Domain::boolean, "logical_not(logical_xor(p, r))", "eq(p, r)"},
    {Domain::boolean, "logical_not(eq(x, y))", "ne(x, y)"},
    {Domain::boolean, "logical_not(ne(x, y))", "eq(x, y)"},
    {Domain::boolean, "logical_not(lt(x, y))", "ge(x, y)", of_integers},
    {Domain::boolean, "logical_not(le(x, y))", "gt(x, y)", of_integers},
    {Domain::boolean, "logical_not(gt(x, y))", "le(x, y)", of_integers},
    {Domain::boolean, "logical_not(ge(x, y))", "lt(x, y)", of_integers},
    {Domain::boolean, "logical_and(p, true)", "p"},
    {Domain::boolean, "logical_and(p, false)", "false"},
    {Domain::boolean, "logical_and(p, p)", "p"},
    {Domain::boolean, "logical_and(p, logical_not(p))", "false"},
    {Domain::boolean, "logical_and(p, logical_or(p, r))", "p"},
    {Domain::boolean, "logical_and(p, logical_and(p, r))", "logical_and(p, r)"},
    {Domain::boolean, "logical_or(p, true)", "true"},
    {Domain::boolean, "logical_or(p, false)", "p"},
    {Domain::boolean, "logical_or(p, p)", "p"},
    {Domain::boolean, "logical_or(p, logical_not(p))", "true"},
    {Domain::boolean, "logical_or(p, logical_and(p, r))", "p"},
    {Domain::boolean, "logical_or(p, logical_or(p, r))", "logical_or(p, r)"},
    {Domain::boolean, "logical_xor(p, p)", "false"},
    {Domain::boolean, "logical_xor(p, false)", "p"},
    {Domain::boolean, "logical_xor(p, true)", "logical_not(p)"},
    // ---- choice ----
    {Domain::any, "select(true, x, y)", "x"},
    {Domain::any, "select(false, x, y)", "y"},
    {Domain::any, "select(p, x, x)", "x"},
    {Domain::any, "select(logical_not(p), x, y)", "select(p, y, x)"},
    {Domain::any, "select(p, select(p, x, y), z)", "select(p, x, z)"},
    {Domain::any, "select(p, x, select(p, y, z))", "select(p, x, z)"},
    {Domain::boolean, "select(p, r, false)", "logical_and(p, r)"},
    {Domain::boolean, "select(p, true, r)", "logical_or(p, r)"},
    {Domain::boolean, "select(p, false, r)", "logical_and(logical_not(p), r)"},
    {Domain::boolean, "select(p, r, true)", "logical_or(logical_not(p), r)"},
    {Domain::whole, "select(lt(x, y), x, y)", "min(x, y)"},
    {Domain::whole, "select(le(x, y), x, y)", "min(x, y)"},
    {Domain::whole, "select(gt(x, y), x, y)", "max(x, y)"},
    {Domain::whole, "select(ge(x, y), x, y)", "max(x, y)"},
    {Domain::whole, "select(lt(x, y), y, x)", "max(x, y)"},
    {Domain::whole, "select(le(x, y), y, x)", "max(x, y)"},
    {Domain::whole, "select(gt(x, y), y, x)", "min(x, y)"},
    {Domain::whole, "select(ge(x, y), y, x)", "min(x, y)"},
    // ---- conversion ----
    {Domain::number, "cast(x)", "ne(x, 0)", to_bool},
    {Domain::any, "cast(y: cast(x))", "cast(x)", lossless_first},
};

}  // namespace

bool contains(Domain domain, ir::Type type) {
    switch (domain) {
        case Domain::whole:
            return ir::is_integer(type);
        case Domain::real:
            return ir::is_float(type);
        case Domain::f32:
            return type == ir::Type::f32;
        case Domain::number:
            return type != ir::Type::boolean;
        case Domain::boolean:
            return type == ir::Type::boolean;
        case Domain::any:
            return true;
    }
    return false;
}

std::span<const Rule> simplification_rules() { return kRules; }

bool is_commutative(ir::Op op) {
    switch (op) {
        case ir::Op::add:
        case ir::Op::mul:
        case ir::Op::fma:
        case ir::Op::min:
        case ir::Op::max:
        case ir::Op::eq:
        case ir::Op::ne:
        case ir::Op::logical_and:
        case ir::Op::logical_or:
        case ir::Op::logical_xor:
        case ir::Op::bit_and:
        case ir::Op::bit_or:
        case ir::Op::bit_xor:
            return true;
        default:
            return false;
    }
}

}  // namespace flexion::passes
