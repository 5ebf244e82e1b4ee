// SPDX-License-Identifier: Apache-2.0
// Reads of captured buffers by computed indices, safe for any index.
#pragma once

#include <cstdint>

#include <flexion/tensor.h>

#include "ir/function.h"

namespace flexion::ir {

/// offsets[i] += resolved(indices[i]) * stride of dimension `dim`, in elements; an index below 0
/// counts from the end once, then it is clamped. `indices` are of storage type `type`.
void add_offsets(const TensorView& view, int dim, Type type, const void* indices,
                 std::int64_t* offsets, std::int64_t n);

/// out[i] = element at offsets[i], converted to storage type `as`; 0 where the view has no element.
void read_elements(const TensorView& view, const std::int64_t* offsets, Type as, void* out,
                   std::int64_t n);

}  // namespace flexion::ir
