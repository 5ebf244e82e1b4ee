// SPDX-License-Identifier: Apache-2.0
// Loops that reach the machine's limits: multiply-adds without memory, and reads without arithmetic
// to speak of.
#pragma once

#include "backend/cpu/kernels/micro/vec.h"

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {

/// Twelve chains: enough for two units of latency 4 (multiply-add) or 6 (vdpbf16ps).
template <class V, class Step>
FLEXION_INLINE void chains(std::int64_t loops, V start, Step step) {
    V a = start, b = start, c = start, d = start, e = start, f = start;
    V g = start, h = start, i = start, j = start, k = start, l = start;
    for (std::int64_t n = 0; n < loops; ++n) {
        a = step(a), b = step(b), c = step(c), d = step(d), e = step(e), f = step(f);
        g = step(g), h = step(h), i = step(i), j = step(j), k = step(k), l = step(l);
        in_register(a), in_register(b), in_register(c), in_register(d), in_register(e),
            in_register(f);
        in_register(g), in_register(h), in_register(i), in_register(j), in_register(k),
            in_register(l);
    }
}

inline double fma_loop(std::int64_t loops) {
    F32::V x = F32::set(0.5f);
    in_register(x);
    chains(loops, F32::zero(),
           [x](F32::V acc) __attribute__((always_inline)) { return F32::fma(x, x, acc); });
    return 12.0 * 2 * F32::kLanes * static_cast<double>(loops);
}

#if defined(FLEXION_HAS_BF16_DOT)
inline double bf16_dot_loop(std::int64_t loops) {
    __m512i x = _mm512_set1_epi32(0x3f003f00);
    in_register(x);
    chains(loops, F32::zero(),
           [x](F32::V acc) __attribute__((always_inline)) { return dot_bf16(acc, x, x); });
    return 12.0 * 4 * F32::kLanes * static_cast<double>(loops);
}
#endif

inline float sum_words(const void* p, std::int64_t bytes) {
    constexpr int kChains = 8;
    const auto* x = static_cast<const float*>(p);
    F32::V sum[kChains];
    for (F32::V& s : sum) s = F32::zero();
    for (std::int64_t i = 0; i < bytes / 4; i += kChains * F32::kLanes)
#pragma GCC unroll 8
        for (int j = 0; j < kChains; ++j) sum[j] += F32::read(x + i + j * F32::kLanes);
    float lanes[F32::kLanes], total = 0;
    for (int j = 1; j < kChains; ++j) sum[0] += sum[j];
    F32::write(lanes, sum[0]);
    for (float lane : lanes) total += lane;
    return total;
}

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
