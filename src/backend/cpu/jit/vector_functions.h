// SPDX-License-Identifier: Apache-2.0
// Ahead-of-time vector functions that compiled code calls through a table of pointers, so that
// objects have no undefined symbol.
#pragma once

#include "backend/cpu/tile_abi.h"
#include "ir/function.h"

namespace flexion::cpu {

/// Entries by op, f32 before f64. They take and return vectors of the instruction set's full width
/// in registers, as the System V ABI passes __m256 and the like.
using VectorFunctions = const void* const*;
VectorFunctions vector_functions(Isa isa);

/// Position of an op's entry; InternalError for an op that has none.
int vector_function_index(ir::Op op, bool f64);

}  // namespace flexion::cpu
