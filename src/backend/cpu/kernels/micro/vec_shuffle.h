// SPDX-License-Identifier: Apache-2.0
// Data movement that every vector type shares, written with the compilers' generic shuffles: square
// transpositions, and the sums of several vectors at once.
#pragma once

#include <cstddef>
#include <utility>

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {

#define FLEXION_INLINE inline __attribute__((always_inline))

/// Lane arithmetic of a vector of N elements, P to a 128-bit part: shuffles that stay within parts
/// are single instructions on every x86 vector length.
template <class V, class T>
struct Shuffle {
    static constexpr int kLanes = static_cast<int>(sizeof(V) / sizeof(T));
    static constexpr int kPart = static_cast<int>(16 / sizeof(T));
    static constexpr int kParts = kLanes / kPart;

    template <class Index, std::size_t... I>
    static FLEXION_INLINE V pick(V a, V b, Index, std::index_sequence<I...>) {
        return __builtin_shufflevector(a, b, Index::of(static_cast<int>(I))...);
    }
    template <class Index>
    static FLEXION_INLINE V pick(V a, V b) {
        return pick(a, b, Index{}, std::make_index_sequence<kLanes>{});
    }

    // Every index below is of lane i; those of b start at kLanes.
    template <int kOdd>
    struct EveryOther {  // within a part: the even (odd) elements of a, then those of b
        static constexpr int of(int i) {
            const int part = i / kPart * kPart, j = i % kPart, half = kPart / 2;
            return part + 2 * (j % half) + kOdd + (j >= half ? kLanes : 0);
        }
    };
    template <int kOdd>
    struct EveryOtherPart {  // the even (odd) parts of a, then those of b
        static constexpr int of(int i) {
            const int part = i / kPart, half = kParts / 2;
            return (2 * (part % half) + kOdd) * kPart + i % kPart + (part >= half ? kLanes : 0);
        }
    };
    template <int kHigh>
    struct Interleave {  // within a part: a, b, a, b of the lower (upper) half
        static constexpr int of(int i) {
            const int part = i / kPart * kPart, j = i % kPart;
            return part + j / 2 + kHigh * kPart / 2 + (j % 2 ? kLanes : 0);
        }
    };
    template <int kHigh>
    struct Halves {  // within a part: the lower (upper) half of a, then that of b
        static constexpr int of(int i) {
            const int part = i / kPart * kPart, j = i % kPart, half = kPart / 2;
            return part + j % half + kHigh * half + (j >= half ? kLanes : 0);
        }
    };

    /// Lane i of each part of the result is the sum over that part of v[i], i < kPart.
    template <int kCount = kPart>
    static FLEXION_INLINE V part_sums(const V* v) {
        V half[kCount / 2];
#pragma GCC unroll 4
        for (int i = 0; i < kCount / 2; ++i)
            half[i] = pick<EveryOther<0>>(v[2 * i], v[2 * i + 1]) +
                      pick<EveryOther<1>>(v[2 * i], v[2 * i + 1]);
        if constexpr (kCount == 2)
            return half[0];
        else
            return part_sums<kCount / 2>(half);
    }

    /// v[i][j] becomes v[j][i].
    static FLEXION_INLINE void transpose(V* v) {
#pragma GCC unroll 16
        for (int g = 0; g < kLanes; g += kPart) transpose_parts(v + g);
        if constexpr (kParts == 2) {
#pragma GCC unroll 16
            for (int i = 0; i < kPart; ++i) swap_parts(v[i], v[i + kPart]);
        } else if constexpr (kParts == 4) {
#pragma GCC unroll 16
            for (int i = 0; i < kPart; ++i) {
                // Parts (row group, column group): two rounds of even and odd parts transpose them.
                V *a = v + i, *b = a + kPart, *c = b + kPart, *d = c + kPart;
                swap_parts(*a, *b), swap_parts(*c, *d);  // even parts of a,b | odd parts
                const V ac0 = pick<EveryOtherPart<0>>(*a, *c),
                        ac1 = pick<EveryOtherPart<1>>(*a, *c);
                const V bd0 = pick<EveryOtherPart<0>>(*b, *d),
                        bd1 = pick<EveryOtherPart<1>>(*b, *d);
                *a = ac0, *b = bd0, *c = ac1, *d = bd1;
            }
        }
    }

private:
    static FLEXION_INLINE void swap_parts(V& a, V& b) {
        const V even = pick<EveryOtherPart<0>>(a, b), odd = pick<EveryOtherPart<1>>(a, b);
        a = even, b = odd;
    }
    static FLEXION_INLINE void transpose_parts(V* v) {
        if constexpr (kPart == 2) {
            const V low = pick<Interleave<0>>(v[0], v[1]), high = pick<Interleave<1>>(v[0], v[1]);
            v[0] = low, v[1] = high;
        } else {
            static_assert(kPart == 4);
            const V l0 = pick<Interleave<0>>(v[0], v[1]), h0 = pick<Interleave<1>>(v[0], v[1]);
            const V l1 = pick<Interleave<0>>(v[2], v[3]), h1 = pick<Interleave<1>>(v[2], v[3]);
            v[0] = pick<Halves<0>>(l0, l1), v[1] = pick<Halves<1>>(l0, l1);
            v[2] = pick<Halves<0>>(h0, h1), v[3] = pick<Halves<1>>(h0, h1);
        }
    }
};

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
