// SPDX-License-Identifier: Apache-2.0
// Rows of runs of blocks, compressed, and the loops over them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <flexion/block_mask.h>

namespace flexion::mask {

/// Appends [begin, end) to the ascending row that starts at runs[row_begin]: joined to its last run
/// where that is possible. An empty interval is nothing.
inline void append_run(std::vector<BlockRun>& runs, std::int64_t begin, std::int64_t end, bool full,
                       std::size_t row_begin = 0) {
    if (begin >= end) return;
    const auto last = static_cast<std::int32_t>(end);
    if (runs.size() > row_begin && runs.back().end() == begin && runs.back().full() == full) {
        runs.back() = BlockRun(runs.back().begin(), last, full);
    } else {
        runs.push_back(BlockRun(static_cast<std::int32_t>(begin), last, full));
    }
}

/// Calls f(begin, end, full) for the runs of a row, cut off at column `columns`.
template <class F>
void for_each_run(std::span<const BlockRun> row, std::int64_t columns, F&& f) {
    for (const BlockRun& run : row) {
        if (run.begin() >= columns) return;
        f(static_cast<std::int64_t>(run.begin()), std::min<std::int64_t>(run.end(), columns),
          run.full());
    }
}

enum class BlockState : std::uint8_t { empty, partial, full };

/// Walks along one row.
class RowCursor {
public:
    static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
    struct Stretch {
        BlockState state;
        std::int64_t end;  ///< where the state ends; kNever: empty from here on
    };
    explicit RowCursor(std::span<const BlockRun> row) : row_(row) {}
    /// The stretch that column x lies in; x must not decrease from call to call.
    Stretch at(std::int64_t x) {
        while (next_ < row_.size() && row_[next_].end() <= x) ++next_;
        if (next_ == row_.size()) return {BlockState::empty, kNever};
        const BlockRun& run = row_[next_];
        if (x < run.begin()) return {BlockState::empty, run.begin()};
        return {run.full() ? BlockState::full : BlockState::partial, run.end()};
    }

private:
    std::span<const BlockRun> row_;
    std::size_t next_ = 0;
};

/// Calls f(begin, end, state_a, state_b) for the stretches of columns on which two rows are
/// constant and not both empty.
template <class F>
void for_each_stretch(std::span<const BlockRun> a, std::span<const BlockRun> b, F&& f) {
    RowCursor cursor_a(a), cursor_b(b);
    for (std::int64_t x = 0;;) {
        const auto [state_a, end_a] = cursor_a.at(x);
        const auto [state_b, end_b] = cursor_b.at(x);
        const std::int64_t end = std::min(end_a, end_b);
        if (end == RowCursor::kNever) return;
        if (state_a != BlockState::empty || state_b != BlockState::empty) {
            f(x, end, state_a, state_b);
        }
        x = end;
    }
}

/// Rows of runs: those of row i are runs[offsets[i] .. offsets[i + 1]). Without any run in any row
/// both vectors are empty, so that what is absent costs nothing.
struct RunRows {
    std::vector<std::int64_t> offsets;
    std::vector<BlockRun> runs;

    std::span<const BlockRun> row(std::int64_t i) const {
        if (offsets.empty()) return {};
        return std::span(runs).subspan(offsets[i], offsets[i + 1] - offsets[i]);
    }
    std::int64_t blocks() const;
    std::int64_t bytes() const;
    bool operator==(const RunRows&) const = default;
};

/// Collects the rows of a RunRows one after the other.
class RunRowsWriter {
public:
    explicit RunRowsWriter(std::int64_t rows) {
        result_.offsets.reserve(rows + 1);
        result_.offsets.push_back(0);
    }
    /// Adds to the row in progress, ascending.
    void append(std::int64_t begin, std::int64_t end, bool full) {
        append_run(result_.runs, begin, end, full,
                   static_cast<std::size_t>(result_.offsets.back()));
    }
    void end_row() { result_.offsets.push_back(static_cast<std::int64_t>(result_.runs.size())); }
    RunRows finish() &&;

private:
    RunRows result_;
};

}  // namespace flexion::mask
