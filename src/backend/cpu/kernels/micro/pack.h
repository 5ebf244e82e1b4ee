// SPDX-License-Identifier: Apache-2.0
// Data movement around the products: queries into panels, keys and values into a form that the
// products can read where memory does not already have it, results out of panels.
// Strides are bytes from row to row.
#pragma once

#include "backend/cpu/kernels/micro/vec.h"

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {

template <class T>
FLEXION_INLINE const T* at(const void* p, std::int64_t bytes) {
    return reinterpret_cast<const T*>(static_cast<const char*>(p) + bytes);
}
template <class T>
FLEXION_INLINE T* at(void* p, std::int64_t bytes) {
    return reinterpret_cast<T*>(static_cast<char*>(p) + bytes);
}

template <class Vec, class T>
FLEXION_INLINE typename Vec::V read_up_to(const T* p, int n) {
    return n >= Vec::kLanes ? Vec::read(p) : read_first<Vec>(p, n);
}
template <class Vec, class T>
FLEXION_INLINE void write_up_to(T* p, typename Vec::V x, int n) {
    if (n >= Vec::kLanes)
        Vec::write(p, x);
    else
        write_first<Vec>(p, x, n);
}

/// panel[step][lane] = scale * q[lane][step], 0 in lanes past `lanes`.
template <class Vec, class T>
void pack_queries(const void* q, std::int64_t stride, int lanes, int depth, double scale,
                  void* panel) {
    constexpr int kLanes = Vec::kLanes;
    const typename Vec::V factor = Vec::set(static_cast<typename Vec::Scalar>(scale));
    auto* out = static_cast<typename Vec::Scalar*>(panel);
    for (int d = 0; d < depth; d += kLanes) {
        const int n = depth - d < kLanes ? depth - d : kLanes;
        for (int first = 0; first < 2 * kLanes; first += kLanes) {
            typename Vec::V r[kLanes];
#pragma GCC unroll 16
            for (int i = 0; i < kLanes; ++i)
                r[i] = first + i < lanes
                           ? factor * read_up_to<Vec>(at<T>(q, (first + i) * stride) + d, n)
                           : Vec::zero();
            ShuffleOf<Vec>::transpose(r);
            auto* to = out + static_cast<std::int64_t>(d) * 2 * kLanes + first;
            if (n == kLanes) {
#pragma GCC unroll 16
                for (int j = 0; j < kLanes; ++j) Vec::store(to + j * 2 * kLanes, r[j]);
            } else {
                for (int j = 0; j < n; ++j) Vec::store(to + j * 2 * kLanes, r[j]);
            }
        }
    }
}

/// Rows of T as rows of Vec's scalars, each padded with zeros to whole vectors.
template <class Vec, class T>
void widen_rows(const void* from, std::int64_t stride, int rows, int width, void* to,
                std::int64_t to_stride) {
    constexpr int kLanes = Vec::kLanes;
    for (int i = 0; i < rows; ++i) {
        const T* p = at<T>(from, i * stride);
        auto* out = at<typename Vec::Scalar>(to, i * to_stride);
        int d = 0;
        for (; d + kLanes <= width; d += kLanes) Vec::store(out + d, Vec::read(p + d));
        if (d < width) Vec::store(out + d, read_first<Vec>(p + d, width - d));
    }
}

/// out[lane][d] = o[d][lane] / l[lane], and 0 where l is 0 (a row without keys), whatever o holds.
template <class Vec, class T>
void write_out(const void* o, const void* l, int lanes, int width, void* out, std::int64_t stride) {
    constexpr int kLanes = Vec::kLanes;
    using V = typename Vec::V;
    const auto* from = static_cast<const typename Vec::Scalar*>(o);
    for (int first = 0; first < lanes; first += kLanes) {
        const V sum = Vec::load(static_cast<const typename Vec::Scalar*>(l) + first);
        const auto alive = sum != Vec::zero();
        const V factor = Vec::set(1) / sum;
        const int rows = lanes - first < kLanes ? lanes - first : kLanes;
        for (int d = 0; d < width; d += kLanes) {
            const int n = width - d < kLanes ? width - d : kLanes;
            V r[kLanes];
#pragma GCC unroll 16
            for (int j = 0; j < kLanes; ++j) {
                const auto* column = from + static_cast<std::int64_t>(d + j) * 2 * kLanes + first;
                r[j] = j < n ? (alive ? Vec::load(column) * factor : Vec::zero()) : Vec::zero();
            }
            ShuffleOf<Vec>::transpose(r);
#pragma GCC unroll 16
            for (int i = 0; i < kLanes; ++i)
                if (i < rows) write_up_to<Vec>(at<T>(out, (first + i) * stride) + d, r[i], n);
        }
    }
}

#if defined(FLEXION_HAS_BF16_DOT)
/// panel[pair][lane]: elements 2 pair and 2 pair + 1 of q[lane], as they lie; 0 past the end.
inline void pack_query_pairs(const void* q, std::int64_t stride, int lanes, int depth, double,
                             void* panel) {
    constexpr int kLanes = F32::kLanes;
    auto* out = static_cast<float*>(panel);
    for (int d = 0; d < depth; d += 2 * kLanes) {
        const int n = depth - d < 2 * kLanes ? depth - d : 2 * kLanes;
        const __mmask32 mask = static_cast<__mmask32>((std::uint64_t{1} << n) - 1);
        for (int first = 0; first < 2 * kLanes; first += kLanes) {
            __m512 r[kLanes];
#pragma GCC unroll 16
            for (int i = 0; i < kLanes; ++i)
                r[i] = first + i < lanes ? _mm512_castsi512_ps(_mm512_maskz_loadu_epi16(
                                               mask, at<Bf16>(q, (first + i) * stride) + d))
                                         : F32::zero();
            ShuffleOf<F32>::transpose(r);
            float* to = out + static_cast<std::int64_t>(d / 2) * 2 * kLanes + first;
#pragma GCC unroll 16
            for (int j = 0; j < kLanes; ++j)
                if (2 * j < n) F32::store(to + j * 2 * kLanes, r[j]);
        }
    }
}

/// Rows of bf16 as they lie, padded with zeros to whole vectors of 64 bytes.
inline void copy_rows_bf16(const void* from, std::int64_t stride, int rows, int width, void* to,
                           std::int64_t to_stride) {
    for (int i = 0; i < rows; ++i) {
        for (int d = 0; d < width; d += 32) {
            const int n = width - d < 32 ? width - d : 32;
            const __mmask32 mask = static_cast<__mmask32>((std::uint64_t{1} << n) - 1);
            _mm512_store_si512(at<Bf16>(to, i * to_stride) + d,
                               _mm512_maskz_loadu_epi16(mask, at<Bf16>(from, i * stride) + d));
        }
    }
}

/// to[i][d] = rows 2i (low half) and 2i + 1 (high half) of column d; a missing last row is 0.
inline void pair_rows(const void* from, std::int64_t stride, int rows, int width, void* to,
                      std::int64_t to_stride) {
    alignas(64) static const std::uint16_t kLow[32] = {0,  32, 1,  33, 2,  34, 3,  35, 4,  36, 5,
                                                       37, 6,  38, 7,  39, 8,  40, 9,  41, 10, 42,
                                                       11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
    const __m512i low = _mm512_load_si512(kLow);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    for (int i = 0; i < rows; i += 2) {
        const Bf16* even = at<Bf16>(from, i * stride);
        const Bf16* odd = at<Bf16>(from, (i + 1) * stride);
        std::uint32_t* out = at<std::uint32_t>(to, i / 2 * to_stride);
        for (int d = 0; d < width; d += 32) {
            const int n = width - d < 32 ? width - d : 32;
            const __mmask32 mask = static_cast<__mmask32>((std::uint64_t{1} << n) - 1);
            const __m512i a = _mm512_maskz_loadu_epi16(mask, even + d);
            const __m512i b =
                i + 1 < rows ? _mm512_maskz_loadu_epi16(mask, odd + d) : _mm512_setzero_si512();
            _mm512_store_si512(out + d, _mm512_permutex2var_epi16(a, low, b));
            _mm512_store_si512(out + d + 16, _mm512_permutex2var_epi16(a, high, b));
        }
    }
}
#endif

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
