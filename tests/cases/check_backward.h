// SPDX-License-Identifier: Apache-2.0
// Runs the backward pass of an attention case on a back end and compares every element of every
// gradient with the reference.
#pragma once

#include <string>
#include <vector>

#include <flexion/attention.h>

#include "cases/check.h"

namespace flexion::test {

/// The cases of attention_cases() that are small enough, which have every mod, mask and layout.
std::vector<AttentionCase> backward_cases();
std::vector<AttentionCase> short_backward_cases();
std::vector<AttentionCase> long_backward_cases();

struct BackwardCheck {
    bool d_q = true, d_k = true, d_v = true, d_buffers = true;  ///< what is asked for
    bool d_out = true, d_lse = true;                            ///< what is given; else data null
    bool wide_buffers = false;  ///< gradients of buffers in f32, whatever the buffer's dtype
    int threads = 0;
    const ParallelFor* parallel_for = nullptr;
};

/// The inputs of a case, what its forward pass gave (by the reference), and random gradients of
/// that.
struct BackwardInputs {
    BackwardInputs(const AttentionCase& c, const BackwardCheck& check);

    CaseInputs forward;
    HostTensor out, lse, d_out, d_lse;
};

/// What attention_backward gave, in memory that was all NaN before.
struct Gradients {
    HostTensor d_q, d_k, d_v;
    std::vector<HostTensor> d_buffers;  ///< rank 0 and never written where not wanted
    LaunchInfo info;
};
Gradients run_backward(const BackwardInputs& inputs, const std::string& backend,
                       const BackwardCheck& check = {});

/// Reports, as failures of the current test, elements farther from the reference than rounding
/// allows, writes outside of the gradients, and writes to those that nobody wanted.
/// `function_error`: as in compare() of check.h.
void compare_backward(const BackwardInputs& inputs, const Gradients& got,
                      const BackwardCheck& check = {}, double function_error = 0);

/// All of the above.
void check_backward(const AttentionCase& c, const std::string& backend,
                    const BackwardCheck& check = {});

/// Same bits everywhere.
bool identical(const Gradients& a, const Gradients& b);

}  // namespace flexion::test
