// SPDX-License-Identifier: Apache-2.0
// Values of a decode by the bf16 dot product: two keys at a time. Their rows are interleaved within
// parts of 16 bytes (two shuffles for 32 elements), so o keeps the order of the interleaved
// elements.
#pragma once

#include "backend/cpu/kernels/micro/stream.h"

#if defined(FLEXION_HAS_BF16_DOT)
namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {

/// kRows rows of weights, as pairs of keys, on kChunks chunks of the values' columns. `mask`: the
/// elements of a chunk that exist.
template <int kRows, int kChunks>
FLEXION_INLINE void pair_columns(const char* v, std::int64_t stride, int keys,
                                 const std::uint32_t (*p)[kValueKeys / 2], float* o,
                                 std::int64_t o_row, const float* alpha, __mmask32 mask) {
    constexpr int kVectors = 2 * kChunks;
    __m512 acc[kRows][kVectors];
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
        for (int c = 0; c < kVectors; ++c)
            acc[r][c] = F32::load(o + r * o_row + c * F32::kLanes) * F32::set(alpha[r]);
    for (int n = 0; n < keys; n += 2, v += 2 * stride) {
        __builtin_prefetch(v + kValueKeys * stride);
        __builtin_prefetch(v + (kValueKeys + 1) * stride);
        // A last key without a partner meets a weight of 0; its partner is not read.
        const __mmask32 odd_mask = n + 1 < keys ? mask : __mmask32{0};
#pragma GCC unroll 16
        for (int c = 0; c < kChunks; ++c) {
            const __m512i even = _mm512_maskz_loadu_epi16(mask, v + c * 64);
            const __m512i odd = _mm512_maskz_loadu_epi16(odd_mask, v + stride + c * 64);
            const __m512i low = _mm512_unpacklo_epi16(even, odd);
            const __m512i high = _mm512_unpackhi_epi16(even, odd);
#pragma GCC unroll 16
            for (int r = 0; r < kRows; ++r) {
                const __m512i weights = _mm512_set1_epi32(static_cast<int>(p[r][n / 2]));
                acc[r][2 * c] = dot_bf16(acc[r][2 * c], low, weights);
                acc[r][2 * c + 1] = dot_bf16(acc[r][2 * c + 1], high, weights);
            }
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
        for (int c = 0; c < kVectors; ++c) F32::store(o + r * o_row + c * F32::kLanes, acc[r][c]);
}

template <int kRows = F32::kLanes / 2>
void pair_accumulate(const void* v, std::int64_t stride, int keys, int width, const void* p,
                     std::int64_t p_row, int rows, void* o, std::int64_t o_row, const void* alpha) {
    constexpr int kChunk = 2 * F32::kLanes;
    constexpr int kChunks = F32::kLanes / 2 / kRows < 4 ? F32::kLanes / 2 / kRows : 4;
    const auto* weights = static_cast<const float*>(p);
    const auto* factors = static_cast<const float*>(alpha);
    auto* out = static_cast<float*>(o);
    int r = 0;
    for (; r + kRows <= rows; r += kRows) {
        for (int first = 0; first < keys; first += kValueKeys) {
            const int n = keys - first < kValueKeys ? keys - first : kValueKeys;
            alignas(64) std::uint32_t pairs[kRows][kValueKeys / 2];
            float factor[kRows];
            for (int i = 0; i < kRows; ++i) {
                const float* from = weights + (r + i) * p_row + first;
                for (int k = 0; k < n; k += 32) {
                    const __m512 low = read_up_to<F32>(from + k, n - k);
                    const __m512 high =
                        n - k > 16 ? read_up_to<F32>(from + k + 16, n - k - 16) : F32::zero();
                    _mm512_store_si512(pairs[i] + k / 2,
                                       reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)));
                }
                factor[i] = first == 0 ? factors[r + i] : 1.f;
            }
            const char* values = at<char>(v, first * stride);
            int d = 0;
            for (; d + kChunks * kChunk <= width; d += kChunks * kChunk)
                pair_columns<kRows, kChunks>(values + d * 2, stride, n, pairs, out + r * o_row + d,
                                             o_row, factor, ~__mmask32{0});
            for (; d < width; d += kChunk) {
                const int rest = width - d < kChunk ? width - d : kChunk;
                pair_columns<kRows, 1>(values + d * 2, stride, n, pairs, out + r * o_row + d, o_row,
                                       factor,
                                       static_cast<__mmask32>((std::uint64_t{1} << rest) - 1));
            }
        }
    }
    if constexpr (kRows > 1) {
        if (r < rows)
            pair_accumulate<kRows / 2>(v, stride, keys, width, weights + r * p_row, p_row, rows - r,
                                       out + r * o_row, o_row, factors + r);
    }
}

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
#endif
