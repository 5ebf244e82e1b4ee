// SPDX-License-Identifier: Apache-2.0
// A validated call, as the API hands it to a back end.
#pragma once

#include <flexion/attention.h>
#include <flexion/block_mask.h>
#include <flexion/tensor.h>

#include "plan/problem.h"
#include "support/os/thread_pool.h"

namespace flexion::plan {

/// All tensors are of rank 4 (lse and max_scores 3), their shapes agree, last dimensions are
/// contiguous, and zero-length outputs have been dealt with.
struct LaunchArgs {
    TensorView q, k, v, out;
    TensorView lse{}, max_scores{};  ///< data null: not wanted
    double scale = 1;
    /// As traced, not simplified (declarations are the same); mods.mask is block_mask's mask_mod.
    Mods mods{};
    const BlockMask* block_mask = nullptr;  ///< null: every block is full
    Executor executor{};
    void* stream = nullptr;  ///< CUDA tensors
    bool prepare = false;    ///< CUDA tensors: make and load what the launch needs, and stop
    /// Null: not wanted. The back end fills isa, scratch_bytes and visited_scores, the API the
    /// rest.
    LaunchInfo* info = nullptr;

    std::int64_t batch() const { return q.shape[0]; }
    std::int64_t q_heads() const { return q.shape[1]; }
    std::int64_t kv_heads() const { return k.shape[1]; }
    std::int64_t q_len() const { return q.shape[2]; }
    std::int64_t kv_len() const { return k.shape[2]; }
    std::int64_t head_dim() const { return q.shape[3]; }
    std::int64_t v_head_dim() const { return v.shape[3]; }
};

}  // namespace flexion::plan
