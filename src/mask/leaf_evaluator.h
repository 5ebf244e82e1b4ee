// SPDX-License-Identifier: Apache-2.0
// How the mask builder evaluates a block that intervals cannot decide: handed in from above, so
// that this layer knows no compiler.
#pragma once

#include <cstdint>
#include <functional>

namespace flexion::mask {

/// Bit 0: some element of [q0, q1) x [k0, k1) is true; bit 1: all are. Thread-safe, exact.
using LeafEvaluator = std::function<unsigned(std::int32_t b, std::int32_t h, std::int32_t q0,
                                             std::int32_t q1, std::int32_t k0, std::int32_t k1)>;

}  // namespace flexion::mask
