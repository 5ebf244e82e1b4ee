// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/kernels/schedule/walk.h"

#include <algorithm>
#include <limits>

namespace flexion::cpu {

void Walk::start(std::int64_t block, std::int64_t kv_len) {
    block_ = block;
    kv_len_ = kv_len;
    count_ = 0;
}

void Walk::add(std::span<const BlockRun> runs, LaneSet lanes) {
    rows_[count_++] = {runs.data(), runs.data() + runs.size(), lanes};
}

const BlockRun* Walk::find(const Row& row, std::int64_t key) const {
    const BlockRun* run = row.run;
    while (run != row.end && run->end() * block_ <= key) ++run;
    return run;
}

Piece Walk::next(std::int64_t from) const {
    constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
    Piece piece;
    piece.begin = kNever;
    for (int i = 0; i < count_; ++i) {
        const BlockRun* run = find(rows_[i], from);
        if (run != rows_[i].end)
            piece.begin = std::min(piece.begin, std::max(from, run->begin() * block_));
    }
    if (piece.begin >= kv_len_) return {};
    piece.end = kv_len_;
    for (int i = 0; i < count_; ++i) {
        const Row& row = rows_[i];
        const BlockRun* run = find(row, piece.begin);
        if (run == row.end) continue;
        if (run->begin() * block_ > piece.begin) {
            piece.end = std::min(piece.end, run->begin() * block_);
            continue;
        }
        piece.end = std::min(piece.end, run->end() * block_);
        (run->full() ? piece.full : piece.partial) |= row.lanes;
    }
    return piece;
}

void Walk::pass(std::int64_t key) {
    for (int i = 0; i < count_; ++i) rows_[i].run = find(rows_[i], key);
}

}  // namespace flexion::cpu
