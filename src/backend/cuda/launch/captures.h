// SPDX-License-Identifier: Apache-2.0
// What the mods of a call capture, as the words that a kernel gets (emit/mod_emitter.h).
#pragma once

#include <array>
#include <cstdint>

#include <flexion/expr.h>

#include "backend/cuda/driver.h"
#include "ir/function.h"

namespace flexion::cuda {

/// Words that fit the arguments of a launch.
inline constexpr int kMaxCaptureWords = 384;

struct CaptureArray {
    std::array<std::uint64_t, kMaxCaptureWords> words;
    int count = 0;
    void add(std::uint64_t word) { words[count++] = word; }
};

/// Appends the captures of `f`. An empty buffer reads as one zero, at `zeros`. UserError for a
/// buffer in host memory, Unsupported for integers of 2^61 and beyond.
void add_captures(CaptureArray& array, const ir::Function& f, const Captures& captures,
                  Address zeros);

}  // namespace flexion::cuda
