// SPDX-License-Identifier: Apache-2.0
// What the code generator knows of an instruction set.
#pragma once

#include "backend/cpu/tile_abi.h"

namespace flexion::cpu {

/// LLVM's names for the machine, and what emitted text may use on it. `portable` text holds to what
/// every target of LLVM compiles without calling into a library.
struct IsaTraits {
    Isa isa;
    const char* triple;
    const char* cpu;
    const char* features;
    bool fma;           ///< llvm.fma and the rounding functions are instructions
    bool f16;           ///< half to float is an instruction
    bool masked_words;  ///< masked loads of 32 and 64 bits are
    bool masked_bytes;  ///< masked loads of 8 and 16 bits are
    bool avx512;        ///< the intrinsics of AVX-512F may be called
};
const IsaTraits& traits_of(Isa isa);

}  // namespace flexion::cpu
