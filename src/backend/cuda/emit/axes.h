// SPDX-License-Identifier: Apache-2.0
// Along which axes of a score tile the values of a mod vary: what decides where they are computed.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/function.h"
#include "passes/passes.h"

namespace flexion::cuda {

/// Queries are the rows of a fragment, keys its columns. In ascending order of how often a value
/// must be computed: once per tile, per row, per column, per distance q - k, per score.
enum class Axis : std::uint8_t { uniform, row, column, diagonal, element };

struct Axes {
    std::vector<Axis> axis;
    /// Integer values whose affine form (passes::Facts) holds without wrapping for all positions
    /// below kMaxLength, so that value(q + i, k + j) = value(q, k) + i * form.q + j * form.k
    /// exactly.
    std::vector<bool> linear;
    /// Instructions, roughly, to compute the value at one more column or distance.
    std::vector<int> cost;
    bool on_score(ir::Value v) const { return (depends[v] & passes::kOnScore) != 0; }
    std::vector<std::uint8_t> depends;
};

/// Positions stay below this; integer scalars below 2^61 in magnitude (checked at each launch).
inline constexpr std::int64_t kMaxLength = std::int64_t{1} << 30;
inline constexpr std::int64_t kMaxScalar = std::int64_t{1} << 61;

Axes find_axes(const ir::Function& f, const passes::Facts& facts);

}  // namespace flexion::cuda
