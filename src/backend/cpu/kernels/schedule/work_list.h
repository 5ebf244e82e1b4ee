// SPDX-License-Identifier: Apache-2.0
// The tasks of a call in the order in which they are taken: the longest first.
#pragma once

#include <cstdint>

#include "backend/cpu/kernels/schedule/tiling.h"
#include "backend/cpu/kernels/scratch.h"
#include "plan/launch.h"

namespace flexion::cpu {

struct Task {
    std::int64_t b, h, tile;
};

/// What the lists of a mask hold for the queries of a call.
struct Visits {
    std::int64_t scores = 0;             ///< score elements in listed blocks, over batch and heads
    bool full = false, partial = false;  ///< some block is listed as full, as partial
};

/// Tasks (b, h, tile). Under a mask, and when several threads will take them, they are sorted by
/// the scores they visit; a mask that is broadcast over b or h is looked at once.
class WorkList {
public:
    WorkList(const plan::LaunchArgs& args, const Tiling& tiling, bool sorted);
    std::int64_t size() const { return size_; }
    Task operator[](std::int64_t index) const;
    const Visits& visits() const { return visits_; }

private:
    struct Entry {
        std::int64_t scores;
        std::int64_t index;  // (mask's b, mask's h, tile), row-major
    };
    void look_at(const plan::LaunchArgs& args, const Tiling& tiling, Entry* entries);

    Lease lease_;
    const Entry* order_ = nullptr;  // null: tasks in their natural order
    std::int64_t size_ = 0, tiles_ = 0, batch_ = 0, heads_ = 0;
    std::int64_t mask_b_ = 1, mask_h_ = 1;
    Visits visits_;
};

}  // namespace flexion::cpu
