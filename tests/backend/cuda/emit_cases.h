// SPDX-License-Identifier: Apache-2.0
// The mods whose generated code is kept as golden files, and compiled without a GPU.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <flexion/flexion.h>

#include "ir/function.h"
#include "plan/problem.h"

namespace flexion::test {

struct EmitCase {
    std::string name;
    ScoreMod score;
    MaskMod mask;
    std::uint64_t assumptions = ~std::uint64_t{0};  ///< all gathers in range, unit strides
};
inline void PrintTo(const EmitCase& c, std::ostream* out) { *out << c.name; }
const std::vector<EmitCase>& emit_cases();

/// bf16, head dims of 128, simplified functions; valid as long as the object.
struct EmitInputs {
    explicit EmitInputs(const EmitCase& c);
    EmitInputs(const EmitInputs&) = delete;
    plan::Problem problem;
    ir::Function score, mask;
    plan::Mods mods;
};

}  // namespace flexion::test
