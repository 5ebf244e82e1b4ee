// SPDX-License-Identifier: Apache-2.0
// A picture of one (b, h) of a block mask as SVG: self-contained, a few kilobytes also for masks of
// a million tokens.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <flexion/error.h>

#include "mask/grid.h"
#include "mask/rep.h"
#include "support/format.h"

namespace flexion {
namespace mask {
namespace {

// Sizes in pixels.
constexpr std::int64_t kLongSide = 640;  ///< of the grid, about
constexpr std::int64_t kMaxCells = 256;  ///< along the long side; more blocks share cells
constexpr std::int64_t kMaxCellSize = 48;
constexpr std::int64_t kLeft = 80, kTop = 86, kRight = 40, kLegendRow = 22;
constexpr std::int64_t kMinWidth = 560;  ///< holds titles and legend of a mask of 2^31 tokens

constexpr std::string_view kStyle =
    "text{font:12px system-ui,'Segoe UI',Helvetica,Arial,sans-serif;fill:#334155}"
    ".title{font-size:15px;font-weight:600;fill:#0f172a}"
    ".empty{fill:#f1f5f9}.full{fill:#1e40af}.partial{fill:#f59e0b}"
    ".mix1{fill:#bfdbfe}.mix2{fill:#93c5fd}.mix3{fill:#60a5fa}"
    ".evaluated{fill:url(#hatch)}rect.evaluated{fill:url(#swatch)}.lines{fill:url(#lines)}"
    ".frame{fill:none;stroke:#94a3b8}.tick{stroke:#94a3b8}";

/// How a cell is drawn. mix1 to mix3 stand for cells of several blocks that are not alike.
enum Paint : std::uint8_t { kEmpty, kFull, kPartial, kMix1, kMix2, kMix3, kPaints };
constexpr std::array<const char*, kPaints> kClasses = {"empty", "full", "partial",
                                                       "mix1",  "mix2", "mix3"};

Paint paint_of(const Cell& cell) {
    if (cell.full == cell.blocks) return kFull;
    if (cell.partial == cell.blocks) return kPartial;
    const std::int64_t listed = cell.full + cell.partial;
    if (listed == 0) return kEmpty;
    return static_cast<Paint>(kMix1 + std::min<std::int64_t>(3 * listed / cell.blocks, 2));
}

/// A path over the cells that `chosen`(cell) picks: one rectangle per row of neighbours, in units
/// of cells. Empty when there are none.
template <class Chosen>
std::string path(const Grid& grid, std::string_view name, Chosen&& chosen) {
    std::string d;
    for (std::int64_t r = 0; r < grid.rows; ++r) {
        for (std::int64_t c = 0; c < grid.columns; ++c) {
            if (!chosen(grid.at(r, c))) continue;
            const std::int64_t begin = c;
            while (c < grid.columns && chosen(grid.at(r, c))) ++c;
            d += formatted("M{} {}h{}v1h-{}z", begin, r, c - begin, c - begin);
        }
    }
    return d.empty() ? d : formatted("<path class=\"{}\" d=\"{}\"/>\n", name, d);
}

/// Positions in tokens to label on an axis of `length` tokens: multiples of a power of two blocks,
/// at most eight, and the end.
std::vector<std::int64_t> ticks(std::int64_t length, std::int64_t block) {
    std::int64_t step = block;
    while (length / step > 8) step *= 2;
    std::vector<std::int64_t> result;
    for (std::int64_t at = 0; at + step / 2 < length; at += step) result.push_back(at);
    result.push_back(length);
    return result;
}

struct Layout {
    std::int64_t cell;           ///< pixels a cell
    std::int64_t width, height;  ///< pixels of the grid
};

std::string axes(const BlockMask& mask, const Layout& layout, std::int64_t step) {
    std::string svg;
    const auto at = [&](std::int64_t token, std::int64_t block) {
        return static_cast<double>(token) / static_cast<double>(block * step) *
               static_cast<double>(layout.cell);
    };
    for (const std::int64_t token : ticks(mask.kv_len(), mask.block_size().kv)) {
        const double x = static_cast<double>(kLeft) + at(token, mask.block_size().kv);
        svg += formatted(
            "<path class=\"tick\" d=\"M{0:.1f} {1}v-5\"/>"
            "<text x=\"{0:.1f}\" y=\"{2}\" text-anchor=\"middle\">{3}</text>\n",
            x, kTop, kTop - 9, token);
    }
    for (const std::int64_t token : ticks(mask.q_len(), mask.block_size().q)) {
        const double y = static_cast<double>(kTop) + at(token, mask.block_size().q);
        svg += formatted(
            "<path class=\"tick\" d=\"M{1} {0:.1f}h-5\"/>"
            "<text x=\"{2}\" y=\"{3:.1f}\" text-anchor=\"end\">{4}</text>\n",
            y, kLeft, kLeft - 9, y + 4, token);
    }
    return svg + formatted(
                     "<text x=\"{}\" y=\"{}\">keys</text>\n"
                     "<text transform=\"translate(14 {}) rotate(-90)\" "
                     "text-anchor=\"end\">queries</text>\n",
                     kLeft, kTop - 26, kTop);
}

std::string legend(const BlockMask& mask, const Grid& grid, std::int64_t step, std::int64_t top) {
    Cell total;
    for (const Cell& cell : grid.cells) {
        total.full += cell.full;
        total.partial += cell.partial;
        total.evaluated += cell.evaluated;
        total.blocks += cell.blocks;
    }
    std::string svg;
    std::int64_t x = kLeft, y = top;
    const auto swatch = [&](const char* name, std::int64_t count) {
        const double share = total.blocks > 0 ? 100.0 * static_cast<double>(count) /
                                                    static_cast<double>(total.blocks)
                                              : 0;
        svg += formatted(
            "<rect class=\"{0}\" x=\"{1}\" y=\"{2}\" width=\"12\" height=\"12\"/>"
            "<rect class=\"frame\" x=\"{1}.5\" y=\"{2}.5\" width=\"11\" height=\"11\"/>"
            "<text x=\"{3}\" y=\"{4}\">{0} {5} ({6:.1f} %)</text>\n",
            name, x, y, x + 18, y + 11, count, share);
    };
    const auto next_row = [&] {
        x = kLeft;
        y += kLegendRow;
    };
    constexpr std::int64_t kColumn = 230;
    swatch("full", total.full);
    x += kColumn;
    swatch("partial", total.partial);
    next_row();
    swatch("empty", total.blocks - total.full - total.partial);
    if (!mask.rep().from_tables) {
        x += kColumn;
        swatch("evaluated", total.evaluated);
    }
    next_row();
    const auto note = [&](const std::string& text) {
        svg += formatted("<text x=\"{}\" y=\"{}\">{}</text>\n", kLeft, y + 11, text);
        next_row();
    };
    note(mask.rep().from_tables ? "The blocks were given as tables."
                                : "What is not hatched was proved by intervals.");
    if (step > 1) {
        note(formatted("A cell is {0} × {0} blocks; in pale blue, cells listed in part.", step));
    }
    return svg;
}

}  // namespace
}  // namespace mask

std::string BlockMask::to_svg(std::int64_t b, std::int64_t h) const {
    using namespace mask;
    if (b < 0 || b >= B() || h < 0 || h >= H()) {
        throw UserError(formatted(
            "BlockMask::to_svg: got b={} and h={} for a mask with B={} and H={}.", b, h, B(), H()));
    }
    const std::int64_t longest = std::max<std::int64_t>({q_blocks(), kv_blocks(), 1});
    const std::int64_t step = (longest + kMaxCells - 1) / kMaxCells;
    const Grid grid = count_cells(*this, b, h, step, step);
    const std::int64_t cells = std::max<std::int64_t>({grid.rows, grid.columns, 1});
    Layout layout{};
    layout.cell = std::clamp<std::int64_t>(kLongSide / cells, 1, kMaxCellSize);
    layout.width = grid.columns * layout.cell;
    layout.height = grid.rows * layout.cell;
    const std::int64_t width = std::max(kLeft + layout.width + kRight, kMinWidth);
    const std::int64_t legend_top = kTop + layout.height + 20;
    const std::int64_t height = legend_top + 4 * kLegendRow;

    const std::string title = formatted("Block mask of {} × {} tokens", q_len(), kv_len());
    std::string svg = formatted(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
        "viewBox=\"0 0 {0} {1}\" role=\"img\">\n<title>{2}</title>\n<style>{3}</style>\n",
        width, height, title, kStyle);
    // Inside the grid a unit is a cell, so that patterns there are scaled down to pixels.
    const double pixel = 1.0 / static_cast<double>(layout.cell);
    const auto hatch = [](const char* id, double scale) {
        return formatted(
            "<pattern id=\"{}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
            "patternTransform=\"scale({:.6g})\"><path d=\"M-1 7L7 -1M-1 1L1 -1M5 7L7 5\" "
            "stroke=\"#0f172a\" stroke-width=\"1\" stroke-opacity=\".6\"/></pattern>\n",
            id, scale);
    };
    svg += "<defs>\n" + hatch("hatch", pixel) + hatch("swatch", 1);
    svg += formatted(
        "<pattern id=\"lines\" width=\"1\" height=\"1\" patternUnits=\"userSpaceOnUse\">"
        "<path d=\"M1 0V1H0\" fill=\"none\" stroke=\"#fff\" stroke-width=\"{:.6g}\"/></pattern>\n"
        "</defs>\n",
        pixel);
    svg += formatted("<rect width=\"{}\" height=\"{}\" fill=\"#fff\"/>\n", width, height);
    svg += formatted("<text class=\"title\" x=\"{}\" y=\"24\">{}</text>\n", kLeft, title);
    svg += formatted(
        "<text x=\"{}\" y=\"43\">blocks of {} × {}, batch {} of {}, head {} of {}, sparsity {:.2f} "
        "%</text>\n",
        kLeft, block_size().q, block_size().kv, b, B(), h, H(), sparsity());
    svg += axes(*this, layout, step);
    svg += formatted("<g transform=\"translate({} {}) scale({})\">\n", kLeft, kTop, layout.cell);
    svg +=
        formatted("<rect class=\"empty\" width=\"{}\" height=\"{}\"/>\n", grid.columns, grid.rows);
    for (int paint = kFull; paint < kPaints; ++paint) {
        svg += path(grid, kClasses[paint],
                    [paint](const Cell& cell) { return paint_of(cell) == paint; });
    }
    svg += path(grid, "evaluated", [](const Cell& cell) { return cell.evaluated > 0; });
    if (layout.cell >= 6) {
        svg += formatted("<rect class=\"lines\" width=\"{}\" height=\"{}\"/>\n", grid.columns,
                         grid.rows);
    }
    svg += formatted("</g>\n<rect class=\"frame\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n",
                     kLeft, kTop, layout.width, layout.height);
    return svg + legend(*this, grid, step, legend_top) + "</svg>\n";
}

}  // namespace flexion
