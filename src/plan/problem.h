// SPDX-License-Identifier: Apache-2.0
// What a kernel is made for.
#pragma once

#include <cstdint>
#include <string>

#include <flexion/expr.h>
#include <flexion/tensor.h>

namespace flexion::plan {

enum class Direction : std::uint8_t { forward, mask_leaf };

struct Problem {
#define FLEXION_PROBLEM(type, name, initial) type name = initial;
#include "plan/problem.def"
#undef FLEXION_PROBLEM
    bool operator==(const Problem&) const = default;
};
std::uint64_t hash(const Problem& problem);
/// A line `name = value` for each row of problem.def.
std::string to_text(const Problem& problem);

/// The functions that go into a kernel; null: none.
struct Mods {
    const ir::Function* score = nullptr;
    const ir::Function* mask = nullptr;
    const Captures* score_captures = nullptr;
    const Captures* mask_captures = nullptr;
};

}  // namespace flexion::plan
