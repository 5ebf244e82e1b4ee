// SPDX-License-Identifier: Apache-2.0
// Vectors of the micro-kernels on AVX2 with FMA and F16C.
#pragma once

#include <immintrin.h>

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {

struct F32 {
    using Scalar = float;
    using V = __m256;
    static constexpr int kLanes = 8;

    static FLEXION_INLINE V zero() { return _mm256_setzero_ps(); }
    static FLEXION_INLINE V set(float x) { return _mm256_set1_ps(x); }
    static FLEXION_INLINE V load(const float* p) { return _mm256_load_ps(p); }
    static FLEXION_INLINE void store(float* p, V x) { _mm256_store_ps(p, x); }
    static FLEXION_INLINE V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }

    static FLEXION_INLINE V read(const float* p) { return _mm256_loadu_ps(p); }
    static FLEXION_INLINE V read(const Bf16* p) {
        const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
    }
    static FLEXION_INLINE V read(const Half* p) {
        return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    }
    static FLEXION_INLINE void write(float* p, V x) { _mm256_storeu_ps(p, x); }
    static FLEXION_INLINE void write(Bf16* p, V x) {
        const __m256i u = _mm256_castps_si256(x);
        const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
        const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(u, _mm256_set1_epi32(0x7fff)), odd);
        const __m256i nan = _mm256_or_si256(u, _mm256_set1_epi32(0x400000));
        const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
        const __m256i high = _mm256_srli_epi32(_mm256_blendv_epi8(sum, nan, is_nan), 16);
        const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(high, high), 0x08);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(packed));
    }
    static FLEXION_INLINE void write(Half* p, V x) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                         _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
    }
    static FLEXION_INLINE V read_first(const float* p, int n) {
        return _mm256_maskload_ps(p, first(n));
    }
    static FLEXION_INLINE void write_first(float* p, V x, int n) {
        _mm256_maskstore_ps(p, first(n), x);
    }

    /// One part (16 bytes) of memory in every part.
    static FLEXION_INLINE V broadcast_part(const void* p) {
        return _mm256_broadcast_ps(static_cast<const __m128*>(p));
    }
    /// kParts parts, from p[0], p[1], ...
    static FLEXION_INLINE V join(const char* const* p) {
        return _mm256_insertf128_ps(
            _mm256_castps128_ps256(_mm_loadu_ps(reinterpret_cast<const float*>(p[0]))),
            _mm_loadu_ps(reinterpret_cast<const float*>(p[1])), 1);
    }
    /// Likewise four halves to a part.
    static FLEXION_INLINE V join_halves(const char* const* p) {
        const __m128d low = _mm_load_sd(reinterpret_cast<const double*>(p[0]));
        return _mm256_cvtph_ps(
            _mm_castpd_si128(_mm_loadh_pd(low, reinterpret_cast<const double*>(p[1]))));
    }

private:
    static FLEXION_INLINE __m256i first(int n) {
        return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    }
};

struct F64 {
    using Scalar = double;
    using V = __m256d;
    static constexpr int kLanes = 4;

    static FLEXION_INLINE V zero() { return _mm256_setzero_pd(); }
    static FLEXION_INLINE V set(double x) { return _mm256_set1_pd(x); }
    static FLEXION_INLINE V load(const double* p) { return _mm256_load_pd(p); }
    static FLEXION_INLINE void store(double* p, V x) { _mm256_store_pd(p, x); }
    static FLEXION_INLINE V fma(V a, V b, V c) { return _mm256_fmadd_pd(a, b, c); }
    static FLEXION_INLINE V read(const double* p) { return _mm256_loadu_pd(p); }
    static FLEXION_INLINE void write(double* p, V x) { _mm256_storeu_pd(p, x); }
    static FLEXION_INLINE V read_first(const double* p, int n) {
        return _mm256_maskload_pd(p, first(n));
    }
    static FLEXION_INLINE void write_first(double* p, V x, int n) {
        _mm256_maskstore_pd(p, first(n), x);
    }

    static FLEXION_INLINE V broadcast_part(const void* p) {
        return _mm256_broadcast_pd(static_cast<const __m128d*>(p));
    }
    static FLEXION_INLINE V join(const char* const* p) {
        return _mm256_insertf128_pd(
            _mm256_castpd128_pd256(_mm_loadu_pd(reinterpret_cast<const double*>(p[0]))),
            _mm_loadu_pd(reinterpret_cast<const double*>(p[1])), 1);
    }

private:
    static FLEXION_INLINE __m256i first(int n) {
        return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
    }
};

inline constexpr int kTileRows = 6;  ///< x 2 vectors: 12 of 16 registers accumulate

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
