// SPDX-License-Identifier: Apache-2.0
// The two 16-bit float formats as storage types, with scalar conversions (round to nearest even).
#pragma once

#include <cstdint>
#include <cstring>

namespace flexion::cpu {

struct Bf16 {
    std::uint16_t bits;
};
struct Half {  // IEEE binary16
    std::uint16_t bits;
};

// `static`: these files are compiled once per instruction set, and a linker must not hand one set's
// copy to another.
static inline std::uint32_t bits_of(float x) {
    std::uint32_t u;
    std::memcpy(&u, &x, sizeof u);
    return u;
}
static inline float float_of(std::uint32_t u) {
    float x;
    std::memcpy(&x, &u, sizeof x);
    return x;
}

static inline float to_float(Bf16 x) { return float_of(static_cast<std::uint32_t>(x.bits) << 16); }
static inline Bf16 to_bf16(float x) {
    const std::uint32_t u = bits_of(x);
    if (x != x) return {static_cast<std::uint16_t>(u >> 16 | 0x40)};  // a quiet NaN stays one
    return {static_cast<std::uint16_t>((u + 0x7fff + (u >> 16 & 1)) >> 16)};
}

static inline float to_float(Half x) {
    const std::uint32_t sign = static_cast<std::uint32_t>(x.bits & 0x8000) << 16;
    const std::uint32_t magnitude = x.bits & 0x7fff;
    if (magnitude >= 0x7c00) return float_of(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
    // 2^112 moves the exponent's bias from 15 to 127, and makes subnormals normal.
    return float_of(sign | bits_of(float_of(magnitude << 13) * 0x1p112f));
}
static inline Half to_half(float x) {
    const std::uint32_t u = bits_of(x), sign = u >> 16 & 0x8000;
    const float magnitude = float_of(u & 0x7fffffff);
    if (magnitude != magnitude) return {static_cast<std::uint16_t>(sign | 0x7e00)};
    if (magnitude >= 65520.f) return {static_cast<std::uint16_t>(sign | 0x7c00)};
    if (magnitude <
        0x1p-14f) {  // subnormal: adding 0.5 leaves the multiple of 2^-24 in the low bits
        const std::uint32_t sum = bits_of(magnitude + 0.5f);
        return {static_cast<std::uint16_t>(sign | (sum - bits_of(0.5f)))};
    }
    const std::uint32_t m = bits_of(magnitude) - (112u << 23);
    return {static_cast<std::uint16_t>(sign | (m + 0xfff + (m >> 13 & 1)) >> 13)};
}

}  // namespace flexion::cpu
