// SPDX-License-Identifier: Apache-2.0
// What the backward pass adds to the products and packings of the forward pass: products that are
// added to what is there, operands in columns of vectors, and the rows of results.
// Of the five products S, dP and dQ are those of the forward pass (lanes are queries). dV and dK
// have lanes along the head dimension:
//   dV[n][lane] += sum_q P^T[n][q] dO[q][lane]       dK[n][lane] += sum_q dS^T[n][q] Q[q][lane]
// so that no tile is ever transposed: P^T and dS^T are read one broadcast element at a time.
#pragma once

#include "backend/cpu/kernels/micro/gemm.h"
#include "backend/cpu/kernels/micro/pack.h"

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {

/// Asks for the next `lines` cache lines to be brought to L2.
FLEXION_INLINE void fetch(Ahead& ahead, int lines) {
    for (; lines > 0 && ahead.at < Ahead::kRegions; --lines) {
        Ahead::Region& region = ahead.region[ahead.at];
        if (region.rows == 0) {
            ++ahead.at;
            continue;
        }
        __builtin_prefetch(region.row + 64 * ahead.line, 0, 2);
        if (++ahead.line < region.row_lines) continue;
        ahead.line = 0;
        region.row += region.stride;
        --region.rows;
    }
}

/// c[row][lane] += the product of rows `stride` bytes apart and panels; steps: at most kMaxSteps.
/// Before each tile of rows `lines` lines of `ahead` are asked for: they arrive while it is summed.
template <class Op>
void add_rows(const void* a, std::int64_t stride, int rows, int steps, const void* b, void* c,
              Panels panels, Ahead* ahead, int lines) {
    product<Op, Access::along_rows, Start::add>(
        rows, static_cast<const char*>(a), stride, steps, static_cast<const char*>(b),
        static_cast<typename Op::Scalar*>(c), nullptr, panels, [=] { fetch(*ahead, lines); });
}

/// c[i][lane] = the product of steps `stride` bytes apart and of rows of b `b_stride` bytes apart;
/// `add`: added to what is there.
template <class Op>
void sum_steps(const void* a, std::int64_t stride, int steps, int width, const void* b,
               std::int64_t b_stride, void* c, bool add) {
    const auto sum = [&]<Start kStart>() {
        product<Op, Access::along_steps, kStart>(
            width, static_cast<const char*>(a), stride, steps, static_cast<const char*>(b),
            static_cast<typename Op::Scalar*>(c), nullptr, {}, Nothing(), b_stride);
    };
    if (add)
        sum.template operator()<Start::add>();
    else
        sum.template operator()<Start::zero>();
}

/// to[column][row][lane] = from[row][column * lanes + lane]; 0 past `rows` and past `width`. Row by
/// row, as memory has them: what comes from afar comes as one stream.
template <class Vec, class T>
void pack_columns(const void* from, std::int64_t stride, int rows, int padded_rows, int width,
                  void* to) {
    constexpr int kLanes = Vec::kLanes;
    auto* out = static_cast<typename Vec::Scalar*>(to);
    const std::int64_t column = std::int64_t{padded_rows} * 2 * kLanes;
    for (int r = 0; r < rows; ++r) {
        const T* p = at<T>(from, r * stride);
        auto* at_row = out + std::int64_t{r} * 2 * kLanes;
        for (int d = 0; d < width; d += 2 * kLanes, at_row += column) {
            const int n = width - d;
            Vec::store(at_row, read_up_to<Vec>(p + d, n));
            Vec::store(at_row + kLanes,
                       n > kLanes ? read_up_to<Vec>(p + d + kLanes, n - kLanes) : Vec::zero());
        }
    }
    for (int d = 0; d < width; d += 2 * kLanes, out += column)
        for (std::int64_t i = std::int64_t{rows} * 2 * kLanes; i < column; i += kLanes)
            Vec::store(out + i, Vec::zero());
}

/// out[row][d] = factor * columns[d / lanes][row][d % lanes]; a column has column_rows rows.
template <class Vec, class T>
void write_columns(const void* columns, int column_rows, int rows, int width, double factor,
                   void* out, std::int64_t stride) {
    constexpr int kLanes = Vec::kLanes;
    using Scalar = typename Vec::Scalar;
    const auto scale = Vec::set(static_cast<Scalar>(factor));
    for (int d = 0; d < width; d += kLanes) {
        const Scalar* from = static_cast<const Scalar*>(columns) +
                             std::int64_t{d / (2 * kLanes)} * column_rows * 2 * kLanes +
                             d % (2 * kLanes);
        const int n = width - d;
        for (int r = 0; r < rows; ++r)
            write_up_to<Vec>(at<T>(out, r * stride) + d, Vec::load(from + r * 2 * kLanes) * scale,
                             n);
    }
}

/// sum[i] += x[i]; count: whole vectors.
template <class Vec>
void add_vectors(const void* x, std::int64_t count, void* sum) {
    using Scalar = typename Vec::Scalar;
    const Scalar* from = static_cast<const Scalar*>(x);
    Scalar* to = static_cast<Scalar*>(sum);
    for (std::int64_t i = 0; i < count; i += Vec::kLanes)
        Vec::store(to + i, Vec::load(to + i) + Vec::load(from + i));
}

/// The sum over the lanes of one vector, pair by pair.
template <class Vec>
FLEXION_INLINE typename Vec::Scalar sum_of_lanes(typename Vec::V v) {
    typename Vec::Scalar lane[Vec::kLanes];
    Vec::write(lane, v);
#pragma GCC unroll 4
    for (int half = Vec::kLanes / 2; half > 0; half /= 2)
        for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
    return lane[0];
}

/// out[row] = sum over d of x[row][d] y[row][d].
template <class Vec, class T>
void row_dots(const void* x, std::int64_t x_stride, const void* y, std::int64_t y_stride, int rows,
              int width, void* out) {
    constexpr int kLanes = Vec::kLanes;
    for (int r = 0; r < rows; ++r) {
        const T *a = at<T>(x, r * x_stride), *b = at<T>(y, r * y_stride);
        typename Vec::V sum = Vec::zero();
        for (int d = 0; d < width; d += kLanes)
            sum =
                Vec::fma(read_up_to<Vec>(a + d, width - d), read_up_to<Vec>(b + d, width - d), sum);
        static_cast<typename Vec::Scalar*>(out)[r] = sum_of_lanes<Vec>(sum);
    }
}

#if defined(FLEXION_HAS_BF16_DOT)
/// pack_columns in pairs: to[column][i][lane] holds rows 2i (low half) and 2i + 1 (high half).
inline void pack_pair_columns(const void* from, std::int64_t stride, int rows, int padded_rows,
                              int width, void* to) {
    constexpr int kColumn = 2 * F32::kLanes;
    const std::int64_t column_bytes = std::int64_t{padded_rows} / 2 * kColumn * 4;
    for (int d = 0; d < width; d += kColumn) {
        char* column = static_cast<char*>(to) + d / kColumn * column_bytes;
        // A row of pairs is exactly one column wide.
        const int n = width - d < kColumn ? width - d : kColumn;
        const std::int64_t filled = std::int64_t{(rows + 1) / 2} * kColumn * 4;
        std::memset(column + filled, 0, static_cast<std::size_t>(column_bytes - filled));
        pair_rows(at<Bf16>(from, 0) + d, stride, rows, n, column, kColumn * 4);
    }
}
#endif

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
