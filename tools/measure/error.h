// SPDX-License-Identifier: Apache-2.0
// How far a result is from the reference back end.
#pragma once

#include <cmath>

#include <flexion/attention.h>

#include "measure/tensor.h"

namespace flexion::measure {

/// Raises `largest` to |got - want|; NaN where only one of the two is NaN, and then for good.
inline void include(double got, double want, double& largest) {
    if (std::isnan(got) && std::isnan(want)) return;
    if (!(std::abs(got - want) <= largest)) largest = std::abs(got - want);
}

/// The largest difference of `out` from the reference over sampled query rows of every head; NaN
/// where only one of the two is NaN. `options` are those of the call; mask_mod is its block_mask's.
double error_against_reference(const Tensors& tensors, const AttentionOptions& options,
                               const MaskMod& mask_mod);

}  // namespace flexion::measure
