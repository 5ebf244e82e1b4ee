// SPDX-License-Identifier: Apache-2.0
// What generated mods are written in: the fx_ functions of ops.def's cuda column, total as
// ir/semantics.h says, and reads of captured buffers. `fast` and `fine` hold the forms that
// score_mods use instead; masks use `exact` alone.
#pragma once

namespace flexion::cuda {

constexpr float kLog2e = 1.44269504088896341f;

// ---- integers: wrap, and divide totally --------------------------------------------------------

FX_DEVICE int fx_add(int x, int y) { return static_cast<int>(u32(x) + u32(y)); }
FX_DEVICE int fx_sub(int x, int y) { return static_cast<int>(u32(x) - u32(y)); }
FX_DEVICE int fx_mul(int x, int y) { return static_cast<int>(u32(x) * u32(y)); }
FX_DEVICE i64 fx_add(i64 x, i64 y) { return static_cast<i64>(u64(x) + u64(y)); }
FX_DEVICE i64 fx_sub(i64 x, i64 y) { return static_cast<i64>(u64(x) - u64(y)); }
FX_DEVICE i64 fx_mul(i64 x, i64 y) { return static_cast<i64>(u64(x) * u64(y)); }
FX_DEVICE int fx_neg(int x) { return fx_sub(0, x); }
FX_DEVICE i64 fx_neg(i64 x) { return fx_sub(i64(0), x); }
FX_DEVICE int fx_min(int x, int y) { return x < y ? x : y; }
FX_DEVICE int fx_max(int x, int y) { return x > y ? x : y; }
FX_DEVICE i64 fx_min(i64 x, i64 y) { return x < y ? x : y; }
FX_DEVICE i64 fx_max(i64 x, i64 y) { return x > y ? x : y; }

template <class T>
struct Unsigned;
template <>
struct Unsigned<int> {
    typedef u32 type;
};
template <>
struct Unsigned<i64> {
    typedef u64 type;
};
template <class T>
FX_DEVICE T whole_truncdiv(T x, T y) {
    return y == 0 ? T(0) : y == -1 ? fx_neg(x) : x / y;
}
template <class T>
FX_DEVICE T whole_rem(T x, T y) {
    return y == 0 || y == -1 ? T(0) : x % y;
}
template <class T>
FX_DEVICE T whole_floordiv(T x, T y) {
    const T rest = whole_rem(x, y);
    return whole_truncdiv(x, y) - (rest != 0 && (rest < 0) != (y < 0) ? 1 : 0);
}
template <class T>
FX_DEVICE T whole_mod(T x, T y) {
    const T rest = whole_rem(x, y);
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}
template <class T>
FX_DEVICE T whole_shl(T x, T y) {
    typedef typename Unsigned<T>::type U;
    return U(y) >= 8 * sizeof(T) ? T(0) : static_cast<T>(U(x) << y);
}
template <class T>
FX_DEVICE T whole_shr(T x, T y) {
    typedef typename Unsigned<T>::type U;
    return U(y) >= 8 * sizeof(T) ? (x < 0 ? T(-1) : T(0)) : x >> y;
}
/// A negative power of a base beyond +-1 is 0, of 0 too.
template <class T>
FX_DEVICE T whole_pow(T x, T y) {
    if (y < 0) return x == 1 ? T(1) : x == -1 ? (y & 1 ? T(-1) : T(1)) : T(0);
    T result = 1;
    for (; y != 0; y >>= 1) {
        if (y & 1) result = fx_mul(result, x);
        x = fx_mul(x, x);
    }
    return result;
}
#define FX_WHOLE(T)                                                       \
    FX_DEVICE T fx_abs(T x) { return x < 0 ? fx_neg(x) : x; }             \
    FX_DEVICE T fx_truncdiv(T x, T y) { return whole_truncdiv<T>(x, y); } \
    FX_DEVICE T fx_floordiv(T x, T y) { return whole_floordiv<T>(x, y); } \
    FX_DEVICE T fx_rem(T x, T y) { return whole_rem<T>(x, y); }           \
    FX_DEVICE T fx_mod(T x, T y) { return whole_mod<T>(x, y); }           \
    FX_DEVICE T fx_pow(T x, T y) { return whole_pow<T>(x, y); }           \
    FX_DEVICE T fx_shl(T x, T y) { return whole_shl<T>(x, y); }           \
    FX_DEVICE T fx_shr(T x, T y) { return whole_shr<T>(x, y); }
FX_WHOLE(int)
FX_WHOLE(i64)
#undef FX_WHOLE

// ---- reals ------------------------------------------------------------------------------------

FX_DEVICE float fx_add(float x, float y) { return __fadd_rn(x, y); }
FX_DEVICE float fx_sub(float x, float y) { return __fsub_rn(x, y); }
FX_DEVICE float fx_mul(float x, float y) { return __fmul_rn(x, y); }
FX_DEVICE double fx_add(double x, double y) { return __dadd_rn(x, y); }
FX_DEVICE double fx_sub(double x, double y) { return __dsub_rn(x, y); }
FX_DEVICE double fx_mul(double x, double y) { return __dmul_rn(x, y); }
FX_DEVICE float fx_neg(float x) { return -x; }
FX_DEVICE double fx_neg(double x) { return -x; }
FX_DEVICE float fx_abs(float x) { return fabsf(x); }
FX_DEVICE double fx_abs(double x) { return fabs(x); }
FX_DEVICE float fx_fma(float x, float y, float z) { return __fmaf_rn(x, y, z); }
FX_DEVICE double fx_fma(double x, double y, double z) { return __fma_rn(x, y, z); }
/// A NaN of either operand wins, -0 is below +0.
FX_DEVICE float fx_min(float x, float y) {
    float z;
    asm("min.NaN.f32 %0, %1, %2;" : "=f"(z) : "f"(x), "f"(y));
    return z;
}
FX_DEVICE float fx_max(float x, float y) {
    float z;
    asm("max.NaN.f32 %0, %1, %2;" : "=f"(z) : "f"(x), "f"(y));
    return z;
}
FX_DEVICE double fx_min(double x, double y) { return x != x || y != y ? x + y : fmin(x, y); }
FX_DEVICE double fx_max(double x, double y) { return x != x || y != y ? x + y : fmax(x, y); }
FX_DEVICE bool fx_isinf(float x) { return fabsf(x) == __int_as_float(0x7f800000); }
FX_DEVICE bool fx_isinf(double x) { return fabs(x) == __longlong_as_double(0x7ff0000000000000ll); }
#define FX_REAL(T, F)                                                   \
    FX_DEVICE T fx_floor(T x) { return floor##F(x); }                   \
    FX_DEVICE T fx_ceil(T x) { return ceil##F(x); }                     \
    FX_DEVICE T fx_trunc(T x) { return trunc##F(x); }                   \
    FX_DEVICE T fx_round(T x) { return rint##F(x); }                    \
    FX_DEVICE T fx_truncdiv(T x, T y) { return trunc##F(x / y); }       \
    FX_DEVICE T fx_floordiv(T x, T y) { return floor##F(x / y); }       \
    FX_DEVICE T fx_rem(T x, T y) { return fmod##F(x, y); }              \
    FX_DEVICE T fx_mod(T x, T y) {                                      \
        const T rest = fmod##F(x, y);                                   \
        return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;    \
    }                                                                   \
    FX_DEVICE T fx_rsqrt(T x) { return rsqrt##F(x); }                   \
    FX_DEVICE T fx_expm1(T x) { return expm1##F(x); }                   \
    FX_DEVICE T fx_log(T x) { return log##F(x); }                       \
    FX_DEVICE T fx_log2(T x) { return log2##F(x); }                     \
    FX_DEVICE T fx_log1p(T x) { return log1p##F(x); }                   \
    FX_DEVICE T fx_erf(T x) { return erf##F(x); }                       \
    FX_DEVICE T fx_pow(T x, T y) { return pow##F(x, y); }               \
    namespace exact {                                                   \
    FX_DEVICE T fx_exp(T x) { return exp##F(x); }                       \
    FX_DEVICE T fx_exp2(T x) { return exp2##F(x); }                     \
    FX_DEVICE T fx_tanh(T x) { return tanh##F(x); }                     \
    FX_DEVICE T fx_sqrt(T x) { return sqrt##F(x); }                     \
    FX_DEVICE T fx_div(T x, T y) { return x / y; }                      \
    FX_DEVICE T fx_sin(T x) { return sin##F(x); }                       \
    FX_DEVICE T fx_cos(T x) { return cos##F(x); }                       \
    FX_DEVICE T fx_sigmoid(T x) { /* without overflow on either side */ \
        const T e = exp##F(-fabs##F(x));                                \
        return (x < 0 ? e : T(1)) / (T(1) + e);                         \
    }                                                                   \
    }
FX_REAL(float, f)
FX_REAL(double, )
#undef FX_REAL

/// The sine of x + shift quarter turns, within 2^-22, for |x| below 2^50; beyond, some value in
/// [-1, 1]. The remainder is taken in double, where it needs no branch: the tables of sinf() for
/// large arguments, once per score, would take minutes to compile. Polynomials: Cephes, sinf.
FX_DEVICE float sine_of_quarters(float x, int shift) {
    const double turns = rint(x * 0.63661977236758134);
    double rest = __fma_rn(turns, -1.5707963267948966, static_cast<double>(x));
    rest = __fma_rn(turns, -6.123233995736766e-17, rest);
    const float r = fmaxf(fminf(static_cast<float>(rest), 0.79f), -0.79f), s = r * r;
    const int quarter = static_cast<int>(__double2ll_rz(turns)) + shift;
    float y = __fmaf_rn(2.443315711809948e-5f, s, -1.388731625493765e-3f);
    y = __fmaf_rn(y, s, 4.166664568298827e-2f);
    const float cosine = __fmaf_rn(y * s, s, __fmaf_rn(-0.5f, s, 1.0f));
    float z = __fmaf_rn(-1.9515295891e-4f, s, 8.3321608736e-3f);
    z = __fmaf_rn(z, s, -1.6666654611e-1f);
    const float sine = __fmaf_rn(z * s, r, r);
    const float value = quarter & 1 ? cosine : sine;
    const float signed_value = quarter & 2 ? -value : value;
    return x * 0.0f == 0.0f ? signed_value : __int_as_float(0x7fffffff);  // NaN of inf and NaN
}

/// Within 2 ulp, like the quotient below; the rounded ones have a slow way each, once per score.
FX_DEVICE float root_approx(float x) {
    float y;
    asm("sqrt.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
FX_DEVICE float quotient_approx(float x, float y) {
    float z;
    asm("div.full.f32 %0, %1, %2;" : "=f"(z) : "f"(x), "f"(y));
    return z;
}

/// The forms that score_mods use, beside fine's and fast's own.
namespace approximate {
FX_DEVICE float fx_exp2(float x) { return exp2_approx(x); }
FX_DEVICE float fx_exp(float x) { return exp2_approx(x * kLog2e); }
FX_DEVICE float fx_sin(float x) { return sine_of_quarters(x, 0); }
FX_DEVICE float fx_cos(float x) { return sine_of_quarters(x, 1); }
FX_DEVICE float fx_sqrt(float x) { return root_approx(x); }
FX_DEVICE float fx_div(float x, float y) { return quotient_approx(x, y); }
FX_DEVICE double fx_exp2(double x) { return exact::fx_exp2(x); }
FX_DEVICE double fx_exp(double x) { return exact::fx_exp(x); }
FX_DEVICE double fx_sin(double x) { return exact::fx_sin(x); }
FX_DEVICE double fx_cos(double x) { return exact::fx_cos(x); }
FX_DEVICE double fx_sqrt(double x) { return exact::fx_sqrt(x); }
FX_DEVICE double fx_div(double x, double y) { return exact::fx_div(x, y); }
}  // namespace approximate

/// For f16: within 1e-7 of the range, by two instructions of the special function unit.
namespace fine {
using namespace approximate;
FX_DEVICE float fx_sigmoid(float x) { return reciprocal_approx(1.0f + exp2_approx(x * -kLog2e)); }
FX_DEVICE float fx_tanh(float x) { return __fmaf_rn(2.0f, fx_sigmoid(2.0f * x), -1.0f); }
FX_DEVICE double fx_sigmoid(double x) { return exact::fx_sigmoid(x); }
FX_DEVICE double fx_tanh(double x) { return exact::fx_tanh(x); }
}  // namespace fine

/// For bf16.
namespace fast {
using namespace approximate;
/// One instruction; relative error 2^-11, a quarter of the rounding of bf16.
FX_DEVICE float fx_tanh(float x) {
    float y;
    asm("tanh.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
FX_DEVICE float fx_sigmoid(float x) { return __fmaf_rn(0.5f, fx_tanh(0.5f * x), 0.5f); }
FX_DEVICE double fx_tanh(double x) { return exact::fx_tanh(x); }
FX_DEVICE double fx_sigmoid(double x) { return exact::fx_sigmoid(x); }
}  // namespace fast

// ---- casts: to integers towards zero, saturating, NaN to 0 -------------------------------------

template <class To, class From>
struct Cast {
    static FX_DEVICE To of(From x) { return static_cast<To>(x); }
};
template <class From>
struct Cast<bool, From> {
    static FX_DEVICE bool of(From x) { return x != From(0); }
};
template <>
struct Cast<int, float> {
    static FX_DEVICE int of(float x) { return x != x ? 0 : __float2int_rz(x); }
};
template <>
struct Cast<int, double> {
    static FX_DEVICE int of(double x) { return x != x ? 0 : __double2int_rz(x); }
};
template <>
struct Cast<i64, float> {
    static FX_DEVICE i64 of(float x) { return x != x ? 0 : __float2ll_rz(x); }
};
template <>
struct Cast<i64, double> {
    static FX_DEVICE i64 of(double x) { return x != x ? 0 : __double2ll_rz(x); }
};
template <class To, class From>
FX_DEVICE To fx_cast(From x) {
    return Cast<To, From>::of(x);
}

// ---- captured buffers ---------------------------------------------------------------------------

/// A negative index counts from the end once, then the index is clamped.
FX_DEVICE i64 fx_index(i64 i, u64 extent) {
    const i64 last = static_cast<i64>(extent) - 1;
    i = i < 0 ? i + last + 1 : i;
    return i < 0 ? 0 : i > last ? last : i;
}
/// An index that is in range at every position that exists.
FX_DEVICE i64 fx_index_near(i64 i, u64 extent) {
    const i64 last = static_cast<i64>(extent) - 1;
    return i < 0 ? 0 : i > last ? last : i;
}
template <class T>
FX_DEVICE T read_only(u64 data, i64 at) {
    return __ldg(reinterpret_cast<const T*>(data) + at);
}
FX_DEVICE float fx_load_f32(u64 data, i64 at) { return read_only<float>(data, at); }
FX_DEVICE double fx_load_f64(u64 data, i64 at) { return read_only<double>(data, at); }
FX_DEVICE float fx_load_bf16(u64 data, i64 at) {
    return __uint_as_float(u32(read_only<u16>(data, at)) << 16);
}
FX_DEVICE float fx_load_f16(u64 data, i64 at) {
    float x;
    const u16 bits = read_only<u16>(data, at);
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
    return x;
}
FX_DEVICE i64 fx_load_i64(u64 data, i64 at) { return read_only<i64>(data, at); }
FX_DEVICE int fx_load_i32(u64 data, i64 at) { return read_only<int>(data, at); }
FX_DEVICE int fx_load_i16(u64 data, i64 at) { return read_only<short>(data, at); }
FX_DEVICE int fx_load_i8(u64 data, i64 at) { return read_only<signed char>(data, at); }
FX_DEVICE int fx_load_u8(u64 data, i64 at) { return read_only<u8>(data, at); }
FX_DEVICE bool fx_load_bool(u64 data, i64 at) { return read_only<u8>(data, at) != 0; }

FX_DEVICE float fx_scalar_f32(u64 word) { return __uint_as_float(u32(word)); }
FX_DEVICE double fx_scalar_f64(u64 word) { return __longlong_as_double(i64(word)); }
FX_DEVICE int fx_scalar_i32(u64 word) { return static_cast<int>(u32(word)); }
FX_DEVICE i64 fx_scalar_i64(u64 word) { return static_cast<i64>(word); }
FX_DEVICE bool fx_scalar_bool(u64 word) { return word != 0; }

// ---- limits: comparisons of linear forms as comparisons with constants -------------------------

/// x - y saturated to +-2^30, so that a small constant can be added to both sides.
FX_DEVICE int fx_distance(i64 x, i64 y) {
    constexpr i64 kFar = 1 << 30;
    if (x < 0 != y < 0) {  // the difference may leave 64 bits, its sign is that of x
        const u64 gap = x < 0 ? u64(y) - u64(x) : u64(x) - u64(y);
        return static_cast<int>(gap > u64(kFar) ? (x < 0 ? -kFar : kFar) : x - y);
    }
    const i64 gap = x - y;
    return static_cast<int>(gap > kFar ? kFar : gap < -kFar ? -kFar : gap);
}

// ---- values staged in shared memory ------------------------------------------------------------

FX_DEVICE void fx_stage(u32 at, float x) {
    asm volatile("st.shared.f32 [%0], %1;" ::"r"(at), "f"(x) : "memory");
}
FX_DEVICE void fx_stage(u32 at, double x) {
    asm volatile("st.shared.f64 [%0], %1;" ::"r"(at), "d"(x) : "memory");
}
FX_DEVICE void fx_stage(u32 at, int x) {
    asm volatile("st.shared.b32 [%0], %1;" ::"r"(at), "r"(x) : "memory");
}
FX_DEVICE void fx_stage(u32 at, i64 x) {
    asm volatile("st.shared.b64 [%0], %1;" ::"r"(at), "l"(x) : "memory");
}
template <class T>
struct Pair {
    T at[2];
};
template <class T>
FX_DEVICE T fx_staged(u32 at);
template <>
FX_DEVICE float fx_staged<float>(u32 at) {
    float x;
    asm volatile("ld.shared.f32 %0, [%1];" : "=f"(x) : "r"(at));
    return x;
}
template <>
FX_DEVICE double fx_staged<double>(u32 at) {
    double x;
    asm volatile("ld.shared.f64 %0, [%1];" : "=d"(x) : "r"(at));
    return x;
}
template <>
FX_DEVICE int fx_staged<int>(u32 at) {
    int x;
    asm volatile("ld.shared.b32 %0, [%1];" : "=r"(x) : "r"(at));
    return x;
}
template <>
FX_DEVICE i64 fx_staged<i64>(u32 at) {
    i64 x;
    asm volatile("ld.shared.b64 %0, [%1];" : "=l"(x) : "r"(at));
    return x;
}
/// Two neighbours; `at` is aligned to both.
template <class T>
FX_DEVICE Pair<T> fx_staged_pair(u32 at);
template <>
FX_DEVICE Pair<float> fx_staged_pair<float>(u32 at) {
    Pair<float> x;
    asm volatile("ld.shared.v2.f32 {%0, %1}, [%2];" : "=f"(x.at[0]), "=f"(x.at[1]) : "r"(at));
    return x;
}
template <>
FX_DEVICE Pair<int> fx_staged_pair<int>(u32 at) {
    Pair<int> x;
    asm volatile("ld.shared.v2.b32 {%0, %1}, [%2];" : "=r"(x.at[0]), "=r"(x.at[1]) : "r"(at));
    return x;
}
template <>
FX_DEVICE Pair<double> fx_staged_pair<double>(u32 at) {
    Pair<double> x;
    asm volatile("ld.shared.v2.f64 {%0, %1}, [%2];" : "=d"(x.at[0]), "=d"(x.at[1]) : "r"(at));
    return x;
}
template <>
FX_DEVICE Pair<i64> fx_staged_pair<i64>(u32 at) {
    Pair<i64> x;
    asm volatile("ld.shared.v2.b64 {%0, %1}, [%2];" : "=l"(x.at[0]), "=l"(x.at[1]) : "r"(at));
    return x;
}

}  // namespace flexion::cuda
