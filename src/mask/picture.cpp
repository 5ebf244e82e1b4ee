// SPDX-License-Identifier: Apache-2.0
// Pictures of a block mask in text, glyph for glyph as torch prints them.
#include <algorithm>
#include <string>
#include <vector>

#include <flexion/error.h>

#include "mask/grid.h"
#include "mask/rep.h"
#include "support/format.h"

namespace flexion {
namespace mask {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Calls add(cell, blocks) for the cells of `columns` blocks that [begin, end) touches.
template <class F>
void spread(std::int64_t begin, std::int64_t end, std::int64_t step, F&& add) {
    for (std::int64_t x = begin; x < end;) {
        const std::int64_t cell = x / step;
        const std::int64_t next = std::min(end, (cell + 1) * step);
        add(cell, next - x);
        x = next;
    }
}

/// One picture: each cell twice, so that it looks square in a terminal.
std::string draw(const Grid& grid) {
    std::string picture;
    for (std::int64_t r = 0; r < grid.rows; ++r) {
        for (std::int64_t c = 0; c < grid.columns; ++c) {
            const Cell& cell = grid.at(r, c);
            const std::int64_t listed = cell.full + cell.partial;
            picture += listed == 0 ? "  " : listed == cell.blocks ? "\u2588\u2588" : "\u2591\u2591";
        }
        picture += '\n';
    }
    return picture;
}

}  // namespace

Grid count_cells(const BlockMask& mask, std::int64_t b, std::int64_t h, std::int64_t row_step,
                 std::int64_t column_step) {
    const BlockMask::Rep& rep = mask.rep();
    const std::int64_t rows = rep.q_blocks(), columns = rep.kv_blocks();
    Grid grid;
    grid.rows = ceil_div(rows, row_step);
    grid.columns = ceil_div(columns, column_step);
    grid.cells.resize(grid.rows * grid.columns);
    for (std::int64_t r = 0; r < rows; ++r) {
        Cell* cells = grid.cells.data() + r / row_step * grid.columns;
        for (const BlockRun& run : mask.row(b, h, r)) {
            spread(run.begin(), run.end(), column_step, [&](std::int64_t c, std::int64_t n) {
                (run.full() ? cells[c].full : cells[c].partial) += n;
            });
        }
        for (const BlockRun& run : rep.evaluated.row(rep.plane(b, h) * rows + r)) {
            spread(run.begin(), run.end(), column_step,
                   [&](std::int64_t c, std::int64_t n) { cells[c].evaluated += n; });
        }
    }
    for (std::int64_t r = 0; r < grid.rows; ++r) {
        const std::int64_t height = std::min(row_step, rows - r * row_step);
        for (std::int64_t c = 0; c < grid.columns; ++c) {
            grid.cells[r * grid.columns + c].blocks =
                height * std::min(column_step, columns - c * column_step);
        }
    }
    return grid;
}

}  // namespace mask

std::string BlockMask::to_string(int grid_rows, int grid_cols, int limit) const {
    const auto step = [](std::int64_t blocks, int cells) {
        if (cells < -1 || cells == 0) {
            throw UserError(formatted(
                "BlockMask::to_string: got a grid of {}; give a number of cells, or -1 for one "
                "cell a block.",
                cells));
        }
        return cells == -1 ? 1 : std::max<std::int64_t>(1, mask::ceil_div(blocks, cells));
    };
    const std::int64_t row_step = step(q_blocks(), grid_rows);
    const std::int64_t column_step = step(kv_blocks(), grid_cols);
    std::string text;
    int pictures = 0;
    for (std::int64_t b = 0; b < B(); ++b) {
        for (std::int64_t h = 0; h < H(); ++h, ++pictures) {
            if (pictures > 0) text += '\n';
            if (pictures == limit) {
                return text +
                       "...\nTo print out more, set BlockMask.to_string(limit=N)\n"
                       "You can also index (BlockMask[batch, head]) to choose a specific batch or "
                       "head";
            }
            text += formatted("({}, {})\n", b, h) +
                    mask::draw(mask::count_cells(*this, b, h, row_step, column_step));
        }
    }
    return text;
}

std::string BlockMask::str() const {
    std::string pictures = to_string();
    const std::size_t last = pictures.find_last_not_of(" \n");
    pictures.resize(last == std::string::npos ? 0 : last + 1);
    return formatted("BlockMask(shape=({}, {}, {}, {}), sparsity={:.2f}%, \n{}\n)", B(), H(),
                     q_len(), kv_len(), sparsity(), pictures);
}

}  // namespace flexion
