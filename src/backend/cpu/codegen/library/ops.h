// SPDX-License-Identifier: Apache-2.0
// The ops of ir/ops.def in LLVM IR.
#pragma once

#include <span>

#include "backend/cpu/codegen/code.h"
#include "backend/cpu/jit/vector_functions.h"
#include "ir/op.h"

namespace flexion::cpu {

inline constexpr double kLog2E = 1.44269504088896340736;

/// Appends `op` on scalars or vectors (scalar operands are splatted where they meet vectors);
/// `type` is the result's. `exact`: without contraction. The functions it calls library code for
/// are reached through word 0 of %captures.
Val emit_op(Code& code, ir::Op op, std::span<const Val> args, ir::Type type, bool exact);

// ---- what emit_op is made of, by file ----

// total_ops.cpp: integers, rounding, conversion
Val emit_floordiv(Code& code, Val x, Val y);
Val emit_truncdiv(Code& code, Val x, Val y);
Val emit_mod(Code& code, Val x, Val y);
Val emit_rem(Code& code, Val x, Val y);
Val emit_integer_power(Code& code, Val x, Val y);
Val emit_round(Code& code, Val x);
Val emit_floor(Code& code, Val x);
Val emit_ceil(Code& code, Val x);
Val emit_trunc(Code& code, Val x);
Val emit_fma(Code& code, Val x, Val y, Val z);
Val emit_cast(Code& code, Val x, Elem to);
Val half_to_float(Code& code, Val half_bits);  ///< i16 -> f32

// vector_math.cpp: f32, within the ulp of ops.def over all inputs
Val emit_exp(Code& code, Val x);
Val emit_exp2(Code& code, Val x);
Val emit_log(Code& code, Val x);
Val emit_log2(Code& code, Val x);
Val emit_log1p(Code& code, Val x);
Val emit_tanh(Code& code, Val x);
Val emit_sigmoid(Code& code, Val x);
/// 2^x for the softmax, x at most about 0: -inf gives exactly 0, NaN stays NaN, results below
/// 2^-126 are 0. Relative error: f32 2e-7 (AVX-512 and `coarse`, where P becomes bf16: 3e-6), f64
/// 1e-15.
Val emit_softmax_exp2(Code& code, Val x, bool coarse);

// library.cpp
/// A function pointer of the table in word 0 of %captures, loaded at the head of the function by
/// whoever asks first.
Val table_entry(Code& code, int index);
/// Calls an ahead-of-time vector function for the operands' type (f32 or f64).
Val call_library(Code& code, VectorFunction function, std::span<const Val> args);

}  // namespace flexion::cpu
