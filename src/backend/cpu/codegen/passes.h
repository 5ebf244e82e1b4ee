// SPDX-License-Identifier: Apache-2.0
// The functions that are compiled at run time, as LLVM IR. tile_abi.h is what they promise.
#pragma once

#include <string>

#include "backend/cpu/codegen/code.h"
#include "plan/problem.h"

namespace flexion::cpu {

/// A TilePass. `mods.mask` is evaluated where problem.masked says so.
std::string emit_tile_pass(ModuleText& module, const std::string& symbol,
                           const plan::Problem& problem, const plan::Mods& mods);

/// A BackwardPass; mods.score is the function of a plan::Derivative.
std::string emit_backward_pass(ModuleText& module, const std::string& symbol,
                               const plan::Problem& problem, const plan::Mods& mods);

/// A MaskPass of mods.mask, whose captures follow those of mods.score where there is one.
std::string emit_mask_pass(ModuleText& module, const std::string& symbol,
                           const plan::Problem& problem, const plan::Mods& mods);

/// The TileArgs that `%args` points to.
struct ArgValues {
    Val scale, b, h, q, k, rows, lanes;  ///< rows: i64; scale: f32 or f64
};
ArgValues load_args(Code& code, Elem real);

}  // namespace flexion::cpu
