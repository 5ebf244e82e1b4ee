// SPDX-License-Identifier: Apache-2.0
// Runs generated mods on the device over given scores, without attention around them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <flexion/expr.h>

#include "ir/function.h"

namespace flexion::test {

struct Grid {
    int B = 1, H = 1, q_len = 1, kv_len = 1;
    std::int64_t count() const { return std::int64_t{B} * H * q_len * kv_len; }
};

/// A function of either role and its captures, in host memory, simplified or not.
struct Evaluation {
    const ir::Function* function = nullptr;
    const Captures* captures = nullptr;
};

/// One row-major [B, H, q_len, kv_len] array for each evaluation: the modified scores, or of a mask
/// 1 where it keeps a score and 0 elsewhere. `scores` has grid.count() elements. Compiled side by
/// side. `assume`: with the assumption bits that hold.
std::vector<std::vector<float>> evaluate_on_device(const std::vector<Evaluation>& evaluations,
                                                   const Grid& grid,
                                                   const std::vector<float>& scores, bool assume);

/// The interpreter's results at the same positions, in the IR's own types or in double.
std::vector<double> interpreted(const Evaluation& evaluation, const Grid& grid,
                                const std::vector<float>& scores, bool oracle);

}  // namespace flexion::test
