// SPDX-License-Identifier: Apache-2.0
// What a kernel is made for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <flexion/expr.h>
#include <flexion/tensor.h>

namespace flexion::plan {

enum class Direction : std::uint8_t { forward, mask_leaf, backward };

struct Problem {
#define FLEXION_PROBLEM(type, name, initial) type name = initial;
#include "plan/problem.def"
#undef FLEXION_PROBLEM
    bool operator==(const Problem&) const = default;
};
std::uint64_t hash(const Problem& problem);
/// A line `name = value` for each row of problem.def.
std::string to_text(const Problem& problem);

/// The functions that go into a kernel; null: none. Back ends are given `score` simplified, or, for
/// backward kernels, as Derivative::function of plan/buffer_gradients.h.
struct Mods {
    const ir::Function* score = nullptr;
    const ir::Function* mask = nullptr;
    const Captures* score_captures = nullptr;
    const Captures* mask_captures = nullptr;
    /// Kernels are made for the derivative of `score`: the buffers of it, ascending, whose
    /// gradients are wanted. Null: for `score` itself.
    const std::vector<int>* derive = nullptr;
};

}  // namespace flexion::plan
