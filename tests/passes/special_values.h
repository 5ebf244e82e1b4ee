// SPDX-License-Identifier: Apache-2.0
// Values of each type at which ops change their behaviour, as the bits of constants.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "ir/function.h"
#include "seed.h"

namespace flexion::test {

inline constexpr ir::Type kTypes[] = {ir::Type::f32, ir::Type::f64, ir::Type::i32, ir::Type::i64,
                                      ir::Type::boolean};

inline std::uint64_t bits_of(ir::Type type, double x) {
    switch (type) {
        case ir::Type::f32:
            return std::bit_cast<std::uint32_t>(static_cast<float>(x));
        case ir::Type::f64:
            return std::bit_cast<std::uint64_t>(x);
        case ir::Type::i32:
            return static_cast<std::uint32_t>(static_cast<std::int32_t>(x));
        default:
            return static_cast<std::uint64_t>(static_cast<std::int64_t>(x));
    }
}
inline double real_from(ir::Type type, std::uint64_t bits) {
    return type == ir::Type::f32 ? std::bit_cast<float>(static_cast<std::uint32_t>(bits))
                                 : std::bit_cast<double>(bits);
}
inline std::int64_t integer_from(ir::Type type, std::uint64_t bits) {
    return type == ir::Type::i32 ? static_cast<std::int32_t>(bits)
                                 : static_cast<std::int64_t>(bits);
}

inline std::vector<std::uint64_t> special_bits(ir::Type type) {
    std::vector<std::uint64_t> values;
    if (type == ir::Type::boolean) return {0, 1};
    for (double x : {-129, -128, -127, -64, -17, -8, -7, -4, -3, -2,  -1,  0,   1,   2,    3,
                     4,    5,    7,    8,   16,  31, 32, 63, 64, 100, 127, 128, 255, 65536})
        values.push_back(bits_of(type, x));
    if (type == ir::Type::i32) {
        for (std::int32_t x : {INT32_MIN, INT32_MIN + 1, -65536, INT32_MAX - 1, INT32_MAX})
            values.push_back(static_cast<std::uint32_t>(x));
    } else if (type == ir::Type::i64) {
        for (std::int64_t x : {INT64_MIN, INT64_MIN + 1, INT64_C(-1) << 32, INT64_C(-2147483649),
                               INT64_C(-2147483648), INT64_C(2147483647), INT64_C(2147483648),
                               INT64_C(1) << 32, INT64_MAX - 1, INT64_MAX})
            values.push_back(static_cast<std::uint64_t>(x));
    } else {
        const double most = type == ir::Type::f32 ? std::numeric_limits<float>::max()
                                                  : std::numeric_limits<double>::max();
        const double least = type == ir::Type::f32 ? std::numeric_limits<float>::denorm_min()
                                                   : std::numeric_limits<double>::denorm_min();
        for (double x : {0.5, 1.5, 2.5, 0.3, 1e-3, 88.9, 710.0, 2147483648.0, 9.3e18, most, least,
                         static_cast<double>(INFINITY)}) {
            values.push_back(bits_of(type, x));
            values.push_back(bits_of(type, -x));
        }
        values.push_back(bits_of(type, -0.0));
        values.push_back(bits_of(type, NAN));
    }
    return values;
}

}  // namespace flexion::test
