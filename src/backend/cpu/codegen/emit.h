// SPDX-License-Identifier: Apache-2.0
// From a problem and its mods to the text of one compiled function.
#pragma once

#include <string_view>

#include "backend/backend.h"
#include "backend/cpu/tile_abi.h"

namespace flexion::cpu {

/// LLVM IR of the tile pass (direction forward), backward pass or mask pass (mask_leaf);
/// Source::name is its symbol, Source::flags is left empty. Pure. The functions of `mods` are taken
/// as they are; of their captures only what the functions declare matters.
backend::Source emit(const plan::Problem& problem, const plan::Mods& mods, Isa isa);

/// The name of MaskPasses, and how those of BackwardPasses begin; other names are of TilePasses.
inline constexpr const char* kMaskPass = "mask_leaf";
inline constexpr const char* kBackwardPassPrefix = "backward";
/// Whether the kernel of that name holds the MaskPass of its mask_mod as well: masked ones of the
/// panel map do.
bool has_mask_pass(std::string_view name);

}  // namespace flexion::cpu
