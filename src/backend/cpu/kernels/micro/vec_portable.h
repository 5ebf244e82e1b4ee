// SPDX-License-Identifier: Apache-2.0
// Vectors of the micro-kernels where nothing is known of the machine: 128 bits through the
// compilers' vector extensions (SSE2, NEON).
#pragma once

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {

/// What both element types do alike; reads and writes of other formats go element by element.
template <class T>
struct Portable {
    using Scalar = T;
    typedef T V __attribute__((vector_size(16)));
    typedef T Unaligned __attribute__((vector_size(16), aligned(1), may_alias));
    static constexpr int kLanes = static_cast<int>(16 / sizeof(T));

    static FLEXION_INLINE V zero() { return V{}; }
    static FLEXION_INLINE V set(T x) {
        V v;
        for (int i = 0; i < kLanes; ++i) v[i] = x;
        return v;
    }
    static FLEXION_INLINE V load(const T* p) { return *reinterpret_cast<const V*>(p); }
    static FLEXION_INLINE void store(T* p, V x) { *reinterpret_cast<V*>(p) = x; }
    // Contracted to one instruction where the machine has it: this file's flags allow that.
    static FLEXION_INLINE V fma(V a, V b, V c) { return a * b + c; }
    static FLEXION_INLINE V read(const T* p) { return *reinterpret_cast<const Unaligned*>(p); }
    static FLEXION_INLINE void write(T* p, V x) { *reinterpret_cast<Unaligned*>(p) = x; }
    // A vector is one part, of 16-bit elements perhaps, which lie at any even address.
    static FLEXION_INLINE V broadcast_part(const void* p) {
        return *static_cast<const Unaligned*>(p);
    }
    static FLEXION_INLINE V join(const char* const* p) { return broadcast_part(p[0]); }
};

struct F32 : Portable<float> {
    using Portable::read;
    using Portable::write;
    static FLEXION_INLINE V read(const Bf16* p) {
        return V{to_float(p[0]), to_float(p[1]), to_float(p[2]), to_float(p[3])};
    }
    static FLEXION_INLINE V read(const Half* p) {
        return V{to_float(p[0]), to_float(p[1]), to_float(p[2]), to_float(p[3])};
    }
    static FLEXION_INLINE V join_halves(const char* const* p) {
        return read(reinterpret_cast<const Half*>(p[0]));
    }
    static FLEXION_INLINE void write(Bf16* p, V x) {
        for (int i = 0; i < kLanes; ++i) p[i] = to_bf16(x[i]);
    }
    static FLEXION_INLINE void write(Half* p, V x) {
        for (int i = 0; i < kLanes; ++i) p[i] = to_half(x[i]);
    }
};
struct F64 : Portable<double> {};

inline constexpr int kTileRows = 6;

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
