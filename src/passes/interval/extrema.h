// SPDX-License-Identifier: Apache-2.0
// Minima and maxima of rectangles of a captured buffer, from tables at power-of-two granularities.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <flexion/tensor.h>

#include "passes/interval/interval.h"

namespace flexion::passes {

/// Tables over one or two axes of a buffer, for every index of the others. They hold a 16th (or
/// 256th) of the elements and halve from level to level, so queries cost O(log n) and the ends of
/// ranges are read from the buffer itself, which must stay unchanged.
class Extrema {
public:
    using Index = std::array<std::int64_t, kMaxRank>;

    /// `row` and `column` are axes; row may be -1, both may be -1 (no tables, points only).
    Extrema(const TensorView& view, int row, int column);

    /// Every element within first..last (inclusive, in range, equal but for row and column axes).
    /// Exact for one axis; over two it may cover up to one cell more on each side.
    Interval range(const Index& first, const Index& last) const;
    Interval at(const Index& index) const { return range(index, index); }
    /// Of the whole buffer.
    Interval all() const;
    std::int64_t extent(int axis) const { return view_.shape[axis]; }
    int rank() const { return view_.rank; }
    int row() const { return row_; }
    int column() const { return column_; }

private:
    /// Keys of elements: integers themselves, floats mapped to integers of the same order with NaN
    /// above all.
    struct Extremes {
        std::int64_t lo = INT64_MAX, hi = INT64_MIN;
        void add(const Extremes& x) {
            lo = std::min(lo, x.lo);
            hi = std::max(hi, x.hi);
        }
        bool covers(const Extremes& x) const { return lo <= x.lo && x.hi <= hi; }
    };
    using Scan = void (*)(const void* data, std::int64_t offset, std::int64_t stride,
                          std::int64_t count, Extremes& found);
    struct Level {
        std::int64_t rows, columns, offset;
    };
    struct Rectangle {
        std::int64_t r0, r1, c0, c1;  ///< half-open
    };
    struct Query;

    void plan_levels();
    void fill(std::int64_t base, Extremes* table) const;
    void scan(std::int64_t base, const Rectangle& rectangle, Extremes& found) const;
    void line(const Query& query, std::int64_t first, std::int64_t end, Extremes& found) const;
    void descend(const Query& query, int level, std::int64_t r, std::int64_t c,
                 Extremes& found) const;
    Rectangle cell(int level, std::int64_t r, std::int64_t c) const;

    TensorView view_;
    int row_, column_;
    Scan scan_;
    std::int64_t rows_ = 1, columns_ = 1;
    std::vector<Level> levels_;
    std::int64_t table_size_ = 0;                        ///< entries for each outer index
    std::array<std::int64_t, kMaxRank> outer_stride_{};  ///< in tables
    std::vector<Extremes> tables_;
};

}  // namespace flexion::passes
