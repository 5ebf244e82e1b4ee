// SPDX-License-Identifier: Apache-2.0
// The columns of a block mask as runs of query blocks: what a backward pass over keys iterates.
#pragma once

#include <cstdint>
#include <span>

#include <flexion/block_mask.h>

#include "mask/runs.h"

namespace flexion::mask {

/// A block mask by key/value blocks. A BlockRun here counts query blocks.
struct ColumnRuns {
    std::int64_t kv_blocks = 0;
    std::int64_t plane_stride_b = 0, plane_stride_h = 0;
    RunRows rows;  ///< planes * kv_blocks rows

    /// The runs of one column of blocks, ascending and disjoint; b < B(), h < H().
    std::span<const BlockRun> column(std::int64_t b, std::int64_t h, std::int64_t column) const {
        return rows.row((b * plane_stride_b + h * plane_stride_h) * kv_blocks + column);
    }
};

/// Made in time and memory proportional to the runs of rows and of columns, not to the blocks.
ColumnRuns transpose(const BlockMask& mask);

}  // namespace flexion::mask
