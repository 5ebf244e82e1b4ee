// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/kernels/backward/split.h"

#include <algorithm>
#include <numeric>

#include "backend/cpu/kernels/schedule/walk.h"

namespace flexion::cpu {
namespace {

constexpr std::int64_t kMostKeys = 256, kFewestKeys = 32, kFewKeys = 64;
// Keys and values of a chunk and their gradients: half of a 512 KB L2.
constexpr std::int64_t kChunkBytes = 256 << 10;
// So many tasks at least, that no thread idles for long at the end; more for more threads where a
// group has so many keys that adding up its dQ (1.4 % of the time at 256 keys) is nothing.
constexpr std::int64_t kFewTasks = 8, kManyTasks = 32, kKeysOfAGroup = 512;
// Chunks over all pairs; they are made smaller for it, down to kFewKeys.
constexpr std::int64_t kEnoughChunks = 8;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

Split::Split(const plan::LaunchArgs& call, const SplitCosts& costs)
    : mask_(call.block_mask),
      block_q_(mask_ ? mask_->block_size().q : call.q_len()),
      block_kv_(mask_ ? mask_->block_size().kv : std::max<std::int64_t>(call.kv_len(), 1)),
      kv_len_(call.kv_len()),
      pairs_(call.k.shape[0] * call.kv_heads()) {
    if (mask_) columns_ = mask::transpose(*mask_);
    cut(call, costs);
    look_at_mask(call);
}

void Split::cut(const plan::LaunchArgs& call, const SplitCosts& costs) {
    const std::int64_t row_bytes = 2 * (call.head_dim() + call.v_head_dim()) * costs.key_bytes;
    std::int64_t most = std::clamp(kChunkBytes / row_bytes, kFewestKeys, kMostKeys);
    for (;; most /= 2) {
        const std::int64_t block = std::min(block_kv_, std::max<std::int64_t>(kv_len_, 1));
        if (block_kv_ >= most) {
            parts_ = ceil_div(block, most);
            chunk_keys_ = ceil_div(block, parts_);
            parts_ = ceil_div(block_kv_, chunk_keys_);
            columns_in_chunk_ = 1;
            const std::int64_t whole = kv_len_ / block_kv_;
            chunks_ = whole * parts_ + ceil_div(kv_len_ - whole * block_kv_, chunk_keys_);
        } else {
            parts_ = 1;
            columns_in_chunk_ = std::min<std::int64_t>(most / block_kv_, kMaxLanes);
            chunk_keys_ = columns_in_chunk_ * block_kv_;
            chunks_ = ceil_div(kv_len_, chunk_keys_);
        }
        if (pairs_ * chunks_ >= kEnoughChunks || most / 2 < kFewKeys) break;
    }
    // As many tasks as are useful and memory allows.
    task_pairs_ = costs.pairs_together ? 1 : pairs_;
    for (;;) {
        groups_ = std::max(ceil_div(kFewTasks, task_pairs_),
                           std::min(ceil_div(kManyTasks, task_pairs_), kv_len_ / kKeysOfAGroup));
        groups_ = std::clamp(groups_, std::int64_t{1}, chunks_);
        const std::int64_t each = costs.d_q_bytes + costs.copy_bytes * task_pairs_;
        if (each > 0) groups_ = std::clamp(costs.budget_bytes / each, std::int64_t{1}, groups_);
        if (task_pairs_ == 1 || groups_ * each <= costs.budget_bytes) break;
        task_pairs_ = 1;
    }
}

void Split::look_at_mask(const plan::LaunchArgs& call) {
    const std::int64_t batch = call.batch(), heads = call.q_heads(), q_len = call.q_len();
    order_.resize(static_cast<std::size_t>(tasks()));
    std::iota(order_.begin(), order_.end(), 0);
    if (!mask_) {
        visited_ = batch * heads * q_len * kv_len_;
        full_ = true;
        return;
    }
    const std::int64_t planes_b = mask_->B(), planes_h = mask_->H();
    std::vector<std::int64_t> scores(static_cast<std::size_t>(tasks()), 0);
    const std::int64_t kv_batch = call.k.shape[0], kv_heads = call.kv_heads();
    // Scores of (plane, group), then of tasks.
    std::vector<std::int64_t> group_scores(static_cast<std::size_t>(groups_));
    for (std::int64_t plane = 0; plane < planes_b * planes_h; ++plane) {
        const std::int64_t pb = plane / planes_h, ph = plane % planes_h;
        std::fill(group_scores.begin(), group_scores.end(), 0);
        for (std::int64_t g = 0; g < groups_; ++g) {
            for (std::int64_t i = 0; chunk_of(g, i) >= 0; ++i) {
                const Chunk c = chunk(chunk_of(g, i));
                for (int j = 0; j < c.columns; ++j) {
                    const std::int64_t first = std::max(c.begin, (c.column + j) * block_kv_);
                    const std::int64_t last = std::min(c.end, (c.column + j + 1) * block_kv_);
                    for (const BlockRun& run : column(pb, ph, c.column + j)) {
                        const std::int64_t begin = run.begin() * block_q_;
                        const std::int64_t end = std::min(run.end() * block_q_, q_len);
                        if (begin >= end || first >= last) continue;
                        group_scores[g] += (end - begin) * (last - first);
                        (run.full() ? full_ : partial_) = true;
                    }
                }
            }
        }
        for (std::int64_t b = 0; b < batch; ++b) {
            if (planes_b > 1 && b != pb) continue;
            for (std::int64_t h = 0; h < heads; ++h) {
                if (planes_h > 1 && h != ph) continue;
                const std::int64_t pair =
                    (kv_batch == 1 ? 0 : b) * kv_heads + h / (heads / kv_heads);
                for (std::int64_t g = 0; g < groups_; ++g) {
                    scores[(task_pairs_ == 1 ? 0 : pair) * groups_ + g] += group_scores[g];
                    visited_ += group_scores[g];
                }
            }
        }
    }
    std::stable_sort(order_.begin(), order_.end(),
                     [&](std::int64_t a, std::int64_t b) { return scores[a] > scores[b]; });
}

Chunk Split::chunk(std::int64_t index) const {
    Chunk c;
    if (columns_in_chunk_ > 1) {
        c.column = index * columns_in_chunk_;
        c.begin = c.column * block_kv_;
        c.end = std::min(c.begin + chunk_keys_, kv_len_);
        c.columns = static_cast<int>(ceil_div(c.end - c.begin, block_kv_));
    } else {
        c.column = index / parts_;
        c.begin = c.column * block_kv_ + index % parts_ * chunk_keys_;
        c.end = std::min({c.begin + chunk_keys_, (c.column + 1) * block_kv_, kv_len_});
        c.columns = 1;
    }
    return c;
}

std::int64_t Split::chunk_of(std::int64_t group, std::int64_t i) const {
    const std::int64_t index = i * groups_ + (i % 2 == 0 ? group : groups_ - 1 - group);
    // Of a last round that is not whole, the odd direction may skip the first groups.
    return index < chunks_ ? index : -1;
}

Split::Task Split::task(std::int64_t index) const {
    const std::int64_t number = order_[index];
    const std::int64_t pair = number / groups_;
    return {number % groups_, task_pairs_ == 1 ? 0 : pair, task_pairs_ == 1 ? pairs_ : pair + 1,
            number};
}

std::span<const BlockRun> Split::column(std::int64_t b, std::int64_t h, std::int64_t column) const {
    if (!mask_) return {&everything_, 1};
    if (column >= columns_.kv_blocks) return {};
    return columns_.column(mask_->B() == 1 ? 0 : b, mask_->H() == 1 ? 0 : h, column);
}

}  // namespace flexion::cpu
