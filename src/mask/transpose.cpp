// SPDX-License-Identifier: Apache-2.0
// Rows of a block mask turned into columns by a sweep over what changes from row to row.
#include "mask/transpose.h"

#include <vector>

#include "mask/rep.h"

namespace flexion::mask {
namespace {

/// Calls emit(column, begin, end, full) for the runs of all columns of one plane, ascending in each
/// column. `since` holds, per column, the row at which its present state began.
template <class F>
void sweep(const BlockMask::Rep& rep, std::int64_t plane, std::vector<std::int32_t>& since,
           F&& emit) {
    const std::int64_t rows = rep.q_blocks();
    std::span<const BlockRun> above;
    for (std::int64_t r = 0; r <= rows; ++r) {
        const auto here = r < rows ? rep.listed.row(plane * rows + r) : std::span<const BlockRun>();
        for_each_stretch(
            above, here, [&](std::int64_t begin, std::int64_t end, BlockState was, BlockState is) {
                if (was == is) return;
                for (std::int64_t c = begin; c < end; ++c) {
                    if (was != BlockState::empty) {
                        emit(c, since[c], static_cast<std::int32_t>(r), was == BlockState::full);
                    }
                    since[c] = static_cast<std::int32_t>(r);
                }
            });
        above = here;
    }
}

}  // namespace

ColumnRuns transpose(const BlockMask& mask) {
    const BlockMask::Rep& rep = mask.rep();
    ColumnRuns result;
    result.kv_blocks = rep.kv_blocks();
    result.plane_stride_b = rep.plane_stride_b;
    result.plane_stride_h = rep.plane_stride_h;
    if (rep.listed.runs.empty()) return result;

    const std::int64_t planes = rep.planes(), columns = rep.kv_blocks();
    std::vector<std::int32_t> since(columns);
    std::vector<std::int64_t>& offsets = result.rows.offsets;
    offsets.assign(planes * columns + 1, 0);
    for (std::int64_t plane = 0; plane < planes; ++plane) {
        sweep(rep, plane, since, [&](std::int64_t c, std::int32_t, std::int32_t, bool) {
            ++offsets[plane * columns + c + 1];
        });
    }
    for (std::size_t i = 1; i < offsets.size(); ++i) offsets[i] += offsets[i - 1];

    result.rows.runs.resize(offsets.back());
    std::vector<std::int64_t> next(columns);
    for (std::int64_t plane = 0; plane < planes; ++plane) {
        std::copy_n(offsets.begin() + plane * columns, columns, next.begin());
        sweep(rep, plane, since,
              [&](std::int64_t c, std::int32_t begin, std::int32_t end, bool full) {
                  result.rows.runs[next[c]++] = BlockRun(begin, end, full);
              });
    }
    return result;
}

}  // namespace flexion::mask
