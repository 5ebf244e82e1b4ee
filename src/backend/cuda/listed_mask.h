// SPDX-License-Identifier: Apache-2.0
// Lists that are the mask, as a mask_mod: what kernels evaluate where a tile does not lie within
// blocks of the lists.
#pragma once

#include "ir/function.h"
#include "plan/problem.h"

namespace flexion::cuda {

/// keep = @listed[b, h, q // %block_q, k // %block_kv]; a broadcast dimension has stride 0.
const ir::Function& listed_mask();

/// `mods` with the function that a kernel for `problem` evaluates as its mask, if any.
plan::Mods evaluated_mods(const plan::Problem& problem, const plan::Mods& mods);

}  // namespace flexion::cuda
