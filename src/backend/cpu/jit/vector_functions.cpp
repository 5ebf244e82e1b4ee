// SPDX-License-Identifier: Apache-2.0
// The tables of vector functions, and the scalar functions that their loops call.
#include "backend/cpu/jit/vector_functions.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "ir/semantics.h"
#include "support/fail.h"

namespace flexion::cpu {

namespace scalar {
namespace sem = ir::sem;
using sem::cos, sem::erf, sem::exp, sem::exp2, sem::expm1, sem::log, sem::log1p, sem::log2,
    sem::pow, sem::rem, sem::sin, sem::tanh, std::fma;
#define FLEXION_SCALAR_1(name, function, T) \
    T name(T x) { return function(x); }
#define FLEXION_SCALAR_2(name, function, T) \
    T name(T x, T y) { return function(x, y); }
#define FLEXION_SCALAR_3(name, function, T) \
    T name(T x, T y, T z) { return function(x, y, z); }
#define FLEXION_SLEEF_FUNCTION(name, function, arity)   \
    FLEXION_SCALAR_##arity(name##_f32, function, float) \
        FLEXION_SCALAR_##arity(name##_f64, function, double)
#define FLEXION_LIBM_FUNCTION FLEXION_SLEEF_FUNCTION
#include "backend/cpu/jit/vector_functions.def"
#undef FLEXION_SLEEF_FUNCTION
#undef FLEXION_LIBM_FUNCTION
}  // namespace scalar

// vector_math.cpp and tile_copies.cpp of every instruction set of the build.
#define FLEXION_ISA(isa)                                              \
    namespace isa {                                                   \
    extern const VectorFunctions::Pair kVectorMath[kVectorFunctions]; \
    extern const TileCopies kTileCopies;                              \
    }
FLEXION_BUILT_ISAS
#undef FLEXION_ISA

namespace {

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
    switch (isa) {
#define FLEXION_ISA(isa)                                                                   \
    case Isa::isa: {                                                                       \
        static const VectorFunctions table = table_of(isa::kVectorMath, isa::kTileCopies); \
        return table;                                                                      \
    }
        FLEXION_BUILT_ISAS
#undef FLEXION_ISA
        default:
            fail<InternalError>(
                "flexion: this build has no vector functions for instruction set {}",
                static_cast<int>(isa));
    }
}

}  // namespace flexion::cpu
