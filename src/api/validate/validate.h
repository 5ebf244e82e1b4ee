// SPDX-License-Identifier: Apache-2.0
// What a call must fulfil before a back end sees it.
#pragma once

#include <flexion/attention.h>
#include <flexion/tensor.h>

namespace flexion {

/// Throws UserError or Unsupported, with a message in the name of flexion::attention, unless the
/// tensors and options of a call fit together.
void validate(const TensorView& q, const TensorView& k, const TensorView& v, const TensorView& out,
              const AttentionOptions& options);

struct BackwardTensors {
    const TensorView &q, &k, &v, &out, &lse, &d_out, &d_q, &d_k, &d_v;
};
/// The same for attention_backward.
void validate_backward(const BackwardTensors& tensors, const BackwardOptions& options);

/// Positions are 32-bit; tiles may reach a little past the last one.
inline constexpr std::int64_t kMaxLength = (std::int64_t{1} << 31) - (std::int64_t{1} << 16);
inline constexpr std::int64_t kMaxHeadDim = 512;

}  // namespace flexion
