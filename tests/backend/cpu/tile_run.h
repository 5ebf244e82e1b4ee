// SPDX-License-Identifier: Apache-2.0
// Compiled passes and what they should give, computed with the interpreter.
#pragma once

#include <flexion/expr.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backend/cpu/isas.h"
#include "backend/cpu/tile_kernel.h"

namespace flexion::test {

inline std::string isa_name(cpu::Isa isa) { return cpu::name_of(isa); }

/// emit, compile, load.
std::unique_ptr<cpu::TileKernel> compiled(const plan::Problem& problem, const plan::Mods& mods,
                                          cpu::Isa isa);

/// Mods of the public API as a back end gets them.
struct OwnedMods {
    ScoreMod score;
    MaskMod mask;
    plan::Mods mods(bool f64) const;
};

/// A row of queries of one (b, h) against consecutive tiles of keys.
struct TileRun {
    plan::Problem problem;
    cpu::Isa isa = cpu::Isa::avx2;
    std::int32_t b = 0, h = 0, q0 = 0;
    int lanes = 1;                           ///< queries; stream: 1
    std::vector<std::pair<int, int>> tiles;  ///< first key, keys
    double scale = 0.125;
};

/// Per query: P of all tiles in key order, each at its tile's maximum, and the final state.
struct TileResult {
    std::vector<std::vector<double>> p;
    std::vector<double> m, l, alpha;
};
/// Runs the compiled pass over raw scores given by `score_of(query, key)`; checks that nothing
/// beyond the tile's rows is touched and, in streams, that P past the keys is 0.
TileResult run_compiled(const TileRun& run, const plan::Mods& mods,
                        double (*score_of)(int query, int key));
/// The same in double from the interpreter.
TileResult run_expected(const TileRun& run, const plan::Mods& mods,
                        double (*score_of)(int query, int key));

/// A score with a few digits, equal in every precision down to bf16.
double plain_score(int query, int key);

}  // namespace flexion::test
