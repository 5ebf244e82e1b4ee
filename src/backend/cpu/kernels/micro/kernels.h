// SPDX-License-Identifier: Apache-2.0
// What an instruction set offers: one table per set, filled by micro_kernels.cpp compiled for it.
// Strides count bytes from row to row; panels are rows of lanes, 64-byte aligned.
#pragma once

#include <cstdint>

#include <flexion/tensor.h>

#include "backend/cpu/tile_abi.h"

namespace flexion::cpu {

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

    /// panel[step][lane] from rows of queries; lanes past `lanes` are 0.
    void (*pack_queries)(const void* q, std::int64_t stride, int lanes, int depth, void* panel);
    /// Rows to a form that the products read; each staged row is padded to whole 64 bytes. Staged
    /// values of step_elements 2 are half as many rows.
    void (*stage_keys)(const void* from, std::int64_t stride, int rows, int width, void* to,
                       std::int64_t to_stride);
    void (*stage_values)(const void* from, std::int64_t stride, int rows, int width, void* to,
                         std::int64_t to_stride);
    /// s[row][lane] = the key of that row times the query of that lane. steps: of depth.
    void (*scores)(const void* k, std::int64_t stride, int rows, int steps, const void* q, void* s);
    /// o[d][lane] = o[d][lane] * alpha[lane] + sum over steps of v[step][d] p[step][lane]; alpha
    /// null: o starts from zero.
    void (*accumulate)(const void* v, std::int64_t stride, int steps, int width, const void* p,
                       void* o, const void* alpha);
    /// out[lane][d] = o[d][lane] / l[lane] in the problem's dtype; 0 where l is 0.
    void (*write_out)(const void* o, const void* l, int lanes, int width, void* out,
                      std::int64_t stride);
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
    PanelKernels panel[4];    ///< by DType: f32, f64, bf16, f16
    StreamKernels stream[4];  ///< likewise
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
inline const StreamKernels& stream_kernels(const IsaKernels& kernels, DType dtype) {
    return kernels.stream[static_cast<int>(dtype)];
}

}  // namespace flexion::cpu
