// SPDX-License-Identifier: Apache-2.0
// Masks made from masks: intersection, union, adjust, another mask_mod, from tables.
#include <gtest/gtest.h>

#include <algorithm>

#include <flexion/error.h>
#include <flexion/masks.h>

#include "mask/cases.h"
#include "mask/oracle.h"
#include "mask/transpose.h"
#include "seed.h"

namespace flexion::test {
namespace {

const CaseData& data() {
    static const CaseData instance = [] {
        std::mt19937_64 random = generator(3);
        return CaseData(random);
    }();
    return instance;
}

/// What a kernel computes: the elements that are true by lists and mask_mod together.
std::vector<std::uint8_t> effective(const BlockMask& mask) {
    const std::vector<std::uint8_t> mod =
        create_mask(mask.mask_mod(), mask.B(), mask.H(), mask.q_len(), mask.kv_len());
    const Blocks blocks = states_of(mask);
    std::vector<std::uint8_t> result(mod.size());
    std::size_t i = 0;
    for (std::int64_t b = 0; b < mask.B(); ++b) {
        for (std::int64_t h = 0; h < mask.H(); ++h) {
            for (std::int64_t q = 0; q < mask.q_len(); ++q) {
                for (std::int64_t k = 0; k < mask.kv_len(); ++k, ++i) {
                    const std::uint8_t state =
                        blocks.at(b, h, q / mask.block_size().q, k / mask.block_size().kv);
                    result[i] = state == kFull || (state == kPartial && mod[i] != 0);
                }
            }
        }
    }
    return result;
}

/// Broadcasts to B x H and combines element by element.
template <class F>
std::vector<std::uint8_t> elementwise(const BlockMask& a, const BlockMask& b, F&& f) {
    const std::int64_t B = std::max(a.B(), b.B()), H = std::max(a.H(), b.H());
    const std::int64_t plane = a.q_len() * a.kv_len();
    const std::vector<std::uint8_t> ea = effective(a), eb = effective(b);
    std::vector<std::uint8_t> result;
    for (std::int64_t ib = 0; ib < B; ++ib) {
        for (std::int64_t ih = 0; ih < H; ++ih) {
            const auto at = [&](const BlockMask& m) {
                return ((m.B() == 1 ? 0 : ib) * m.H() + (m.H() == 1 ? 0 : ih)) * plane;
            };
            for (std::int64_t i = 0; i < plane; ++i) {
                result.push_back(f(ea[at(a) + i] != 0, eb[at(b) + i] != 0) ? 1 : 0);
            }
        }
    }
    return result;
}

/// A random choice of blocks, as tables.
BlockTable random_table(std::mt19937_64& random, std::int64_t B, std::int64_t H, std::int64_t rows,
                        std::int64_t cols) {
    BlockTable table{B, H, rows, cols, {}, std::vector<std::int32_t>(B * H * rows * cols, -7)};
    for (std::int64_t row = 0; row < B * H * rows; ++row) {
        std::vector<std::int32_t> chosen;
        for (std::int32_t c = 0; c < cols; ++c) {
            if (between(random, 0, 1) == 0) chosen.push_back(c);
        }
        std::shuffle(chosen.begin(), chosen.end(), random);
        table.num_blocks.push_back(static_cast<std::int32_t>(chosen.size()));
        std::copy(chosen.begin(), chosen.end(), table.indices.begin() + row * cols);
    }
    return table;
}

TEST(CombineMasks, BuiltMasksCombineExactly) {
    std::mt19937_64 random = generator(4);
    const std::vector<MaskCase> cases = mask_cases(data());
    for (int i = 0; i < 120; ++i) {
        const MaskCase& x = cases[between(random, 0, std::ssize(cases) - 1)];
        const MaskCase& y = cases[between(random, 0, std::ssize(cases) - 1)];
        SCOPED_TRACE(x.name + ", " + y.name);
        const std::int64_t q_len = between(random, 1, 200), kv_len = between(random, 1, 200);
        const auto size = [&] { return between(random, 0, 1) == 0 ? 1 : 3; };
        const BlockSize block{between(random, 8, 64), between(random, 8, 64)};
        const bool by_b = x.name.starts_with("by b") || y.name.starts_with("by b");
        const bool by_h = x.name.ends_with("head") || y.name.ends_with("head");
        const BlockMask a =
            build(x.mod, by_b ? 3 : size(), by_h ? 3 : size(), q_len, kv_len, block);
        const BlockMask b =
            build(y.mod, by_b ? 3 : size(), by_h ? 3 : size(), q_len, kv_len, block);
        const BlockMask both = a & b, either = a | b;
        EXPECT_EQ(effective(both), elementwise(a, b, [](bool p, bool q) { return p && q; }));
        EXPECT_EQ(effective(either), elementwise(a, b, [](bool p, bool q) { return p || q; }));
        EXPECT_LE(both.blocks_evaluated(),
                  both.B() * both.H() * both.q_blocks() * both.kv_blocks());
        EXPECT_GE(both.blocks_proved(), 0);
    }
}

TEST(CombineMasks, TablesCombineExactlyOrNotAtAll) {
    std::mt19937_64 random = generator(5);
    int refused = 0, combined = 0;
    for (int i = 0; i < 100; ++i) {
        const BlockSize block{16, 16};
        const std::int64_t rows = between(random, 1, 6), cols = between(random, 1, 6);
        const std::int64_t ragged = between(random, 0, 1) * between(random, 0, 15);
        const std::int64_t q_len = rows * 16 - ragged, kv_len = cols * 16 - ragged;
        const BlockMask tables = BlockMask::from_kv_blocks(
            random_table(random, 1, 2, rows, cols), nullptr, block,
            between(random, 0, 1) == 0 ? MaskMod() : masks::causal(), q_len, kv_len);
        const BlockMask other =
            between(random, 0, 1) == 0
                ? build(masks::sliding_window(20), {}, {}, q_len, kv_len, block)
                : BlockMask::from_kv_blocks(random_table(random, 1, 1, rows, cols), nullptr, block,
                                            {}, q_len, kv_len);
        EXPECT_EQ(effective(tables & other),
                  elementwise(tables, other, [](bool p, bool q) { return p && q; }));
        for (const auto& [a, b] : {std::pair(tables, other), std::pair(other, tables)}) {
            try {
                EXPECT_EQ(effective(a | b),
                          elementwise(a, b, [](bool p, bool q) { return p || q; }));
                ++combined;
            } catch (const Unsupported&) {
                ++refused;
            }
        }
    }
    EXPECT_GT(combined, 0);
    EXPECT_GT(refused, 0);
}

// Chosen blocks and a window: the natural union of tables and a mod.
TEST(CombineMasks, WholeBlocksFromTablesAndAWindow) {
    std::mt19937_64 random = generator(6);
    const BlockMask tables =
        BlockMask::from_kv_blocks(random_table(random, 1, 1, 8, 8), nullptr, {32, 32}, {});
    const BlockMask window = build(masks::sliding_window(50), {}, {}, 256, 256, {32, 32});
    EXPECT_EQ(effective(tables | window),
              elementwise(tables, window, [](bool p, bool q) { return p || q; }));
}

TEST(AdjustMask, IsTheUpperLeftCorner) {
    std::mt19937_64 random = generator(7);
    for (const MaskCase& c : mask_cases(data())) {
        const BlockMask mask = build(c.mod, 2, 2, 300, 310, {64, 32});
        for (int i = 0; i < 8; ++i) {
            const std::int64_t q_len = between(random, 0, 300), kv_len = between(random, 0, 310);
            const BlockMask cropped = mask.adjust(q_len, kv_len);
            SCOPED_TRACE(c.name + " to " + std::to_string(q_len) + " x " + std::to_string(kv_len));
            EXPECT_EQ(cropped.q_len(), q_len);
            EXPECT_EQ(cropped.kv_len(), kv_len);
            // A block that was partial may be full, or empty, in what is left of it.
            const Blocks whole = states_of(mask), found = states_of(cropped);
            for (std::int64_t b = 0; b < 2; ++b) {
                for (std::int64_t h = 0; h < 2; ++h) {
                    for (std::int64_t r = 0; r < found.rows; ++r) {
                        for (std::int64_t k = 0; k < found.cols; ++k) {
                            const bool inside = (r + 1) * 64 <= q_len && (k + 1) * 32 <= kv_len;
                            const std::uint8_t was = whole.at(b, h, r, k);
                            EXPECT_EQ(found.at(b, h, r, k),
                                      was == kFull && !inside ? std::uint8_t{kPartial} : was);
                        }
                    }
                }
            }
            const std::vector<std::uint8_t> dense = create_mask(c.mod, 2, 2, q_len, kv_len);
            EXPECT_EQ(effective(cropped), dense);
        }
    }
}

TEST(MaskMods, AnotherOneKeepsTheStructure) {
    const BlockMask mask = build(masks::causal(), {}, {}, 300, 300, {64, 64});
    const BlockMask other =
        mask.with_mask_mod(mask_mod([](Expr b, Expr, Expr q, Expr k) { return q + b >= k; }));
    EXPECT_EQ(states_of(other), states_of(mask));
    EXPECT_FALSE(mask.broadcasts_read_b());
    EXPECT_TRUE(other.broadcasts_read_b());
    EXPECT_FALSE(other.broadcasts_read_h());
    EXPECT_FALSE(other.with_mask_mod({}).broadcasts_read_b());
    EXPECT_FALSE(other.with_mask_mod({}).mask_mod());
}

TEST(FromTables, GivesBackItsTables) {
    for (const MaskCase& c : mask_cases(data())) {
        const BlockMask mask = build(c.mod, 2, 2, 300, 310, {64, 32});
        const BlockTable full = mask.kv_table(true);
        const BlockMask again =
            BlockMask::from_kv_blocks(mask.kv_table(false), &full, {64, 32}, c.mod, 300, 310);
        expect_matches(again, c.predicate, c.name);
        EXPECT_EQ(again.blocks_proved(), 0);
        EXPECT_EQ(again.blocks_evaluated(), 0);
    }
}

TEST(FromTables, LengthsDefaultToWholeBlocks) {
    // A compacted table: two of the keys' five blocks a row at most.
    const BlockTable table{1, 1, 2, 2, {2, 1}, {4, 1, 0, -1}};
    const BlockMask narrow =
        BlockMask::from_kv_blocks({1, 1, 2, 2, {2, 1}, {1, 0, 0, -1}}, nullptr, {8, 16}, {});
    EXPECT_EQ(narrow.q_len(), 16);
    EXPECT_EQ(narrow.kv_len(), 32);
    const BlockMask wide = BlockMask::from_kv_blocks(table, nullptr, {8, 16}, {}, 13, 70);
    EXPECT_EQ(wide.q_blocks(), 2);
    EXPECT_EQ(wide.kv_blocks(), 5);
    EXPECT_EQ(wide.to_dense(), (std::vector<std::uint8_t>{0, 1, 0, 0, 1, 1, 0, 0, 0, 0}));
    EXPECT_EQ(wide.kv_table(false).indices,
              (std::vector<std::int32_t>{1, 4, 0, 2, 3, 0, 1, 2, 3, 4}));
    EXPECT_EQ(wide.q_table(false).num_blocks, (std::vector<std::int32_t>{1, 1, 0, 0, 1}));
}

// A full block that the lengths cut is not full: its mask_mod is true in what is left of it.
TEST(FromTables, ACutBlockIsPartial) {
    const BlockTable none{1, 1, 2, 2, {0, 0}, {0, 1, 0, 1}};
    const BlockTable full{1, 1, 2, 2, {2, 2}, {0, 1, 0, 1}};
    const BlockMask mask = BlockMask::from_kv_blocks(none, &full, {16, 16}, {}, 30, 20);
    EXPECT_EQ(states_of(mask).states,
              (std::vector<std::uint8_t>{kFull, kPartial, kPartial, kPartial}));
}

TEST(FromTables, AUsersListsMayBeBroadcast) {
    const MaskMod by_batch = mask_mod([](Expr b, Expr, Expr q, Expr k) { return q + b >= k; });
    const BlockMask mask =
        BlockMask::from_kv_blocks({1, 1, 1, 1, {1}, {0}}, nullptr, {16, 16}, by_batch);
    EXPECT_FALSE(mask.broadcasts_read_b());
}

TEST(Transpose, ColumnsAreTheRowsTurned) {
    for (const MaskCase& c : mask_cases(data())) {
        const BlockMask mask = build(c.mod, 2, 2, 500, 333, {16, 32});
        const mask::ColumnRuns columns = mask::transpose(mask);
        const Blocks blocks = transposed(states_of(mask));
        Blocks found = blocks;
        std::fill(found.states.begin(), found.states.end(), kEmpty);
        for (std::int64_t b = 0; b < 2; ++b) {
            for (std::int64_t h = 0; h < 2; ++h) {
                for (std::int64_t k = 0; k < mask.kv_blocks(); ++k) {
                    std::int32_t last = -1;
                    bool last_full = false;
                    for (const BlockRun& run : columns.column(b, h, k)) {
                        EXPECT_GE(run.begin(), std::max(last, 0));
                        EXPECT_FALSE(run.begin() == last && run.full() == last_full);
                        last = run.end();
                        last_full = run.full();
                        const auto row =
                            found.states.begin() + ((b * 2 + h) * blocks.rows + k) * blocks.cols;
                        std::fill(row + run.begin(), row + run.end(),
                                  run.full() ? kFull : kPartial);
                    }
                }
            }
        }
        EXPECT_EQ(found, blocks) << c.name;
    }
}

TEST(Transpose, CausalOfAMillionTokensIsSmall) {
    const BlockMask mask = build(masks::causal(), {}, {}, 1 << 20, 1 << 20);
    EXPECT_LT(mask::transpose(mask).rows.bytes(), 256 * 1024);
}

TEST(Runs, AreCutAtTheLength) {
    const std::vector<BlockRun> row = {{0, 3, true}, {3, 5, false}, {8, 9, true}};
    std::vector<std::array<std::int64_t, 3>> seen;
    mask::for_each_run(row, 4, [&](std::int64_t begin, std::int64_t end, bool full) {
        seen.push_back({begin, end, full});
    });
    EXPECT_EQ(seen, (std::vector<std::array<std::int64_t, 3>>{{0, 3, 1}, {3, 4, 0}}));
}

TEST(Select, KeepsTheRowsThatAreNamed) {
    const MaskMod mod =
        mask_mod([](Expr b, Expr h, Expr q, Expr k) { return q + 16 * b + 32 * h >= k; });
    const BlockMask mask = build(mod, 2, 3, 70, 90, {16, 16});
    const std::vector<std::int64_t> bs{1}, hs{2, 0}, rows{3, 0, 3};
    const BlockMask part = mask.select(bs, hs, rows);
    EXPECT_EQ(part.B(), 1);
    EXPECT_EQ(part.H(), 2);
    EXPECT_EQ(part.q_len(), 48);
    EXPECT_EQ(part.kv_len(), 90);
    EXPECT_FALSE(part.mask_mod());
    for (std::size_t h = 0; h < hs.size(); ++h) {
        for (std::size_t r = 0; r < rows.size(); ++r) {
            const auto wanted = mask.row(1, hs[h], rows[r]);
            const auto got = part.row(0, static_cast<int>(h), static_cast<int>(r));
            EXPECT_TRUE(std::equal(got.begin(), got.end(), wanted.begin(), wanted.end()));
        }
    }
    // Cut by the length, the last row has no full block.
    const BlockMask cut = mask.select({}, {}, rows, 33);
    for (const BlockRun& run : cut.row(0, 0, 2)) {
        EXPECT_FALSE(run.full());
    }
    const std::vector<std::int64_t> beyond{5};
    EXPECT_THROW(mask.select({}, {}, beyond), UserError);
    EXPECT_THROW(mask.select({}, {}, rows, 20), UserError);
}

}  // namespace
}  // namespace flexion::test
