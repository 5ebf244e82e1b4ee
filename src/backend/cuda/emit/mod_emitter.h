// SPDX-License-Identifier: Apache-2.0
// CUDA C++ of a score_mod and a mask_mod: the Captures and Mod that sm90_forward.cuh calls.
#pragma once

#include <cstdint>
#include <string>

#include "backend/cuda/emit/schedule.h"
#include "plan/problem.h"

namespace flexion::cuda {

struct ModSource {
    std::string text;
    StagedBytes staged;
    bool light = true;  ///< neither staged values nor per-element loads
};

/// Uses the mods, and of the problem `masked`, `assumptions` and `general_scale`.
ModSource emit_mods(const plan::Problem& problem, const plan::Mods& mods);

/// Words of Captures: per buffer of rank r the data pointer, r extents and r strides, then the
/// scalars; score_mod's first, then mask_mod's if the problem is masked.
int capture_words(const plan::Problem& problem, const plan::Mods& mods);

}  // namespace flexion::cuda
