// SPDX-License-Identifier: Apache-2.0
// The forward pass on the CPU: block lists, tiles and threads around the micro-kernels and the
// compiled tile pass.
#pragma once

#include "backend/backend.h"
#include "backend/cpu/tile_abi.h"

namespace flexion::cpu {

/// Runs a validated call (plan/launch.h). Asks `kernels` for TileKernels (tile_kernel.h) of
/// direction forward: the stream map where few_queries(isa, q_len) says so, the panel map else;
/// masked where the mask has partial blocks and a mask_mod. Results are bitwise equal for any
/// executor. Fills isa, scratch_bytes and visited_scores of args.info.
void forward(const plan::LaunchArgs& args, backend::KernelProvider& kernels,
             Isa isa = detect_isa());

/// True when lanes run along keys: so few queries that a panel's lanes would stay empty.
bool few_queries(Isa isa, std::int64_t q_len);

}  // namespace flexion::cpu
