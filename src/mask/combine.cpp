// SPDX-License-Identifier: Apache-2.0
// The intersection and the union of two block masks: of their runs and of their mask_mods.
#include <algorithm>
#include <utility>
#include <vector>

#include <flexion/error.h>

#include "mask/rep.h"
#include "support/format.h"

namespace flexion {
namespace {

using mask::BlockState;
using Rep = BlockMask::Rep;

std::int64_t broadcast(std::int64_t a, std::int64_t b, bool a_reads, bool b_reads, const char* name,
                       const char* where) {
    if (a != b && a != 1 && b != 1) {
        throw UserError(formatted("{}: the masks have {}={} and {}={}; they must be equal, or 1.",
                                  where, name, a, name, b));
    }
    if ((a == 1 && b > 1 && a_reads) || (b == 1 && a > 1 && b_reads)) {
        const char index = name[0] == 'B' ? 'b' : 'h';
        throw UserError(
            formatted("{}: one mask reads {} but was built without {}, so it holds only for {} = "
                      "0; build it with {}={}.",
                      where, index, name, index, name, std::max(a, b)));
    }
    return std::max(a, b);
}

/// The result without its runs and mask_mod.
std::shared_ptr<Rep> frame(const Rep& a, const Rep& b, const char* where) {
    if (a.q_len != b.q_len || a.kv_len != b.kv_len || a.block_size != b.block_size) {
        throw UserError(formatted(
            "{}: got masks of {} x {} in blocks of {} x {} and of {} x {} in blocks of {} x {}; "
            "lengths and block sizes must be equal.",
            where, a.q_len, a.kv_len, a.block_size.q, a.block_size.kv, b.q_len, b.kv_len,
            b.block_size.q, b.block_size.kv));
    }
    auto rep = std::make_shared<Rep>();
    rep->B = broadcast(a.B, b.B, a.reads_b, b.reads_b, "B", where);
    rep->H = broadcast(a.H, b.H, a.reads_h, b.reads_h, "H", where);
    rep->q_len = a.q_len;
    rep->kv_len = a.kv_len;
    rep->block_size = a.block_size;
    rep->reads_b = a.reads_b || b.reads_b;
    rep->reads_h = a.reads_h || b.reads_h;
    rep->from_tables = a.from_tables || b.from_tables;
    rep->set_planes(a.plane_stride_b > 0 || b.plane_stride_b > 0,
                    a.plane_stride_h > 0 || b.plane_stride_h > 0);
    return rep;
}

/// Calls f(row of a, row of b, r) for the rows of all planes of `result`, in order.
template <class F>
void for_each_row(const Rep& result, const Rep& a, const Rep& b, F&& f) {
    const std::int64_t B = result.plane_stride_b > 0 ? result.B : 1;
    const std::int64_t H = result.plane_stride_h > 0 ? result.H : 1;
    const std::int64_t rows = result.q_blocks();
    for (std::int64_t ib = 0; ib < B; ++ib) {
        for (std::int64_t ih = 0; ih < H; ++ih) {
            for (std::int64_t r = 0; r < rows; ++r) {
                f(a.plane(ib, ih) * rows + r, b.plane(ib, ih) * rows + r, r);
            }
        }
    }
}

/// A row as what it means: blocks listed without a mask_mod are true in all their elements, hence
/// full where they lie inside the lengths. `storage` backs the result.
std::span<const BlockRun> meaning(const Rep& rep, std::int64_t row, std::int64_t r,
                                  std::vector<BlockRun>& storage) {
    const auto listed = rep.listed.row(row);
    if (rep.mask_mod) return listed;
    storage.clear();
    const std::int64_t whole = r < rep.whole_q_blocks() ? rep.whole_kv_blocks() : 0;
    for (const BlockRun& run : listed) {
        const std::int64_t cut = std::clamp<std::int64_t>(whole, run.begin(), run.end());
        mask::append_run(storage, run.begin(), cut, true);
        mask::append_run(storage, cut, run.end(), false);
    }
    return storage;
}

/// Fills result.listed with what `combine`(state of a, state of b) says of each block, and
/// result.evaluated with the blocks that were evaluated in either mask.
template <class Combine>
void combine_rows(Rep& result, const Rep& a, const Rep& b, Combine&& combine) {
    std::vector<BlockRun> storage_a, storage_b;
    mask::RunRowsWriter listed(result.planes() * result.q_blocks());
    mask::RunRowsWriter evaluated(result.planes() * result.q_blocks());
    for_each_row(result, a, b, [&](std::int64_t row_a, std::int64_t row_b, std::int64_t r) {
        mask::for_each_stretch(
            meaning(a, row_a, r, storage_a), meaning(b, row_b, r, storage_b),
            [&](std::int64_t begin, std::int64_t end, BlockState in_a, BlockState in_b) {
                const BlockState state = combine(in_a, in_b);
                if (state == BlockState::empty) return;
                listed.append(begin, end, state == BlockState::full);
            });
        mask::for_each_stretch(a.evaluated.row(row_a), b.evaluated.row(row_b),
                               [&](std::int64_t begin, std::int64_t end, BlockState, BlockState) {
                                   evaluated.append(begin, end, false);
                               });
        listed.end_row();
        evaluated.end_row();
    });
    result.listed = std::move(listed).finish();
    result.evaluated = std::move(evaluated).finish();
    result.note_partial_blocks();
}

}  // namespace

BlockMask operator&(const BlockMask& a, const BlockMask& b) {
    const Rep &ra = a.rep(), &rb = b.rep();
    auto result = frame(ra, rb, "BlockMask & BlockMask");
    combine_rows(*result, ra, rb,
                 [](BlockState in_a, BlockState in_b) { return std::min(in_a, in_b); });
    result->mask_mod = !ra.mask_mod   ? rb.mask_mod
                       : !rb.mask_mod ? ra.mask_mod
                                      : ra.mask_mod & rb.mask_mod;
    result->lists_cover_mod = ra.lists_cover_mod && rb.lists_cover_mod;
    return BlockMask(std::move(result));
}

BlockMask operator|(const BlockMask& a, const BlockMask& b) {
    const char* where = "BlockMask | BlockMask";
    const Rep &ra = a.rep(), &rb = b.rep();
    auto result = frame(ra, rb, where);
    // Which mask_mod is exact in every partial block of the result. A mask made from tables may be
    // true, by its mask_mod, where it lists nothing.
    bool both_is_exact = true, a_is_exact = true, b_is_exact = true;
    combine_rows(*result, ra, rb, [&](BlockState in_a, BlockState in_b) {
        const BlockState state = std::max(in_a, in_b);
        if (state == BlockState::partial) {
            if (in_a == BlockState::empty) {
                both_is_exact &= ra.lists_cover_mod || !rb.mask_mod;
                a_is_exact = false;
            } else if (in_b == BlockState::empty) {
                both_is_exact &= rb.lists_cover_mod || !ra.mask_mod;
                b_is_exact = false;
            } else {
                a_is_exact = b_is_exact = false;
            }
        }
        return state;
    });
    if (both_is_exact) {
        if (ra.mask_mod && rb.mask_mod) result->mask_mod = ra.mask_mod | rb.mask_mod;
        result->lists_cover_mod = ra.lists_cover_mod && rb.lists_cover_mod;
    } else if (a_is_exact || b_is_exact) {
        const Rep& exact = a_is_exact ? ra : rb;
        result->mask_mod = exact.mask_mod;
        result->lists_cover_mod = exact.lists_cover_mod;
    } else {
        throw Unsupported(formatted(
            "{}: a mask from tables leaves out blocks in which its mask_mod may be true, and the "
            "other mask is partial there: no mask_mod describes both. Write the tables' choice "
            "into a mask_mod and use create_block_mask(a | b, ...).",
            where));
    }
    return BlockMask(std::move(result));
}

}  // namespace flexion
