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
    /// A form that must lie in [low, high] at all positions.
    struct Bound {
        passes::Affine form;
        std::int64_t low = 0, high = 0;
    };
    struct Load {
        bool from_mask = false;
        bool affine = true;  ///< every index is, where no clamp binds
        int buffer = 0;
        std::vector<passes::Affine> indices;
        std::vector<Bound> bounds;  ///< what makes the affine forms right
    };
    void add(const ir::Function& f, bool from_mask);
    class BoundsOf;
    std::vector<Load> loads_;
};

}  // namespace flexion::plan
