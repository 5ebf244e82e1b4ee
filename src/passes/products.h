// SPDX-License-Identifier: Apache-2.0
// Products of many factors in a cheap order, sums without zeros.
#pragma once

#include <vector>

#include "ir/function.h"

namespace flexion::passes {

/// Rewrites trees of float mul, div and neg: constants are multiplied together, a constant or
/// scalar that is both factor and divisor goes, and factors are ordered by what they depend on, so
/// that products of uniform values can be hoisted. Not exact: changes roundings, and 0/0 of a
/// scalar to
/// 1. Values that result 0 needs stay as they are.
ir::Function reassociate_products(const ir::Function& f);

}  // namespace flexion::passes
