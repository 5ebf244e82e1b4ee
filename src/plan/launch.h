// SPDX-License-Identifier: Apache-2.0
// A validated call, as the API hands it to a back end.
#pragma once

#include <vector>

#include <flexion/attention.h>
#include <flexion/block_mask.h>
#include <flexion/tensor.h>

#include "plan/buffer_gradients.h"
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
    KernelOptions kernel_options{};  ///< CUDA tensors
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

/// A validated call of the backward pass. With P = e^(s' - lse), s' = mask(score_mod(s)),
/// s = scale * q.k, delta = sum_d out * d_out - d_lse and g = P * (d_out.v - delta):
///   d_v = sum_q P d_out    d_q = scale * sum_k ds k    d_k = scale * sum_q ds q
///   ds = g * (d s' / d s)  d_buffer[indices] = sum g * (d s' / d element)
/// where positions that are masked, or of P = 0, give 0, whatever the mods give there. Sums run
/// over the queries of a group of heads, and over the batch where k and v have one of 1. Gradients
/// are written, not added to.
struct BackwardArgs {
    /// q, k, v, and what the forward pass gave: out and lse, both read (rank 4 and 3, with data).
    /// max_scores, stream and prepare mean nothing. mods.derive is set.
    LaunchArgs call;
    TensorView d_out{};              ///< as out; data null: zero
    TensorView d_lse{};              ///< [B, Hq, Sq] as lse; data null: zero
    TensorView d_q{}, d_k{}, d_v{};  ///< as q, k, v, each with memory; data null: not wanted
    /// By position among score_captures->buffers, shaped like them; of their dtype or f32; data
    /// null, or past the end: not wanted. Wanted ones stand in mods.derive.
    std::vector<TensorView> d_buffers{};
    /// What the kernels compute; null without a score_mod.
    const Derivative* derivative = nullptr;
    std::uint64_t assumptions = 0;  ///< for in_range() of its gathers
};

}  // namespace flexion::plan
