// SPDX-License-Identifier: Apache-2.0
// Which tiles to try for which head dims.
#include "backend/cuda/emit/schedule.h"

#include <algorithm>

namespace flexion::cuda {
namespace {

constexpr int panels(int head_dim) { return (head_dim + 63) / 64; }

}  // namespace

int shared_bytes(const Schedule& s, int head_dim, int v_head_dim, StagedBytes staged) {
    const int k = panels(head_dim), v = panels(v_head_dim);
    const int queries = s.query_buffers * std::max(k, v) * s.block_q() * 128;
    const int keys_values = 2 * (k + v) * s.block_kv * 128;
    const int slots = 4 * staged.total(s);
    const int control = 2 * 32 + 4 * 4 + 16 + (4 * s.warpgroups + 13) * 8;
    return queries + keys_values + slots + control;
}

std::vector<Schedule> ladder(int head_dim, int v_head_dim, StagedBytes staged, bool light,
                             bool within_blocks, const KernelOptions& wanted) {
    // Measured on an H200: 128 x 128 is right for 128; a third warpgroup pays at 64; wider heads
    // are bound by shared memory, so they take the widest key tile that fits.
    std::vector<Schedule> all;
    const int widest = std::max(head_dim, v_head_dim);
    const bool chosen_here = wanted == KernelOptions{};
    if (chosen_here && widest <= 64 && light && !within_blocks) all.push_back({3, 128, 2});
    std::vector<int> widths{128, 112, 96, 80, 64, 48, 32};
    if (wanted.block_kv != 0) widths = {wanted.block_kv};
    const int warpgroups = wanted.block_q != 0 ? wanted.block_q / 64 : 2;
    for (int block_kv : widths) {
        if (within_blocks && wanted.block_kv == 0 && 128 % block_kv != 0) continue;
        for (int buffers : {2, 1}) {
            if (wanted.query_buffers != 0 && buffers != wanted.query_buffers) continue;
            // The second buffer costs key columns.
            if (chosen_here && widest > 128 && buffers == 2) continue;
            const Schedule s{warpgroups, block_kv, buffers};
            const bool fits = shared_bytes(s, head_dim, v_head_dim, staged) <= kMaxSharedBytes;
            const bool wider = std::any_of(all.begin(), all.end(), [&](const Schedule& other) {
                return other.warpgroups == warpgroups && other.block_kv == block_kv;
            });
            if (fits && !wider) all.push_back(s);
        }
    }
    // Three rungs are enough: what spills at 128 fits at 64.
    std::vector<Schedule> chosen;
    for (const Schedule& s : all) {
        const bool step = chosen.empty() || chosen.back().warpgroups != s.warpgroups ||
                          s.block_kv <= chosen.back().block_kv - 32;
        if (step && chosen.size() < 3) chosen.push_back(s);
    }
    return chosen;
}

}  // namespace flexion::cuda
