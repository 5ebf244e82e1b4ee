// SPDX-License-Identifier: Apache-2.0
// Facts about a call's buffers that make code cheaper, one bit each. They stand in the kernel's key
// and are computed again at every launch from extents, strides and lengths, never from contents.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/passes.h"
#include "plan/problem.h"

namespace flexion::plan {

/// Per load, in order of appearance (score's loads, then mask's), three bits: the access stays in
/// range for all positions of the problem, so that no clamp is needed; the buffer's last dimension
/// has stride 1; its extents and the offsets of its elements fit 32 bits, so that gathers take
/// 32-bit indices. Loads past the 21st get none.
inline constexpr int kBitsPerLoad = 3;
inline constexpr int kLoadsWithBits = 64 / kBitsPerLoad;
enum LoadBit : std::uint64_t { kInRange = 1, kUnitStride = 2, kNarrow = 4 };

/// The lengths that positions range over; each >= 1.
struct Extents {
    std::int64_t B = 1, H = 1, q_len = 1, kv_len = 1;
};

/// Prepared once per pair of mods; `bits` is then a few additions per load.
class AssumptionChecker {
public:
    AssumptionChecker() = default;
    /// The functions are read here only; they are the ones that the kernel is emitted from.
    AssumptionChecker(const ir::Function* score, const ir::Function* mask);
    /// From the captures of `mods`; its functions are not looked at.
    std::uint64_t bits(const Mods& mods, const Extents& extents) const;

private:
    struct Load {
        bool from_mask = false;
        bool affine = true;  ///< every index is
        int buffer = 0;
        std::vector<passes::Affine> indices;
        /// i32 values that are widened on the way to an index. Sums and products wrap, so an affine
        /// form is right modulo 2^32 only; where it is widened it must fit, or the index is wrong.
        std::vector<passes::Affine> widened;
    };
    void add(const ir::Function& f, bool from_mask);
    std::vector<Load> loads_;
};

}  // namespace flexion::plan
