// SPDX-License-Identifier: Apache-2.0
// The backward pass of a problem: its tensors, a call to be timed, and its error.
#pragma once

#include <vector>

#include <flexion/attention.h>

#include "measure/tensor.h"

namespace flexion::measure {

class BackwardProblem {
public:
    /// Runs the forward pass. `options` are those of the call, mask_mod is its block_mask's;
    /// `buffers`: gradients of the score_mod's captured buffers of floats, too.
    BackwardProblem(const Tensors& tensors, const AttentionOptions& options, MaskMod mask_mod,
                    bool buffers);

    void call(LaunchInfo* info = nullptr);
    /// The largest difference from the reference: of d_q at sampled queries, of d_k and d_v at
    /// sampled keys, and of gradients of buffers if the problem has up to 2^23 scores.
    double error() const;
    /// Five products a score: of rows of q's head dim for scores, d_q and d_k, of v's for d_p, d_v.
    double operations(std::int64_t visited_scores) const;

private:
    /// The options with a score_mod that sees query q0 + query and key k0 + key, and masks.
    BackwardOptions exact(std::int64_t query, std::int64_t key) const;
    double error_of_query(std::int64_t query) const;
    double error_of_key(std::int64_t key) const;
    double error_of_buffers() const;

    const Tensors& in_;
    MaskMod mask_mod_;
    Tensor lse_, d_out_, d_q_, d_k_, d_v_;
    std::vector<Tensor> d_buffers_;
    BackwardOptions options_;
};

}  // namespace flexion::measure
