// SPDX-License-Identifier: Apache-2.0
// Operators and functions of Expr: each appends the op of its name to the trace.
#include <flexion/error.h>
#include <flexion/expr.h>

#include "ir/tracer.h"

namespace flexion {

using ir::Op;
using ir::Type;

Expr::Expr(double number) : kind_(Kind::real) { real_ = number; }
Expr::Expr(bool flag) : kind_(Kind::flag) { integer_ = flag ? 1 : 0; }
Expr::Expr(Integer number) : kind_(Kind::integer) { integer_ = number.value; }

Expr Tracer::wrap(ir::Value v) const {
    Expr e;
    e.kind_ = Expr::Kind::value;
    e.id_ = v;
    e.trace_ = serial_;
    return e;
}

namespace {

Expr apply(const char* what, Op op, std::initializer_list<Expr> operands) {
    return Tracer::current(what).apply(op, operands);
}

Expr convert(const char* what, const Expr& a, Type type) {
    Tracer& tracer = Tracer::current(what);
    return tracer.wrap(tracer.builder().cast(tracer.value(a, what), type));
}

}  // namespace

#define FLEXION_UNARY(name, op) \
    Expr name(Expr a) { return apply("flexion::" #name, Op::op, {a}); }
#define FLEXION_BINARY(name, op) \
    Expr name(Expr a, Expr b) { return apply("flexion::" #name, Op::op, {a, b}); }

FLEXION_BINARY(operator+, add)
FLEXION_BINARY(operator-, sub)
FLEXION_BINARY(operator*, mul)
FLEXION_BINARY(operator/, div)
FLEXION_BINARY(operator%, mod)
FLEXION_BINARY(operator&, bit_and)
FLEXION_BINARY(operator|, bit_or)
FLEXION_BINARY(operator^, bit_xor)
FLEXION_BINARY(operator<<, shl)
FLEXION_BINARY(operator>>, shr)
FLEXION_BINARY(operator==, eq)
FLEXION_BINARY(operator!=, ne)
FLEXION_BINARY(operator<, lt)
FLEXION_BINARY(operator<=, le)
FLEXION_BINARY(operator>, gt)
FLEXION_BINARY(operator>=, ge)
FLEXION_BINARY(floordiv, floordiv)
FLEXION_BINARY(truncdiv, truncdiv)
FLEXION_BINARY(rem, rem)
FLEXION_BINARY(min, min)
FLEXION_BINARY(max, max)
FLEXION_BINARY(pow, pow)
FLEXION_UNARY(operator-, neg)
FLEXION_UNARY(operator~, bit_not)
FLEXION_UNARY(abs, abs)
FLEXION_UNARY(exp, exp)
FLEXION_UNARY(exp2, exp2)
FLEXION_UNARY(expm1, expm1)
FLEXION_UNARY(log, log)
FLEXION_UNARY(log2, log2)
FLEXION_UNARY(log1p, log1p)
FLEXION_UNARY(sqrt, sqrt)
FLEXION_UNARY(rsqrt, rsqrt)
FLEXION_UNARY(tanh, tanh)
FLEXION_UNARY(sigmoid, sigmoid)
FLEXION_UNARY(sin, sin)
FLEXION_UNARY(cos, cos)
FLEXION_UNARY(erf, erf)
FLEXION_UNARY(floor, floor)
FLEXION_UNARY(ceil, ceil)
FLEXION_UNARY(round, round)
FLEXION_UNARY(trunc, trunc)
FLEXION_UNARY(isinf, isinf)
FLEXION_UNARY(isnan, isnan)
#undef FLEXION_UNARY
#undef FLEXION_BINARY

Expr operator!(Expr a) {
    return apply("flexion::operator!", Op::logical_not,
                 {convert("flexion::operator!", a, Type::boolean)});
}
Expr where(Expr condition, Expr a, Expr b) {
    return apply("flexion::where", Op::select, {condition, a, b});
}
Expr clamp(Expr x, Expr low, Expr high) {
    return apply("flexion::clamp", Op::clamp, {x, low, high});
}
Expr fma(Expr a, Expr b, Expr c) { return apply("flexion::fma", Op::fma, {a, b, c}); }

Expr to_float(Expr a) {
    constexpr const char* kName = "flexion::to_float";
    return convert(kName, a, Tracer::current(kName).builder().float_type());
}
Expr to_i32(Expr a) { return convert("flexion::to_i32", a, Type::i32); }
Expr to_i64(Expr a) { return convert("flexion::to_i64", a, Type::i64); }
Expr to_bool(Expr a) { return convert("flexion::to_bool", a, Type::boolean); }

}  // namespace flexion
