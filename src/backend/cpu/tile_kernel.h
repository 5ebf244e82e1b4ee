// SPDX-License-Identifier: Apache-2.0
// A loaded tile or mask pass: what the code generator hands to the drivers, and how a call's
// captures become the words that it reads.
#pragma once

#include <cstddef>

#include "backend/backend.h"
#include "backend/cpu/tile_abi.h"

namespace flexion::cpu {

/// Filled by whoever derives from it and owns the code. `tile` for forward problems, `mask` for
/// mask_leaf problems; the other one is null.
class TileKernel : public backend::Kernel {
public:
    TilePass tile = nullptr;
    MaskPass mask = nullptr;
    const void* vector_functions = nullptr;  ///< word 0 of the captures; null: the code calls none
};

/// Number of words of a call's captures, word 0 included.
std::size_t capture_words(const plan::Mods& mods);

/// Writes all words. A kernel without the mask reads a prefix of the masked one's words, so that
/// one array serves both.
void pack_captures(const plan::Mods& mods, const void* vector_functions, Word* words);

}  // namespace flexion::cpu
