// SPDX-License-Identifier: Apache-2.0
// BlockMask: what it is made of, seen from outside.
#include <flexion/block_mask.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include <flexion/error.h>

#include "mask/rep.h"
#include "passes/passes.h"
#include "support/format.h"

namespace flexion {

namespace mask {

std::int64_t RunRows::blocks() const {
    std::int64_t sum = 0;
    for (const BlockRun& run : runs) sum += run.count();
    return sum;
}

std::int64_t RunRows::bytes() const {
    return static_cast<std::int64_t>(offsets.capacity() * sizeof(offsets[0]) +
                                     runs.capacity() * sizeof(runs[0]));
}

std::uint8_t dependence(const MaskMod& mask_mod) {
    if (!mask_mod) return 0;
    const ir::Function function = passes::simplify(mask_mod.function());
    return passes::uniformity(function).depends[function.results[0].value];
}

RunRows RunRowsWriter::finish() && {
    if (result_.runs.empty()) return {};
    result_.runs.shrink_to_fit();
    return std::move(result_);
}

}  // namespace mask

void BlockMask::Rep::note_partial_blocks() {
    has_partial_blocks = std::any_of(listed.runs.begin(), listed.runs.end(),
                                     [](const BlockRun& run) { return !run.full(); });
}

std::int64_t BlockMask::B() const { return rep_->B; }
std::int64_t BlockMask::H() const { return rep_->H; }
std::int64_t BlockMask::q_len() const { return rep_->q_len; }
std::int64_t BlockMask::kv_len() const { return rep_->kv_len; }
BlockSize BlockMask::block_size() const { return rep_->block_size; }
std::int64_t BlockMask::q_blocks() const { return rep_->q_blocks(); }
std::int64_t BlockMask::kv_blocks() const { return rep_->kv_blocks(); }
const MaskMod& BlockMask::mask_mod() const { return rep_->mask_mod; }
bool BlockMask::broadcasts_read_b() const { return rep_->reads_b; }
bool BlockMask::broadcasts_read_h() const { return rep_->reads_h; }
std::int64_t BlockMask::bytes() const { return rep_->listed.bytes() + rep_->evaluated.bytes(); }
std::int64_t BlockMask::blocks_evaluated() const { return rep_->evaluated.blocks(); }

std::int64_t BlockMask::blocks_proved() const {
    if (rep_->from_tables) return 0;
    return rep_->planes() * q_blocks() * kv_blocks() - blocks_evaluated();
}

std::span<const BlockRun> BlockMask::row(std::int64_t b, std::int64_t h, std::int64_t row) const {
    return rep_->listed.row(rep_->plane(b, h) * rep_->q_blocks() + row);
}

std::int64_t BlockMask::blocks_in_row(std::int64_t b, std::int64_t h, std::int64_t r) const {
    std::int64_t sum = 0;
    for (const BlockRun& run : row(b, h, r)) sum += run.count();
    return sum;
}

bool BlockMask::has_partial_blocks() const { return rep_->has_partial_blocks; }

double BlockMask::sparsity() const {
    const double elements = static_cast<double>(B()) * static_cast<double>(H()) *
                            static_cast<double>(q_len()) * static_cast<double>(kv_len());
    if (elements == 0) return 100;
    const double listed =
        static_cast<double>(rep_->listed.blocks()) * static_cast<double>(rep_->sharing()) *
        static_cast<double>(block_size().q) * static_cast<double>(block_size().kv);
    return 100 * (1 - listed / elements);
}

std::vector<std::uint8_t> BlockMask::to_dense() const {
    const std::int64_t columns = kv_blocks();
    std::vector<std::uint8_t> dense(B() * H() * q_blocks() * columns);
    auto out = dense.begin();
    for (std::int64_t b = 0; b < B(); ++b) {
        for (std::int64_t h = 0; h < H(); ++h) {
            for (std::int64_t r = 0; r < q_blocks(); ++r, out += columns) {
                for (const BlockRun& run : row(b, h, r)) {
                    std::fill(out + run.begin(), out + run.end(), std::uint8_t{1});
                }
            }
        }
    }
    return dense;
}

BlockMask BlockMask::adjust(std::int64_t new_q_len, std::int64_t new_kv_len) const {
    if (new_q_len < 0 || new_kv_len < 0 || new_q_len > q_len() || new_kv_len > kv_len()) {
        throw UserError(formatted(
            "BlockMask::adjust: got lengths {} x {} for a mask of {} x {}; adjust keeps the upper "
            "left corner, so neither may be negative or grow. Create a mask of the new lengths "
            "with "
            "create_block_mask.",
            new_q_len, new_kv_len, q_len(), kv_len()));
    }
    auto rep = std::make_shared<Rep>(*rep_);
    rep->q_len = new_q_len;
    rep->kv_len = new_kv_len;
    const std::int64_t rows = rep->q_blocks(), columns = rep->kv_blocks();
    const auto crop = [&](const mask::RunRows& from, bool blocks_become_ragged) {
        mask::RunRowsWriter writer(rep->planes() * rows);
        for (std::int64_t plane = 0; plane < rep->planes(); ++plane) {
            for (std::int64_t r = 0; r < rows; ++r, writer.end_row()) {
                const std::int64_t whole = !blocks_become_ragged       ? columns
                                           : r < rep->whole_q_blocks() ? rep->whole_kv_blocks()
                                                                       : 0;
                mask::for_each_run(from.row(plane * rep_->q_blocks() + r), columns,
                                   [&](std::int64_t begin, std::int64_t end, bool full) {
                                       const std::int64_t cut = std::clamp(whole, begin, end);
                                       writer.append(begin, cut, full);
                                       writer.append(cut, end, false);
                                   });
            }
        }
        return std::move(writer).finish();
    };
    rep->listed = crop(rep_->listed, true);
    rep->evaluated = crop(rep_->evaluated, false);
    rep->note_partial_blocks();
    return BlockMask(std::move(rep));
}

BlockMask BlockMask::select(Selection b, Selection h, Selection rows,
                            std::optional<std::int64_t> new_q_len) const {
    const auto chosen = [](const Selection& selection, std::int64_t count, const char* name) {
        std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
        std::iota(indices.begin(), indices.end(), std::int64_t{0});
        if (!selection) return indices;
        indices.assign(selection->begin(), selection->end());
        for (const std::int64_t index : indices) {
            if (index < 0 || index >= count) {
                throw UserError(
                    formatted("BlockMask::select: index {} of {}, of which there are {}.", index,
                              name, count));
            }
        }
        return indices;
    };
    const std::vector<std::int64_t> bs = chosen(b, B(), "the batches");
    const std::vector<std::int64_t> hs = chosen(h, H(), "the heads");
    const std::vector<std::int64_t> rs = chosen(rows, q_blocks(), "the rows of blocks");
    auto rep = std::make_shared<Rep>();
    rep->B = static_cast<std::int64_t>(bs.size());
    rep->H = static_cast<std::int64_t>(hs.size());
    const auto row_count = static_cast<std::int64_t>(rs.size());
    rep->q_len = new_q_len.value_or(rows ? row_count * block_size().q : q_len());
    rep->kv_len = kv_len();
    rep->block_size = block_size();
    if (rep->q_len < 0 || rep->q_blocks() != row_count) {
        throw UserError(formatted(
            "BlockMask::select: got q_len={} for {} rows of blocks of {}; expected a length that "
            "needs as many rows.",
            rep->q_len, row_count, block_size().q));
    }
    rep->set_planes(true, true);
    rep->from_tables = true;
    mask::RunRowsWriter writer(rep->planes() * row_count);
    for (const std::int64_t ib : bs) {
        for (const std::int64_t ih : hs) {
            for (std::int64_t r = 0; r < row_count; ++r, writer.end_row()) {
                const bool whole = r < rep->whole_q_blocks();
                for (const BlockRun& run : row(ib, ih, rs[static_cast<std::size_t>(r)])) {
                    writer.append(run.begin(), run.end(), run.full() && whole);
                }
            }
        }
    }
    rep->listed = std::move(writer).finish();
    rep->note_partial_blocks();
    return BlockMask(std::move(rep));
}

BlockMask BlockMask::with_mask_mod(MaskMod mask_mod) const {
    auto rep = std::make_shared<Rep>(*rep_);
    rep->mask_mod = std::move(mask_mod);
    rep->lists_cover_mod = false;
    const std::uint8_t reads = mask::dependence(rep->mask_mod);
    rep->reads_b = !rep->from_tables && B() == 1 && (reads & passes::kOnB) != 0;
    rep->reads_h = !rep->from_tables && H() == 1 && (reads & passes::kOnH) != 0;
    return BlockMask(std::move(rep));
}

}  // namespace flexion
