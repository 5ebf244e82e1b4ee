// SPDX-License-Identifier: Apache-2.0
// The backward pass on the CPU: five products around the compiled backward pass.
#pragma once

#include "backend/backend.h"
#include "backend/cpu/tile_abi.h"

namespace flexion::cpu {

/// Runs a validated call (plan/launch.h). Asks `kernels` for TileKernels of direction backward,
/// masked where the mask has partial blocks and a mask_mod. Results are bitwise equal for any
/// executor. Fills isa, scratch_bytes (of the call, with the tile scratch of one thread) and
/// visited_scores of the call's info.
void backward(const plan::BackwardArgs& args, backend::KernelProvider& kernels,
              Isa isa = detect_isa());

}  // namespace flexion::cpu
