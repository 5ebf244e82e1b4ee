// SPDX-License-Identifier: Apache-2.0
// Generated mods alone, over scores that are given: what the forward kernel does between its two
// matrix products and before the softmax. A block for each tile; warps 1 to 3 stage, warps 4 and
// on hold the fragments, as there.
#pragma once

namespace flexion::cuda {

extern "C" __global__ void __launch_bounds__(128 * (1 + kWarpgroups), 1)
    evaluate(const __grid_constant__ ForwardParams p, const __grid_constant__ Captures captures,
             const float* scores, float* results) {
    extern __shared__ __align__(16) u8 memory[];
    const u32 staged = shared_address(memory);
    const int b = blockIdx.z / p.heads, h = blockIdx.z - b * p.heads;
    const int q_tile = blockIdx.y * 64 * kWarpgroups, first_key = blockIdx.x * kBlockKv;
    const int thread = threadIdx.x;
    if (thread >= 32 && thread < 128) {
        Mod::stage(p, captures, b, h, q_tile, first_key, true, staged, thread - 32);
    }
    __syncthreads();
    if (thread < 128) return;
    const int row_in_tile = (thread / 32 - 4) * 16 + (thread % 32) / 4;
    const int column = thread % 4 * 2, row = q_tile + row_in_tile;
    const i64 plane = i64(blockIdx.z) * p.q_len * p.kv_len;
    Mod mod(p, captures, b, h, row, q_tile, row_in_tile, column);
    float s[kBlockKv / 2];
#pragma unroll
    for (int i = 0; i < kBlockKv / 2; ++i) {
        const int q = row + i / 2 % 2 * 8, k = first_key + i / 4 * 8 + column + i % 2;
        s[i] = q < p.q_len && k < p.kv_len ? scores[plane + i64(q) * p.kv_len + k] : 0;
    }
    mod.score(s, p, captures, first_key, staged);
    mod.mask(s, p, captures, first_key, staged);
#pragma unroll
    for (int i = 0; i < kBlockKv / 2; ++i) {
        const int r = i / 2 % 2, q = row + r * 8, k = first_key + i / 4 * 8 + column + i % 2;
        if (q >= p.q_len || k >= p.kv_len) continue;
        results[plane + i64(q) * p.kv_len + k] =
            s[i] == FX_MINUS_INF ? s[i] : s[i] * mod.natural + mod.row_term(r);
    }
}

}  // namespace flexion::cuda
