// SPDX-License-Identifier: Apache-2.0
// Each error of block masks once: what came, what was expected, what to try.
#include <gtest/gtest.h>

#include <flexion/error.h>
#include <flexion/masks.h>

#include "mask/oracle.h"

namespace flexion::test {
namespace {

#define EXPECT_MESSAGE(type, expression, ...)                                               \
    do {                                                                                    \
        const std::string message = message_of<type>([&] { (void)(expression); });          \
        for (const char* part : {__VA_ARGS__}) {                                            \
            EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message; \
        }                                                                                   \
    } while (false)

TEST(MaskErrors, Build) {
    EXPECT_MESSAGE(UserError, build(masks::causal(), 0, {}, 8, 8), "create_block_mask", "B=0",
                   "at least 1");
    EXPECT_MESSAGE(UserError, build(masks::causal(), 1, -3, 8, 8), "create_block_mask", "H=-3");
    EXPECT_MESSAGE(UserError, build(masks::causal(), {}, {}, -1, 8), "create_block_mask",
                   "q_len=-1", "[0, 2147483647]");
    EXPECT_MESSAGE(UserError, build(masks::causal(), {}, {}, 8, std::int64_t{1} << 31),
                   "create_block_mask", "kv_len=2147483648");
    EXPECT_MESSAGE(UserError, build(masks::causal(), {}, {}, 8, 8, {0, 128}), "create_block_mask",
                   "0 x 128", "128 x 128");
    EXPECT_MESSAGE(UserError, build(masks::causal(), {}, {}, 8, 8, {128, -4}), "128 x -4");
    EXPECT_MESSAGE(UserError, create_mask(masks::causal(), 0, 1, 8, 8), "create_mask", "B=0");
    EXPECT_MESSAGE(UserError, create_mask(masks::causal(), 1, 1, 8, -2), "kv_len=-2");
}

TEST(MaskErrors, Adjust) {
    const BlockMask mask = build(masks::causal(), {}, {}, 100, 200);
    EXPECT_MESSAGE(UserError, mask.adjust(101, 200), "BlockMask::adjust", "101 x 200", "100 x 200",
                   "create_block_mask");
    EXPECT_MESSAGE(UserError, mask.adjust(100, -1), "100 x -1");
}

TEST(MaskErrors, Pictures) {
    const BlockMask mask = build(masks::causal(), 2, {}, 100, 100);
    EXPECT_MESSAGE(UserError, mask.to_string(0, 20), "BlockMask::to_string", "grid of 0");
    EXPECT_MESSAGE(UserError, mask.to_string(20, -2), "grid of -2");
    EXPECT_MESSAGE(UserError, mask.to_svg(2, 0), "BlockMask::to_svg", "b=2", "B=2");
    EXPECT_MESSAGE(UserError, mask.to_svg(0, 1), "h=1", "H=1");
}

TEST(MaskErrors, Combine) {
    const BlockMask mask = build(masks::causal(), 2, {}, 100, 100);
    EXPECT_MESSAGE(UserError, mask & build(masks::causal(), {}, {}, 100, 101),
                   "BlockMask & BlockMask", "100 x 100", "100 x 101", "must be equal");
    EXPECT_MESSAGE(UserError, mask | build(masks::causal(), {}, {}, 100, 100, {64, 64}),
                   "BlockMask | BlockMask", "128 x 128", "64 x 64");
    EXPECT_MESSAGE(UserError, mask & build(masks::causal(), 3, {}, 100, 100), "B=2 and B=3");
    const MaskMod by_batch = mask_mod([](Expr b, Expr, Expr q, Expr k) { return q + b >= k; });
    EXPECT_MESSAGE(UserError, mask & build(by_batch, {}, {}, 100, 100), "reads b", "B=2");
    const MaskMod by_head = mask_mod([](Expr, Expr h, Expr q, Expr k) { return q + h >= k; });
    EXPECT_MESSAGE(UserError, build(by_head, {}, {}, 8, 8) | build(masks::causal(), {}, 4, 8, 8),
                   "reads h", "H=4");
    const BlockMask tables =
        BlockMask::from_kv_blocks({1, 1, 1, 2, {1}, {0, 0}}, nullptr, {16, 16}, masks::causal());
    const MaskMod everywhere = mask_mod([](Expr, Expr, Expr, Expr k) { return k % 8 == 5; });
    EXPECT_MESSAGE(Unsupported, tables | build(everywhere, {}, {}, 16, 32, {16, 16}),
                   "BlockMask | BlockMask", "tables", "create_block_mask");
}

TEST(MaskErrors, Tables) {
    const BlockTable good{1, 1, 2, 2, {1, 2}, {0, 0, 0, 1}};
    const auto from = [](const BlockTable& partial, const BlockTable* full = nullptr,
                         BlockSize size = {16, 16}, std::optional<std::int64_t> q_len = {},
                         std::optional<std::int64_t> kv_len = {}) {
        return BlockMask::from_kv_blocks(partial, full, size, {}, q_len, kv_len);
    };
    const char* where = "BlockMask::from_kv_blocks";
    from(good);
    EXPECT_MESSAGE(UserError, from({0, 1, 2, 2, {}, {}}), where, "partial table", "[0, 1, 2, 2]",
                   "at least 1");
    EXPECT_MESSAGE(UserError, from({1, 1, 2, 2, {1}, {0, 0, 0, 1}}), where, "1 numbers",
                   "2 and 4 were expected");
    EXPECT_MESSAGE(UserError, from({1, 1, 2, 2, {1, 2}, {0, 0, 0}}), "3 indices");
    EXPECT_MESSAGE(UserError, from({1, 1, 2, 2, {1, 3}, {0, 0, 0, 1}}), "lists 3 blocks in row 1",
                   "room for 2");
    EXPECT_MESSAGE(UserError, from({1, 1, 2, 2, {-1, 2}, {0, 0, 0, 1}}), "lists -1 blocks");
    EXPECT_MESSAGE(UserError, from({1, 1, 2, 2, {1, 2}, {0, 0, 0, 2}}), "lists block 2 in row 1",
                   "2 blocks of keys", "kv_len");
    EXPECT_MESSAGE(UserError, from({1, 1, 2, 2, {1, 2}, {-1, 0, 0, 1}}), "block -1 in row 0");
    EXPECT_MESSAGE(UserError, from({1, 1, 2, 2, {1, 2}, {0, 0, 1, 1}}), "block 1 of row 1",
                   "twice");
    const BlockTable overlap{1, 1, 2, 2, {1, 0}, {0, 0, 0, 0}};
    EXPECT_MESSAGE(UserError, from(good, &overlap), "block 0 of row 0", "twice");
    const BlockTable taller{1, 1, 3, 2, {0, 0, 0}, {0, 0, 0, 0, 0, 0}};
    EXPECT_MESSAGE(UserError, from(good, &taller), "[1, 1, 3]", "[1, 1, 2]");
    const BlockTable broken{1, 1, 2, 2, {0}, {}};
    EXPECT_MESSAGE(UserError, from(good, &broken), "full table");
    EXPECT_MESSAGE(UserError, from(good, nullptr, {0, 16}), "block size of 0", "q_len");
    EXPECT_MESSAGE(UserError, from(good, nullptr, {16, -1}), "block size of -1", "kv_len");
    EXPECT_MESSAGE(UserError, from(good, nullptr, {16, 16}, -5), "q_len", "got -5");
    EXPECT_MESSAGE(UserError, from(good, nullptr, {16, 1 << 30}), "kv_len",
                   "2 blocks of 1073741824");
    EXPECT_MESSAGE(UserError, from(good, nullptr, {16, 16}, 33), "have 2 rows", "q_len=33",
                   "has 3");
}

}  // namespace
}  // namespace flexion::test
