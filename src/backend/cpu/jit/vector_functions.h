// SPDX-License-Identifier: Apache-2.0
// Ahead-of-time vector functions that compiled code calls through a table of pointers, so that
// objects have no undefined symbol.
#pragma once

#include "backend/cpu/tile_abi.h"

namespace flexion::cpu {

enum class VectorFunction : std::uint8_t {
#define FLEXION_SLEEF_FUNCTION(name, function, arity) name,
#define FLEXION_LIBM_FUNCTION(name, function, arity) name,
#include "backend/cpu/jit/vector_functions.def"
#undef FLEXION_SLEEF_FUNCTION
#undef FLEXION_LIBM_FUNCTION
};

/// The tables' layout: each function has an entry for f32 and one for f64.
constexpr int vector_function_index(VectorFunction function, bool f64) {
    return 2 * static_cast<int>(function) + (f64 ? 1 : 0);
}

/// Entries take and return vectors of the instruction set's full width in registers, as the System
/// V ABI passes __m256 and the like.
using VectorFunctions = const void* const*;
VectorFunctions vector_functions(Isa isa);

}  // namespace flexion::cpu
