// SPDX-License-Identifier: Apache-2.0
// From a problem and its mods to the text of one compiled function.
#pragma once

#include "backend/backend.h"
#include "backend/cpu/tile_abi.h"

namespace flexion::cpu {

/// LLVM IR of the tile pass (direction forward), backward pass or mask pass (mask_leaf);
/// Source::name is its symbol, Source::flags is left empty. Pure. The functions of `mods` are taken
/// as they are; of their captures only what the functions declare matters.
backend::Source emit(const plan::Problem& problem, const plan::Mods& mods, Isa isa);

/// How the names of MaskPasses and BackwardPasses begin; other names are of TilePasses.
inline constexpr const char* kMaskPassPrefix = "mask_leaf";
inline constexpr const char* kBackwardPassPrefix = "backward";

}  // namespace flexion::cpu
