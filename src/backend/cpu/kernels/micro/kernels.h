// SPDX-License-Identifier: Apache-2.0
// What an instruction set offers: one table per set, filled by micro_kernels.cpp compiled for it.
// Strides count bytes from row to row; panels are rows of lanes, 64-byte aligned.
#pragma once

#include <cstdint>

#include <flexion/tensor.h>

#include "backend/cpu/tile_abi.h"

namespace flexion::cpu {

/// Panels of b and of c that one a is multiplied with: six rows of a at a time with each, so that a
/// comes from L2 once for all. The sums are those of one panel after the other.
struct Panels {
    int count = 1;
    std::int64_t b_bytes = 0, c_bytes = 0;  ///< from panel to panel
};

/// Prefill: lanes are queries.
struct PanelKernels {
    PFormat p_format;
    int lanes;          ///< queries of a panel
    int scalar_bytes;   ///< of scores, sums and results: 4, or 8 for f64
    int step_elements;  ///< elements of depth (keys) that one step takes: 2 for pairs, else 1
    /// Keys (values) cannot be read where they lie and go through stage_keys (stage_values).
    bool must_stage_keys, must_stage_values;
    /// Bytes of a staged row's element: 2 (bf16 keys), 4, 8.
    int key_bytes, value_bytes;
    /// pack_queries multiplies by its scale; else (queries stay bf16) the tile pass does it.
    bool scales_queries;

    /// panel[step][lane] = scale * rows of queries; lanes past `lanes` are 0.
    void (*pack_queries)(const void* q, std::int64_t stride, int lanes, int depth, double scale,
                         void* panel);
    /// Rows to a form that the products read; each staged row is padded to whole 64 bytes. Staged
    /// values of step_elements 2 are half as many rows.
    void (*stage_keys)(const void* from, std::int64_t stride, int rows, int width, void* to,
                       std::int64_t to_stride);
    void (*stage_values)(const void* from, std::int64_t stride, int rows, int width, void* to,
                         std::int64_t to_stride);
    /// s[row][lane] = the key of that row times the query of that lane. steps: of depth. Of several
    /// panels q is `b` and s `c`.
    void (*scores)(const void* k, std::int64_t stride, int rows, int steps, const void* q, void* s,
                   Panels panels);
    /// o[d][lane] = o[d][lane] * alpha[lane] + sum over steps of v[step][d] p[step][lane]; alpha
    /// null: o starts from zero.
    void (*accumulate)(const void* v, std::int64_t stride, int steps, int width, const void* p,
                       void* o, const void* alpha);
    /// out[lane][d] = o[d][lane] / l[lane] in the problem's dtype; 0 where l is 0.
    void (*write_out)(const void* o, const void* l, int lanes, int width, void* out,
                      std::int64_t stride);
};

/// Sums along diagonals that are kept apart so that no row waits for the store of the one before
/// it, which would overlap its own by all lanes but one.
inline constexpr int kDiagonalSums = 8;

/// Memory that is wanted soon, in the order in which it is asked for.
struct Ahead {
    struct Region {
        const char* row;
        std::int64_t stride;
        int row_lines, rows;
    };
    static constexpr int kRegions = 3;
    Region region[kRegions];
    int at, line;
    int lines() const {
        int n = 0;
        for (const Region& r : region) n += r.row_lines * r.rows;
        return n;
    }
};

/// The backward pass over panels, beside PanelKernels. A row of a panel and of a column has `lanes`
/// 32-bit (f64: 64-bit) words; rows of 16-bit pairs have half as many rows.
struct BackwardKernels {
    /// c[row][lane] += sum over steps of a[row][step] b[step][lane]; steps <= 256. Meanwhile
    /// `lines` lines of `ahead` are brought to L2 for about every six rows of a panel.
    void (*add_rows)(const void* a, std::int64_t stride, int rows, int steps, const void* b,
                     void* c, Panels panels, Ahead* ahead, int lines);
    /// c[i][lane] = sum over steps of a[step][i] b[step][lane], `add`: added to what is there. Rows
    /// of b are b_stride bytes apart.
    void (*sum_steps)(const void* a, std::int64_t stride, int steps, int width, const void* b,
                      std::int64_t b_stride, void* c, bool add);
    /// to[column][row][lane] = from[row][column * lanes + lane] as the products read it, with
    /// padded_rows (a multiple of step_elements) rows a column; 0 past the end both ways.
    void (*pack_columns)(const void* from, std::int64_t stride, int rows, int padded_rows,
                         int width, void* to);
    /// out[row][d] = factor * columns[d / lanes][row][d % lanes] in the problem's dtype.
    void (*write_columns)(const void* columns, int column_rows, int rows, int width, double factor,
                          void* out, std::int64_t stride);
    /// sum[i] += x[i]; count scalars: whole vectors.
    void (*add_vectors)(const void* x, std::int64_t count, void* sum);
    /// out[row] = the sum over d of x[row][d] y[row][d].
    void (*row_dots)(const void* x, std::int64_t x_stride, const void* y, std::int64_t y_stride,
                     int rows, int width, void* out);

    // ---- tiles of gradients v[row][lane] of a captured buffer (micro/gradient_tiles.h) ----
    void (*sum_over_rows)(const void* v, int rows, void* out);
    void (*sum_over_lanes)(const void* v, int rows, void* out);
    void (*sum_over_diagonals)(const void* v, int rows, void* out, void* scratch);
    void (*add_transposed)(const void* v, int rows, int lanes, void* to, std::int64_t lane_step);
    void (*add_scattered)(const void* v, const std::int32_t* offsets, std::int64_t count, void* to);
};

/// Decode: lanes are keys, rows are (head, query) pairs. Rows of queries and results are whole
/// chunks of scalars, in an order within the chunk that only these functions know; row distances
/// count scalars.
struct StreamKernels {
    int scalar_bytes;
    int chunk;     ///< elements
    int max_rows;  ///< that K and V are read once for; more take another turn

    void (*query)(const void* q, int depth, void* to);
    /// s[row][key] for all keys; exactly these elements of s are written.
    void (*scores)(const void* k, std::int64_t stride, int keys, int depth, const void* q,
                   std::int64_t q_row, int rows, void* s, std::int64_t s_row);
    /// o[row] = o[row] * alpha[row] + sum over keys of p[row][key] v[key].
    void (*accumulate)(const void* v, std::int64_t stride, int keys, int width, const void* p,
                       std::int64_t p_row, int rows, void* o, std::int64_t o_row,
                       const void* alpha);
    /// One row to the problem's dtype: out[d] = o[d] * *factor.
    void (*write)(const void* o, const void* factor, int width, void* out);
};

struct IsaKernels {
    Isa isa;
    PanelKernels panel[4];        ///< by DType: f32, f64, bf16, f16
    BackwardKernels backward[4];  ///< likewise
    StreamKernels stream[4];      ///< likewise
    /// Floating-point operations done by `loops` rounds of independent multiply-adds: the peak.
    double (*fma_loop)(std::int64_t loops);
    double (*bf16_dot_loop)(std::int64_t loops);  ///< null: there is no such instruction
    /// The sum of 32-bit words, `bytes` a multiple of 1024: the rate at which memory can be read.
    float (*sum_words)(const void* p, std::int64_t bytes);
};

/// InternalError for an instruction set that this build lacks.
const IsaKernels& kernels_of(Isa isa);
inline const PanelKernels& panel_kernels(const IsaKernels& kernels, DType dtype) {
    return kernels.panel[static_cast<int>(dtype)];
}
inline const BackwardKernels& backward_kernels(const IsaKernels& kernels, DType dtype) {
    return kernels.backward[static_cast<int>(dtype)];
}
inline const StreamKernels& stream_kernels(const IsaKernels& kernels, DType dtype) {
    return kernels.stream[static_cast<int>(dtype)];
}

}  // namespace flexion::cpu
