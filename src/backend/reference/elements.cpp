// SPDX-License-Identifier: Apache-2.0
// Conversion between doubles and the floating-point element types.
#include "backend/reference/elements.h"

#include <cmath>

#include "support/dtype.h"
#include "support/fail.h"

namespace flexion::reference {
namespace {

// Rounds to f32 "to odd": towards zero, with the last bit set when that was inexact. A second
// rounding to a format of at most 22 bits then gives what one rounding of `value` would (Boldo and
// Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
float to_odd(double value) {
    const float nearest = static_cast<float>(value);
    if (std::isnan(value) || static_cast<double>(nearest) == value) return nearest;
    float lower = nearest;
    if (std::fabs(static_cast<double>(nearest)) > std::fabs(value)) {
        lower = std::nextafter(nearest, 0.0f);
    }
    const auto bits = std::bit_cast<std::uint32_t>(lower);
    return std::bit_cast<float>(bits | 1u);
}

}  // namespace

double read_element(const TensorView& view, std::int64_t offset) {
    switch (view.dtype) {
        case DType::f32:
            return static_cast<const float*>(view.data)[offset];
        case DType::f64:
            return static_cast<const double*>(view.data)[offset];
        case DType::bf16:
            return bf16_to_float(static_cast<const std::uint16_t*>(view.data)[offset]);
        case DType::f16:
            return f16_to_float(static_cast<const std::uint16_t*>(view.data)[offset]);
        default:
            break;
    }
    fail<InternalError>("flexion: reference: cannot read {}", name_of(view.dtype));
}

void write_element(const TensorView& view, std::int64_t offset, double value) {
    switch (view.dtype) {
        case DType::f32:
            static_cast<float*>(view.data)[offset] = static_cast<float>(value);
            return;
        case DType::f64:
            static_cast<double*>(view.data)[offset] = value;
            return;
        case DType::bf16:
            static_cast<std::uint16_t*>(view.data)[offset] = float_to_bf16(to_odd(value));
            return;
        case DType::f16:
            static_cast<std::uint16_t*>(view.data)[offset] = float_to_f16(to_odd(value));
            return;
        default:
            break;
    }
    fail<InternalError>("flexion: reference: cannot write {}", name_of(view.dtype));
}

}  // namespace flexion::reference
