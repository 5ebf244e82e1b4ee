// SPDX-License-Identifier: Apache-2.0
// Runs an attention case on a back end and compares every output element with the reference.
#pragma once

#include <string>
#include <vector>

#include <flexion/attention.h>

#include "cases/attention_cases.h"
#include "cases/mods.h"

namespace flexion::test {

struct CheckOptions {
    int threads = 0;
    const ParallelFor* parallel_for = nullptr;
    bool statistics = true;  ///< lse and max_scores are asked for
};

/// The inputs of a case, at random, and its mods. The seed (tests/seed.h) and the case's name
/// decide them.
struct CaseInputs {
    explicit CaseInputs(const AttentionCase& c);
    CaseInputs(const CaseInputs&) = delete;

    const AttentionCase& shape;
    std::mt19937_64 random;
    HostTensor q, k, v;
    CapturedMemory memory;
    ScoreMod score_mod;
    BlockMask block_mask;
};

/// What attention must give, in double and not rounded, row-major; `weight` is sum_k p |v|, by
/// which rounding errors of P count.
struct Golden {
    std::vector<double> out, weight, lse, max_scores;
};
Golden golden(const CaseInputs& inputs);

/// What flexion::attention gave, in memory that was all NaN before.
struct Outputs {
    HostTensor out, lse, max_scores;
};
Outputs run(const CaseInputs& inputs, const std::string& backend, const CheckOptions& options = {});

/// Reports, as failures of the current test, elements farther from `expected` than rounding allows,
/// and writes outside of the outputs. `function_error`: relative error of the functions in a
/// score_mod where a back end approximates them.
void compare(const CaseInputs& inputs, const Golden& expected, const Outputs& got,
             double function_error = 0);

/// All of the above.
void check(const AttentionCase& c, const std::string& backend, const CheckOptions& options = {});

}  // namespace flexion::test
