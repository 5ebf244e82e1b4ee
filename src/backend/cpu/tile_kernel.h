// SPDX-License-Identifier: Apache-2.0
// A loaded tile or mask pass: what the code generator hands to the drivers, and how a call's
// captures become the words that it reads.
#pragma once

#include <cstddef>

#include "backend/backend.h"
#include "backend/cpu/tile_abi.h"
#include "plan/buffer_gradients.h"

namespace flexion::cpu {

/// Filled by whoever derives from it and owns the code: `tile` for forward problems, `backward` for
/// backward ones, `mask` for mask_leaf problems and beside the two others in masked kernels of the
/// panel map; what is not there is null.
class TileKernel : public backend::Kernel {
public:
    TilePass tile = nullptr;
    MaskPass mask = nullptr;
    BackwardPass backward = nullptr;
    const void* vector_functions = nullptr;  ///< word 0 of the captures; null: the code calls none
};

/// How the gradient of one gather leaves the tile.
enum class GatherSum : std::uint8_t {
    all,        ///< summed over the tile
    rows,       ///< summed over rows: one value a query
    lanes,      ///< summed over lanes: one value a key
    diagonals,  ///< summed along diagonals, whose elements are known from the affine indices
    written,    ///< each position has its own element, known from the affine indices
    distances,  ///< summed along diagonals, whose elements the offsets tell (buckets of distances)
    scattered,  ///< added one by one
};
GatherSum gather_sum(const plan::Gather& gather, std::uint64_t assumptions);
/// Whether the backward pass writes the offsets of such gathers. (A kernel made without assumptions
/// writes those of all; each gather has a place of its own.)
constexpr bool has_offsets(GatherSum sum) {
    return sum != GatherSum::diagonals && sum != GatherSum::written;
}

/// Number of words of a call's captures, word 0 included.
std::size_t capture_words(const plan::Mods& mods);

/// Writes all words. A kernel without the mask reads a prefix of the masked one's words, so that
/// one array serves both.
void pack_captures(const plan::Mods& mods, const void* vector_functions, Word* words);

}  // namespace flexion::cpu
