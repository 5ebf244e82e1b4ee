// SPDX-License-Identifier: Apache-2.0
// The forward kernel for Hopper: out = softmax(mask(score_mod(q k^T * scale))) v over block lists.
//
// Roles in a thread block of 1 + kWarpgroups warpgroups, persistent on its multiprocessor:
//   producer   warpgroup 0, warp 0, one lane: takes tiles from a counter, walks their block lists,
//              feeds Q, K and V to the copy engine
//   stagers    warpgroup 0, warps 1 to 3, only in kernels with staged values: evaluate what a mod
//              computes per key or per distance q - k, once per key/value tile instead of per score
//   consumers  64 query rows each: S = Q K^T, the mods, the online softmax, O += P V. P stays in
//              registers as the A operand; S of the next tile and O of this one run on the tensor
//              cores while the exponentials do; warpgroups take turns on the tensor cores
//              (ping-pong)
// S of a tile's first keys runs beside the end of the tile before, whose queries were asked for
// while it was fed. After Shah et al., "FlashAttention-3", 2024, with three more differences. What
// exponentials refer to may lag behind the maximum (below). The hooks of Mod, generated from the
// user's functions, receive a whole fragment, so that they can share work between its elements.
// The block lists are read by the producer and the stagers alone.
//
// Lagged reference. On a tile without a mask no maximum is taken: exponentials use a reference from
// the tiles before, and the sum of a tile's exponentials, which is needed anyway, tells whether the
// scores have grown. Where it exceeds kRaise, the reference is raised by its logarithm before the
// next tile, which leaves it less than the width of a tile above the maximum; P may exceed 1, which
// costs no precision. If a row grows so much inside one tile that P, the sum or O overflow, the
// result is not finite; the warp then puts the tile on a list of its thread block, linked through
// the memory of the output rows that it would have written, and the block computes these tiles once
// more with exact maxima before it ends. First tiles, masked tiles and rows without a reference are
// exact always, and all tiles where the caller wants the maxima themselves.
//
// What the generated part defines: kWarpgroups, kBlockKv, kHeadDim and kValueDim (padded to 16),
// kQueryBuffers, kPingPong, kStaged, kStagedBytes, kSharedBytes, to_pair (two floats to 16 bits
// each), gemm_qk, gemm_pv, Captures and Mod.
#pragma once

namespace flexion::cuda {

FX_DEVICE void consume(const ForwardParams& p, const Captures& captures, u32 shared,
                       const Barriers& barriers, const TensorMap* out_map, int group) {
    const int lane = threadIdx.x & 31;
    const int warp = uniform((threadIdx.x >> 5) & 3);
    const int row_in_tile = group * 64 + warp * 16 + (lane >> 2);
    const int column = (lane & 3) * 2;  // of the fragment's first element
    if (kPingPong && group == 0) named_barrier_arrive(1, 256);

    Ring<kTileSlots> tiles;
    Ring<kKvStages> stage;
    Ring<kQueryBuffers> query;
    u32 count = 0;
    u32 reading = 0;  // what to arrive at when the store of the tile before has read its source
    float s[kScores], o[kOutputs];
    u32 pairs[kScores / 2];  // P in 16 bits

    auto rows_of = [&](u32 slot) {
        return shared + Layout::kQueries + slot * kQueryBufferBytes + group * 64 * 128;
    };
    auto key_tile = [&] {
        return tile_descriptor(shared + Layout::kKeys + stage.slot * kKeyBytes, 0);
    };
    auto value_tile = [&](u32 slot) {
        return tile_descriptor(shared + Layout::kValues + slot * kValueBytes, kKvPanelBytes);
    };
    auto first_key = [&] {
        return load_shared(shared + Layout::kBlocks + 4 * (count % kStagedSlots)) * kBlockKv;
    };
    auto staged = [&] { return shared + Layout::kStage + (count % kStagedSlots) * kStagedBytes; };
    auto pack = [&] {
#pragma unroll
        for (int i = 0; i < kScores / 2; ++i) pairs[i] = to_pair(s[2 * i], s[2 * i + 1]);
    };
    // S of a tile's first key tile. Matrix instructions must not depend on a branch, so that they
    // are issued without a tile too, on whatever lies there; nobody looks at what they give.
    auto begin = [&](const Tile& next) {
        if (next.m >= 0) {
            barrier_wait(barriers.query_full(query.slot, group), query.parity);
            barrier_wait(barriers.key_full(stage.slot), stage.parity);
        }
        hold(s);
        warpgroup_fence();
        gemm_qk(s, tile_descriptor(rows_of(uniform(query.slot)), 0), key_tile());
        warpgroup_commit();
    };

    // After S of keys; the last ones of a tile free its queries.
    auto leave_keys = [&](u32 query_slot, bool last) {
        if (kThroughStages && last) {
            if (lane == 0) barrier_arrive(barriers.query_empty(query_slot, group));
            if (group == 0) return;
            named_barrier_arrive(kKeysLeft, 128 * kWarpgroups);
        }
        arrive_warp(barriers.key_empty(stage.slot), lane);
    };
    auto finish_store = [&] {
        if (reading == 0) return;
        if (lane == 0) store_wait_read();
        if (kThroughStages) {
            warp_sync();
            arrive_warp(reading, lane);
        } else if (lane == 0) {
            barrier_arrive(reading);
        }
        reading = 0;
    };

    Tile tile = receive(shared, barriers, tiles, lane);
    begin(tile);
    while (tile.m != kStop) {
        const int blocks = tile.partial + tile.full;
        // Mods are set up without a tile too, at positions that exist.
        const int first_row = (tile.m < 0 ? 0 : tile.m) * kBlockQ;
        const int row = first_row + row_in_tile;
        const u32 query_slot = uniform(query.slot);
        const u32 own_rows = rows_of(query_slot);
        const u32 q_tile = tile_descriptor(own_rows, 0);
        Mod mod(p, captures, tile.b, tile.h, row, first_row, row_in_tile, column);
        Softmax softmax;
        softmax.start();
#pragma unroll
        for (int i = 0; i < kOutputs; ++i) o[i] = 0;
        if (tile.m >= 0) query.advance();
        warpgroup_wait<0>();
        hold(s);
        if (tile.m == kDrain) {
            warp_sync();
            __threadfence_block();
            arrive_warp(barriers.drained(), lane);
        }
        if (kThroughStages) finish_store();
        if (blocks > 0) {
            leave_keys(query_slot, blocks == 1);
            const int key = first_key();
            mod.score(s, p, captures, key, staged());
            if (tile.partial > 0) mod.mask(s, p, captures, key, staged());
            ++count;
            softmax.meet(s, mod.unit);
            softmax.exact_exponentials(s, mod.unit);
        }
        pack();
        if (kQueryBuffers > 1) finish_store();
        // S of this tile and O of the one before, then the softmax of this one.
#pragma unroll 1
        for (int i = 1; i < blocks; ++i) {
            const Ring<kKvStages> before = stage;
            stage.advance();
            // With turns, the first group waits and the others are ordered behind it.
            if (!kPingPong || group == 0) {
                barrier_wait(barriers.key_full(stage.slot), stage.parity);
            }
            if (kPingPong) named_barrier_sync(1 + group, 256);
            hold(s);
            hold(o);
            hold(pairs);
            warpgroup_fence();
            gemm_qk(s, q_tile, key_tile());
            warpgroup_commit();
            if (!kPingPong || group == 0) {
                barrier_wait(barriers.value_full(before.slot), before.parity);
            }
            hold(o);
            hold(pairs);
            warpgroup_fence();
            gemm_pv(o, pairs, value_tile(before.slot));
            warpgroup_commit();
            if (kPingPong) {
                named_barrier_arrive(1 + (group + 1 == kWarpgroups ? 0 : group + 1), 256);
            }
            // After an exact tile there is nothing to follow, and the factors become 1. A vote
            // takes long: it is held here, before the scores are there. Keys at the front often
            // stand out (attention sinks): the first tile without a mask is exact.
            softmax.follow(mod.unit);
            const bool exact =
                tile.exact != 0 || i == tile.partial || any_lane(softmax.needs_exact(mod.unit));
            warpgroup_wait<1>();
            hold(s);
            leave_keys(query_slot, i + 1 == blocks);
            // The way without a maximum is one basic block from the scores to the exponentials: a
            // branch between them would keep the one from running beside the other.
            bool rescale = true;
            const int key = first_key();
            if (exact || i < tile.partial) {
                mod.score(s, p, captures, key, staged());
                if (i < tile.partial) mod.mask(s, p, captures, key, staged());
                softmax.meet(s, mod.unit);
                softmax.exact_exponentials(s, mod.unit);
            } else {
                rescale = any_lane(softmax.factor[0] != 1.f || softmax.factor[1] != 1.f);
                mod.exponents(s, p, captures, key, staged(), -softmax.offset[0],
                              -softmax.offset[1]);
                softmax.exponentials(s);
            }
            ++count;
            keep_before(softmax.sum[0] + softmax.sum[1], shared + Layout::kBlocks);
            warpgroup_wait<0>();
            hold(o);
            pack();
            arrive_warp(barriers.value_empty(before.slot), lane);
            if (rescale) {
#pragma unroll
                for (int j = 0; j < kOutputs / 4; ++j) {
                    o[4 * j] *= softmax.factor[0];
                    o[4 * j + 1] *= softmax.factor[0];
                    o[4 * j + 2] *= softmax.factor[1];
                    o[4 * j + 3] *= softmax.factor[1];
                }
            }
        }

        const u32 last = stage.slot;
        if (blocks > 0) barrier_wait(barriers.value_full(last), stage.parity);
        hold(o);
        hold(pairs);
        warpgroup_fence();
        gemm_pv(o, pairs, value_tile(last));
        warpgroup_commit();
#pragma unroll
        for (int r = 0; r < 2; ++r) {
            softmax.top[r] = quad_max(softmax.top[r]);
            softmax.sum[r] = quad_sum(softmax.sum[r]);
        }
        if (blocks > 0) stage.advance();
        Tile next;
        if (kOverlapTiles) {
            next = receive(shared, barriers, tiles, lane);
            begin(next);
        }
        // A row of -inf, or one whose row term is -inf, has no keys.
        float inverse[2], lse[2];
#pragma unroll
        for (int r = 0; r < 2; ++r) {
            const float row_term = mod.row_term(r), top = softmax.top[r];
            float sum = softmax.sum[r];
            if (row_term == FX_MINUS_INF && !(top == -FX_MINUS_INF)) sum = 0;
            // A row term of +inf or NaN makes the row NaN.
            inverse[r] = sum == 0.f ? 0.f : reciprocal_approx(sum) + row_term * 0.f;
            const float logarithm =
                softmax.is_far(r, mod.unit)
                    ? softmax.reference[r] * mod.natural + log2_approx(sum) * kLn2
                    : (softmax.offset[r] + log2_approx(sum)) * kLn2;
            lse[r] = sum == 0.f ? FX_MINUS_INF : logarithm + row_term;
            // A NaN among the scores is seen by the sum alone.
            softmax.top[r] = sum == 0.f                          ? FX_MINUS_INF
                             : sum != sum && top < -FX_MINUS_INF ? sum
                                                                 : top * mod.natural + row_term;
        }
        warpgroup_wait<kOverlapTiles ? 1 : 0>();
        hold(o);
        if (tile.m >= 0) {
            u32 leaving = barriers.query_empty(query_slot, group);
            u32 slab = own_rows + warp * 16 * 128;
            constexpr u32 kPanel = kThroughStages ? 64 * 128 : kQueryPanelBytes;
            if (kThroughStages) {
                // Each warpgroup waits for the other one to leave the stage; in this order a
                // barrier cannot be arrived at twice.
                if (group == 0) {
                    named_barrier_sync(kKeysLeft, 128 * kWarpgroups);
                    if (kWarpgroups > 1) named_barrier_arrive(kValuesLeft, 128 * kWarpgroups);
                    arrive_warp(barriers.value_empty(last), lane);
                    leaving = barriers.key_empty(last);
                    slab = shared + Layout::kKeys + last * kKeyBytes + warp * 16 * 128;
                } else {
                    named_barrier_sync(kValuesLeft, 128 * kWarpgroups);
                    leaving = barriers.value_empty(last);
                    slab = shared + Layout::kValues + last * kValueBytes + warp * 16 * 128;
                }
            } else {
                arrive_warp(barriers.value_empty(last), lane);
                named_barrier_sync(4 + group, 128);  // Q has been read by the whole warpgroup
            }
            // What is not finite is looked for on rows that exist.
            bool bad = false;
#pragma unroll
            for (int r = 0; r < 2; ++r) {
                float unfit[4] = {softmax.sum[r] * 0.f, 0.f, 0.f, 0.f};
#pragma unroll
                for (int j = 0; j < kOutputs / 4; ++j) {
                    float& chain = unfit[j % 4];
                    chain = __fmaf_rn(o[4 * j + 2 * r], 0.f, chain);
                    chain = __fmaf_rn(o[4 * j + 2 * r + 1], 0.f, chain);
                }
                bad |= row + 8 * r < p.q_len &&
                       !((unfit[0] + unfit[1]) + (unfit[2] + unfit[3]) == 0.f);
            }
            const bool redo = tile.exact == 0 && any_lane(bad);
            if (redo) {
                if (lane == 0 &&
                    exchange_shared(shared + Layout::kLastRedo, tile.index) != tile.index) {
                    const int id = tile.index * (4 * kWarpgroups) + group * 4 + warp;
                    *reinterpret_cast<volatile int*>(redo_link(p, tile, group * 4 + warp)) =
                        exchange_shared(shared + Layout::kRedo, id);
                    fence_async_global();
                }
            } else {
                // Every warp stores its own 16 rows.
#pragma unroll
                for (int j = 0; j < kOutputs / 8; ++j) {
                    const u32 a = to_pair(o[8 * j] * inverse[0], o[8 * j + 1] * inverse[0]);
                    const u32 b = to_pair(o[8 * j + 2] * inverse[1], o[8 * j + 3] * inverse[1]);
                    const u32 c = to_pair(o[8 * j + 4] * inverse[0], o[8 * j + 5] * inverse[0]);
                    const u32 d = to_pair(o[8 * j + 6] * inverse[1], o[8 * j + 7] * inverse[1]);
                    const int r = lane & 15;
                    const int chunk = (j % 4) * 2 + (lane >> 4);
                    store_matrices(slab + (j / 4) * kPanel + r * 128 + ((chunk ^ (r & 7)) << 4), a,
                                   b, c, d);
                }
                fence_async_shared();
                warp_sync();
                if (lane == 0) {
#pragma unroll
                    for (int i = 0; i < kValuePanels; ++i) {
                        store_box(out_map, slab + i * kPanel, i * 64,
                                  tile.m * kBlockQ + group * 64 + warp * 16, tile.h, tile.b);
                    }
                    store_commit();
                }
                // After the fence, which waits for all writes before it.
                if ((lane & 3) == 0) {
#pragma unroll
                    for (int r = 0; r < 2; ++r) {
                        const i64 q = row + 8 * r;
                        if (q >= p.q_len) continue;
                        if (p.lse) {
                            p.lse[tile.b * p.lse_b + tile.h * p.lse_h + q * p.lse_q] = lse[r];
                        }
                        if (p.max_scores) {
                            p.max_scores[tile.b * p.max_b + tile.h * p.max_h + q * p.max_q] =
                                softmax.top[r];
                        }
                    }
                }
            }
            reading = leaving;
            if (!kOverlapTiles) finish_store();
        }
        if (!kOverlapTiles) {
            next = receive(shared, barriers, tiles, lane);
            begin(next);
        }
        tile = next;
    }
    warpgroup_wait<0>();
    hold(s);
    if (lane == 0) store_wait();
}

extern "C" __global__ void __launch_bounds__(128 * (1 + kWarpgroups), 1)
    FX_KERNEL_NAME(const __grid_constant__ TensorMap q_map, const __grid_constant__ TensorMap k_map,
                   const __grid_constant__ TensorMap v_map,
                   const __grid_constant__ TensorMap out_map,
                   const __grid_constant__ ForwardParams p,
                   const __grid_constant__ Captures captures) {
    extern __shared__ __align__(1024) u8 memory[];
    const u32 shared = shared_address(memory);
    const Barriers barriers{shared + Layout::kBarriers};
    if (threadIdx.x == 0) {
        constexpr int kConsumers = 4 * kWarpgroups * FX_LANES_ARRIVE;
        constexpr int kStagers = kStagerWarps * FX_LANES_ARRIVE;
        for (int i = 0; i < 2; ++i) {
            for (int group = 0; group < kWarpgroups; ++group) {
                barrier_init(barriers.query_full(i, group), 1);
                barrier_init(barriers.query_empty(i, group), 4);
            }
            barrier_init(barriers.key_full(i), 1 + kStagers);
            barrier_init(barriers.key_empty(i), kConsumers);
            barrier_init(barriers.value_full(i), 1);
            barrier_init(barriers.value_empty(i), kConsumers);
            barrier_init(barriers.tile_full(i), 1);
            barrier_init(barriers.tile_empty(i), kConsumers + kStagers);
        }
        barrier_init(barriers.drained(), kConsumers);
        barrier_init_fence();
        store_shared(shared + Layout::kRedo, -1);
        store_shared(shared + Layout::kLastRedo, -1);
        prefetch_map(&q_map);
        prefetch_map(&k_map);
        prefetch_map(&v_map);
        prefetch_map(&out_map);
    }
    __syncthreads();
    const int group = uniform(threadIdx.x >> 7);
    if (group == 0) {
        if constexpr (kWarpgroups > 1) registers_shrink<kProducerRegisters>();
        const int warp = uniform(threadIdx.x >> 5);
        if (warp == 0) {
            if (elect_one()) produce(p, shared, barriers, &q_map, &k_map, &v_map);
        } else if (kStaged) {
            stage_values(p, captures, shared, barriers);
        }
    } else {
        if constexpr (kWarpgroups > 1) registers_grow<kConsumerRegisters>();
        consume(p, captures, shared, barriers, &out_map, group - 1);
    }
}

}  // namespace flexion::cuda
