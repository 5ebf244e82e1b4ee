// SPDX-License-Identifier: Apache-2.0
// The two directions of the oracle.
#pragma once

#include <vector>

#include "plan/launch.h"

namespace flexion::reference {

/// How far gradients may be off that were computed less exactly: for tests of other back ends.
struct ErrorBounds {
    // Given: the error of a score before the mods, relative to 1 + its absolute value; the relative
    // error of what is multiplied (P, dP, ds); that of the functions in a score_mod and in its
    // derivatives, relative to 1 + the absolute value of their result.
    double score = 0, products = 0, functions = 0;
    // The result, an absolute error for each element, row-major; empty where data is null.
    std::vector<double> d_q, d_k, d_v;
    std::vector<std::vector<double>> d_buffers;
};

void forward(const plan::LaunchArgs& args);
void backward(const plan::BackwardArgs& args, ErrorBounds* bounds = nullptr);

}  // namespace flexion::reference
