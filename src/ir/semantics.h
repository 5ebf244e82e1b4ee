// SPDX-License-Identifier: Apache-2.0
// What every op means: total functions, the same in the interpreter, in folding and in emitted
// code. Floats of 32 bits go through double where that gives the correctly rounded result or very
// nearly.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace flexion::ir::sem {

template <class T>
concept Whole = std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t>;
template <class T>
concept Real = std::same_as<T, float> || std::same_as<T, double>;
template <Whole T>
using Bits = std::make_unsigned_t<T>;

template <Whole T>
inline constexpr T kLowest = std::numeric_limits<T>::min();
template <Whole T>
inline constexpr int kWidth = sizeof(T) * 8;

// ---- arithmetic: integers wrap ----
template <Whole T>
constexpr T add(T x, T y) {
    return static_cast<T>(static_cast<Bits<T>>(x) + static_cast<Bits<T>>(y));
}
template <Whole T>
constexpr T sub(T x, T y) {
    return static_cast<T>(static_cast<Bits<T>>(x) - static_cast<Bits<T>>(y));
}
template <Whole T>
constexpr T mul(T x, T y) {
    return static_cast<T>(static_cast<Bits<T>>(x) * static_cast<Bits<T>>(y));
}
template <Whole T>
constexpr T neg(T x) {
    return sub(T{0}, x);
}
template <Whole T>
constexpr T abs(T x) {
    return x < 0 ? neg(x) : x;
}
template <Whole T>
constexpr T min(T x, T y) {
    return x < y ? x : y;
}
template <Whole T>
constexpr T max(T x, T y) {
    return x > y ? x : y;
}

template <Real T>
constexpr T add(T x, T y) {
    return x + y;
}
template <Real T>
constexpr T sub(T x, T y) {
    return x - y;
}
template <Real T>
constexpr T mul(T x, T y) {
    return x * y;
}
template <Real T>
constexpr T neg(T x) {
    return -x;
}
template <Real T>
T abs(T x) {
    return std::fabs(x);
}
/// IEEE 754-2019 minimum and maximum: a NaN of either operand wins, -0 is below +0.
template <Real T>
T min(T x, T y) {
    if (std::isnan(x) || std::isnan(y)) return x + y;
    if (x == y) return std::signbit(x) ? x : y;
    return x < y ? x : y;
}
template <Real T>
T max(T x, T y) {
    if (std::isnan(x) || std::isnan(y)) return x + y;
    if (x == y) return std::signbit(x) ? y : x;
    return x > y ? x : y;
}

// ---- division: by zero gives 0, the lowest value over -1 wraps ----
template <Whole T>
constexpr T truncdiv(T x, T y) {
    if (y == 0) return 0;
    if (y == -1) return neg(x);
    return x / y;
}
template <Whole T>
constexpr T rem(T x, T y) {
    if (y == 0 || y == -1) return 0;
    return x % y;
}
template <Whole T>
constexpr T floordiv(T x, T y) {
    const T quotient = truncdiv(x, y);
    const T rest = rem(x, y);
    return rest != 0 && (rest < 0) != (y < 0) ? quotient - 1 : quotient;
}
template <Whole T>
constexpr T mod(T x, T y) {
    const T rest = rem(x, y);
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}
template <Real T>
T truncdiv(T x, T y) {
    return std::trunc(x / y);
}
template <Real T>
T floordiv(T x, T y) {
    return std::floor(x / y);
}
template <Real T>
T rem(T x, T y) {
    return std::fmod(x, y);
}
template <Real T>
T mod(T x, T y) {
    const T rest = std::fmod(x, y);
    return rest != 0 && std::signbit(rest) != std::signbit(y) ? rest + y : rest;
}

// ---- shifts: the amount is unsigned, so a negative one is beyond the width ----
template <Whole T>
constexpr T shl(T x, T y) {
    if (static_cast<Bits<T>>(y) >= static_cast<Bits<T>>(kWidth<T>)) return 0;
    return static_cast<T>(static_cast<Bits<T>>(x) << y);
}
template <Whole T>
constexpr T shr(T x, T y) {
    if (static_cast<Bits<T>>(y) >= static_cast<Bits<T>>(kWidth<T>)) return x < 0 ? -1 : 0;
    return x >> y;
}

// ---- functions ----
#define FLEXION_REAL_FUNCTION(name)                                                              \
    inline float name(float x) { return static_cast<float>(std::name(static_cast<double>(x))); } \
    inline double name(double x) { return std::name(x); }
FLEXION_REAL_FUNCTION(exp)
FLEXION_REAL_FUNCTION(exp2)
FLEXION_REAL_FUNCTION(expm1)
FLEXION_REAL_FUNCTION(log)
FLEXION_REAL_FUNCTION(log2)
FLEXION_REAL_FUNCTION(log1p)
FLEXION_REAL_FUNCTION(tanh)
FLEXION_REAL_FUNCTION(sin)
FLEXION_REAL_FUNCTION(cos)
FLEXION_REAL_FUNCTION(erf)
#undef FLEXION_REAL_FUNCTION

template <Real T>
T rsqrt(T x) {
    return static_cast<T>(1 / std::sqrt(static_cast<double>(x)));
}
template <Real T>
T sigmoid(T x) {
    return static_cast<T>(1 / (1 + std::exp(-static_cast<double>(x))));
}
template <Real T>
T pow(T x, T y) {
    // std::pow gives NaN here for signalling NaNs; what an op means depends on no payload.
    if (x == 1 || y == 0) return 1;
    return static_cast<T>(std::pow(static_cast<double>(x), static_cast<double>(y)));
}
/// By squaring, wrapping; a negative power is the truncated reciprocal: 0 unless x is 1 or -1.
template <Whole T>
constexpr T pow(T x, T y) {
    if (y < 0) return x == 1 ? 1 : x == -1 ? ((y & 1) != 0 ? -1 : 1) : 0;
    T result = 1;
    for (; y != 0; y >>= 1) {
        if ((y & 1) != 0) result = mul(result, x);
        x = mul(x, x);
    }
    return result;
}

// ---- conversion ----
/// Integers to narrower ones wrap; floats to integers truncate and saturate, NaN gives 0; to bool
/// is x != 0 (NaN is true); to floats rounds to nearest even.
template <class To, class From>
constexpr To cast(From x) {
    if constexpr (std::same_as<To, bool>) {
        return x != 0;
    } else if constexpr (Whole<To> && Real<From>) {
        // 2^(width-1) is exact in both float types.
        constexpr From kBound = static_cast<From>(std::uint64_t{1} << (kWidth<To> - 1));
        if (!(x == x)) return 0;
        if (x >= kBound) return std::numeric_limits<To>::max();
        if (x < -kBound) return kLowest<To>;
        return static_cast<To>(x);
    } else {
        return static_cast<To>(x);
    }
}

}  // namespace flexion::ir::sem
