// SPDX-License-Identifier: Apache-2.0
// Facts about a call's buffers that make code cheaper, one bit each. They stand in the kernel's key
// and are computed again at every launch from extents, strides and lengths, never from contents.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "passes/passes.h"
#include "plan/problem.h"

namespace flexion::plan {

/// Per load, in order of appearance (score's loads, then mask's), two bits: the access stays in
/// range for all positions of the problem, so that no clamp is needed; the buffer's last dimension
/// has stride 1. Loads past the 32nd get neither.
inline constexpr int kBitsPerLoad = 2;
enum LoadBit : std::uint64_t { kInRange = 1, kUnitStride = 2 };

/// The lengths that positions range over.
struct Extents {
    std::int64_t B = 1, H = 1, q_len = 1, kv_len = 1;
};

/// Prepared once per pair of mods; `bits` is then a few additions per load.
class AssumptionChecker {
public:
    AssumptionChecker() = default;
    AssumptionChecker(const ir::Function* score, const ir::Function* mask);
    std::uint64_t bits(const Mods& mods, const Extents& extents) const;

private:
    struct Dim {
        passes::Affine index;
    };
    struct Load {
        bool from_mask = false;
        int buffer = 0;
        std::vector<passes::Affine> indices;
    };
    std::vector<Load> loads_;
};

}  // namespace flexion::plan
