// SPDX-License-Identifier: Apache-2.0
// The whole translation unit of a kernel, and the configurations that it may be compiled as.
#pragma once

#include <string>
#include <vector>

#include "backend/cuda/emit/mod_emitter.h"
#include "backend/cuda/emit/schedule.h"
#include "plan/problem.h"

namespace flexion::cuda {

/// The kernel's name in the source and the cubin.
inline constexpr const char* kKernelName = "flexion_forward";

struct KernelSource {
    std::string text;  ///< compile with -DFX_CANDIDATE=i, i an index of `candidates`
    std::vector<Schedule> candidates;  ///< best first
    StagedBytes staged;
};

/// Pure: depends on the problem, the functions of the mods and this version of Flexion alone.
KernelSource emit_forward(const plan::Problem& problem, const plan::Mods& mods);

}  // namespace flexion::cuda
