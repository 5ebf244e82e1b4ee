// SPDX-License-Identifier: Apache-2.0
// Block lists at a kernel's granularity, against every element of small masks.
#include <gtest/gtest.h>

#include <flexion/error.h>
#include <flexion/flexion.h>

#include "backend/cuda/launch/tiles.h"
#include "seed.h"

namespace flexion::test {
namespace {

enum class Kind : char { empty = ' ', partial = '/', full = '#' };

std::vector<std::vector<Kind>> unpack(const cuda::TileLists& lists, std::int64_t tiles_q,
                                      std::int64_t tiles_kv) {
    std::vector<std::vector<Kind>> grid(tiles_q, std::vector<Kind>(tiles_kv, Kind::empty));
    int longest = 1 << 30;
    for (const cuda::TileRow& row : lists.rows) {
        EXPECT_LE(row.partial + row.full, longest) << "rows are not sorted";
        longest = row.partial + row.full;
        int run = row.first_run;
        for (int left = row.partial + row.full, taken = 0; left > 0; ++run) {
            for (int t = lists.runs[run].begin; t < lists.runs[run].end; ++t, --left, ++taken) {
                EXPECT_EQ(grid[row.m][t], Kind::empty) << "listed twice";
                grid[row.m][t] = taken < row.partial ? Kind::partial : Kind::full;
            }
        }
    }
    return grid;
}

void check(const MaskMod& mask_mod, std::int64_t q_len, std::int64_t kv_len, BlockSize block,
           cuda::Schedule schedule) {
    const BlockMask mask = create_block_mask(mask_mod, {}, {}, q_len, kv_len, block);
    const std::vector<std::uint8_t> dense = create_mask(mask_mod, 1, 1, q_len, kv_len);
    const std::int64_t bq = schedule.block_q(), bk = schedule.block_kv;
    const std::int64_t tiles_q = (q_len + bq - 1) / bq, tiles_kv = (kv_len + bk - 1) / bk;
    const auto grid = unpack(cuda::make_tile_lists(mask, schedule), tiles_q, tiles_kv);
    for (std::int64_t m = 0; m < tiles_q; ++m) {
        for (std::int64_t n = 0; n < tiles_kv; ++n) {
            bool any = false, all = (n + 1) * bk <= kv_len;
            for (std::int64_t q = m * bq; q < std::min((m + 1) * bq, q_len); ++q) {
                for (std::int64_t k = n * bk; k < std::min((n + 1) * bk, kv_len); ++k) {
                    any |= dense[q * kv_len + k] != 0;
                    all &= dense[q * kv_len + k] != 0;
                }
            }
            // A tile may be listed as partial where it is empty or full, never the other way.
            EXPECT_TRUE(grid[m][n] != Kind::full || all) << m << " " << n;
            EXPECT_TRUE(grid[m][n] != Kind::empty || !any) << m << " " << n;
        }
    }
}

TEST(Tiles, CoverEveryElement) {
    const MaskMod masks[] = {masks::causal(), masks::sliding_window(100), masks::prefix(77),
                             mask_mod([](Expr, Expr, Expr q, Expr k) { return q % 5 == k % 7; }),
                             mask_mod([](Expr, Expr, Expr q, Expr) { return q >= 300; })};
    for (const MaskMod& mask : masks) {
        for (const BlockSize block : {BlockSize{128, 128}, BlockSize{64, 32}, BlockSize{256, 512},
                                      BlockSize{48, 80}, BlockSize{7, 3}}) {
            for (const cuda::Schedule schedule :
                 {cuda::Schedule{2, 128, 2}, cuda::Schedule{3, 80, 1}}) {
                check(mask, 513, 700, block, schedule);
                check(mask, 128, 128, block, schedule);
                check(mask, 1, 300, block, schedule);
            }
        }
    }
}

TEST(Tiles, CausalMaskOfAMillionTokensIsSmall) {
    const BlockMask mask = create_block_mask(masks::causal(), {}, {}, 1 << 20, 1 << 20);
    const cuda::TileLists lists = cuda::make_tile_lists(mask, {2, 128, 2});
    EXPECT_EQ(lists.rows.size(), 8192u);
    EXPECT_LE(lists.runs.size(), 2 * 8192u + 2);
    EXPECT_EQ(lists.visited, 8192 * 8193 / 2);
}

}  // namespace
}  // namespace flexion::test
