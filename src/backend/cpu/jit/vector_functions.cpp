// SPDX-License-Identifier: Apache-2.0
// The tables of vector functions: SLEEF's variants by explicit name, and loops over libm.
#include "backend/cpu/jit/vector_functions.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "ir/semantics.h"
#include "support/fail.h"

namespace flexion::cpu {
namespace {

template <class T, int kBytes>
struct VectorOf {
    typedef T type __attribute__((vector_size(kBytes)));
};

// One loop over lanes for each arity; `target` is the instruction set whose registers carry the
// vectors.
namespace sem = ir::sem;
inline float fma(float x, float y, float z) { return std::fma(x, y, z); }
inline double fma(double x, double y, double z) { return std::fma(x, y, z); }
using sem::cos, sem::erf, sem::exp, sem::exp2, sem::expm1, sem::log, sem::log1p, sem::log2,
    sem::pow, sem::rem, sem::sin, sem::tanh;

#define FLEXION_LOOP_1(name, op, V, target)                                      \
    target V name(V x) {                                                         \
        for (unsigned i = 0; i < sizeof(V) / sizeof(x[0]); ++i) x[i] = op(x[i]); \
        return x;                                                                \
    }
#define FLEXION_LOOP_2(name, op, V, target)                                            \
    target V name(V x, V y) {                                                          \
        for (unsigned i = 0; i < sizeof(V) / sizeof(x[0]); ++i) x[i] = op(x[i], y[i]); \
        return x;                                                                      \
    }
#define FLEXION_LOOP_3(name, op, V, target)                                                  \
    target V name(V x, V y, V z) {                                                           \
        for (unsigned i = 0; i < sizeof(V) / sizeof(x[0]); ++i) x[i] = op(x[i], y[i], z[i]); \
        return x;                                                                            \
    }
#define FLEXION_LOOPS(name, op, arity, set, bytes, target)                                         \
    FLEXION_LOOP_##arity(name##_f32_##set, op, FLEXION_TYPE(VectorOf<float, bytes>::type), target) \
        FLEXION_LOOP_##arity(name##_f64_##set, op, FLEXION_TYPE(VectorOf<double, bytes>::type),    \
                             target)
#define FLEXION_TYPE(...) __VA_ARGS__
#define FLEXION_ENTRY(function) reinterpret_cast<const void*>(&function)
#define FLEXION_ENTRIES(name, set) \
    {FLEXION_ENTRY(name##_f32_##set), FLEXION_ENTRY(name##_f64_##set)},

// ---- portable: vectors of 16 bytes ----
#define FLEXION_SLEEF_FUNCTION(name, function, arity) \
    FLEXION_LOOPS(name, function, arity, portable, 16, )
#define FLEXION_LIBM_FUNCTION FLEXION_SLEEF_FUNCTION
#include "backend/cpu/jit/vector_functions.def"
#undef FLEXION_SLEEF_FUNCTION
#undef FLEXION_LIBM_FUNCTION

const VectorFunctions::Pair kPortable[] = {
#define FLEXION_SLEEF_FUNCTION(name, function, arity) FLEXION_ENTRIES(name, portable)
#define FLEXION_LIBM_FUNCTION FLEXION_SLEEF_FUNCTION
#include "backend/cpu/jit/vector_functions.def"
#undef FLEXION_SLEEF_FUNCTION
#undef FLEXION_LIBM_FUNCTION
};

#if defined(__x86_64__)
// ---- AVX2 and AVX-512 ----
#define FLEXION_AVX2 __attribute__((target("avx2,fma")))
#define FLEXION_AVX512 __attribute__((target("avx512f")))
#define FLEXION_SLEEF_FUNCTION(name, function, arity)
#define FLEXION_LIBM_FUNCTION(name, function, arity)             \
    FLEXION_LOOPS(name, function, arity, avx2, 32, FLEXION_AVX2) \
    FLEXION_LOOPS(name, function, arity, avx512, 64, FLEXION_AVX512)
#include "backend/cpu/jit/vector_functions.def"
#undef FLEXION_SLEEF_FUNCTION
#undef FLEXION_LIBM_FUNCTION

// Only their addresses are taken: <sleef.h> would declare them to files compiled for AVX alone.
extern "C" {
#define FLEXION_SLEEF_FUNCTION(name, function, arity) \
    void Sleef_##function##f8_u10avx2();              \
    void Sleef_##function##d4_u10avx2();              \
    void Sleef_##function##f16_u10avx512f();          \
    void Sleef_##function##d8_u10avx512f();
#define FLEXION_LIBM_FUNCTION(name, function, arity)
#include "backend/cpu/jit/vector_functions.def"
#undef FLEXION_SLEEF_FUNCTION
#undef FLEXION_LIBM_FUNCTION
}

const VectorFunctions::Pair kAvx2[] = {
#define FLEXION_SLEEF_FUNCTION(name, function, arity) \
    {FLEXION_ENTRY(Sleef_##function##f8_u10avx2), FLEXION_ENTRY(Sleef_##function##d4_u10avx2)},
#define FLEXION_LIBM_FUNCTION(name, function, arity) FLEXION_ENTRIES(name, avx2)
#include "backend/cpu/jit/vector_functions.def"
#undef FLEXION_SLEEF_FUNCTION
#undef FLEXION_LIBM_FUNCTION
};

const VectorFunctions::Pair kAvx512[] = {
#define FLEXION_SLEEF_FUNCTION(name, function, arity) \
    {FLEXION_ENTRY(Sleef_##function##f16_u10avx512f), \
     FLEXION_ENTRY(Sleef_##function##d8_u10avx512f)},
#define FLEXION_LIBM_FUNCTION(name, function, arity) FLEXION_ENTRIES(name, avx512)
#include "backend/cpu/jit/vector_functions.def"
#undef FLEXION_SLEEF_FUNCTION
#undef FLEXION_LIBM_FUNCTION
};
#endif

VectorFunctions table_of(const VectorFunctions::Pair (&math)[kVectorFunctions],
                         const TileCopies& copies) {
    VectorFunctions table;
    std::copy(std::begin(math), std::end(math), table.math);
    table.copies = copies;
    table.check_gather = check_gather;
    return table;
}

}  // namespace

const VectorFunctions& vector_functions(Isa isa) {
#if defined(__x86_64__)
    static const VectorFunctions kAvx2Table = table_of(kAvx2, avx2::kTileCopies);
    static const VectorFunctions kAvx512Table = table_of(kAvx512, avx2::kTileCopies);
    if (isa >= Isa::avx512) return kAvx512Table;
    if (isa == Isa::avx2) return kAvx2Table;
#endif
    invariant(isa == Isa::portable, "vector functions exist for the instruction set");
    static const VectorFunctions kPortableTable = table_of(kPortable, portable::kTileCopies);
    return kPortableTable;
}

}  // namespace flexion::cpu
