// SPDX-License-Identifier: Apache-2.0
// Builds block masks: a quadtree over intervals, undecided blocks through a leaf evaluator.
#pragma once

#include <cstdint>
#include <optional>

#include <flexion/block_mask.h>

#include "mask/leaf_evaluator.h"
#include "support/os/thread_pool.h"

namespace flexion::mask {

/// create_block_mask with its evaluator handed in; null: the interpreter evaluates leaves.
BlockMask build(const MaskMod& mask_mod, std::optional<std::int64_t> B,
                std::optional<std::int64_t> H, std::int64_t q_len, std::int64_t kv_len,
                BlockSize block_size, const LeafEvaluator& evaluate, const Executor& executor);

/// Evaluates leaves with ir::Interpreter in `typed` precision, for builds without a compiler.
/// `mask_mod` must outlive the evaluator.
LeafEvaluator interpreted_leaves(const MaskMod& mask_mod);

}  // namespace flexion::mask
