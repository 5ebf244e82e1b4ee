// SPDX-License-Identifier: Apache-2.0
// How the queries of a panel walk through the runs of a block mask.
#pragma once

#include <cstdint>
#include <span>

#include <flexion/block_mask.h>

namespace flexion::cpu {

/// Lanes of a panel, one bit each.
using LaneSet = std::uint32_t;
inline constexpr LaneSet kAllLanes = ~LaneSet{0};
inline constexpr int kMaxLanes = 32;

/// Keys [begin, end) that each query of a panel visits alike: under the mask (partial), without it
/// (full), or not at all.
struct Piece {
    std::int64_t begin = 0, end = 0;
    LaneSet full = 0, partial = 0;
    bool empty() const { return begin >= end; }
};

/// The rows of blocks that one panel lies in: one, but for blocks with fewer queries than a panel.
class Walk {
public:
    /// block: keys of a block; keys past kv_len do not exist.
    void start(std::int64_t block, std::int64_t kv_len);
    /// Lanes whose queries lie in the row of blocks with these runs.
    void add(std::span<const BlockRun> runs, LaneSet lanes);
    /// The first piece at or after key `from`; empty when there is none.
    Piece next(std::int64_t from) const;
    /// Promises that no key below `key` is asked for any more.
    void pass(std::int64_t key);

private:
    struct Row {
        const BlockRun *run, *end;
        LaneSet lanes;
    };
    /// The first of row's runs that ends after key; row.end when there is none.
    const BlockRun* find(const Row& row, std::int64_t key) const;

    std::int64_t block_ = 1, kv_len_ = 0;
    int count_ = 0;
    Row rows_[kMaxLanes];
};

}  // namespace flexion::cpu
