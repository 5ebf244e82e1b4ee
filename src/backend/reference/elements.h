// SPDX-License-Identifier: Apache-2.0
// Elements of a floating-point tensor as doubles, read exactly and written correctly rounded.
#pragma once

#include <cstdint>

#include <flexion/tensor.h>

namespace flexion::reference {

/// Element number `offset` (counted from `view.data`) of an f32, f64, bf16 or f16 tensor.
double read_element(const TensorView& view, std::int64_t offset);

/// Stores `value` rounded once, to nearest, ties to even.
void write_element(const TensorView& view, std::int64_t offset, double value);

}  // namespace flexion::reference
