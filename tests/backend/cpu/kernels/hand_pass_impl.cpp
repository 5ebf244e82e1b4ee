// SPDX-License-Identifier: Apache-2.0
// The hand-written passes of one instruction set; compiled once for each, as micro_kernels.cpp is.
#include <cmath>

#include "backend/cpu/kernels/hand_pass.h"
#include "backend/cpu/kernels/micro/vec.h"

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {

template <class Vec>
struct IntOf;
template <>
struct IntOf<F32> {
    typedef std::int32_t I __attribute__((vector_size(sizeof(F32::V))));
};
template <>
struct IntOf<F64> {
    typedef std::int64_t I __attribute__((vector_size(sizeof(F64::V))));
};

template <class Vec>
FLEXION_INLINE typename IntOf<Vec>::I iota(std::int64_t start) {
    typename IntOf<Vec>::I r;
    for (int i = 0; i < Vec::kLanes; ++i) r[i] = start + i;
    return r;
}

/// 2^t for t <= 0, and 0 below -126. Degree 5, relative minimax on [-1/2, 1/2].
FLEXION_INLINE F32::V exp2(F32::V t) {
    using I = IntOf<F32>::I;
    const F32::V magic = F32::set(12582912.f), low = F32::set(-126.f);
    const F32::V clamped = t > low ? t : low;
    const F32::V shifted = clamped + magic;
    const F32::V f = clamped - (shifted - magic);
    F32::V p = F32::set(1.3333558e-3f);
    p = F32::fma(p, f, F32::set(9.6181291e-3f));
    p = F32::fma(p, f, F32::set(5.5504109e-2f));
    p = F32::fma(p, f, F32::set(2.4022651e-1f));
    p = F32::fma(p, f, F32::set(6.9314718e-1f));
    p = F32::fma(p, f, F32::set(1.f));
    const I bits = (I)p + ((I)shifted << 23);
    return t >= low ? (F32::V)bits : F32::zero();
}
FLEXION_INLINE F64::V exp2(F64::V t) {
    for (int i = 0; i < F64::kLanes; ++i) t[i] = __builtin_exp2(t[i]);
    return t;
}

/// x P(x^2) / Q(x^2), relative minimax on [-9.02, 9.02].
FLEXION_INLINE F32::V tanh(F32::V x) {
    const F32::V top = F32::set(9.02f);
    x = x < top ? x : top;
    x = x > -top ? x : -top;
    const F32::V y = x * x;
    F32::V p = F32::set(-8.43597908e-14f);
    p = F32::fma(p, y, F32::set(5.25774964e-11f));
    p = F32::fma(p, y, F32::set(-2.01838995e-08f));
    p = F32::fma(p, y, F32::set(1.11442375e-05f));
    p = F32::fma(p, y, F32::set(3.10299948e-03f));
    p = F32::fma(p, y, F32::set(1.30831552e-01f));
    p = F32::fma(p, y, F32::set(0.999999993f));
    F32::V q = F32::set(2.54474852e-04f);
    q = F32::fma(q, y, F32::set(2.44913735e-02f));
    q = F32::fma(q, y, F32::set(4.64164821e-01f));
    q = F32::fma(q, y, F32::set(1.f));
    return p * x / q;
}
FLEXION_INLINE F64::V tanh(F64::V x) {
    for (int i = 0; i < F64::kLanes; ++i) x[i] = __builtin_tanh(x[i]);
    return x;
}

template <class Vec, hand::Score kScore>
FLEXION_INLINE typename Vec::V modified(typename Vec::V s, typename Vec::V slope,
                                        typename IntOf<Vec>::I q, typename IntOf<Vec>::I k) {
    if constexpr (kScore == hand::Score::alibi)
        return Vec::fma(slope, __builtin_convertvector(k - q, typename Vec::V), s);
    if constexpr (kScore == hand::Score::softcap)
        return Vec::set(20) * tanh(s * Vec::set(1.0 / 20));
    return s;
}

template <class Vec, hand::Mask kMask>
FLEXION_INLINE typename IntOf<Vec>::I kept(const TileArgs& a, typename IntOf<Vec>::I q,
                                           typename IntOf<Vec>::I k) {
    using I = typename IntOf<Vec>::I;
    if constexpr (kMask == hand::Mask::causal) return q >= k;
    if constexpr (kMask == hand::Mask::speckled) {
        const I x = q * 7 + k * 13 + a.h * 5 + a.b * 3;
        return (x & 15) < 9;
    }
    return I{} == I{};
}

template <class Vec>
FLEXION_INLINE typename Vec::V max(typename Vec::V a, typename Vec::V b) {
    return a > b ? a : b;
}

template <class Vec, hand::Score kScore, hand::Mask kMask, bool kPairs>
void panel_pass(void* sv, void* pv, void* mv, void* lv, void* av, const TileArgs* args,
                const Word*) {
    using V = typename Vec::V;
    using T = typename Vec::Scalar;
    constexpr int kL = Vec::kLanes;
    T *s = static_cast<T*>(sv), *m = static_cast<T*>(mv), *l = static_cast<T*>(lv);
    T* alpha = static_cast<T*>(av);
    const V minus_inf = Vec::set(-__builtin_inf());
    const V log2e = Vec::set(static_cast<T>(1.4426950408889634));
    const V scale =
        Vec::set(sizeof(T) == 8 ? static_cast<T>(args->scale64) : static_cast<T>(args->scale));
    const V slope = Vec::set(1 / static_cast<T>(std::int64_t{2} << args->h));
    const typename IntOf<Vec>::I q[2] = {iota<Vec>(args->q0), iota<Vec>(args->q0 + kL)};
    const int rows = args->rows;
    constexpr bool kPlain = kScore == hand::Score::none && kMask == hand::Mask::none;
    V top[2] = {minus_inf, minus_inf};
    for (int n = 0; n < rows; ++n) {
        const typename IntOf<Vec>::I k = iota<Vec>(0) * 0 + (args->k0 + n);
#pragma GCC unroll 2
        for (int v = 0; v < 2; ++v) {
            T* at = s + (2 * n + v) * kL;
            V x = Vec::load(at);
            if constexpr (!kPlain) {
                x = modified<Vec, kScore>(x * scale, slope, q[v], k);
                if constexpr (kMask != hand::Mask::none)
                    x = kept<Vec, kMask>(*args, q[v], k) ? x : minus_inf;
                Vec::store(at, x);
            }
            top[v] = max<Vec>(top[v], x);
        }
    }
    const V factor = kPlain ? scale * log2e : log2e;
    V shift[2], sum[2];
    for (int v = 0; v < 2; ++v) {
        const V old = Vec::load(m + v * kL);
        const V now = max<Vec>(old, kPlain ? top[v] * scale : top[v]);
        const V safe = now > minus_inf ? now : Vec::zero();
        shift[v] = safe * log2e;
        const V a = exp2(Vec::fma(old, log2e, -shift[v]));
        Vec::store(alpha + v * kL, a);
        Vec::store(m + v * kL, now);
        sum[v] = Vec::zero();
    }
    for (int n = 0; n < rows; ++n) {
#pragma GCC unroll 2
        for (int v = 0; v < 2; ++v) {
            T* at = s + (2 * n + v) * kL;
            const V p = exp2(Vec::fma(Vec::load(at), factor, -shift[v]));
            sum[v] += p;
            if constexpr (kPairs) {
                typedef std::uint32_t U __attribute__((vector_size(sizeof(V))));
                U* out = static_cast<U*>(pv) + n / 2 * 2 + v;
                const U half = ((U)p + 0x8000) >> 16;
                *out = n % 2 == 0 ? half : *out | half << 16;
            } else {
                Vec::store(at, p);
            }
        }
    }
    for (int v = 0; v < 2; ++v)
        Vec::store(l + v * kL, Vec::fma(Vec::load(l + v * kL), Vec::load(alpha + v * kL), sum[v]));
}

template <class Vec, hand::Score kScore, hand::Mask kMask>
void stream_pass(void* sv, void*, void* mv, void* lv, void* av, const TileArgs* args, const Word*) {
    using V = typename Vec::V;
    using T = typename Vec::Scalar;
    constexpr int kL = Vec::kLanes;
    T *s = static_cast<T*>(sv), *m = static_cast<T*>(mv), *l = static_cast<T*>(lv);
    const V minus_inf = Vec::set(-__builtin_inf());
    const T log2e = static_cast<T>(1.4426950408889634);
    const V scale =
        Vec::set(sizeof(T) == 8 ? static_cast<T>(args->scale64) : static_cast<T>(args->scale));
    const V slope = Vec::set(1 / static_cast<T>(std::int64_t{2} << args->h));
    const typename IntOf<Vec>::I q = iota<Vec>(0) * 0 + args->q0, lane = iota<Vec>(0);
    const int rows = (args->rows + 2 * kL - 1) / (2 * kL) * (2 * kL);
    V top = minus_inf;
    for (int n = 0; n < rows; n += kL) {
        const typename IntOf<Vec>::I k = lane + (args->k0 + n);
        V x = modified<Vec, kScore>(Vec::load(s + n) * scale, slope, q, k);
        x = kept<Vec, kMask>(*args, q, k) ? x : minus_inf;
        x = lane + n < args->rows ? x : minus_inf;
        Vec::store(s + n, x);
        top = max<Vec>(top, x);
    }
    T now = *m;
    for (int i = 0; i < kL; ++i) now = top[i] > now ? top[i] : now;
    const T shift = now > minus_inf[0] ? now * log2e : 0;
    V sum = Vec::zero();
    for (int n = 0; n < rows; n += kL) {
        const V p = exp2(Vec::fma(Vec::load(s + n), Vec::set(log2e), Vec::set(-shift)));
        sum += p;
        Vec::store(s + n, p);
    }
    T alpha = exp2(Vec::set(*m * log2e - shift))[0], total = 0;
    for (int i = 0; i < kL; ++i) total += sum[i];
    *m = now;
    *l = *l * alpha + total;
    *static_cast<T*>(av) = alpha;
}

template <class Vec, hand::Score kScore, hand::Mask kMask>
TilePass choose(TileMap map, bool pairs) {
    if (map == TileMap::stream) return stream_pass<Vec, kScore, kMask>;
    if constexpr (sizeof(typename Vec::Scalar) == 4) {
        if (pairs) return panel_pass<Vec, kScore, kMask, true>;
    }
    return panel_pass<Vec, kScore, kMask, false>;
}

template <class Vec, hand::Score kScore>
TilePass choose(TileMap map, bool pairs, hand::Mask mask) {
    switch (mask) {
        case hand::Mask::causal:
            return choose<Vec, kScore, hand::Mask::causal>(map, pairs);
        case hand::Mask::speckled:
            return choose<Vec, kScore, hand::Mask::speckled>(map, pairs);
        default:
            return choose<Vec, kScore, hand::Mask::none>(map, pairs);
    }
}

template <class Vec>
TilePass choose(TileMap map, bool pairs, hand::Score score, hand::Mask mask) {
    switch (score) {
        case hand::Score::alibi:
            return choose<Vec, hand::Score::alibi>(map, pairs, mask);
        case hand::Score::softcap:
            return choose<Vec, hand::Score::softcap>(map, pairs, mask);
        default:
            return choose<Vec, hand::Score::none>(map, pairs, mask);
    }
}

TilePass hand_pass(bool f64, bool pairs, TileMap map, hand::Score score, hand::Mask mask);
TilePass hand_pass(bool f64, bool pairs, TileMap map, hand::Score score, hand::Mask mask) {
    return f64 ? choose<F64>(map, pairs, score, mask) : choose<F32>(map, pairs, score, mask);
}

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
