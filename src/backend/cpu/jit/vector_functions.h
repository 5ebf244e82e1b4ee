// SPDX-License-Identifier: Apache-2.0
// Ahead-of-time vector functions that compiled code calls through a table of pointers, so that
// objects have no undefined symbol.
#pragma once

#include "backend/cpu/gather_check.h"
#include "backend/cpu/jit/tile_copies.h"
#include "backend/cpu/tile_abi.h"

namespace flexion::cpu {

enum class VectorFunction : std::uint8_t {
#define FLEXION_SLEEF_FUNCTION(name, function, arity) name,
#define FLEXION_LIBM_FUNCTION(name, function, arity) name,
#include "backend/cpu/jit/vector_functions.def"
#undef FLEXION_SLEEF_FUNCTION
#undef FLEXION_LIBM_FUNCTION
};

inline constexpr int kVectorFunctions = 0
#define FLEXION_SLEEF_FUNCTION(name, function, arity) +1
#define FLEXION_LIBM_FUNCTION(name, function, arity) +1
#include "backend/cpu/jit/vector_functions.def"
#undef FLEXION_SLEEF_FUNCTION
#undef FLEXION_LIBM_FUNCTION
    ;

/// What a lane of a loop is: name_f32(float...) and name_f64(double...), out of line and compiled
/// without extensions.
namespace scalar {
#define FLEXION_SCALAR_1(name, T) T name(T x);
#define FLEXION_SCALAR_2(name, T) T name(T x, T y);
#define FLEXION_SCALAR_3(name, T) T name(T x, T y, T z);
#define FLEXION_SLEEF_FUNCTION(name, function, arity) \
    FLEXION_SCALAR_##arity(name##_f32, float) FLEXION_SCALAR_##arity(name##_f64, double)
#define FLEXION_LIBM_FUNCTION FLEXION_SLEEF_FUNCTION
#include "backend/cpu/jit/vector_functions.def"
#undef FLEXION_SLEEF_FUNCTION
#undef FLEXION_LIBM_FUNCTION
#undef FLEXION_SCALAR_1
#undef FLEXION_SCALAR_2
#undef FLEXION_SCALAR_3
}  // namespace scalar

/// The table that word 0 of the captures points to; all of it are function pointers.
struct VectorFunctions {
    /// Take and return vectors of the instruction set's full width in registers, as the System V
    /// ABI passes __m256 and the like.
    struct Pair {
        const void *f32, *f64;
    } math[kVectorFunctions];
    TileCopies copies;
    CheckGather check_gather;
};
const VectorFunctions& vector_functions(Isa isa);

// ---- positions in the table, counted in pointers ----
constexpr int math_index(VectorFunction function, bool f64) {
    return 2 * static_cast<int>(function) + (f64 ? 1 : 0);
}
constexpr int stage_index(DType dtype) { return 2 * kVectorFunctions + static_cast<int>(dtype); }
/// size_log2: of an element's bytes.
constexpr int run_index(int size_log2) { return stage_index(DType{}) + 10 + size_log2; }
constexpr int check_gather_index() { return run_index(3) + 1; }
static_assert(sizeof(VectorFunctions) == sizeof(void*) * (check_gather_index() + 1));

}  // namespace flexion::cpu
