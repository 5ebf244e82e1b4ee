// SPDX-License-Identifier: Apache-2.0
// The tile configurations that a kernel may have, best first.
#pragma once

#include <string>
#include <vector>

#include <flexion/attention.h>

namespace flexion::cuda {

/// A configuration of sm90_forward.cuh. Warpgroups of 64 query rows each, beside the producer's.
struct Schedule {
    int warpgroups = 2;
    int block_kv = 128;
    int query_buffers = 2;
    int block_q() const { return 64 * warpgroups; }
    int threads() const { return 128 * (1 + warpgroups); }
    bool operator==(const Schedule&) const = default;
};

/// Bytes staged per key/value tile: `per_column` for every key, `per_distance` for every q - k.
struct StagedBytes {
    int per_column = 0;
    int per_distance = 0;
    int total(const Schedule& s) const {
        return per_column * s.block_kv + per_distance * (s.block_q() + s.block_kv);
    }
    bool any() const { return per_column + per_distance > 0; }
};

/// Head dims as the kernel computes them: rounded up to 16.
constexpr int padded(int head_dim) { return (head_dim + 15) / 16 * 16; }

/// Dynamic shared memory of the kernel; Layout in sm90_tiles.cuh.
int shared_bytes(const Schedule& schedule, int head_dim, int v_head_dim, StagedBytes staged);

/// The configurations that fit in shared memory. `light`: mods add little register pressure, so
/// that three warpgroups with 160 registers are worth trying. `within_blocks`: tiles must divide
/// 128 x 128. Those that `wanted` asks for if it does (KernelOptions; then there may be none).
std::vector<Schedule> ladder(int head_dim, int v_head_dim, StagedBytes staged, bool light,
                             bool within_blocks, const KernelOptions& wanted = {});

inline constexpr int kMaxSharedBytes = 232448;  // 227 KiB, sm_90

}  // namespace flexion::cuda
