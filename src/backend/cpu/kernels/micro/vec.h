// SPDX-License-Identifier: Apache-2.0
// The vector types F32 and F64 of the instruction set that this object is compiled for. Included
// once per instruction set, each into a namespace of its own (FLEXION_KERNEL_NAMESPACE): no symbol
// of one object can stand in for another's, so code past the machine's abilities is never linked
// in.
#pragma once

#include "backend/cpu/kernels/micro/half.h"
#include "backend/cpu/kernels/micro/vec_shuffle.h"

#if defined(__AVX512F__)
#include "backend/cpu/kernels/micro/target_x86_avx512.h"
#elif defined(__AVX2__)
#include "backend/cpu/kernels/micro/target_x86_avx2.h"
#else
#include "backend/cpu/kernels/micro/vec_portable.h"
#endif

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {

/// The first n < kLanes elements of p, the rest 0; reads no byte past them.
template <class Vec, class T>
FLEXION_INLINE typename Vec::V read_first(const T* p, int n) {
    if constexpr (requires { Vec::read_first(p, n); }) {
        return Vec::read_first(p, n);
    } else {
        T buffer[Vec::kLanes] = {};
        std::memcpy(buffer, p, static_cast<std::size_t>(n) * sizeof(T));
        return Vec::read(buffer);
    }
}

/// Writes the first n < kLanes elements of x and no byte past them.
template <class Vec, class T>
FLEXION_INLINE void write_first(T* p, typename Vec::V x, int n) {
    if constexpr (requires { Vec::write_first(p, x, n); }) {
        Vec::write_first(p, x, n);
    } else {
        T buffer[Vec::kLanes];
        Vec::write(buffer, x);
        std::memcpy(p, buffer, static_cast<std::size_t>(n) * sizeof(T));
    }
}

/// Puts x into a register and hides its value from the optimiser, which would rather read it from
/// memory once for each of its uses.
template <class V>
FLEXION_INLINE void in_register(V& x) {
#if defined(__x86_64__)
    asm volatile("" : "+v"(x));
#else
    asm volatile("" : "+w"(x));
#endif
}

template <class Vec>
using ShuffleOf = Shuffle<typename Vec::V, typename Vec::Scalar>;

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
