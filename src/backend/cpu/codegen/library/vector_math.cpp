// SPDX-License-Identifier: Apache-2.0
// Elementary functions of f32 as straight-line code, and the softmax's 2^x. Polynomials are
// relative minimax fits (Remez); splitting of ln 2 and of the argument as in Cody and Waite,
// "Software Manual for the Elementary Functions", 1980.
#include <array>

#include "backend/cpu/codegen/library/ops.h"

namespace flexion::cpu {
namespace {

constexpr double kLn2High = 0.693359375;  // 9 bits: its product with an exponent is exact
constexpr double kLn2Low = -2.12194440054690583e-4;
constexpr double kInfinity = __builtin_inf();

Val f32(double value) { return Code::real(Elem::f32, value); }
Val i32(std::int64_t value) { return Code::integer(Elem::i32, value); }

// a unless b is smaller (larger) or NaN: one minps, and NaN gets through.
Val at_most(Code& c, double bound, Val x) {
    const Val b = Code::real(x.ty.elem, bound);
    return c.select(c.compare("fcmp olt", b, x), b, x);
}
Val at_least(Code& c, double bound, Val x) { return c.larger(Code::real(x.ty.elem, bound), x); }

// Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits of the sum. Unlike a
// conversion that is defined for NaN, too.
constexpr double kMagic = 12582912;
constexpr std::int64_t kMagicBits = 0x4b400000;

// m * 2^n for integers n in [-252, 254], rounding once; `sum` is n + kMagic.
Val scale_by_power(Code& c, Val m, Val sum) {
    const Val n = c.sub(c.convert("bitcast", sum, Elem::i32), i32(kMagicBits));
    const Val half = c.binary("ashr", n, i32(1));
    const auto power = [&](Val e) {
        return c.convert("bitcast", c.shl(c.add(e, i32(127)), 23), Elem::f32);
    };
    return c.fmul(c.fmul(m, power(half)), power(c.sub(n, half)));
}

struct Logarithm {
    Val exponent;  // as f32
    Val f;         // mantissa - 1, in [sqrt(1/2) - 1, sqrt(2) - 1)
    Val f2;        // f * f
    Val tail;      // log(1 + f) - f + f*f/2
};

Logarithm reduce_logarithm(Code& c, Val x) {
    // Subnormals are brought into range by 2^23.
    const Val small = c.compare("fcmp olt", x, f32(0x1p-126));
    const Val scaled = c.select(small, c.fmul(x, f32(0x1p23)), x);
    const Val bits = c.convert("bitcast", scaled, Elem::i32);
    const Val e = c.binary("ashr", c.sub(bits, i32(0x3f3504f3)), i32(23));  // sqrt(1/2)
    const Val m = c.convert("bitcast", c.sub(bits, c.shl(e, 23)), Elem::f32);
    Logarithm r;
    r.exponent = c.convert("sitofp", c.sub(e, c.select(small, i32(23), i32(0))), Elem::f32);
    r.f = c.fsub(m, f32(1));
    r.f2 = c.fmul(r.f, r.f);
    constexpr double kP[] = {0.3333333171, -0.2500082109, 0.2000122695, -0.1662335529,
                             0.1420175447, -0.1316020036, 0.1276161303, -0.07634492875};
    r.tail = c.fmul(c.fmul(r.f2, r.f), c.polynomial(r.f, kP));
    return r;
}

Val logarithm_edges(Code& c, Val x, Val result) {
    result = c.select(c.compare("fcmp oeq", x, f32(kInfinity)), x, result);
    result = c.select(c.compare("fcmp oeq", x, f32(0)), f32(-kInfinity), result);
    return c.select(c.compare("fcmp ult", x, f32(0)), f32(__builtin_nan("")), result);
}

}  // namespace

Val emit_exp(Code& c, Val x) {
    x = at_most(c, 89, at_least(c, -104.5, x));
    const Val sum = c.mad(x, f32(kLog2E), f32(kMagic));
    const Val n = c.fsub(sum, f32(kMagic));
    Val r = c.mad(n, f32(-kLn2High), x);
    r = c.mad(n, f32(-kLn2Low), r);
    constexpr double kQ[] = {0.499999934, 0.166665206, 0.041668388, 0.00836871688, 0.00138145986};
    const Val p = c.fadd(c.mad(c.fmul(r, r), c.polynomial(r, kQ), r), f32(1));
    return scale_by_power(c, p, sum);
}

Val emit_exp2(Code& c, Val x) {
    x = at_most(c, 129, at_least(c, -151, x));
    const Val sum = c.fadd(x, f32(kMagic));
    const Val f = c.fsub(x, c.fsub(sum, f32(kMagic)));
    constexpr double kP[] = {
        1, 0.693147203, 0.240226479, 0.0555033247, 0.00961843736, 0.00133988744, 0.000153533621};
    return scale_by_power(c, c.polynomial(f, kP), sum);
}

Val emit_log(Code& c, Val x) {
    const Logarithm l = reduce_logarithm(c, x);
    Val y = c.mad(l.exponent, f32(kLn2Low), l.tail);
    y = c.mad(l.f2, f32(-0.5), y);
    return logarithm_edges(c, x, c.mad(l.exponent, f32(kLn2High), c.fadd(l.f, y)));
}

Val emit_log2(Code& c, Val x) {
    // (f + y) * log2(e) with log2(e) = 1 + l: the large part, f, is not rounded by a product.
    const Logarithm l = reduce_logarithm(c, x);
    const Val y = c.mad(l.f2, f32(-0.5), l.tail);
    Val z = c.fmul(y, f32(kLog2E - 1));
    z = c.mad(l.f, f32(kLog2E - 1), z);
    z = c.fadd(c.fadd(z, y), l.f);
    return logarithm_edges(c, x, c.fadd(z, l.exponent));
}

Val emit_log1p(Code& c, Val x) {
    // log(u) + c / u, where u is 1 + x rounded and c what rounding lost.
    const Val u = c.fadd(x, f32(1));
    const Val lost = c.fsub(x, c.fsub(u, f32(1)));
    const Logarithm l = reduce_logarithm(c, u);
    Val y = c.mad(l.exponent, f32(kLn2Low), l.tail);
    y = c.mad(l.f2, f32(-0.5), y);
    y = c.fadd(y, c.fdiv(lost, u));
    return logarithm_edges(c, u, c.mad(l.exponent, f32(kLn2High), c.fadd(l.f, y)));
}

Val emit_tanh(Code& c, Val x) {
    // x * P(x^2) / Q(x^2) on [-9, 9]: 2e-8 before rounding. Rounding adds up to 4e-7 near 1 and
    // would carry some results past it.
    x = at_most(c, 9, at_least(c, -9, x));
    const Val x2 = c.fmul(x, x);
    constexpr double kP[] = {0.999999979449, 0.133810255182, 0.00349558802935, 2.0609082185e-5,
                             1.33546635138e-8};
    constexpr double kQ[] = {1, 0.467143411086, 0.0258769817118, 0.000328563472619,
                             7.77655869149e-7};
    const Val r = c.fdiv(c.fmul(c.polynomial(x2, kP), x), c.polynomial(x2, kQ));
    return at_most(c, 1, at_least(c, -1, r));
}

Val emit_sigmoid(Code& c, Val x) {
    // By e^-|x|, which cannot overflow, so that small results keep their digits.
    const Val e = emit_exp(c, c.fneg(c.intrinsic("fabs", {x})));
    const Val r = c.fdiv(f32(1), c.fadd(e, f32(1)));
    return c.select(c.compare("fcmp olt", x, f32(0)), c.fmul(e, r), r);
}

Val emit_softmax_exp2(Code& c, Val x, bool coarse) {
    if (x.ty.elem == Elem::f64) {
        constexpr double kP[] = {
            0.9999999999999999971,     0.69314718055994533046,   0.24022650695910156205,
            0.055504108664819921483,   0.0096181291075883350833, 0.0013333558146789950323,
            0.00015403530462514613026, 0.0000152527334899608046, 1.3215433089594629037e-6,
            1.0178198033328527662e-7,  7.0741056262456593708e-9, 4.4352809446103361611e-10};
        constexpr double kMagic64 = 6755399441055744.0 + 1023;  // 1.5 * 2^52
        const auto f64 = [](double v) { return Code::real(Elem::f64, v); };
        const Val t = at_least(c, -1023, x);
        const Val sum = c.fadd(t, f64(kMagic64));
        const Val p = c.polynomial(c.fsub(t, c.fsub(sum, f64(kMagic64))), kP);
        const Val power = c.shl(c.convert("bitcast", sum, Elem::i64), 52);
        return c.fmul(p, c.convert("bitcast", power, Elem::f64));
    }
    if (c.traits().avx512 && x.ty.lanes == 16) {
        // p(t - n) * 2^n by vreduceps and vscalefps; the comparison zeroes lanes below 2^-126,
        // whose subnormals would slow down every product that they enter.
        constexpr double kFloor[] = {0.999999925,  0.693153073,   0.240153617,
                                     0.0558263181, 0.00898934002, 0.0018775767};
        // Degree 4, not the 3 that would do for a P of 8 bits: l and lse come from it, too.
        constexpr double kCoarse[] = {1.00000259, 0.693003835, 0.241442754, 0.0520114623,
                                      0.013534168};
        const Val live = c.assign(
            {Elem::i16}, "bitcast " + c.typed(c.compare("fcmp uge", x, f32(-126))) + " to i16");
        const auto name = name_of(x.ty);
        const Val f = c.assign(x.ty, "call " + name + " @llvm.x86.avx512.mask.reduce.ps.512(" +
                                         c.typed(x) + ", i32 9, " + name +
                                         " zeroinitializer, i16 -1, i32 4)");  // x - floor(x)
        const Val p = coarse ? c.polynomial(f, kCoarse) : c.polynomial(f, kFloor);
        return c.assign(x.ty, "call " + name + " @llvm.x86.avx512.mask.scalef.ps.512(" +
                                  c.typed(p) + ", " + c.typed(x) + ", " + name +
                                  " zeroinitializer, i16 " + live.text + ", i32 4)");
    }
    // The low bits of the sum are n + 127, moved up they are 2^n; n = -127 gives 0. The product,
    // not an addition of exponents, keeps NaN.
    constexpr double kP[] = {1.00000007,   0.693146967,   0.240221197,
                             0.0555071327, 0.00967554133, 0.00132764722};
    const Val t = at_least(c, -127, x);
    const Val sum = c.fadd(t, f32(kMagic + 127));
    const Val f = c.fsub(t, c.fsub(sum, f32(kMagic + 127)));
    const Val p = c.polynomial(f, kP);
    const Val power = c.shl(c.convert("bitcast", sum, Elem::i32), 23);
    return c.fmul(p, c.convert("bitcast", power, Elem::f32));
}

}  // namespace flexion::cpu
