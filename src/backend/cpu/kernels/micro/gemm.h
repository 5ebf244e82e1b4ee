// SPDX-License-Identifier: Apache-2.0
// The one register-blocked micro-kernel behind both products of the panel map. Scores are kept
// transposed (rows are keys, lanes are queries), so that K and V are read where they lie, one
// broadcast element at a time, and nothing is ever summed across lanes:
//   S^T[n][lane] = sum_d K[n][d] Q^T[d][lane]        O^T[d][lane] += sum_n V[n][d] P^T[n][lane]
// B and C are panels: rows of two vectors, one after the other unless B has a stride of its own.
#pragma once

#include "backend/cpu/kernels/micro/kernels.h"
#include "backend/cpu/kernels/micro/vec.h"

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {

/// How a kernel's rows i and steps k lie in A: a row (K) or a step (V) is `stride` bytes from the
/// last.
enum class Access { along_rows, along_steps };
/// What the products are added to: nothing, C, or C scaled lane by lane.
enum class Start { zero, add, scale };

/// One multiply-add step: which element of A is broadcast and how it meets a vector of B.
template <class F>
struct Multiply {
    using Vec = F;
    using V = typename F::V;
    using Scalar = typename F::Scalar;
    using B = typename F::V;
    static constexpr int kStepBytes = sizeof(Scalar);
    static FLEXION_INLINE B load_b(const char* p) {
        return F::load(reinterpret_cast<const Scalar*>(p));
    }
    static FLEXION_INLINE B broadcast(const char* p) {
        return F::set(*reinterpret_cast<const Scalar*>(p));
    }
    static FLEXION_INLINE V step(V acc, B a, B b) { return F::fma(a, b, acc); }
};

#if defined(FLEXION_HAS_BF16_DOT)
/// Pairs of bf16: a step of A and B is two elements in one 32-bit lane.
struct MultiplyPairs {
    using Vec = F32;
    using V = F32::V;
    using Scalar = float;
    using B = __m512i;
    static constexpr int kStepBytes = 4;
    static FLEXION_INLINE B load_b(const char* p) { return _mm512_load_si512(p); }
    static FLEXION_INLINE B broadcast(const char* p) {
        int pair;
        std::memcpy(&pair, p, sizeof pair);  // rows of K may be aligned to two bytes only
        return _mm512_set1_epi32(pair);
    }
    static FLEXION_INLINE V step(V acc, B a, B b) { return dot_bf16(acc, a, b); }
};
#endif

/// The last steps of a tile are done row by row, each row stored as it ends: twelve stores in a row
/// stall Zen 3's multipliers for 25 cycles, a fifteenth of a tile of 64 steps. Of two steps, rows
/// are short enough to follow each other, and their vectors of B are few enough for registers.
inline constexpr int kLastSteps = 2;

template <class Op, int kRows, Access kAccess, Start kStart>
FLEXION_INLINE void tile(const char* a, std::int64_t stride, std::int64_t steps, const char* b,
                         std::int64_t b_stride, typename Op::Scalar* c,
                         const typename Op::Scalar* scale) {
    using Vec = typename Op::Vec;
    constexpr int kLanes = Vec::kLanes;
    constexpr std::int64_t kVectorBytes = sizeof(typename Op::V);
    typename Op::V acc[kRows][2];
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) acc[i][0] = acc[i][1] = Vec::zero();
    const bool row_by_row = steps >= kLastSteps;
    const std::int64_t in_step = row_by_row ? steps - kLastSteps : steps;
#pragma GCC unroll 2
    for (std::int64_t k = 0; k < in_step; ++k) {
        const typename Op::B b0 = Op::load_b(b), b1 = Op::load_b(b + kVectorBytes);
        b += b_stride;
#pragma GCC unroll 8
        for (int i = 0; i < kRows; ++i) {
            const auto x = Op::broadcast(kAccess == Access::along_rows ? a + i * stride
                                                                       : a + i * Op::kStepBytes);
            acc[i][0] = Op::step(acc[i][0], x, b0);
            acc[i][1] = Op::step(acc[i][1], x, b1);
        }
        a += kAccess == Access::along_rows ? Op::kStepBytes : stride;
    }
    const std::int64_t row_bytes = kAccess == Access::along_rows ? stride : Op::kStepBytes;
    const std::int64_t step_bytes = kAccess == Access::along_rows ? Op::kStepBytes : stride;
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
        if (row_by_row) {
#pragma GCC unroll 8
            for (int k = 0; k < kLastSteps; ++k) {
                const auto x = Op::broadcast(a + i * row_bytes + k * step_bytes);
                acc[i][0] = Op::step(acc[i][0], x, Op::load_b(b + k * b_stride));
                acc[i][1] = Op::step(acc[i][1], x, Op::load_b(b + k * b_stride + kVectorBytes));
            }
        }
#pragma GCC unroll 2
        for (int v = 0; v < 2; ++v) {
            auto* to = c + (2 * i + v) * kLanes;
            // What is there is added last, so that no multiplication waits for it.
            if constexpr (kStart == Start::add)
                acc[i][v] = Vec::load(to) + acc[i][v];
            else if constexpr (kStart == Start::scale)
                acc[i][v] = Vec::fma(Vec::load(to), Vec::load(scale + v * kLanes), acc[i][v]);
            Vec::store(to, acc[i][v]);
        }
        asm volatile("" ::: "memory");  // keeps the stores of one row before the steps of the next
    }
}

template <class Op, Access kAccess, Start kStart, int kRows = kTileRows>
FLEXION_INLINE void tile_of(int rows, const char* a, std::int64_t stride, std::int64_t steps,
                            const char* b, std::int64_t b_stride, typename Op::Scalar* c,
                            const typename Op::Scalar* scale) {
    if constexpr (kRows > 1) {
        if (rows < kRows)
            return tile_of<Op, kAccess, kStart, kRows - 1>(rows, a, stride, steps, b, b_stride, c,
                                                           scale);
    }
    tile<Op, kRows, kAccess, kStart>(a, stride, steps, b, b_stride, c, scale);
}

struct Nothing {
    FLEXION_INLINE void operator()() const {}
};

/// All rows of a product, in tiles of nearly equal height: 128 rows by 6 are 18 tiles of 6 and 4 of
/// 5, never a last one of 2 that leaves the multipliers idle. Each tile of A meets all panels of B
/// in turn, so that it comes from L2 once for them.
/// `before` runs before each tile.
template <class Op, Access kAccess, Start kStart, class Before = Nothing>
FLEXION_INLINE void product(int rows, const char* a, std::int64_t stride, std::int64_t steps,
                            const char* b, typename Op::Scalar* c, const typename Op::Scalar* scale,
                            const Panels& panels = {}, const Before& before = {},
                            std::int64_t b_stride = 2 * sizeof(typename Op::V)) {
    const int tiles = (rows + kTileRows - 1) / kTileRows;
    const int height = rows / tiles, taller = rows % tiles;
    constexpr std::int64_t kScalarBytes = sizeof(typename Op::Scalar);
    const std::int64_t row_bytes = kAccess == Access::along_rows ? stride : Op::kStepBytes;
    for (int t = 0; t < tiles; ++t) {
        const int n = height + (t < taller ? 1 : 0);
        for (int p = 0; p < panels.count; ++p) {
            before();
            tile_of<Op, kAccess, kStart>(n, a, stride, steps, b + p * panels.b_bytes, b_stride,
                                         c + p * panels.c_bytes / kScalarBytes, scale);
        }
        a += n * row_bytes;
        c += n * 2 * Op::Vec::kLanes;
    }
}

/// Depth that is summed at a time: its part of the Q panel stays in L1 (16 KB on AVX2).
inline constexpr std::int64_t kMaxSteps = 256;

/// S^T[rows][lanes] from keys `stride` bytes apart and panels of queries.
template <class Op>
void scores(const void* k, std::int64_t stride, int rows, int steps, const void* q, void* s,
            Panels panels) {
    const char* a = static_cast<const char*>(k);
    const char* b = static_cast<const char*>(q);
    auto* c = static_cast<typename Op::Scalar*>(s);
    std::int64_t n = steps < kMaxSteps ? steps : kMaxSteps;
    product<Op, Access::along_rows, Start::zero>(rows, a, stride, n, b, c, nullptr, panels);
    for (std::int64_t done = n; done < steps; done += n) {
        n = steps - done < kMaxSteps ? steps - done : kMaxSteps;
        product<Op, Access::along_rows, Start::add>(
            rows, a + done * Op::kStepBytes, stride, n,
            b + done * 2 * static_cast<std::int64_t>(sizeof(typename Op::V)), c, nullptr, panels);
    }
}

/// O^T[width][lanes] = O^T * alpha + the product of values `stride` bytes apart and a panel of
/// weights; alpha null: O^T is not read.
template <class Op>
void accumulate(const void* v, std::int64_t stride, int steps, int width, const void* p, void* o,
                const void* alpha) {
    const char* a = static_cast<const char*>(v);
    const char* b = static_cast<const char*>(p);
    auto* c = static_cast<typename Op::Scalar*>(o);
    const auto* scale = static_cast<const typename Op::Scalar*>(alpha);
    if (scale == nullptr)
        product<Op, Access::along_steps, Start::zero>(width, a, stride, steps, b, c, scale);
    else
        product<Op, Access::along_steps, Start::scale>(width, a, stride, steps, b, c, scale);
}

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
