// SPDX-License-Identifier: Apache-2.0
// The mathematical functions of one instruction set's table: SLEEF's variants by explicit name, and
// loops over libm. Compiled once per instruction set with FLEXION_KERNEL_NAMESPACE, because only a
// file's own flags make every compiler pass its vectors in registers. As in tile_copies.cpp nothing
// here may be an inline function of a header: the loops call scalar_functions' out of line.
#include "backend/cpu/jit/vector_functions.h"

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {
namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#define FLEXION_SLEEF_F32(function) Sleef_##function##f16_u10avx512f
#define FLEXION_SLEEF_F64(function) Sleef_##function##d8_u10avx512f
#elif defined(__AVX2__)
constexpr int kBytes = 32;
#define FLEXION_SLEEF_F32(function) Sleef_##function##f8_u10avx2
#define FLEXION_SLEEF_F64(function) Sleef_##function##d4_u10avx2
#else
constexpr int kBytes = 16;
#endif
typedef float F32 __attribute__((vector_size(kBytes)));
typedef double F64 __attribute__((vector_size(kBytes)));

#define FLEXION_LOOP_1(name, V)                                                          \
    V name(V x) {                                                                        \
        for (unsigned i = 0; i < sizeof x / sizeof x[0]; ++i) x[i] = scalar::name(x[i]); \
        return x;                                                                        \
    }
#define FLEXION_LOOP_2(name, V)                                                                \
    V name(V x, V y) {                                                                         \
        for (unsigned i = 0; i < sizeof x / sizeof x[0]; ++i) x[i] = scalar::name(x[i], y[i]); \
        return x;                                                                              \
    }
#define FLEXION_LOOP_3(name, V)                               \
    V name(V x, V y, V z) {                                   \
        for (unsigned i = 0; i < sizeof x / sizeof x[0]; ++i) \
            x[i] = scalar::name(x[i], y[i], z[i]);            \
        return x;                                             \
    }
#define FLEXION_LIBM_FUNCTION(name, function, arity) \
    FLEXION_LOOP_##arity(name##_f32, F32) FLEXION_LOOP_##arity(name##_f64, F64)
#if defined(FLEXION_SLEEF_F32)
#define FLEXION_SLEEF_FUNCTION(name, function, arity)
#else
#define FLEXION_SLEEF_FUNCTION FLEXION_LIBM_FUNCTION
#endif
#include "backend/cpu/jit/vector_functions.def"
#undef FLEXION_SLEEF_FUNCTION

#if defined(FLEXION_SLEEF_F32)
// Only their addresses are taken: <sleef.h> would bring inline functions.
extern "C" {
#define FLEXION_SLEEF_FUNCTION(name, function, arity) \
    void FLEXION_SLEEF_F32(function)();               \
    void FLEXION_SLEEF_F64(function)();
#undef FLEXION_LIBM_FUNCTION
#define FLEXION_LIBM_FUNCTION(name, function, arity)
#include "backend/cpu/jit/vector_functions.def"
#undef FLEXION_SLEEF_FUNCTION
}
#endif
#undef FLEXION_LIBM_FUNCTION

}  // namespace

#define FLEXION_ENTRY(function) reinterpret_cast<const void*>(&function)
#define FLEXION_LIBM_FUNCTION(name, function, arity) \
    {FLEXION_ENTRY(name##_f32), FLEXION_ENTRY(name##_f64)},
#if defined(FLEXION_SLEEF_F32)
#define FLEXION_SLEEF_FUNCTION(name, function, arity) \
    {FLEXION_ENTRY(FLEXION_SLEEF_F32(function)), FLEXION_ENTRY(FLEXION_SLEEF_F64(function))},
#else
#define FLEXION_SLEEF_FUNCTION FLEXION_LIBM_FUNCTION
#endif
extern const VectorFunctions::Pair kVectorMath[kVectorFunctions];
const VectorFunctions::Pair kVectorMath[kVectorFunctions] = {
#include "backend/cpu/jit/vector_functions.def"
};

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
