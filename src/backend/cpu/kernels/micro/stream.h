// SPDX-License-Identifier: Apache-2.0
// The products of the stream map: a few query rows against many keys, K and V read once, from where
// they lie and in the order in which they lie.
//   s[row][key] = sum_d q[row][d] K[key][d]: vectors along d, summed across lanes once per key
//   o[row][d] += sum_key p[row][key] V[key][d]: vectors along d
// Elements of a row travel in chunks of two vectors. bf16 is widened without a shuffle: the even
// elements of a chunk to the first vector, the odd ones to the second; q and o keep that order.
#pragma once

#include <type_traits>

#include "backend/cpu/kernels/micro/pack.h"

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {

/// Which vector and lane of a chunk hold its element e.
template <class Vec, class T>
constexpr int place_in_chunk(int e) {
    if constexpr (std::is_same_v<T, Bf16>)
        return e % 2 * Vec::kLanes + e / 2;
    else
        return e;
}

template <class Vec>
struct Chunk {
    typename Vec::V v[2];
};

template <class Vec, class T>
FLEXION_INLINE Chunk<Vec> load_chunk(const T* p) {
    if constexpr (std::is_same_v<T, Bf16>) {
        typedef std::uint32_t U __attribute__((vector_size(sizeof(typename Vec::V))));
        typedef std::uint32_t Unaligned
            __attribute__((vector_size(sizeof(typename Vec::V)), aligned(2), may_alias));
        const U pairs = *reinterpret_cast<const Unaligned*>(p);
        return {{reinterpret_cast<typename Vec::V>(pairs << 16),
                 reinterpret_cast<typename Vec::V>(pairs & 0xffff0000u)}};
    } else {
        return {{Vec::read(p), Vec::read(p + Vec::kLanes)}};
    }
}

/// The first n < 2 kLanes elements, the rest 0; reads no byte past them.
template <class Vec, class T>
FLEXION_INLINE Chunk<Vec> load_part(const T* p, int n) {
    if constexpr (std::is_same_v<T, Bf16>) {
        Bf16 buffer[2 * Vec::kLanes] = {};
        std::memcpy(buffer, p, static_cast<std::size_t>(n) * sizeof(Bf16));
        return load_chunk<Vec>(buffer);
    } else {
        if (n <= Vec::kLanes) return {{read_up_to<Vec>(p, n), Vec::zero()}};
        return {{Vec::read(p), read_first<Vec>(p + Vec::kLanes, n - Vec::kLanes)}};
    }
}

/// One row of queries as whole chunks in the chunk's order, 0 past the end.
template <class Vec, class T>
void stream_query(const void* q, int depth, void* to) {
    constexpr int kChunk = 2 * Vec::kLanes;
    auto* out = static_cast<typename Vec::Scalar*>(to);
    for (int d = 0; d < depth; d += kChunk) {
        const T* p = static_cast<const T*>(q) + d;
        const Chunk<Vec> x =
            depth - d >= kChunk ? load_chunk<Vec>(p) : load_part<Vec>(p, depth - d);
        Vec::store(out + d, x.v[0]);
        Vec::store(out + d + Vec::kLanes, x.v[1]);
    }
}

/// kRows rows of queries against kLanes / kRows keys: one accumulator each, summed together.
template <class Vec, class T, int kRows>
FLEXION_INLINE void stream_dots(const char* k, std::int64_t stride, int keys, int depth,
                                const typename Vec::Scalar* q, std::int64_t q_row,
                                typename Vec::Scalar* s, std::int64_t s_row) {
    using V = typename Vec::V;
    constexpr int kChunk = 2 * Vec::kLanes, kKeys = Vec::kLanes / kRows;
    V acc[kRows * kKeys];
    for (V& a : acc) a = Vec::zero();
    // Keys past the last one repeat it; their sums are dropped.
    const char* row[kKeys];
#pragma GCC unroll 16
    for (int j = 0; j < kKeys; ++j) row[j] = k + (j < keys ? j : keys - 1) * stride;
    const auto step = [&](int d, auto load) __attribute__((always_inline)) {
#pragma GCC unroll 16
        for (int j = 0; j < kKeys; ++j) {
            const Chunk<Vec> x = load(reinterpret_cast<const T*>(row[j]) + d);
#pragma GCC unroll 16
            for (int r = 0; r < kRows; ++r) {
                V& a = acc[r * kKeys + j];
                a = Vec::fma(x.v[0], Vec::load(q + r * q_row + d), a);
                a = Vec::fma(x.v[1], Vec::load(q + r * q_row + d + Vec::kLanes), a);
            }
        }
    };
    int d = 0;
    for (; d + kChunk <= depth; d += kChunk) step(d, [](const T* p) { return load_chunk<Vec>(p); });
    if (d < depth) step(d, [n = depth - d](const T* p) { return load_part<Vec>(p, n); });
    const V sums = ShuffleOf<Vec>::sums(acc);
    if constexpr (kRows == 1) {
        write_up_to<Vec>(s, sums, keys);
    } else {
        typename Vec::Scalar lanes[Vec::kLanes];
        Vec::write(lanes, sums);
        for (int r = 0; r < kRows; ++r)
            for (int j = 0; j < kKeys; ++j)
                if (j < keys) s[r * s_row + j] = lanes[r * kKeys + j];
    }
}

/// Query rows and keys: s[row][key], rows q_row and s_row scalars apart.
template <class Vec, class T, int kRows = Vec::kLanes / 2>
void stream_scores(const void* k, std::int64_t stride, int keys, int depth, const void* q,
                   std::int64_t q_row, int rows, void* s, std::int64_t s_row) {
    constexpr int kKeys = Vec::kLanes / kRows;
    const auto* queries = static_cast<const typename Vec::Scalar*>(q);
    auto* out = static_cast<typename Vec::Scalar*>(s);
    int r = 0;
    for (; r + kRows <= rows; r += kRows)
        for (int n = 0; n < keys; n += kKeys)
            stream_dots<Vec, T, kRows>(at<char>(k, n * stride), stride,
                                       keys - n < kKeys ? keys - n : kKeys, depth,
                                       queries + r * q_row, q_row, out + r * s_row + n, s_row);
    if constexpr (kRows > 1) {
        if (r < rows)
            stream_scores<Vec, T, kRows / 2>(k, stride, keys, depth, queries + r * q_row, q_row,
                                             rows - r, out + r * s_row, s_row);
    }
}

/// kRows rows of weights on kChunks chunks of the values' columns.
template <class Vec, class T, int kRows, int kChunks, class Load>
FLEXION_INLINE void stream_columns(const char* v, std::int64_t stride, int keys,
                                   const typename Vec::Scalar* p, std::int64_t p_row,
                                   typename Vec::Scalar* o, std::int64_t o_row,
                                   const typename Vec::Scalar* alpha, Load load) {
    using V = typename Vec::V;
    constexpr int kVectors = 2 * kChunks;
    V acc[kRows][kVectors];
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
        for (int c = 0; c < kVectors; ++c)
            acc[r][c] = Vec::load(o + r * o_row + c * Vec::kLanes) * Vec::set(alpha[r]);
    for (int n = 0; n < keys; ++n, v += stride) {
#pragma GCC unroll 16
        for (int c = 0; c < kChunks; ++c) {
            const Chunk<Vec> x = load(reinterpret_cast<const T*>(v) + c * 2 * Vec::kLanes);
#pragma GCC unroll 16
            for (int r = 0; r < kRows; ++r) {
                const V weight = Vec::set(p[r * p_row + n]);
                acc[r][2 * c] = Vec::fma(weight, x.v[0], acc[r][2 * c]);
                acc[r][2 * c + 1] = Vec::fma(weight, x.v[1], acc[r][2 * c + 1]);
            }
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
        for (int c = 0; c < kVectors; ++c) Vec::store(o + r * o_row + c * Vec::kLanes, acc[r][c]);
}

/// o[row] = o[row] alpha[row] + weights times values; rows o_row and p_row scalars apart, o in
/// whole chunks in the chunk's order.
template <class Vec, class T, int kRows = Vec::kLanes / 2>
void stream_accumulate(const void* v, std::int64_t stride, int keys, int width, const void* p,
                       std::int64_t p_row, int rows, void* o, std::int64_t o_row,
                       const void* alpha) {
    using Scalar = typename Vec::Scalar;
    constexpr int kChunk = 2 * Vec::kLanes;
    constexpr int kChunks = Vec::kLanes / 2 / kRows < 4 ? Vec::kLanes / 2 / kRows : 4;
    const char* values = static_cast<const char*>(v);
    const auto* weights = static_cast<const Scalar*>(p);
    const auto* factors = static_cast<const Scalar*>(alpha);
    auto* out = static_cast<Scalar*>(o);
    int r = 0;
    for (; r + kRows <= rows; r += kRows) {
        const auto columns = [&]<int kCount>(int d, auto load) __attribute__((always_inline)) {
            stream_columns<Vec, T, kRows, kCount>(values + d * static_cast<std::int64_t>(sizeof(T)),
                                                  stride, keys, weights + r * p_row, p_row,
                                                  out + r * o_row + d, o_row, factors + r, load);
        };
        const auto whole = [](const T* from) { return load_chunk<Vec>(from); };
        int d = 0;
        for (; d + kChunks * kChunk <= width; d += kChunks * kChunk)
            columns.template operator()<kChunks>(d, whole);
        if constexpr (kChunks > 1) {
            for (; d + kChunk <= width; d += kChunk) columns.template operator()<1>(d, whole);
        }
        if (d < width)
            columns.template operator()<1>(
                d, [n = width - d](const T* from) { return load_part<Vec>(from, n); });
    }
    if constexpr (kRows > 1) {
        if (r < rows)
            stream_accumulate<Vec, T, kRows / 2>(v, stride, keys, width, weights + r * p_row, p_row,
                                                 rows - r, out + r * o_row, o_row, factors + r);
    }
}

/// out[d] = o[d] factor, from the chunk's order.
template <class Vec, class T>
void stream_write(const void* o, const void* factor, int width, void* out) {
    using Scalar = typename Vec::Scalar;
    constexpr int kChunk = 2 * Vec::kLanes;
    const auto* from = static_cast<const Scalar*>(o);
    const Scalar scale = *static_cast<const Scalar*>(factor);
    T* to = static_cast<T*>(out);
    for (int d = 0; d < width; d += Vec::kLanes) {
        Scalar natural[Vec::kLanes];
        for (int e = 0; e < Vec::kLanes; ++e) {
            const int in_row = d + e;
            natural[e] = from[in_row / kChunk * kChunk + place_in_chunk<Vec, T>(in_row % kChunk)];
        }
        write_up_to<Vec>(to + d, Vec::read(natural) * Vec::set(scale), width - d);
    }
}

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
