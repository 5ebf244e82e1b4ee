// SPDX-License-Identifier: Apache-2.0
// What this machine can do at most, measured: the yardsticks of every speed that is reported.
#pragma once

#include <cstdint>

#include <flexion/tensor.h>

#include "backend/cpu/tile_abi.h"

namespace flexion::cpu {

/// Floating-point operations a second of CPU time on one core: FMA, or the bf16 dot product where
/// `dtype` is bf16 and `isa` has it; f64: half of the FMA peak. One measurement of about
/// `milliseconds`; interleave it with what it is compared to, since clocks change.
double peak_flops(Isa isa, DType dtype, double milliseconds = 1);

/// Reads all of [data, data + bytes) once and returns some sum of it: what a decode can at best do.
/// bytes: a multiple of 1024; data: of 64.
float sum_bytes(Isa isa, const void* data, std::int64_t bytes);

}  // namespace flexion::cpu
