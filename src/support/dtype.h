// SPDX-License-Identifier: Apache-2.0
// Names of element types, and the 16-bit floats as bits.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string_view>

#include <flexion/tensor.h>

namespace flexion {

/// The DType that name_of() calls `name`.
std::optional<DType> find_dtype(std::string_view name);

/// bfloat16 is the upper half of an f32.
inline float bf16_to_float(std::uint16_t bits) {
    return std::bit_cast<float>(std::uint32_t{bits} << 16);
}
/// Rounds to nearest, ties to even; NaN stays NaN (quiet, sign and upper payload kept).
inline std::uint16_t float_to_bf16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7fff'ffffu) > 0x7f80'0000u) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
    return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/// IEEE 754 binary16, subnormals included.
inline float f16_to_float(std::uint16_t bits) {
    const std::uint32_t sign = (bits & 0x8000u) << 16;
    const std::uint32_t rest = bits & 0x7fffu;
    if (rest >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f80'0000u | rest << 13);
    // Moving the exponent field up leaves a value 2^112 too small, exactly; subnormals come out
    // normal. (The float mode must keep subnormals, or they would be lost before the product.)
    const float magnitude = std::bit_cast<float>(rest << 13) * 0x1p112f;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
}
/// Rounds to nearest, ties to even; overflow gives infinity, NaN stays NaN (quiet).
inline std::uint16_t float_to_f16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = bits >> 16 & 0x8000u;
    const std::uint32_t rest = bits & 0x7fff'ffffu;
    if (rest > 0x7f80'0000u) {
        return static_cast<std::uint16_t>(sign | 0x7e00u | (rest >> 13 & 0x3ffu));
    }
    if (rest >= 0x477f'f000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // >= 65520
    if (rest < 0x3880'0000u) {  // below 2^-14: a multiple of 2^-24, rounded by the addition
        const float shifted = std::bit_cast<float>(rest) + 0.5f;  // ulp of [0.5, 1) is 2^-24
        return static_cast<std::uint16_t>(
            sign | (std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(0.5f)));
    }
    const std::uint32_t rounded = rest + 0xfffu + (rest >> 13 & 1u);
    return static_cast<std::uint16_t>(sign | ((rounded - 0x3800'0000u) >> 13));
}

}  // namespace flexion
