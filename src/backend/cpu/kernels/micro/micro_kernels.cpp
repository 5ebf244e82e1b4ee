// SPDX-License-Identifier: Apache-2.0
// The table of one instruction set. This file is compiled once for each of them, with that set's
// flags and FLEXION_KERNEL_NAMESPACE; nothing of it may be an inline function of the standard
// library.
#include "backend/cpu/kernels/micro/kernels.h"

#include "backend/cpu/kernels/micro/backward.h"
#include "backend/cpu/kernels/micro/gemm.h"
#include "backend/cpu/kernels/micro/gradient_tiles.h"
#include "backend/cpu/kernels/micro/pack.h"
#include "backend/cpu/kernels/micro/peak_loops.h"
#include "backend/cpu/kernels/micro/stream_pairs.h"

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {

/// Everything computed in Vec's scalars; T in memory.
template <class Vec, class T>
constexpr PanelKernels panel() {
    using Scalar = typename Vec::Scalar;
    constexpr bool kStage = sizeof(T) != sizeof(Scalar);
    return {
        .p_format = sizeof(Scalar) == 8 ? PFormat::f64 : PFormat::f32,
        .lanes = 2 * Vec::kLanes,
        .scalar_bytes = sizeof(Scalar),
        .step_elements = 1,
        .must_stage_keys = kStage,
        .must_stage_values = kStage,
        .key_bytes = sizeof(Scalar),
        .value_bytes = sizeof(Scalar),
        .scales_queries = true,
        .pack_queries = pack_queries<Vec, T>,
        .stage_keys = widen_rows<Vec, T>,
        .stage_values = widen_rows<Vec, T>,
        .scores = scores<Multiply<Vec>>,
        .accumulate = accumulate<Multiply<Vec>>,
        .write_out = write_out<Vec, T>,
    };
}

template <class Vec, class T>
constexpr BackwardKernels backward() {
    return {
        .add_rows = add_rows<Multiply<Vec>>,
        .sum_steps = sum_steps<Multiply<Vec>>,
        .pack_columns = pack_columns<Vec, T>,
        .write_columns = write_columns<Vec, T>,
        .add_vectors = add_vectors<Vec>,
        .row_dots = row_dots<Vec, T>,
        .sum_over_rows = sum_over_rows<Vec>,
        .sum_over_lanes = sum_over_lanes<Vec>,
        .sum_over_diagonals = sum_over_diagonals<Vec>,
        .add_transposed = add_transposed<Vec>,
        .add_scattered = add_scattered<Vec>,
    };
}

template <class Vec, class T>
constexpr StreamKernels stream() {
    return {
        .scalar_bytes = sizeof(typename Vec::Scalar),
        .chunk = 2 * Vec::kLanes,
        .max_rows = Vec::kLanes / 2,
        .query = Dots<Vec, T>::query,
        .scores = stream_scores<Vec, T>,
        .accumulate = stream_accumulate<Vec, T>,
        .write = stream_write<Vec, T>,
    };
}

#if defined(FLEXION_HAS_BF16_DOT)
constexpr StreamKernels bf16_stream() {
    StreamKernels kernels = stream<F32, Bf16>();
    kernels.accumulate = pair_accumulate<>;
    return kernels;
}
constexpr PanelKernels bf16_panel() {
    return {
        .p_format = PFormat::bf16_pairs,
        .lanes = 2 * F32::kLanes,
        .scalar_bytes = 4,
        .step_elements = 2,
        .must_stage_keys = false,
        .must_stage_values = true,
        .key_bytes = 2,
        .value_bytes = 4,
        .scales_queries = false,
        .pack_queries = pack_query_pairs,
        .stage_keys = copy_rows_bf16,
        .stage_values = pair_rows,
        .scores = scores<MultiplyPairs>,
        .accumulate = accumulate<MultiplyPairs>,
        .write_out = write_out<F32, Bf16>,
    };
}
constexpr BackwardKernels bf16_backward() {
    BackwardKernels kernels = backward<F32, Bf16>();
    kernels.add_rows = add_rows<MultiplyPairs>;
    kernels.sum_steps = sum_steps<MultiplyPairs>;
    kernels.pack_columns = pack_pair_columns;
    return kernels;
}
constexpr auto kBf16DotLoop = bf16_dot_loop;
#else
constexpr PanelKernels bf16_panel() { return panel<F32, Bf16>(); }
constexpr BackwardKernels bf16_backward() { return backward<F32, Bf16>(); }
constexpr StreamKernels bf16_stream() { return stream<F32, Bf16>(); }
constexpr double (*kBf16DotLoop)(std::int64_t) = nullptr;
#endif

extern const IsaKernels kKernels;
constexpr IsaKernels kKernels = {
    .isa = Isa::FLEXION_KERNEL_NAMESPACE,
    .panel = {panel<F32, float>(), panel<F64, double>(), bf16_panel(), panel<F32, Half>()},
    .backward = {backward<F32, float>(), backward<F64, double>(), bf16_backward(),
                 backward<F32, Half>()},
    .stream = {stream<F32, float>(), stream<F64, double>(), bf16_stream(), stream<F32, Half>()},
    .fma_loop = fma_loop,
    .bf16_dot_loop = kBf16DotLoop,
    .sum_words = sum_words,
};

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
