// SPDX-License-Identifier: Apache-2.0
// Tile passes written by hand, to test and time the drivers apart from the code generator.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/tile_abi.h"

namespace flexion::cpu::hand {

enum class Score { none, alibi, softcap };   ///< s + 2^-(h+1) (k - q); 20 tanh(s / 20)
enum class Mask { none, causal, speckled };  ///< q >= k; an arbitrary pattern over b, h, q, k

/// The same functions for one element, in double.
double score_of(Score score, double s, std::int64_t h, std::int64_t q, std::int64_t k);
bool mask_of(Mask mask, std::int64_t b, std::int64_t h, std::int64_t q, std::int64_t k);

TilePass tile_pass(Isa isa, DType dtype, TileMap map, Score score, Mask mask);

/// Provides kernels for calls whose mods mean the same as `score` and `mask`.
class Provider final : public backend::KernelProvider {
public:
    Provider(Isa isa, Score score, Mask mask) : isa_(isa), score_(score), mask_(mask) {}
    std::shared_ptr<const backend::Kernel> get(const plan::Problem& problem) override;

private:
    Isa isa_;
    Score score_;
    Mask mask_;
};

}  // namespace flexion::cpu::hand
