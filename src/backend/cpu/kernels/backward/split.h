// SPDX-License-Identifier: Apache-2.0
// How a backward call is cut into tasks: by the problem alone, never by the number of threads.
//   chunk   neighbouring keys, whose K, V, dK and dV stay in the second-level cache while all
//           queries that visit them pass by
//   group   a set of chunks with a dQ of its own: dQ is the sum over groups, in their order
//   pair    batch and head of K and V
// A task is one group of one pair, or of all pairs where a captured buffer's gradient that is not
// kept per task must see them one after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "mask/transpose.h"
#include "plan/launch.h"

namespace flexion::cpu {

/// What one task needs for itself besides tile scratch, and what bounds the number of tasks.
struct SplitCosts {
    std::int64_t d_q_bytes = 0;     ///< one dQ of all heads; 0: not wanted
    std::int64_t copy_bytes = 0;    ///< of the buffers' gradients that each task keeps
    std::int64_t budget_bytes = 0;  ///< for all groups and tasks together
    bool pairs_together = false;
    int key_bytes = 4;  ///< of an element of K, V, dK, dV while in use
};

struct Chunk {
    std::int64_t begin, end;  ///< keys
    std::int64_t column;      ///< the first column of blocks
    int columns;              ///< at most kMaxLanes (walk.h)
};

class Split {
public:
    Split(const plan::LaunchArgs& call, const SplitCosts& costs);

    std::int64_t chunk_keys() const { return chunk_keys_; }  ///< of the largest
    std::int64_t groups() const { return groups_; }
    std::int64_t tasks() const { return groups_ * task_pairs_; }
    std::int64_t block_q() const { return block_q_; }
    std::int64_t block_kv() const { return block_kv_; }
    Chunk chunk(std::int64_t index) const;
    /// The i-th chunk of a group; -1 past its last. Sets alternate in direction, so that under a
    /// causal mask each has as much to do as the next.
    std::int64_t chunk_of(std::int64_t group, std::int64_t i) const;

    struct Task {
        std::int64_t group;
        std::int64_t first_pair, end_pair;  ///< batch * kv_heads + head
        std::int64_t number;                ///< independent of the order they are run in
    };
    /// The index-th task to be run, the longest first.
    Task task(std::int64_t index) const;

    /// Runs of query blocks of a column of blocks, for batch b and query head h.
    std::span<const BlockRun> column(std::int64_t b, std::int64_t h, std::int64_t column) const;
    std::int64_t visited_scores() const { return visited_; }
    bool visits_full() const { return full_; }
    bool visits_partial() const { return partial_; }

private:
    void cut(const plan::LaunchArgs& call, const SplitCosts& costs);
    void look_at_mask(const plan::LaunchArgs& call);

    const BlockMask* mask_;
    mask::ColumnRuns columns_;
    BlockRun everything_{0, 1, true};
    std::int64_t block_q_, block_kv_, kv_len_, pairs_;
    std::int64_t chunk_keys_ = 1, chunks_ = 0;
    std::int64_t parts_ = 1;  ///< chunks of a block
    std::int64_t columns_in_chunk_ = 1;
    std::int64_t groups_ = 1, task_pairs_ = 1;
    std::int64_t visited_ = 0;
    bool full_ = false, partial_ = false;
    std::vector<std::int64_t> order_;
};

}  // namespace flexion::cpu
