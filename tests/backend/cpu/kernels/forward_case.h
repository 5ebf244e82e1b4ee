// SPDX-License-Identifier: Apache-2.0
// One call of the forward drivers on random tensors, and the same in double.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <flexion/block_mask.h>

#include "backend/cpu/isas.h"
#include "backend/cpu/kernels/hand_pass.h"
#include "plan/launch.h"

namespace flexion::cpu::test {

struct Case {
    DType dtype = DType::f32;
    std::int64_t B = 1, Hq = 1, Hkv = 1, Sq = 64, Skv = 64, D = 64, Dv = 64;
    std::int64_t kv_batch = 0;  ///< 0: B
    bool bshd = false;          ///< heads inside the sequence in memory
    std::int64_t pad = 0;       ///< elements between rows
    hand::Score score = hand::Score::none;
    hand::Mask mask = hand::Mask::none;  ///< evaluated in partial blocks
    BlockMask block_mask = {};           ///< empty: all blocks full
    std::string to_string() const;
};

/// A tensor [B, H, S, D] in memory that the case lays out; values are of the dtype.
struct Tensor {
    std::vector<char> bytes;
    TensorView view;
    double get(std::int64_t b, std::int64_t h, std::int64_t s, std::int64_t d) const;
};
double element(const TensorView& view, std::int64_t b, std::int64_t h, std::int64_t s,
               std::int64_t d);
void set_element(const TensorView& view, std::int64_t b, std::int64_t h, std::int64_t s,
                 std::int64_t d, double value);

/// Inputs and outputs of a case.
struct Data {
    Data(const Case& c, std::mt19937_64& random);
    /// The launch; the views are of this object's own memory.
    plan::LaunchArgs args(const Case& c);
    Tensor q, k, v, out;
    std::vector<char> lse, max;  // [B, H, S] of f32 or f64
    MaskMod mask_mod;            // stands for the hand-written mask
};

/// Every query attends to the listed keys that pass the mask (without it in full blocks). Expects
/// out, lse and max within the dtype's error.
void expect_right(const Case& c, const plan::LaunchArgs& args);

/// Runs the case on an instruction set and checks it against double.
void run_and_check(Isa isa, const Case& c, std::mt19937_64& random, const Executor& executor = {});

/// forward() with the hand-written passes, the instruction set forced.
void forward_on(Isa isa, const plan::LaunchArgs& args, const Case& c);

/// A block mask from a matrix of kinds (0: empty, 1: partial, 2: full) over [B, H, rows, cols].
BlockMask mask_of_kinds(const std::vector<std::uint8_t>& kinds, std::int64_t B, std::int64_t H,
                        BlockSize block, std::int64_t Sq, std::int64_t Skv, const MaskMod& mod);
/// Kinds that are right for causal.
BlockMask causal_mask(BlockSize block, std::int64_t Sq, std::int64_t Skv);
/// Random kinds; the mask of partial blocks is whatever the case says.
BlockMask random_mask(std::mt19937_64& random, std::int64_t B, std::int64_t H, BlockSize block,
                      std::int64_t Sq, std::int64_t Skv);

using flexion::test::runnable_isas;

}  // namespace flexion::cpu::test
