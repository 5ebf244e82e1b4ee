// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/kernels/hand_pass.h"

#include <cmath>

#include "backend/cpu/tile_kernel.h"

namespace flexion::cpu {

// FLEXION_BUILT_ISAS comes from the build: FLEXION_ISA(name) for each that it has.
#define FLEXION_ISA(isa)                                                                       \
    namespace isa {                                                                            \
    TilePass hand_pass(bool f64, bool pairs, TileMap map, hand::Score score, hand::Mask mask); \
    }
FLEXION_BUILT_ISAS
#undef FLEXION_ISA

namespace hand {

double score_of(Score score, double s, std::int64_t h, std::int64_t q, std::int64_t k) {
    if (score == Score::alibi) return s + std::ldexp(static_cast<double>(k - q), -(int(h) + 1));
    if (score == Score::softcap) return 20 * std::tanh(s / 20);
    return s;
}

bool mask_of(Mask mask, std::int64_t b, std::int64_t h, std::int64_t q, std::int64_t k) {
    if (mask == Mask::causal) return q >= k;
    if (mask == Mask::speckled) return ((q * 7 + k * 13 + h * 5 + b * 3) & 15) < 9;
    return true;
}

TilePass tile_pass(Isa isa, DType dtype, TileMap map, Score score, Mask mask) {
    const bool f64 = dtype == DType::f64;
    const bool pairs = dtype == DType::bf16 && isa == Isa::avx512_bf16;
    switch (isa) {
#define FLEXION_ISA(isa) \
    case Isa::isa:       \
        return isa::hand_pass(f64, pairs, map, score, mask);
        FLEXION_BUILT_ISAS
#undef FLEXION_ISA
        default:
            return nullptr;
    }
}

std::shared_ptr<const backend::Kernel> Provider::get(const plan::Problem& problem) {
    auto kernel = std::make_shared<TileKernel>();
    kernel->tile =
        tile_pass(isa_, problem.dtype, problem.few_queries ? TileMap::stream : TileMap::panel,
                  score_, problem.masked ? mask_ : Mask::none);
    return kernel;
}

}  // namespace hand
}  // namespace flexion::cpu
