// SPDX-License-Identifier: Apache-2.0
// Descriptions of tensors for the copy engine.
#pragma once

#include <flexion/tensor.h>

#include "backend/cuda/driver.h"

namespace flexion::cuda {

/// A [B, H, S, D] tensor of 16-bit elements in boxes of `rows` by 64 elements, swizzled by 128
/// bytes; what lies outside reads as zero. Encoded once for each thread's recent tensors. `name`
/// is q, k, v or out. Unsupported where rows do not begin at multiples of 16 bytes.
TensorMapImage tensor_map(const char* name, const TensorView& t, int rows);

}  // namespace flexion::cuda
