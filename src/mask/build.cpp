// SPDX-License-Identifier: Apache-2.0
// The quadtree descent that decides every block of a mask.
#include "mask/build.h"

#include <bit>
#include <limits>
#include <utility>
#include <vector>

#include <flexion/error.h>

#include "mask/rep.h"
#include "passes/passes.h"
#include "support/format.h"

namespace flexion::mask {
namespace {

/// A task is a band of rows of blocks. Many bands balance the load of threads, high ones need fewer
/// classifications to come down from the full width to squares. Never by the number of threads.
std::int64_t rows_of_band(std::int64_t rows) {
    constexpr std::int64_t kBands = 16, kMaxRows = 64;
    return std::clamp<std::int64_t>(
        static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(rows / kBands))), 1,
        kMaxRows);
}
/// Undecided blocks of more elements than this are descended further before they are evaluated.
constexpr std::int64_t kLeafElements = 128 * 128;

/// What the elements seen so far are.
constexpr unsigned kSomeTrue = 1, kAllTrue = 2;

/// Rows [r0, r1) x columns [c0, c1) of blocks.
struct Rect {
    std::int64_t r0, r1, c0, c1;
    std::int64_t rows() const { return r1 - r0; }
    std::int64_t columns() const { return c1 - c0; }
};

/// Where to split [begin, end): at an even multiple of a power of two, where the minima and maxima
/// of captured buffers are tight.
std::int64_t split_point(std::int64_t begin, std::int64_t end) {
    return begin +
           static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(end - begin - 1)));
}

/// Calls f on the parts of a rectangle of more than one cell, left before right in each row: four,
/// or two where one side is at least twice the other.
template <class F>
void for_each_part(const Rect& rect, std::int64_t row_size, std::int64_t column_size, F&& f) {
    const std::int64_t height = rect.rows() * row_size;
    const std::int64_t width = rect.columns() * column_size;
    const bool split_rows = rect.rows() > 1 && (rect.columns() == 1 || height > width / 2);
    const bool split_columns = rect.columns() > 1 && (rect.rows() == 1 || width > height / 2);
    const std::int64_t r = split_rows ? split_point(rect.r0, rect.r1) : rect.r1;
    const std::int64_t c = split_columns ? split_point(rect.c0, rect.c1) : rect.c1;
    f(Rect{rect.r0, r, rect.c0, c});
    if (split_columns) f(Rect{rect.r0, r, c, rect.c1});
    if (split_rows) f(Rect{r, rect.r1, rect.c0, c});
    if (split_rows && split_columns) f(Rect{r, rect.r1, c, rect.c1});
}

/// Runs of the rows of one band; the vectors keep their memory from band to band.
struct Band {
    std::vector<std::vector<BlockRun>> listed;
    std::vector<std::vector<BlockRun>> evaluated;

    void start(std::int64_t rows) {
        listed.resize(rows);
        evaluated.resize(rows);
        for (auto& row : listed) row.clear();
        for (auto& row : evaluated) row.clear();
    }
};

/// The rows of a band, packed.
struct PackedRows {
    std::vector<std::int64_t> counts;
    std::vector<BlockRun> runs;

    void pack(const std::vector<std::vector<BlockRun>>& rows) {
        std::size_t total = 0;
        for (const auto& row : rows) total += row.size();
        if (total == 0) return;
        counts.reserve(rows.size());
        runs.reserve(total);
        for (const auto& row : rows) {
            counts.push_back(static_cast<std::int64_t>(row.size()));
            runs.insert(runs.end(), row.begin(), row.end());
        }
    }
};

class Descent {
public:
    Descent(const BlockMask::Rep& rep, const passes::MaskIntervals& intervals,
            const LeafEvaluator& evaluate, std::int32_t b, std::int32_t h, std::int64_t first_row,
            Band& band)
        : rep_(rep),
          intervals_(intervals),
          evaluate_(evaluate),
          b_(b),
          h_(h),
          first_row_(first_row),
          band_(band) {}

    void descend(const Rect& rect) {
        // Where there is still something to split, corners would prove nothing that saves work.
        const bool single = rect.rows() == 1 && rect.columns() == 1;
        const passes::Verdict verdict = intervals_.classify(box(rect, rep_.block_size), single);
        if (verdict == passes::Verdict::all_false) return;
        if (verdict == passes::Verdict::all_true) {
            list_true(rect);
        } else if (!single) {
            for_each_part(rect, rep_.block_size.q, rep_.block_size.kv,
                          [this](const Rect& part) { descend(part); });
        } else if (verdict == passes::Verdict::mixed) {
            append_run(band_.listed[rect.r0 - first_row_], rect.c0, rect.c1, false);
        } else {
            decide(rect);
        }
    }

private:
    /// The elements of a rectangle of cells of this size that lie inside the lengths.
    passes::Box box(const Rect& rect, const BlockSize& cell) const {
        const auto last = [](std::int64_t end, std::int64_t size, std::int64_t length) {
            return static_cast<std::int32_t>(std::min(end * size, length) - 1);
        };
        passes::Box box;
        box.b0 = box.b1 = b_;
        box.h0 = box.h1 = h_;
        box.q0 = static_cast<std::int32_t>(rect.r0 * cell.q);
        box.q1 = last(rect.r1, cell.q, rep_.q_len);
        box.k0 = static_cast<std::int32_t>(rect.c0 * cell.kv);
        box.k1 = last(rect.c1, cell.kv, rep_.kv_len);
        return box;
    }

    /// All real elements of the rectangle are true: its blocks are full where they lie inside.
    void list_true(const Rect& rect) {
        const std::int64_t whole = std::clamp(rep_.whole_kv_blocks(), rect.c0, rect.c1);
        for (std::int64_t r = rect.r0; r < rect.r1; ++r) {
            auto& row = band_.listed[r - first_row_];
            const std::int64_t full_end = r < rep_.whole_q_blocks() ? whole : rect.c0;
            append_run(row, rect.c0, full_end, true);
            append_run(row, full_end, rect.c1, false);
        }
    }

    /// One block that intervals cannot decide.
    void decide(const Rect& block) {
        const passes::Box real = box(block, rep_.block_size);
        unsigned found = kAllTrue;
        look(Rect{real.q0, std::int64_t{real.q1} + 1, real.k0, std::int64_t{real.k1} + 1}, found);
        append_run(band_.evaluated[block.r0 - first_row_], block.c0, block.c1, false);
        if ((found & kAllTrue) != 0) {
            list_true(block);
        } else if ((found & kSomeTrue) != 0) {
            append_run(band_.listed[block.r0 - first_row_], block.c0, block.c1, false);
        }
    }

    /// Adds what an undecided rectangle of elements holds to `found`, until something true and
    /// something false are found.
    void look(const Rect& elements, unsigned& found) {
        if (elements.rows() * elements.columns() <= kLeafElements) {
            const unsigned bits = evaluate_(b_, h_, static_cast<std::int32_t>(elements.r0),
                                            static_cast<std::int32_t>(elements.r1),
                                            static_cast<std::int32_t>(elements.c0),
                                            static_cast<std::int32_t>(elements.c1));
            found = (found & bits & kAllTrue) | ((found | bits) & kSomeTrue);
            return;
        }
        for_each_part(elements, 1, 1, [&](const Rect& part) {
            if (found == kSomeTrue) return;
            switch (intervals_.classify(box(part, BlockSize{1, 1}))) {
                case passes::Verdict::all_true:
                    found |= kSomeTrue;
                    break;
                case passes::Verdict::all_false:
                    found &= ~kAllTrue;
                    break;
                case passes::Verdict::mixed:
                    found = kSomeTrue;
                    break;
                case passes::Verdict::undecided:
                    look(part, found);
                    break;
            }
        });
    }

    const BlockMask::Rep& rep_;
    const passes::MaskIntervals& intervals_;
    const LeafEvaluator& evaluate_;
    const std::int32_t b_, h_;
    const std::int64_t first_row_;
    Band& band_;
};

/// Joins the bands of all planes, in order.
RunRows join(const std::vector<PackedRows>& bands, std::int64_t planes, std::int64_t rows,
             std::int64_t band_rows) {
    RunRows result;
    std::size_t total = 0;
    for (const PackedRows& band : bands) total += band.runs.size();
    if (total == 0) return result;
    result.runs.reserve(total);
    result.offsets.reserve(planes * rows + 1);
    result.offsets.push_back(0);
    auto band = bands.begin();
    for (std::int64_t plane = 0; plane < planes; ++plane) {
        for (std::int64_t r0 = 0; r0 < rows; r0 += band_rows, ++band) {
            const std::int64_t height = std::min(band_rows, rows - r0);
            for (std::int64_t r = 0; r < height; ++r) {
                const std::int64_t count = band->counts.empty() ? 0 : band->counts[r];
                result.offsets.push_back(result.offsets.back() + count);
            }
            result.runs.insert(result.runs.end(), band->runs.begin(), band->runs.end());
        }
    }
    return result;
}

void check_arguments(std::optional<std::int64_t> B, std::optional<std::int64_t> H,
                     std::int64_t q_len, std::int64_t kv_len, BlockSize block_size) {
    constexpr std::int64_t kMaxLength = std::numeric_limits<std::int32_t>::max();
    if (B.value_or(1) < 1 || H.value_or(1) < 1) {
        throw UserError(
            formatted("create_block_mask: got B={} and H={}; both must be at least 1. Leave one "
                      "out to broadcast the mask over it.",
                      B.value_or(1), H.value_or(1)));
    }
    if (q_len < 0 || kv_len < 0 || q_len > kMaxLength || kv_len > kMaxLength) {
        throw UserError(
            formatted("create_block_mask: got q_len={} and kv_len={}; lengths must be in [0, {}], "
                      "since positions are 32-bit integers.",
                      q_len, kv_len, kMaxLength));
    }
    if (block_size.q < 1 || block_size.kv < 1 || block_size.q > kMaxLength ||
        block_size.kv > kMaxLength) {
        throw UserError(
            formatted("create_block_mask: got a block size of {} x {}; both must be in [1, {}], "
                      "for example the default of 128 x 128.",
                      block_size.q, block_size.kv, kMaxLength));
    }
}

/// A mask without a mask_mod: every block is listed.
void list_everything(BlockMask::Rep& rep) {
    RunRowsWriter writer(rep.q_blocks());
    for (std::int64_t r = 0; r < rep.q_blocks(); ++r) {
        const std::int64_t full_end = r < rep.whole_q_blocks() ? rep.whole_kv_blocks() : 0;
        writer.append(0, full_end, true);
        writer.append(full_end, rep.kv_blocks(), false);
        writer.end_row();
    }
    rep.listed = std::move(writer).finish();
    rep.note_partial_blocks();
}

}  // namespace

BlockMask build(const MaskMod& mask_mod, std::optional<std::int64_t> B,
                std::optional<std::int64_t> H, std::int64_t q_len, std::int64_t kv_len,
                BlockSize block_size, const LeafEvaluator& evaluate, const Executor& executor) {
    check_arguments(B, H, q_len, kv_len, block_size);
    auto rep = std::make_shared<BlockMask::Rep>();
    rep->B = B.value_or(1);
    rep->H = H.value_or(1);
    rep->q_len = q_len;
    rep->kv_len = kv_len;
    rep->block_size = block_size;
    rep->mask_mod = mask_mod;
    rep->lists_cover_mod = true;
    if (!mask_mod) {
        list_everything(*rep);
        return BlockMask(std::move(rep));
    }

    const ir::Function function = passes::simplify(mask_mod.function());
    const std::uint8_t depends = passes::uniformity(function).depends[function.results[0].value];
    const bool on_b = (depends & passes::kOnB) != 0, on_h = (depends & passes::kOnH) != 0;
    rep->reads_b = on_b && rep->B == 1;
    rep->reads_h = on_h && rep->H == 1;
    rep->set_planes(on_b && rep->B > 1, on_h && rep->H > 1);

    const std::int64_t rows = rep->q_blocks(), columns = rep->kv_blocks();
    if (rows == 0 || columns == 0) return BlockMask(std::move(rep));
    const passes::MaskIntervals intervals(function, mask_mod.captures());
    const LeafEvaluator leaves = evaluate ? evaluate : interpreted_leaves(mask_mod);

    const std::int64_t band_rows = rows_of_band(rows);
    const std::int64_t bands = (rows + band_rows - 1) / band_rows;
    const std::int64_t heads = rep->plane_stride_h > 0 ? rep->H : 1;
    const std::int64_t tasks = rep->planes() * bands;
    std::vector<PackedRows> listed(tasks), evaluated(tasks);
    std::vector<Band> scratch(executor.width);
    executor.run(tasks, [&](std::int64_t task, int slot) {
        const std::int64_t plane = task / bands;
        const std::int64_t r0 = task % bands * band_rows;
        const std::int64_t r1 = std::min(r0 + band_rows, rows);
        Band& band = scratch[slot];
        band.start(r1 - r0);
        Descent(*rep, intervals, leaves, static_cast<std::int32_t>(plane / heads),
                static_cast<std::int32_t>(plane % heads), r0, band)
            .descend(Rect{r0, r1, 0, columns});
        listed[task].pack(band.listed);
        evaluated[task].pack(band.evaluated);
    });
    rep->listed = join(listed, rep->planes(), rows, band_rows);
    rep->evaluated = join(evaluated, rep->planes(), rows, band_rows);
    rep->note_partial_blocks();
    return BlockMask(std::move(rep));
}

}  // namespace flexion::mask
