// SPDX-License-Identifier: Apache-2.0
// Vectors of the micro-kernels on AVX-512 (F, BW, DQ, VL), and pairs of bf16 where AVX512_BF16 is.
#pragma once

#include <immintrin.h>

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {

struct F32 {
    using Scalar = float;
    using V = __m512;
    static constexpr int kLanes = 16;

    static FLEXION_INLINE V zero() { return _mm512_setzero_ps(); }
    static FLEXION_INLINE V set(float x) { return _mm512_set1_ps(x); }
    static FLEXION_INLINE V load(const float* p) { return _mm512_load_ps(p); }
    static FLEXION_INLINE void store(float* p, V x) { _mm512_store_ps(p, x); }
    static FLEXION_INLINE V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }

    static FLEXION_INLINE V read(const float* p) { return _mm512_loadu_ps(p); }
    static FLEXION_INLINE V read(const Bf16* p) { return widen_bf16(_mm256_loadu_si256(as256(p))); }
    static FLEXION_INLINE V read(const Half* p) {
        return _mm512_cvtph_ps(_mm256_loadu_si256(as256(p)));
    }
    static FLEXION_INLINE void write(float* p, V x) { _mm512_storeu_ps(p, x); }
    static FLEXION_INLINE void write(Bf16* p, V x) {
        _mm256_storeu_si256(as256(p), narrow_bf16(x));
    }
    static FLEXION_INLINE void write(Half* p, V x) {
        _mm256_storeu_si256(as256(p), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
    }

    // Masked accesses touch no byte past the n-th element.
    static FLEXION_INLINE V read_first(const float* p, int n) {
        return _mm512_maskz_loadu_ps(first(n), p);
    }
    static FLEXION_INLINE V read_first(const Bf16* p, int n) {
        return widen_bf16(_mm256_maskz_loadu_epi16(first(n), p));
    }
    static FLEXION_INLINE V read_first(const Half* p, int n) {
        return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p));
    }
    static FLEXION_INLINE void write_first(float* p, V x, int n) {
        _mm512_mask_storeu_ps(p, first(n), x);
    }
    static FLEXION_INLINE void write_first(Bf16* p, V x, int n) {
        _mm256_mask_storeu_epi16(p, first(n), narrow_bf16(x));
    }
    static FLEXION_INLINE void write_first(Half* p, V x, int n) {
        _mm256_mask_storeu_epi16(p, first(n), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
    }

    /// One part (16 bytes) of memory in every part.
    static FLEXION_INLINE V broadcast_part(const void* p) {
        return _mm512_broadcast_f32x4(_mm_loadu_ps(static_cast<const float*>(p)));
    }
    /// kParts parts, from p[0], p[1], ...
    static FLEXION_INLINE V join(const char* const* p) {
        return _mm512_insertf32x8(_mm512_castps256_ps512(join_two(p)), join_two(p + 2), 1);
    }
    /// Likewise four halves to a part.
    static FLEXION_INLINE V join_halves(const char* const* p) {
        return _mm512_cvtph_ps(
            _mm256_inserti128_si256(_mm256_castsi128_si256(two_halves(p)), two_halves(p + 2), 1));
    }

private:
    static FLEXION_INLINE const __m256i* as256(const void* p) {
        return static_cast<const __m256i*>(p);
    }
    static FLEXION_INLINE __m256 join_two(const char* const* p) {
        return _mm256_insertf128_ps(
            _mm256_castps128_ps256(_mm_loadu_ps(reinterpret_cast<const float*>(p[0]))),
            _mm_loadu_ps(reinterpret_cast<const float*>(p[1])), 1);
    }
    static FLEXION_INLINE __m128i two_halves(const char* const* p) {
        const __m128d low = _mm_load_sd(reinterpret_cast<const double*>(p[0]));
        return _mm_castpd_si128(_mm_loadh_pd(low, reinterpret_cast<const double*>(p[1])));
    }
    static FLEXION_INLINE __m256i* as256(void* p) { return static_cast<__m256i*>(p); }
    static FLEXION_INLINE __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1); }
    static FLEXION_INLINE V widen_bf16(__m256i x) {
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
    }
    // Integer rounding on every AVX-512: vcvtneps2bf16 flushes subnormals.
    static FLEXION_INLINE __m256i narrow_bf16(V x) {
        const __m512i u = _mm512_castps_si512(x);
        const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
        const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), odd);
        const __mmask16 is_nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
        const __m512i bits = _mm512_mask_or_epi32(sum, is_nan, u, _mm512_set1_epi32(0x400000));
        return _mm512_cvtepi32_epi16(_mm512_srli_epi32(bits, 16));
    }
};

struct F64 {
    using Scalar = double;
    using V = __m512d;
    static constexpr int kLanes = 8;

    static FLEXION_INLINE V zero() { return _mm512_setzero_pd(); }
    static FLEXION_INLINE V set(double x) { return _mm512_set1_pd(x); }
    static FLEXION_INLINE V load(const double* p) { return _mm512_load_pd(p); }
    static FLEXION_INLINE void store(double* p, V x) { _mm512_store_pd(p, x); }
    static FLEXION_INLINE V fma(V a, V b, V c) { return _mm512_fmadd_pd(a, b, c); }
    static FLEXION_INLINE V read(const double* p) { return _mm512_loadu_pd(p); }
    static FLEXION_INLINE void write(double* p, V x) { _mm512_storeu_pd(p, x); }
    static FLEXION_INLINE V read_first(const double* p, int n) {
        return _mm512_maskz_loadu_pd(first(n), p);
    }
    static FLEXION_INLINE void write_first(double* p, V x, int n) {
        _mm512_mask_storeu_pd(p, first(n), x);
    }

    static FLEXION_INLINE V broadcast_part(const void* p) {
        return _mm512_broadcast_f64x2(_mm_loadu_pd(static_cast<const double*>(p)));
    }
    static FLEXION_INLINE V join(const char* const* p) {
        return _mm512_insertf64x4(_mm512_castpd256_pd512(join_two(p)), join_two(p + 2), 1);
    }

private:
    static FLEXION_INLINE __m256d join_two(const char* const* p) {
        return _mm256_insertf128_pd(
            _mm256_castpd128_pd256(_mm_loadu_pd(reinterpret_cast<const double*>(p[0]))),
            _mm_loadu_pd(reinterpret_cast<const double*>(p[1])), 1);
    }
    static FLEXION_INLINE __mmask8 first(int n) { return static_cast<__mmask8>((1u << n) - 1); }
};

inline constexpr int kTileRows = 8;  ///< x 2 vectors: 16 of 32 registers accumulate

#if defined(__AVX512BF16__)
#define FLEXION_HAS_BF16_DOT 1
/// acc + the products of both halves of each 32-bit lane (vdpbf16ps).
FLEXION_INLINE __m512 dot_bf16(__m512 acc, __m512i a, __m512i b) {
    return _mm512_dpbf16_ps(acc, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}
#endif

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
