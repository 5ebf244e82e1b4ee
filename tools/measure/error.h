// SPDX-License-Identifier: Apache-2.0
// How far a result is from the reference back end.
#pragma once

#include <flexion/attention.h>

#include "measure/tensor.h"

namespace flexion::measure {

/// The largest difference of `out` from the reference over sampled query rows of every head; NaN
/// where only one of the two is NaN. `options` are those of the call; mask_mod is its block_mask's.
double error_against_reference(const Tensors& tensors, const AttentionOptions& options,
                               const MaskMod& mask_mod);

}  // namespace flexion::measure
