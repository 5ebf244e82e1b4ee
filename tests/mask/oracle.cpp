// SPDX-License-Identifier: Apache-2.0
#include "mask/oracle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "mask/transpose.h"

namespace flexion::test {
namespace {

bool same_table(const BlockTable& a, const BlockTable& b) {
    return a.B == b.B && a.H == b.H && a.rows == b.rows && a.cols == b.cols &&
           a.num_blocks == b.num_blocks && a.indices == b.indices;
}

}  // namespace

Blocks brute_force(const Predicate& predicate, std::int64_t B, std::int64_t H, std::int64_t q_len,
                   std::int64_t kv_len, BlockSize block_size) {
    Blocks blocks;
    blocks.B = B;
    blocks.H = H;
    blocks.rows = (q_len + block_size.q - 1) / block_size.q;
    blocks.cols = (kv_len + block_size.kv - 1) / block_size.kv;
    std::vector<std::int64_t> sums(B * H * blocks.rows * blocks.cols);
    for (std::int64_t b = 0; b < B; ++b) {
        for (std::int64_t h = 0; h < H; ++h) {
            for (std::int64_t q = 0; q < q_len; ++q) {
                for (std::int64_t k = 0; k < kv_len; ++k) {
                    const std::int64_t row = (b * H + h) * blocks.rows + q / block_size.q;
                    sums[row * blocks.cols + k / block_size.kv] += predicate(b, h, q, k) ? 1 : 0;
                }
            }
        }
    }
    for (const std::int64_t sum : sums) {
        blocks.states.push_back(sum == 0                              ? kEmpty
                                : sum == block_size.q * block_size.kv ? kFull
                                                                      : kPartial);
    }
    return blocks;
}

Blocks states_of(const BlockMask& mask) {
    Blocks blocks;
    blocks.B = mask.B();
    blocks.H = mask.H();
    blocks.rows = mask.q_blocks();
    blocks.cols = mask.kv_blocks();
    for (std::int64_t b = 0; b < blocks.B; ++b) {
        for (std::int64_t h = 0; h < blocks.H; ++h) {
            for (std::int64_t r = 0; r < blocks.rows; ++r) {
                std::vector<std::uint8_t> row(blocks.cols, kEmpty);
                std::int32_t last = -1;
                bool last_full = false;
                for (const BlockRun& run : mask.row(b, h, r)) {
                    EXPECT_LT(run.begin(), run.end());
                    EXPECT_GE(run.begin(), std::max(last, 0));
                    EXPECT_LE(run.end(), blocks.cols);
                    EXPECT_FALSE(run.begin() == last && run.full() == last_full) << "not joined";
                    last = run.end();
                    last_full = run.full();
                    std::fill(row.begin() + run.begin(), row.begin() + run.end(),
                              run.full() ? kFull : kPartial);
                }
                blocks.states.insert(blocks.states.end(), row.begin(), row.end());
            }
        }
    }
    return blocks;
}

BlockTable torch_table(const Blocks& blocks, std::uint8_t state) {
    BlockTable table;
    table.B = blocks.B;
    table.H = blocks.H;
    table.rows = blocks.rows;
    table.cols = blocks.cols;
    for (std::int64_t row = 0; row < blocks.B * blocks.H * blocks.rows; ++row) {
        const auto listed = [&](std::int32_t c) {
            return blocks.states[row * blocks.cols + c] == state;
        };
        std::vector<std::int32_t> order(blocks.cols);
        std::iota(order.begin(), order.end(), 0);
        table.num_blocks.push_back(
            static_cast<std::int32_t>(std::count_if(order.begin(), order.end(), listed)));
        std::stable_sort(order.begin(), order.end(),
                         [&](std::int32_t a, std::int32_t b) { return listed(a) > listed(b); });
        table.indices.insert(table.indices.end(), order.begin(), order.end());
    }
    return table;
}

Blocks transposed(const Blocks& blocks) {
    Blocks result = blocks;
    result.rows = blocks.cols;
    result.cols = blocks.rows;
    auto out = result.states.begin();
    for (std::int64_t b = 0; b < blocks.B; ++b) {
        for (std::int64_t h = 0; h < blocks.H; ++h) {
            for (std::int64_t c = 0; c < blocks.cols; ++c) {
                for (std::int64_t r = 0; r < blocks.rows; ++r) *out++ = blocks.at(b, h, r, c);
            }
        }
    }
    return result;
}

void expect_matches(const BlockMask& mask, const Predicate& predicate, const std::string& what) {
    SCOPED_TRACE(what);
    const Blocks expected =
        brute_force(predicate, mask.B(), mask.H(), mask.q_len(), mask.kv_len(), mask.block_size());
    const Blocks found = states_of(mask);
    ASSERT_EQ(found.rows, expected.rows);
    ASSERT_EQ(found.cols, expected.cols);
    ASSERT_TRUE(found == expected);

    EXPECT_TRUE(same_table(mask.kv_table(false), torch_table(expected, kPartial)));
    EXPECT_TRUE(same_table(mask.kv_table(true), torch_table(expected, kFull)));
    EXPECT_TRUE(same_table(mask.q_table(false), torch_table(transposed(expected), kPartial)));
    EXPECT_TRUE(same_table(mask.q_table(true), torch_table(transposed(expected), kFull)));

    std::vector<std::uint8_t> listed;
    std::int64_t count = 0, partial = 0;
    for (const std::uint8_t state : expected.states) {
        listed.push_back(state != kEmpty);
        count += state != kEmpty;
        partial += state == kPartial;
    }
    EXPECT_EQ(mask.to_dense(), listed);
    EXPECT_EQ(mask.has_partial_blocks(), partial > 0);
    const double elements = static_cast<double>(mask.B() * mask.H() * mask.q_len() * mask.kv_len());
    const double area = static_cast<double>(mask.block_size().q * mask.block_size().kv * count);
    EXPECT_DOUBLE_EQ(mask.sparsity(), elements == 0 ? 100 : 100 * (1 - area / elements));

    std::int64_t in_rows = 0;
    for (std::int64_t b = 0; b < mask.B(); ++b) {
        for (std::int64_t h = 0; h < mask.H(); ++h) {
            for (std::int64_t r = 0; r < mask.q_blocks(); ++r) {
                in_rows += mask.blocks_in_row(b, h, r);
            }
        }
    }
    EXPECT_EQ(in_rows, count);
}

BlockMask build(const MaskMod& mod, std::optional<std::int64_t> B, std::optional<std::int64_t> H,
                std::int64_t q_len, std::int64_t kv_len, BlockSize block_size) {
    return mask::build(mod, B, H, q_len, kv_len, block_size, {}, Executor{});
}

}  // namespace flexion::test
