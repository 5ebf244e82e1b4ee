// SPDX-License-Identifier: Apache-2.0
// Torch's tables of block indices, both ways.
#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include <flexion/error.h>

#include "mask/rep.h"
#include "mask/transpose.h"
#include "support/format.h"

namespace flexion {
namespace {

/// The table of the runs row_of(b, h, row) that are full, or of those that are not.
template <class RowOf>
BlockTable make_table(std::int64_t B, std::int64_t H, std::int64_t rows, std::int64_t columns,
                      bool full, RowOf&& row_of) {
    BlockTable table;
    table.B = B;
    table.H = H;
    table.rows = rows;
    table.cols = columns;
    table.num_blocks.reserve(B * H * rows);
    table.indices.resize(B * H * rows * columns);
    auto row_begin = table.indices.begin();
    for (std::int64_t b = 0; b < B; ++b) {
        for (std::int64_t h = 0; h < H; ++h) {
            for (std::int64_t r = 0; r < rows; ++r, row_begin += columns) {
                std::int32_t count = 0;
                for (const BlockRun& run : row_of(b, h, r)) {
                    if (run.full() == full) count += run.count();
                }
                table.num_blocks.push_back(count);
                auto listed = row_begin, other = row_begin + count;
                std::int32_t column = 0;
                const auto others_until = [&](std::int32_t end) {
                    std::iota(other, other + (end - column), column);
                    other += end - column;
                    column = end;
                };
                for (const BlockRun& run : row_of(b, h, r)) {
                    if (run.full() != full) continue;
                    others_until(run.begin());
                    std::iota(listed, listed + run.count(), run.begin());
                    listed += run.count();
                    column = run.end();
                }
                others_until(static_cast<std::int32_t>(columns));
            }
        }
    }
    return table;
}

constexpr const char* kWhere = "BlockMask::from_kv_blocks";

void check_table(const BlockTable& table, const char* name) {
    if (table.B < 1 || table.H < 1 || table.rows < 0 || table.cols < 0) {
        throw UserError(
            formatted("{}: the {} table has the shape [{}, {}, {}, {}]; B and H must be at least "
                      "1, rows and cols at least 0.",
                      kWhere, name, table.B, table.H, table.rows, table.cols));
    }
    const std::int64_t rows = table.B * table.H * table.rows;
    if (std::ssize(table.num_blocks) != rows || std::ssize(table.indices) != rows * table.cols) {
        throw UserError(formatted(
            "{}: the {} table of shape [{}, {}, {}, {}] holds {} numbers and {} indices; {} and {} "
            "were expected.",
            kWhere, name, table.B, table.H, table.rows, table.cols, table.num_blocks.size(),
            table.indices.size(), rows, rows * table.cols));
    }
}

std::int64_t check_length(std::optional<std::int64_t> given, std::int64_t blocks,
                          std::int64_t block_size, const char* name) {
    constexpr std::int64_t kMaxLength = std::numeric_limits<std::int32_t>::max();
    if (block_size < 1 || block_size > kMaxLength) {
        throw UserError(formatted("{}: got a block size of {} for {}; it must be in [1, {}].",
                                  kWhere, block_size, name, kMaxLength));
    }
    const std::int64_t length = given                               ? *given
                                : blocks <= kMaxLength / block_size ? blocks * block_size
                                                                    : -1;
    if (length < 0 || length > kMaxLength) {
        throw UserError(formatted(
            "{}: {} must be in [0, {}]; got {}.", kWhere, name, kMaxLength,
            given ? std::to_string(*given) : formatted("{} blocks of {}", blocks, block_size)));
    }
    return length;
}

/// Appends the blocks that row `row` of `table` lists to `blocks`, with the flag.
void collect(const BlockTable& table, const char* name, std::int64_t row, bool full,
             std::int64_t kv_blocks, std::vector<std::pair<std::int32_t, bool>>& blocks) {
    const std::int32_t count = table.num_blocks[row];
    if (count < 0 || count > table.cols) {
        throw UserError(formatted("{}: the {} table lists {} blocks in row {}; it has room for {}.",
                                  kWhere, name, count, row % table.rows, table.cols));
    }
    for (std::int32_t i = 0; i < count; ++i) {
        const std::int32_t index = table.indices[row * table.cols + i];
        if (index < 0 || index >= kv_blocks) {
            throw UserError(
                formatted("{}: the {} table lists block {} in row {}; there are {} blocks of "
                          "keys. Pass kv_len when the table's width is not theirs.",
                          kWhere, name, index, row % table.rows, kv_blocks));
        }
        blocks.emplace_back(index, full);
    }
}

}  // namespace

BlockTable BlockMask::kv_table(bool full) const {
    return make_table(
        B(), H(), q_blocks(), kv_blocks(), full,
        [this](std::int64_t b, std::int64_t h, std::int64_t r) { return row(b, h, r); });
}

BlockTable BlockMask::q_table(bool full) const {
    const mask::ColumnRuns columns = mask::transpose(*this);
    return make_table(B(), H(), kv_blocks(), q_blocks(), full,
                      [&columns](std::int64_t b, std::int64_t h, std::int64_t c) {
                          return columns.column(b, h, c);
                      });
}

BlockMask BlockMask::from_kv_blocks(const BlockTable& partial, const BlockTable* full,
                                    BlockSize block_size, MaskMod mask_mod,
                                    std::optional<std::int64_t> q_len,
                                    std::optional<std::int64_t> kv_len) {
    check_table(partial, "partial");
    if (full != nullptr) {
        check_table(*full, "full");
        if (full->B != partial.B || full->H != partial.H || full->rows != partial.rows) {
            throw UserError(formatted(
                "{}: the full table is for [{}, {}, {}] rows, the partial one for [{}, {}, {}]; "
                "they must agree.",
                kWhere, full->B, full->H, full->rows, partial.B, partial.H, partial.rows));
        }
    }
    auto rep = std::make_shared<Rep>();
    rep->B = partial.B;
    rep->H = partial.H;
    rep->block_size = block_size;
    rep->q_len = check_length(q_len, partial.rows, block_size.q, "q_len");
    rep->kv_len = check_length(kv_len, partial.cols, block_size.kv, "kv_len");
    if (rep->q_blocks() != partial.rows) {
        throw UserError(formatted("{}: the tables have {} rows; q_len={} in blocks of {} has {}.",
                                  kWhere, partial.rows, rep->q_len, block_size.q, rep->q_blocks()));
    }
    rep->mask_mod = std::move(mask_mod);
    rep->from_tables = true;
    rep->set_planes(rep->B > 1, rep->H > 1);

    mask::RunRowsWriter writer(partial.B * partial.H * partial.rows);
    std::vector<std::pair<std::int32_t, bool>> blocks;
    for (std::int64_t row = 0; row < partial.B * partial.H * partial.rows; ++row) {
        const std::int64_t r = row % partial.rows;
        blocks.clear();
        collect(partial, "partial", row, false, rep->kv_blocks(), blocks);
        if (full != nullptr) collect(*full, "full", row, true, rep->kv_blocks(), blocks);
        std::sort(blocks.begin(), blocks.end());
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            const auto [index, is_full] = blocks[i];
            if (i > 0 && blocks[i - 1].first == index) {
                throw UserError(
                    formatted("{}: block {} of row {} is listed twice; each block belongs in one "
                              "table, once.",
                              kWhere, index, r));
            }
            const bool whole = r < rep->whole_q_blocks() && index < rep->whole_kv_blocks();
            writer.append(index, std::int64_t{index} + 1, is_full && whole);
        }
        writer.end_row();
    }
    rep->listed = std::move(writer).finish();
    rep->note_partial_blocks();
    return BlockMask(std::move(rep));
}

}  // namespace flexion
