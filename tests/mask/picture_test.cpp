// SPDX-License-Identifier: Apache-2.0
// Pictures: torch's text glyph for glyph, and SVG by what its paths cover.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <string>

#include <flexion/masks.h>

#include "mask/cases.h"
#include "mask/oracle.h"
#include "seed.h"

namespace flexion::test {
namespace {

TEST(ToString, CausalOfSixteenBlocks) {
    EXPECT_EQ(build(masks::causal(), {}, {}, 2048, 2048).str(),
              "BlockMask(shape=(1, 1, 2048, 2048), sparsity=46.88%, \n"
              "(0, 0)\n"
              "██                              \n"
              "████                            \n"
              "██████                          \n"
              "████████                        \n"
              "██████████                      \n"
              "████████████                    \n"
              "██████████████                  \n"
              "████████████████                \n"
              "██████████████████              \n"
              "████████████████████            \n"
              "██████████████████████          \n"
              "████████████████████████        \n"
              "██████████████████████████      \n"
              "████████████████████████████    \n"
              "██████████████████████████████  \n"
              "████████████████████████████████\n"
              ")");
}

TEST(ToString, CellsOfSeveralBlocksMayBeMixed) {
    // 10 blocks in at most 4 cells: 3 blocks a cell, the last cell one block.
    const BlockMask mask = build(masks::causal(), {}, {}, 160, 160, {16, 16});
    EXPECT_EQ(mask.to_string(4, 4),
              "(0, 0)\n"
              "░░      \n"
              "██░░    \n"
              "████░░  \n"
              "████████\n");
    EXPECT_EQ(mask.to_string(2, 5),
              "(0, 0)\n"
              "░░░░░░    \n"
              "██████░░░░\n");
    EXPECT_EQ(mask.to_string(1, 1), "(0, 0)\n░░\n");
}

TEST(ToString, MinusOneDrawsEveryBlock) {
    EXPECT_EQ(build(masks::causal(), {}, {}, 48, 64, {16, 16}).to_string(-1, -1),
              "(0, 0)\n"
              "██      \n"
              "████    \n"
              "██████  \n");
    const std::string big = build(masks::causal(), {}, {}, 1000, 1000, {10, 10}).to_string(-1, -1);
    EXPECT_EQ(std::count(big.begin(), big.end(), '\n'), 101);
}

TEST(ToString, BatchesAndHeadsUpToTheLimit) {
    const MaskMod by_head = mask_mod([](Expr, Expr h, Expr q, Expr k) { return q - h * 16 >= k; });
    const BlockMask mask = build(by_head, 2, 3, 32, 32, {16, 16});
    const std::string zero = "██  \n████\n", one = "    \n██  \n", two = "    \n    \n";
    EXPECT_EQ(mask.to_string(20, 20, 6), "(0, 0)\n" + zero + "\n(0, 1)\n" + one + "\n(0, 2)\n" +
                                             two + "\n(1, 0)\n" + zero + "\n(1, 1)\n" + one +
                                             "\n(1, 2)\n" + two);
    const std::string rest =
        "...\nTo print out more, set BlockMask.to_string(limit=N)\n"
        "You can also index (BlockMask[batch, head]) to choose a specific batch or head";
    EXPECT_EQ(mask.to_string(20, 20, 2), "(0, 0)\n" + zero + "\n(0, 1)\n" + one + "\n" + rest);
    EXPECT_EQ(mask.to_string(20, 20, 0), rest);
    EXPECT_EQ(mask.to_string(20, 20), mask.to_string(20, 20, 4));
    // Python's strip() takes the blanks of a last empty row too.
    EXPECT_EQ(build(by_head, 1, 3, 32, 32, {16, 16}).str(),
              "BlockMask(shape=(1, 3, 32, 32), sparsity=66.67%, \n(0, 0)\n" + zero + "\n(0, 1)\n" +
                  one + "\n(0, 2)\n)");
}

TEST(ToString, NegativeSparsityOfRaggedLengths) {
    EXPECT_EQ(build({}, {}, {}, 100, 100).str(),
              "BlockMask(shape=(1, 1, 100, 100), sparsity=-63.84%, \n(0, 0)\n██\n)");
}

/// The area that the path of a class covers, in cells; checks that it stays inside.
std::int64_t area(const std::string& svg, const std::string& name, std::int64_t rows,
                  std::int64_t columns) {
    const std::string head = "<path class=\"" + name + "\" d=\"";
    const std::size_t at = svg.find(head);
    if (at == std::string::npos) return 0;
    std::int64_t sum = 0;
    const char* d = svg.c_str() + at + head.size();
    int x, y, width, back, read;
    while (std::sscanf(d, "M%d %dh%dv1h-%dz%n", &x, &y, &width, &back, &read) == 4) {
        EXPECT_EQ(width, back);
        EXPECT_TRUE(x >= 0 && y >= 0 && width > 0 && x + width <= columns && y < rows);
        sum += width;
        d += read;
    }
    EXPECT_EQ(*d, '"');
    return sum;
}

/// Every element that is opened is closed, attributes are quoted, no stray '&' or '<' in text.
void expect_well_formed(const std::string& svg) {
    std::vector<std::string> open;
    for (std::size_t i = 0; (i = svg.find('<', i)) != std::string::npos;) {
        const std::size_t end = svg.find('>', i);
        ASSERT_NE(end, std::string::npos);
        const std::string tag = svg.substr(i + 1, end - i - 1);
        ASSERT_EQ(tag.find('<'), std::string::npos);
        ASSERT_EQ(std::count(tag.begin(), tag.end(), '"') % 2, 0);
        const std::string name =
            tag.substr(tag[0] == '/', tag.find_first_of(" /", 1) - (tag[0] == '/'));
        if (tag[0] == '/') {
            ASSERT_FALSE(open.empty());
            ASSERT_EQ(open.back(), name);
            open.pop_back();
        } else if (tag.back() != '/') {
            open.push_back(name);
        }
        i = end;
    }
    EXPECT_TRUE(open.empty());
    EXPECT_EQ(svg.find('&'), std::string::npos);
    EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" "));
}

TEST(ToSvg, PathsCoverTheBlocksOfTheirKind) {
    std::mt19937_64 random = generator(8);
    const CaseData data(random);
    for (const MaskCase& c : mask_cases(data)) {
        SCOPED_TRACE(c.name);
        const BlockMask mask = build(c.mod, 2, 2, 500, 300, {16, 32});
        const Blocks blocks = states_of(mask);
        const std::string svg = mask.to_svg(1, 1);
        expect_well_formed(svg);
        std::int64_t counts[3] = {};
        for (std::int64_t r = 0; r < blocks.rows; ++r) {
            for (std::int64_t k = 0; k < blocks.cols; ++k) ++counts[blocks.at(1, 1, r, k)];
        }
        EXPECT_EQ(area(svg, "full", blocks.rows, blocks.cols), counts[kFull]);
        EXPECT_EQ(area(svg, "partial", blocks.rows, blocks.cols), counts[kPartial]);
        EXPECT_EQ(area(svg, "evaluated", blocks.rows, blocks.cols) > 0,
                  svg.find("evaluated 0 (") == std::string::npos);
        EXPECT_NE(svg.find(">full " + std::to_string(counts[kFull]) + " ("), std::string::npos);
        EXPECT_NE(svg.find(">partial " + std::to_string(counts[kPartial]) + " ("),
                  std::string::npos);
        EXPECT_NE(svg.find(">empty " + std::to_string(counts[kEmpty]) + " ("), std::string::npos);
        EXPECT_NE(svg.find("500 × 300 tokens"), std::string::npos);
        EXPECT_NE(svg.find("blocks of 16 × 32, batch 1 of 2, head 1 of 2"), std::string::npos);
        EXPECT_EQ(area(svg, "mix1", blocks.rows, blocks.cols), 0);
    }
}

TEST(ToSvg, ManyBlocksShareCells) {
    const BlockMask mask = build(masks::causal(), {}, {}, 1 << 20, 1 << 20);
    const std::string svg = mask.to_svg();
    expect_well_formed(svg);
    EXPECT_LT(svg.size(), 32 * 1024u);
    // 256 x 256 cells of 32 x 32 blocks; a diagonal one is a little more than half listed.
    EXPECT_EQ(area(svg, "full", 256, 256), 255 * 256 / 2);
    EXPECT_EQ(area(svg, "mix2", 256, 256), 256);
    EXPECT_NE(svg.find("32 × 32 blocks"), std::string::npos);
}

TEST(ToSvg, SmallAndEmptyMasks) {
    for (const auto& [q_len, kv_len] : {std::pair(0, 0), {0, 100}, {100, 0}, {1, 1}, {1, 100000}}) {
        expect_well_formed(build(masks::causal(), {}, {}, q_len, kv_len).to_svg());
    }
}

TEST(ToSvg, TablesAreNotSaidToBeProved) {
    const BlockMask mask = BlockMask::from_kv_blocks({1, 1, 1, 1, {1}, {0}}, nullptr, {16, 16}, {});
    EXPECT_NE(mask.to_svg().find("given as tables"), std::string::npos);
    EXPECT_EQ(mask.to_svg().find("proved"), std::string::npos);
}

}  // namespace
}  // namespace flexion::test
