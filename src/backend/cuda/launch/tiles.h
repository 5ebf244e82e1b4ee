// SPDX-License-Identifier: Apache-2.0
// A block mask at the granularity of a kernel's tiles.
#pragma once

#include <cstdint>
#include <vector>

#include <flexion/block_mask.h>

#include "backend/cuda/device/params.cuh"
#include "backend/cuda/emit/schedule.h"

namespace flexion::cuda {

/// For every (mask batch, mask head) the rows of tiles, longest first; and their runs.
struct TileLists {
    std::vector<TileRow> rows;
    std::vector<TileRun> runs;
    std::int64_t visited = 0;  ///< tiles, over all rows
};

/// A tile is full when every element of it is real and lies in full blocks, empty when all its real
/// elements lie in no block, else partial. Every block of a mask without a mask_mod is full.
TileLists make_tile_lists(const BlockMask& mask, const Schedule& schedule);

}  // namespace flexion::cuda
