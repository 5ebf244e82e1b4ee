// SPDX-License-Identifier: Apache-2.0
// Ops that are more than one instruction because they are total: division, shifts, powers, rounding
// without SSE4.1, conversion. They mean what ir/semantics.h says, bit for bit.
#include <limits>

#include "backend/cpu/codegen/library/ops.h"

namespace flexion::cpu {
namespace {

Val same(const Val& like, std::int64_t value) { return Code::integer(like.ty.elem, value); }
Val real(const Val& like, double value) { return Code::real(like.ty.elem, value); }

struct Division {
    Val quotient, rest;
};

// Truncating division; by zero both are 0, by -1 the quotient wraps.
Division divide(Code& c, Val x, Val y) {
    if (y.is(0)) return {same(x, 0), same(x, 0)};
    if (y.is(-1)) return {c.sub(same(x, 0), x), same(x, 0)};
    const bool vector = x.ty.lanes > 1 || y.ty.lanes > 1;
    if (y.constant) {  // a multiplication, made by the code generator
        const Val q = c.binary("sdiv", x, y);
        return {q, c.sub(x, c.mul(q, y))};
    }
    const Val zero = c.compare("icmp eq", y, same(y, 0));
    const Val minus_one = c.compare("icmp eq", y, same(y, -1));
    const Val safe = c.select(c.or_(zero, minus_one), same(y, 1), y);
    Val q;
    if (vector && x.ty.elem == Elem::i32) {
        // No vector division of integers exists. In double a quotient that is no integer is further
        // from the next one than rounding reaches.
        q = c.convert(
            "fptosi",
            c.fdiv(c.convert("sitofp", x, Elem::f64), c.convert("sitofp", safe, Elem::f64)),
            Elem::i32);
    } else {
        q = c.binary("sdiv", x, safe);
    }
    q = c.select(minus_one, c.sub(same(x, 0), x), q);
    q = c.select(zero, same(x, 0), q);
    const Val rest = c.select(zero, same(x, 0), c.sub(x, c.mul(q, y)));
    return {q, rest};
}

// The rest is not 0 and its sign differs from the divisor's.
Val rounds_down(Code& c, Val rest, Val y) {
    const Val differs = c.compare("icmp slt", c.xor_(rest, y), same(y, 0));
    return c.and_(c.compare("icmp ne", rest, same(rest, 0)), differs);
}

Val copysign(Code& c, Val magnitude, Val sign) {
    return c.intrinsic("copysign", {magnitude, sign});
}

// Adding and subtracting 2^23 (2^52) rounds to even what is below it.
Val round_by_addition(Code& c, Val x) {
    const Val bound = real(x, x.ty.elem == Elem::f32 ? 0x1p23 : 0x1p52);
    const Val magnitude = c.intrinsic("fabs", {x});
    const Val rounded = copysign(c, c.fsub(c.fadd(magnitude, bound), bound), x);
    return c.select(c.compare("fcmp olt", magnitude, bound), rounded, x);
}

}  // namespace

Val emit_truncdiv(Code& c, Val x, Val y) {
    if (is_float(x.ty.elem)) return emit_trunc(c, c.fdiv(x, y));
    return divide(c, x, y).quotient;
}

Val emit_rem(Code& c, Val x, Val y) {
    if (is_float(x.ty.elem)) {
        const Val args[] = {x, y};
        return call_library(c, VectorFunction::rem, args);
    }
    return divide(c, x, y).rest;
}

Val emit_floordiv(Code& c, Val x, Val y) {
    if (is_float(x.ty.elem)) return emit_floor(c, c.fdiv(x, y));
    const Division d = divide(c, x, y);
    return c.add(d.quotient, c.convert("sext", rounds_down(c, d.rest, y), x.ty.elem));
}

Val emit_mod(Code& c, Val x, Val y) {
    if (!is_float(x.ty.elem)) {
        const Val rest = divide(c, x, y).rest;
        return c.select(rounds_down(c, rest, y), c.add(rest, y), rest);
    }
    const Val rest = emit_rem(c, x, y);
    const Elem word = x.ty.elem == Elem::f32 ? Elem::i32 : Elem::i64;
    const Val signs = c.xor_(c.convert("bitcast", rest, word), c.convert("bitcast", y, word));
    const Val differs = c.compare("icmp slt", signs, Code::integer(word, 0));
    const Val nonzero = c.compare("fcmp une", rest, real(rest, 0));
    return c.select(c.and_(nonzero, differs), c.fadd(rest, y), rest);
}

Val emit_integer_power(Code& c, Val x, Val y) {
    const int lanes = std::max(x.ty.lanes, y.ty.lanes);
    const Ty ty{x.ty.elem, lanes};
    const std::string name = "fx.pow." + suffix_of(ty);
    if (c.scope().module.need(name)) {
        // By squaring; the bits of y are taken as unsigned, negative ones are replaced at the end.
        FunctionScope scope(c.scope().module);
        Code f(scope);
        const Val one = Code::integer(ty.elem, 1), zero = Code::integer(ty.elem, 0);
        const Val px{ty, "%x"}, py{ty, "%y"}, r{ty, "%r"}, b{ty, "%b"}, n{ty, "%n"};
        const std::string t = name_of(ty);
        f.jump("loop");
        f.label("loop");
        f.phi(r, one, "entry", {ty, "%r1"}, "loop");
        f.phi(b, px, "entry", {ty, "%b1"}, "loop");
        f.phi(n, py, "entry", {ty, "%n1"}, "loop");
        const Val odd = f.compare("icmp ne", f.and_(n, one), zero);
        f.raw("%r1 = select " + f.typed(odd) + ", " + f.typed(f.mul(r, b)) + ", " + f.typed(r));
        f.raw("%b1 = mul " + t + " %b, %b");
        f.raw("%n1 = lshr " + t + " %n, " + f.operand(one, lanes));
        Val left{ty, "%n1"};
        if (lanes > 1) {
            left = f.assign({ty.elem}, "call " + name_of(Ty{ty.elem}) + " @llvm.vector.reduce.or." +
                                           suffix_of(ty) + "(" + t + " %n1)");
        }
        f.branch(f.compare("icmp ne", left, zero), "loop", "done");
        f.label("done");
        const Val minus_one = Code::integer(ty.elem, -1);
        const Val y_odd = f.compare("icmp ne", f.and_(py, one), zero);
        Val small =
            f.select(f.compare("icmp eq", px, minus_one), f.select(y_odd, minus_one, one), zero);
        small = f.select(f.compare("icmp eq", px, one), one, small);
        const Val result = f.select(f.compare("icmp slt", py, zero), small, {ty, "%r1"});
        f.raw("ret " + f.typed(result));
        c.scope().module.add(name, "define internal " + t + " @" + name + "(" + t + " %x, " + t +
                                       " %y) noinline nounwind {\nentry:\n" + f.text() + "}\n");
    }
    return c.assign(ty, "call " + name_of(ty) + " @" + name + "(" + c.typed(c.splat(x, lanes)) +
                            ", " + c.typed(c.splat(y, lanes)) + ")");
}

Val emit_round(Code& c, Val x) {
    return c.traits().fma ? c.intrinsic("roundeven", {x}) : round_by_addition(c, x);
}

Val emit_floor(Code& c, Val x) {
    if (c.traits().fma) return c.intrinsic("floor", {x});
    const Val r = round_by_addition(c, x);
    const Val down = c.select(c.compare("fcmp ogt", r, x), c.fsub(r, real(x, 1)), r);
    return copysign(c, down, x);
}

Val emit_ceil(Code& c, Val x) {
    if (c.traits().fma) return c.intrinsic("ceil", {x});
    const Val r = round_by_addition(c, x);
    const Val up = c.select(c.compare("fcmp olt", r, x), c.fadd(r, real(x, 1)), r);
    return copysign(c, up, x);
}

Val emit_trunc(Code& c, Val x) {
    if (c.traits().fma) return c.intrinsic("trunc", {x});
    const Val magnitude = c.intrinsic("fabs", {x});
    const Val r = round_by_addition(c, magnitude);
    const Val towards_zero =
        c.select(c.compare("fcmp ogt", r, magnitude), c.fsub(r, real(x, 1)), r);
    return copysign(c, towards_zero, x);
}

Val emit_fma(Code& c, Val x, Val y, Val z) {
    if (c.traits().fma) return c.intrinsic("fma", {x, y, z});
    if (x.ty.elem == Elem::f64) {
        const Val args[] = {x, y, z};
        return call_library(c, VectorFunction::fma, args);
    }
    // The product is exact in double; the sum is rounded to odd, after which rounding to f32 is
    // right (Boldo and Melquiond, "Emulation of FMA and Correctly Rounded Sums", 2008).
    const Val p = c.fmul(c.convert("fpext", x, Elem::f64), c.convert("fpext", y, Elem::f64));
    const Val wide = c.convert("fpext", z, Elem::f64);
    const Val s = c.fadd(p, wide);
    const Val part = c.fsub(s, p);
    const Val error = c.fadd(c.fsub(p, c.fsub(s, part)), c.fsub(wide, part));
    const Val bits = c.convert("bitcast", s, Elem::i64);
    const Val one = Code::integer(Elem::i64, 1);
    const Val even = c.compare("icmp eq", c.and_(bits, one), Code::integer(Elem::i64, 0));
    const Val inexact = c.compare("fcmp one", error, real(error, 0));
    const Val away = c.compare("icmp sge", c.xor_(c.convert("bitcast", error, Elem::i64), bits),
                               Code::integer(Elem::i64, 0));
    const Val odd = c.add(bits, c.select(away, one, Code::integer(Elem::i64, -1)));
    const Val chosen = c.select(c.and_(even, inexact), odd, bits);
    return c.convert("fptrunc", c.convert("bitcast", chosen, Elem::f64), Elem::f32);
}

Val emit_cast(Code& c, Val x, Elem to) {
    const Elem from = x.ty.elem;
    if (from == to) return x;
    if (to == Elem::i1) {
        return is_float(from) ? c.compare("fcmp une", x, real(x, 0))
                              : c.compare("icmp ne", x, same(x, 0));
    }
    if (from == Elem::i1) {
        return is_float(to) ? c.select(x, Code::real(to, 1), Code::real(to, 0))
                            : c.convert("zext", x, to);
    }
    if (is_float(from) && is_float(to)) {
        return c.convert(to == Elem::f64 ? "fpext" : "fptrunc", x, to);
    }
    if (is_float(to)) return c.convert("sitofp", x, to);
    if (!is_float(from)) return c.convert(to == Elem::i64 ? "sext" : "trunc", x, to);
    // Saturating; a conversion out of range is poison, so its operand is replaced first.
    const bool wide = to == Elem::i64;
    const double bound = wide ? 0x1p63 : 0x1p31;
    const Val below = c.compare("fcmp olt", x, real(x, -bound));
    const Val above = c.compare("fcmp oge", x, real(x, bound));
    const Val outside = c.or_(c.or_(below, above), c.compare("fcmp uno", x, x));
    Val r = c.convert("fptosi", c.select(outside, real(x, 0), x), to);
    using Limits32 = std::numeric_limits<std::int32_t>;
    using Limits64 = std::numeric_limits<std::int64_t>;
    r = c.select(above, Code::integer(to, wide ? Limits64::max() : Limits32::max()), r);
    return c.select(below, Code::integer(to, wide ? Limits64::min() : Limits32::min()), r);
}

Val half_to_float(Code& c, Val half_bits) {
    if (c.traits().f16)
        return c.convert("fpext", c.convert("bitcast", half_bits, Elem::f16), Elem::f32);
    // The exponent field moved up is a value 2^112 too small, exactly, subnormals included.
    const auto i32 = [](std::int64_t v) { return Code::integer(Elem::i32, v); };
    const Val bits = c.convert("zext", half_bits, Elem::i32);
    const Val sign = c.shl(c.and_(bits, i32(0x8000)), 16);
    const Val rest = c.shl(c.and_(bits, i32(0x7fff)), 13);
    const Val value = c.fmul(c.convert("bitcast", rest, Elem::f32), Code::real(Elem::f32, 0x1p112));
    const Val special = c.compare("icmp uge", rest, i32(0x7c00 << 13));
    const Val magnitude =
        c.select(special, c.or_(rest, i32(0x7f800000)), c.convert("bitcast", value, Elem::i32));
    return c.convert("bitcast", c.or_(magnitude, sign), Elem::f32);
}

}  // namespace flexion::cpu
