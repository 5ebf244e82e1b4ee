// SPDX-License-Identifier: Apache-2.0
// The products of the stream map: a few query rows against many keys, K and V read once, from where
// they lie and in the order in which they lie.
//   s[row][key] = sum_d q[row][d] K[key][d]: several keys to a vector, each summed within its part
//   o[row][d] += sum_key p[row][key] V[key][d]: vectors along d, in chunks of two
// bf16 is widened without a shuffle: even elements to one vector, odd ones to the next; q and o
// keep that order.
#pragma once

#include <type_traits>

#include "backend/cpu/kernels/micro/pack.h"

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {

/// Which vector and lane of a chunk hold its element e.
template <class Vec, class T>
constexpr int place_in_chunk(int e) {
    if constexpr (!std::is_same_v<T, Bf16>) return e;
#if defined(FLEXION_HAS_BF16_DOT)
    return e % 8 / 4 * Vec::kLanes + e / 8 * 4 + e % 4;  // as pairs of keys interleave
#else
    return e % 2 * Vec::kLanes + e / 2;
#endif
}

/// Keys whose values stay in L1 while one column of chunks after the other is summed.
inline constexpr int kValueKeys = 64;

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

/// How rows of T meet rows of queries: kParts keys share a vector, one part (16 bytes of scalars)
/// each, so that sums across lanes stay within parts. A step takes kStep elements of every key.
template <class Vec, class T>
struct Dots {
    using B = typename Vec::V;
    static constexpr bool kSplit = std::is_same_v<T, Bf16>;  // even elements, odd elements
    static constexpr int kVectors = kSplit ? 2 : 1;
    static constexpr int kStep = kVectors * 16 / static_cast<int>(sizeof(typename Vec::Scalar));
    static FLEXION_INLINE void load(const char* const* keys, B* x) {
        if constexpr (kSplit) {
            typedef std::uint32_t U __attribute__((vector_size(sizeof(B))));
            const U pairs = reinterpret_cast<U>(Vec::join(keys));
            x[0] = reinterpret_cast<B>(pairs << 16);
            x[1] = reinterpret_cast<B>(pairs & 0xffff0000u);
        } else if constexpr (std::is_same_v<T, Half>) {
            x[0] = Vec::join_halves(keys);
        } else {
            x[0] = Vec::join(keys);
        }
    }
    static FLEXION_INLINE typename Vec::V step(typename Vec::V acc, B x, B y) {
        return Vec::fma(x, y, acc);
    }
    /// One row of queries in the order of the steps, 0 past the end.
    static void query(const void* q, int depth, void* to) {
        auto* out = static_cast<typename Vec::Scalar*>(to);
        for (int d = 0; d < depth; d += kStep)
            for (int e = 0; e < kStep; ++e) {
                const int place = kSplit ? e % 2 * kStep / 2 + e / 2 : e;
                out[d + place] = d + e < depth ? scalar(static_cast<const T*>(q)[d + e]) : 0;
            }
    }

private:
    static FLEXION_INLINE float scalar(float x) { return x; }
    static FLEXION_INLINE double scalar(double x) { return x; }
    static FLEXION_INLINE float scalar(Bf16 x) { return to_float(x); }
    static FLEXION_INLINE float scalar(Half x) { return to_float(x); }
};

#if defined(FLEXION_HAS_BF16_DOT)
/// Both stay as they lie.
template <>
struct Dots<F32, Bf16> {
    using B = __m512;
    static constexpr int kVectors = 1, kStep = 8;
    static FLEXION_INLINE void load(const char* const* keys, B* x) { x[0] = F32::join(keys); }
    static FLEXION_INLINE __m512 step(__m512 acc, B x, B y) {
        return dot_bf16(acc, _mm512_castps_si512(x), _mm512_castps_si512(y));
    }
    static void query(const void* q, int depth, void* to) {
        const int whole = (depth + kStep - 1) / kStep * kStep;
        std::memset(to, 0, static_cast<std::size_t>(whole) * sizeof(Bf16));
        std::memcpy(to, q, static_cast<std::size_t>(depth) * sizeof(Bf16));
    }
};
#endif

/// kRows rows of queries against a vector of keys: block b of the accumulators holds keys b, b +
/// kBlocks, ..., one to a part, so that the sums come out in the order of the keys.
template <class Vec, class T, int kRows>
struct DotTile {
    using V = typename Vec::V;
    using Scalar = typename Vec::Scalar;
    using D = Dots<Vec, T>;
    static constexpr int kPart = ShuffleOf<Vec>::kPart, kParts = ShuffleOf<Vec>::kParts;
    static constexpr int kAccumulators = Vec::kLanes >= 16 ? 16 : 8;
    static constexpr int kBlocks = kRows * kPart <= kAccumulators ? kPart : kPart / 2;
    static constexpr int kKeys = kBlocks * kParts;

    static FLEXION_INLINE void run(const char* k, std::int64_t stride, int keys, int depth,
                                   const Scalar* q, std::int64_t q_row, Scalar* s,
                                   std::int64_t s_row) {
        V acc[kRows * kBlocks];
#pragma GCC unroll 16
        for (int i = 0; i < kRows * kBlocks; ++i) acc[i] = Vec::zero();
        // Keys past the last one repeat it; their sums are dropped.
        const char* row[kKeys];  // in the order of blocks
#pragma GCC unroll 16
        for (int i = 0; i < kKeys; ++i) {
            const int key = i % kParts * kBlocks + i / kParts;
            row[i] = k + (key < keys ? key : keys - 1) * stride;
        }
        int d = 0;
        for (; d + D::kStep <= depth; d += D::kStep, q += kQueryScalars)
            step(row, d * static_cast<std::int64_t>(sizeof(T)), q, q_row, acc);
        if (d < depth) {
            T rest[kKeys][D::kStep] = {};
            const char* rest_row[kKeys];
            for (int i = 0; i < kKeys; ++i) {
                std::memcpy(rest[i], reinterpret_cast<const T*>(row[i]) + d,
                            static_cast<std::size_t>(depth - d) * sizeof(T));
                rest_row[i] = reinterpret_cast<const char*>(rest[i]);
            }
            step(rest_row, 0, q, q_row, acc);
        }
        if constexpr (kBlocks == kPart) {
#pragma GCC unroll 16
            for (int r = 0; r < kRows; ++r)
                write_up_to<Vec>(s + r * s_row, ShuffleOf<Vec>::part_sums(acc + r * kBlocks), keys);
        } else {
            // Two rows to a vector: halves of its parts.
#pragma GCC unroll 16
            for (int r = 0; r < kRows; r += 2) {
                Scalar sums[Vec::kLanes];
                Vec::write(sums, ShuffleOf<Vec>::part_sums(acc + r * kBlocks));
#pragma GCC unroll 16
                for (int i = 0; i < 2 * kParts; ++i) {
                    Scalar* to = s + (r + i % 2) * s_row + i / 2 * kBlocks;
                    const Scalar* from = sums + i / 2 * kPart + i % 2 * kBlocks;
                    if (keys >= kKeys)
                        std::memcpy(to, from, kBlocks * sizeof(Scalar));
                    else
                        for (int n = i / 2 * kBlocks, b = 0; b < kBlocks && n + b < keys; ++b)
                            to[b] = from[b];
                }
            }
        }
    }

private:
    /// Scalars of the query row that a step takes.
    static constexpr int kQueryScalars = D::kVectors * kPart;

    static FLEXION_INLINE void load(const char* const* row, std::int64_t at, int block,
                                    typename D::B* x) {
        const char* part[kParts];
#pragma GCC unroll 4
        for (int i = 0; i < kParts; ++i) part[i] = row[block * kParts + i] + at;
        D::load(part, x);
    }

    /// The side with fewer vectors waits in registers, the other one passes by.
    static FLEXION_INLINE void step(const char* const* row, std::int64_t at, const Scalar* q,
                                    std::int64_t q_row, V* acc) {
        constexpr int kVectors = D::kVectors;
        if constexpr (kBlocks < kRows) {
            typename D::B x[kBlocks][kVectors];
#pragma GCC unroll 16
            for (int b = 0; b < kBlocks; ++b) load(row, at, b, x[b]);
            // All rows with the first vector, then with the second: the two steps of one
            // accumulator lie as far apart as they can.
#pragma GCC unroll 16
            for (int i = 0; i < kVectors * kRows; ++i) {
                const int r = i % kRows, v = i / kRows;
                typename D::B y = Vec::broadcast_part(q + r * q_row + v * kPart);
                in_register(y);
#pragma GCC unroll 16
                for (int b = 0; b < kBlocks; ++b)
                    acc[r * kBlocks + b] = D::step(acc[r * kBlocks + b], x[b][v], y);
            }
        } else {
            typename D::B y[kRows][kVectors];
#pragma GCC unroll 16
            for (int i = 0; i < kVectors * kRows; ++i) {
                const int r = i % kRows, v = i / kRows;
                y[r][v] = Vec::broadcast_part(q + r * q_row + v * kPart);
                in_register(y[r][v]);
            }
#pragma GCC unroll 16
            for (int b = 0; b < kBlocks; ++b) {
                typename D::B x[kVectors];
                load(row, at, b, x);
#pragma GCC unroll 16
                for (int i = 0; i < kVectors * kRows; ++i) {
                    const int r = i % kRows, v = i / kRows;
                    acc[r * kBlocks + b] = D::step(acc[r * kBlocks + b], x[v], y[r][v]);
                }
            }
        }
    }
};

/// Query rows and keys: s[row][key], rows q_row and s_row scalars apart.
template <class Vec, class T, int kRows = Vec::kLanes / 2>
void stream_scores(const void* k, std::int64_t stride, int keys, int depth, const void* q,
                   std::int64_t q_row, int rows, void* s, std::int64_t s_row) {
    using Tile = DotTile<Vec, T, kRows>;
    const auto* queries = static_cast<const typename Vec::Scalar*>(q);
    auto* out = static_cast<typename Vec::Scalar*>(s);
    int r = 0;
    for (; r + kRows <= rows; r += kRows)
        for (int n = 0; n < keys; n += Tile::kKeys)
            Tile::run(at<char>(k, n * stride), stride, keys - n, depth, queries + r * q_row, q_row,
                      out + r * s_row + n, s_row);
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
        __builtin_prefetch(v + kValueKeys * stride);  // rows are too far apart for the hardware
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
    const auto* weights = static_cast<const Scalar*>(p);
    const auto* factors = static_cast<const Scalar*>(alpha);
    auto* out = static_cast<Scalar*>(o);
    int r = 0;
    for (; r + kRows <= rows; r += kRows) {
        Scalar factor[kRows];
        for (int i = 0; i < kRows; ++i) factor[i] = factors[r + i];
        for (int first = 0; first < keys; first += kValueKeys) {
            const int n = keys - first < kValueKeys ? keys - first : kValueKeys;
            const char* values = at<char>(v, first * stride);
            const auto columns = [&]<int kCount>(int d, auto load) __attribute__((always_inline)) {
                stream_columns<Vec, T, kRows, kCount>(
                    values + d * static_cast<std::int64_t>(sizeof(T)), stride, n,
                    weights + r * p_row + first, p_row, out + r * o_row + d, o_row, factor, load);
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
                    d, [rest = width - d](const T* from) { return load_part<Vec>(from, rest); });
            for (Scalar& f : factor) f = 1;
        }
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
