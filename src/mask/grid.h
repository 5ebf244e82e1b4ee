// SPDX-License-Identifier: Apache-2.0
// A block mask counted into the cells of a coarser grid, for pictures.
#pragma once

#include <cstdint>
#include <vector>

#include <flexion/block_mask.h>

namespace flexion::mask {

/// How many blocks of each kind lie in a cell; the rest of `blocks` is empty.
struct Cell {
    std::int64_t full = 0, partial = 0, evaluated = 0;
    std::int64_t blocks = 0;
};

/// Cells of row_step x column_step blocks, the last ones smaller; row-major.
struct Grid {
    std::int64_t rows = 0, columns = 0;
    std::vector<Cell> cells;
    const Cell& at(std::int64_t row, std::int64_t column) const {
        return cells[row * columns + column];
    }
};

/// b < B(), h < H(); steps >= 1. Time: runs + cells touched by runs.
Grid count_cells(const BlockMask& mask, std::int64_t b, std::int64_t h, std::int64_t row_step,
                 std::int64_t column_step);

}  // namespace flexion::mask
