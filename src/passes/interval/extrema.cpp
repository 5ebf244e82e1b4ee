// SPDX-License-Identifier: Apache-2.0
// Builds and reads the tables of minima and maxima.
#include "passes/interval/extrema.h"

#include <bit>
#include <cmath>
#include <type_traits>

#include <flexion/error.h>

#include "ir/interpret.h"

namespace flexion::passes {
namespace {

constexpr int kCellBits = 4;  // level 0: 16 elements a side
constexpr std::int64_t kCell = 1 << kCellBits;
/// Larger rectangles over two axes are bounded by whole cells of this many levels down; smaller
/// ones exactly.
constexpr int kDescent = 3;

/// Order-preserving: negative floats have their magnitude bits flipped.
std::int64_t key_of(double x) {
    if (std::isnan(x)) return INT64_MAX;
    const auto bits = std::bit_cast<std::int64_t>(x);
    return bits < 0 ? bits ^ INT64_MAX : bits;
}
double real_of_key(std::int64_t key) {
    return std::bit_cast<double>(key < 0 ? key ^ INT64_MAX : key);
}

template <class T, class Extremes>
void scan_elements(const void* data, std::int64_t offset, std::int64_t stride, std::int64_t count,
                   Extremes& found) {
    const T* element = static_cast<const T*>(data) + offset;
    if constexpr (std::is_floating_point_v<T>) {
        for (; count > 0; --count, element += stride) {
            const std::int64_t key = key_of(*element);
            found.add({key, key});
        }
    } else {
        T lo = *element, hi = *element;
        for (; count > 0; --count, element += stride) {
            lo = std::min(lo, *element);
            hi = std::max(hi, *element);
        }
        found.add({static_cast<std::int64_t>(lo), static_cast<std::int64_t>(hi)});
    }
}
template <DType dtype, class Extremes>
void scan_halves(const void* data, std::int64_t offset, std::int64_t stride, std::int64_t count,
                 Extremes& found) {
    TensorView view;
    view.dtype = dtype;
    for (; count > 0; --count, offset += stride) {
        view.data = const_cast<std::uint16_t*>(static_cast<const std::uint16_t*>(data) + offset);
        const std::int64_t key = key_of(ir::read_real(view, {}));
        found.add({key, key});
    }
}
template <class Extremes>
auto scan_for(DType dtype)
    -> void (*)(const void*, std::int64_t, std::int64_t, std::int64_t, Extremes&) {
    switch (dtype) {
        case DType::f32:
            return scan_elements<float, Extremes>;
        case DType::f64:
            return scan_elements<double, Extremes>;
        case DType::bf16:
            return scan_halves<DType::bf16, Extremes>;
        case DType::f16:
            return scan_halves<DType::f16, Extremes>;
        case DType::i64:
            return scan_elements<std::int64_t, Extremes>;
        case DType::i32:
            return scan_elements<std::int32_t, Extremes>;
        case DType::i16:
            return scan_elements<std::int16_t, Extremes>;
        case DType::i8:
            return scan_elements<std::int8_t, Extremes>;
        case DType::u8:
        case DType::boolean:
            return scan_elements<std::uint8_t, Extremes>;
    }
    throw InternalError("extrema: no such dtype");
}

Interval interval_of(DType dtype, std::int64_t lo, std::int64_t hi) {
    if (dtype == DType::boolean) return booleans(lo == 0, hi != 0);
    if (!ir::is_float(ir::loaded_type(dtype))) return integers(lo, hi);
    const bool nan = hi == INT64_MAX;
    if (lo == INT64_MAX) return reals(kInfinity, -kInfinity, true);
    return reals(real_of_key(lo), nan ? kInfinity : real_of_key(hi), nan);
}

}  // namespace

struct Extrema::Query {
    std::int64_t base;      ///< offset of element (0, 0) of the two axes
    const Extremes* table;  ///< of this outer index
    Rectangle want;
    int finest;  ///< cells of this level are taken whole; -1: elements are read
};

Extrema::Extrema(const TensorView& view, int row, int column)
    : view_(view), row_(row), column_(column), scan_(scan_for<Extremes>(view.dtype)) {
    if (row_ >= 0) rows_ = view_.strides[row_] == 0 ? 1 : view_.shape[row_];
    if (column_ >= 0) columns_ = view_.strides[column_] == 0 ? 1 : view_.shape[column_];
    plan_levels();
    if (levels_.empty()) return;

    // Every index of the other axes, but for broadcast ones.
    std::int64_t tables = 1;
    std::array<std::int64_t, kMaxRank> extents;
    for (int axis = 0; axis < view_.rank; ++axis) {
        const bool inner = axis == row_ || axis == column_ || view_.strides[axis] == 0;
        extents[axis] = inner ? 1 : view_.shape[axis];
        outer_stride_[axis] = inner ? 0 : tables;
        tables *= extents[axis];
    }
    tables_.resize(tables * table_size_);
    for (std::int64_t t = 0; t < tables; ++t) {
        std::int64_t base = 0, rest = t;
        for (int axis = 0; axis < view_.rank; ++axis) {
            base += rest % extents[axis] * view_.strides[axis];
            rest /= extents[axis];
        }
        fill(base, &tables_[t * table_size_]);
    }
}

void Extrema::plan_levels() {
    if (rows_ <= kCell && columns_ <= kCell) return;
    std::int64_t rows = row_ < 0 ? 1 : (rows_ + kCell - 1) / kCell;
    std::int64_t columns = (columns_ + kCell - 1) / kCell;
    for (;;) {
        levels_.push_back({rows, columns, table_size_});
        table_size_ += rows * columns;
        if (rows == 1 && columns == 1) return;
        rows = (rows + 1) / 2;
        columns = (columns + 1) / 2;
    }
}

Extrema::Rectangle Extrema::cell(int level, std::int64_t r, std::int64_t c) const {
    const int bits = kCellBits + level;
    const Rectangle columns = {0, 1, c << bits, std::min(columns_, (c + 1) << bits)};
    if (row_ < 0) return columns;
    return {r << bits, std::min(rows_, (r + 1) << bits), columns.c0, columns.c1};
}

void Extrema::fill(std::int64_t base, Extremes* table) const {
    for (std::size_t l = 0; l < levels_.size(); ++l) {
        const Level& level = levels_[l];
        for (std::int64_t r = 0; r < level.rows; ++r) {
            for (std::int64_t c = 0; c < level.columns; ++c) {
                Extremes& entry = table[level.offset + r * level.columns + c];
                if (l == 0) {
                    scan(base, cell(0, r, c), entry);
                    continue;
                }
                const Level& finer = levels_[l - 1];
                for (std::int64_t i = 2 * r; i < std::min(2 * r + 2, finer.rows); ++i) {
                    for (std::int64_t j = 2 * c; j < std::min(2 * c + 2, finer.columns); ++j)
                        entry.add(table[finer.offset + i * finer.columns + j]);
                }
            }
        }
    }
}

void Extrema::scan(std::int64_t base, const Rectangle& want, Extremes& found) const {
    const std::int64_t row_stride = row_ < 0 ? 0 : view_.strides[row_];
    const std::int64_t stride = column_ < 0 ? 0 : view_.strides[column_];
    for (std::int64_t r = want.r0; r < want.r1; ++r) {
        scan_(view_.data, base + r * row_stride + want.c0 * stride, stride, want.c1 - want.c0,
              found);
    }
}

/// One axis: whole cells from both ends, climbing a level whenever the ends allow.
void Extrema::line(const Query& query, std::int64_t first, std::int64_t end,
                   Extremes& found) const {
    std::int64_t a = (first + kCell - 1) >> kCellBits;
    std::int64_t b = end == columns_ ? levels_[0].columns : end >> kCellBits;
    if (a >= b) return scan(query.base, {0, 1, first, end}, found);
    if (first < a << kCellBits) scan(query.base, {0, 1, first, a << kCellBits}, found);
    if (b << kCellBits < end) scan(query.base, {0, 1, b << kCellBits, end}, found);
    for (std::size_t l = 0; a < b; ++l) {
        const Extremes* entries = query.table + levels_[l].offset;
        if (a & 1) found.add(entries[a++]);
        if (b & 1) {
            if (b < levels_[l].columns || b == 1)
                found.add(entries[--b]);
            else
                ++b;  // the last cell's parent holds nothing else
        }
        a >>= 1;
        b >>= 1;
    }
}

void Extrema::descend(const Query& query, int level, std::int64_t r, std::int64_t c,
                      Extremes& found) const {
    const Rectangle here = cell(level, r, c);
    const Rectangle& want = query.want;
    const Rectangle both = {std::max(here.r0, want.r0), std::min(here.r1, want.r1),
                            std::max(here.c0, want.c0), std::min(here.c1, want.c1)};
    if (both.r0 >= both.r1 || both.c0 >= both.c1) return;
    const Extremes& entry = query.table[levels_[level].offset + r * levels_[level].columns + c];
    if (found.covers(entry)) return;
    const bool whole =
        both.r0 == here.r0 && both.r1 == here.r1 && both.c0 == here.c0 && both.c1 == here.c1;
    if (whole || level == query.finest) return found.add(entry);
    if (level == 0) return scan(query.base, both, found);
    const Level& finer = levels_[level - 1];
    for (std::int64_t i = 2 * r; i < std::min(2 * r + 2, finer.rows); ++i) {
        for (std::int64_t j = 2 * c; j < std::min(2 * c + 2, finer.columns); ++j)
            descend(query, level - 1, i, j, found);
    }
}

Interval Extrema::all() const {
    Extremes found;
    for (std::size_t t = 0; t < tables_.size(); t += table_size_)
        found.add(tables_[t + table_size_ - 1]);  // the coarsest level is one cell
    if (tables_.empty()) {
        for (std::int64_t t = 0, base = 0; t < view_.numel(); ++t) {
            base = 0;
            std::int64_t rest = t;
            for (int axis = 0; axis < view_.rank; ++axis) {
                base += rest % view_.shape[axis] * view_.strides[axis];
                rest /= view_.shape[axis];
            }
            scan(base, {0, 1, 0, 1}, found);
        }
    }
    return interval_of(view_.dtype, found.lo, found.hi);
}

Interval Extrema::range(const Index& first, const Index& last) const {
    std::int64_t base = 0, table = 0;
    for (int axis = 0; axis < view_.rank; ++axis) {
        if (axis == row_ || axis == column_) continue;
        base += first[axis] * view_.strides[axis];
        table += first[axis] * outer_stride_[axis];
    }
    Rectangle want = {0, 1, 0, 1};
    if (row_ >= 0 && rows_ > 1) want.r0 = first[row_], want.r1 = last[row_] + 1;
    if (column_ >= 0 && columns_ > 1) want.c0 = first[column_], want.c1 = last[column_] + 1;

    Extremes found;
    const std::int64_t longest = std::max(want.r1 - want.r0, want.c1 - want.c0);
    if (levels_.empty() || longest == 1) {
        scan(base, want, found);
    } else if (row_ < 0) {
        line({base, &tables_[table * table_size_], want, -1}, want.c0, want.c1, found);
    } else {
        // Start where at most four cells meet the rectangle.
        const int bits = std::bit_width(static_cast<std::uint64_t>(longest - 1));
        const int top = static_cast<int>(levels_.size()) - 1;
        const int level = std::clamp(bits - kCellBits, 0, top);
        const Query query = {base, &tables_[table * table_size_], want,
                             level > kDescent ? level - kDescent : -1};
        const int shift = kCellBits + level;
        for (std::int64_t r = want.r0 >> shift; r <= (want.r1 - 1) >> shift; ++r) {
            for (std::int64_t c = want.c0 >> shift; c <= (want.c1 - 1) >> shift; ++c)
                descend(query, level, r, c, found);
        }
    }
    return interval_of(view_.dtype, found.lo, found.hi);
}

}  // namespace flexion::passes
