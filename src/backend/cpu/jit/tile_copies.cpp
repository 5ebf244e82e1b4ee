// SPDX-License-Identifier: Apache-2.0
// Transposing and short copies. Compiled once per instruction set with FLEXION_KERNEL_NAMESPACE;
// nothing here may be an inline function of the standard library, which would be linked into code
// for machines that lack the instruction set.
#include "backend/cpu/jit/tile_copies.h"

#if defined(__F16C__)
#include <immintrin.h>
#endif

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {
namespace {

// Blocks of 128 bits: 4 words of 4 bytes or 2 of 8.
template <class Word>
struct Block {
    typedef Word type __attribute__((vector_size(16)));
    static constexpr int kSize = 16 / sizeof(Word);
};
template <class T, int kCount>
struct Short {
    typedef T type __attribute__((vector_size(kCount * sizeof(T))));
};

using I32 = Block<std::int32_t>::type;
using I64 = Block<std::int64_t>::type;

// ---- how an element of memory becomes a word: `one`, and `load` for a block of neighbours ----
template <class Stored, class Word_>
struct Widened {
    using Element = Stored;
    using Word = Word_;
    static Word one(const Stored* p) { return static_cast<Word>(*p); }
    static typename Block<Word>::type load(const Stored* p) {
        typename Short<Stored, Block<Word>::kSize>::type v;
        __builtin_memcpy(&v, p, sizeof v);
        return __builtin_convertvector(v, typename Block<Word>::type);
    }
};
struct Bf16 {
    using Element = std::uint16_t;
    using Word = std::int32_t;
    static Word one(const Element* p) { return static_cast<Word>(std::uint32_t{*p} << 16); }
    static I32 load(const Element* p) { return Widened<Element, Word>::load(p) << 16; }
};
struct F16 {
    using Element = std::uint16_t;
    using Word = std::int32_t;
    // As support/dtype.h does it: the exponent field moved up is a value 2^112 too small.
    static Word one(const Element* p) {
        const std::uint32_t sign = (*p & 0x8000u) << 16, rest = (*p & 0x7fffu) << 13;
        std::uint32_t bits = rest | 0x7f80'0000u;
        if (rest < 0x7c00u << 13) {
            float value;
            __builtin_memcpy(&value, &rest, sizeof value);
            value *= 0x1p112f;
            __builtin_memcpy(&bits, &value, sizeof value);
        }
        return static_cast<Word>(bits | sign);
    }
    static I32 load(const Element* p) {
#if defined(__F16C__)
        return reinterpret_cast<I32>(
            _mm_cvtph_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
#else
        return I32{one(p), one(p + 1), one(p + 2), one(p + 3)};
#endif
    }
};

// The vectors' columns become rows.
inline void transpose(I32* v) {
#define FLEXION_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define FLEXION_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
    const I32 even0 = FLEXION_LOW(v[0], v[2]), even1 = FLEXION_HIGH(v[0], v[2]);
    const I32 odd0 = FLEXION_LOW(v[1], v[3]), odd1 = FLEXION_HIGH(v[1], v[3]);
    v[0] = FLEXION_LOW(even0, odd0);
    v[1] = FLEXION_HIGH(even0, odd0);
    v[2] = FLEXION_LOW(even1, odd1);
    v[3] = FLEXION_HIGH(even1, odd1);
#undef FLEXION_LOW
#undef FLEXION_HIGH
}
inline void transpose(I64* v) {
    const I64 first = __builtin_shufflevector(v[0], v[1], 0, 2);
    v[1] = __builtin_shufflevector(v[0], v[1], 1, 3);
    v[0] = first;
}

template <class Kind>
void stage(const void* from, std::int64_t lane_stride, std::int32_t queries, std::int32_t rows,
           void* scratch, std::int32_t width) {
    using Word = typename Kind::Word;
    using Vector = typename Block<Word>::type;
    constexpr int kSize = Block<Word>::kSize;
    const auto* tile = static_cast<const typename Kind::Element*>(from);
    auto* out = static_cast<Word*>(scratch);
    const int whole_rows = rows / kSize * kSize;
    int query = 0;
    for (; query + kSize <= queries; query += kSize) {
        const auto* first = tile + query * lane_stride;
        for (int row = 0; row < whole_rows; row += kSize) {
            Vector v[kSize];
#pragma GCC unroll 4
            for (int i = 0; i < kSize; ++i) v[i] = Kind::load(first + i * lane_stride + row);
            transpose(v);
#pragma GCC unroll 4
            for (int i = 0; i < kSize; ++i)
                __builtin_memcpy(out + std::int64_t{row + i} * width + query, &v[i], sizeof v[i]);
        }
        for (int row = whole_rows; row < rows; ++row) {
            for (int i = 0; i < kSize; ++i)
                out[std::int64_t{row} * width + query + i] =
                    Kind::one(first + i * lane_stride + row);
        }
    }
    for (; query < queries; ++query) {
        for (int row = 0; row < rows; ++row)
            out[std::int64_t{row} * width + query] = Kind::one(tile + query * lane_stride + row);
    }
}

template <class T>
void run(const void* first, std::int64_t step, std::int32_t count, void* to, std::int32_t lanes) {
    const auto* from = static_cast<const T*>(first);
    auto* out = static_cast<T*>(to);
    for (std::int32_t i = 0; i < lanes; ++i) out[i] = i < count ? from[i * step] : T{0};
}

}  // namespace

extern const TileCopies kTileCopies;
const TileCopies kTileCopies = {
    {stage<Widened<std::int32_t, std::int32_t>>, stage<Widened<std::int64_t, std::int64_t>>,
     stage<Bf16>, stage<F16>, stage<Widened<std::int64_t, std::int64_t>>,
     stage<Widened<std::int32_t, std::int32_t>>, stage<Widened<std::int16_t, std::int32_t>>,
     stage<Widened<std::int8_t, std::int32_t>>, stage<Widened<std::uint8_t, std::int32_t>>,
     stage<Widened<std::uint8_t, std::int32_t>>},
    {run<std::uint8_t>, run<std::uint16_t>, run<std::uint32_t>, run<std::uint64_t>}};

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
