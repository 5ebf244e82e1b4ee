// SPDX-License-Identifier: Apache-2.0
// The roles that feed the consumers of the forward kernel: producer and stagers.
#pragma once

namespace flexion::cuda {

// ---- producer ---------------------------------------------------------------------------------

FX_DEVICE void load_key_tile(u32 to, const TensorMap* map, u32 barrier, int block, int h, int b) {
#pragma unroll
    for (int i = 0; i < kQueryPanels; ++i) {
        load_box(to + i * kKvPanelBytes, map, barrier, i * 64, block * kBlockKv, h, b, kEvictLast);
    }
}
FX_DEVICE void load_value_tile(u32 to, const TensorMap* map, u32 barrier, int block, int h, int b) {
#pragma unroll
    for (int i = 0; i < kValuePanels; ++i) {
        load_box(to + i * kKvPanelBytes, map, barrier, i * 64, block * kBlockKv, h, b, kEvictLast);
    }
}

FX_DEVICE void produce(const ForwardParams& p, u32 shared, const Barriers& barriers,
                       const TensorMap* q_map, const TensorMap* k_map, const TensorMap* v_map) {
    Ring<kTileSlots> tiles;
    Ring<kKvStages> stage;
    Ring<kQueryBuffers> query;
    u32 count = 0;  // key/value tiles so far: the staged slot

    // V is one tile behind K, the order of consumption, from one tile of queries to the next too:
    // the first keys of the next one are under way while the last values of this one are awaited.
    struct {
        int block = -1, head = 0, batch = 0;
        Ring<kKvStages> at;
    } value;
    auto feed_value = [&] {
        if (value.block < 0) return;
        barrier_wait(barriers.value_empty(value.at.slot), value.at.parity ^ 1);
        barrier_expect(barriers.value_full(value.at.slot), kValueBytes);
        load_value_tile(shared + Layout::kValues + value.at.slot * kValueBytes, v_map,
                        barriers.value_full(value.at.slot), value.block, value.head, value.batch);
        value.block = -1;
    };
    auto feed_query = [&](const Tile& tile) {
#pragma unroll 1
        for (int group = 0; group < kWarpgroups; ++group) {
            const u32 full = barriers.query_full(query.slot, group);
            barrier_wait(barriers.query_empty(query.slot, group), query.parity ^ 1);
            barrier_expect(full, kQueryPanels * 64 * 128);
#pragma unroll
            for (int panel = 0; panel < kQueryPanels; ++panel) {
                load_box(shared + Layout::kQueries + query.slot * kQueryBufferBytes +
                             panel * kQueryPanelBytes + group * 64 * 128,
                         q_map, full, panel * 64, tile.m * kBlockQ + group * 64, tile.h, tile.b,
                         kEvictFirst);
            }
        }
        query.advance();
    };

    // The next tile is looked up, and its queries asked for, while this one is fed: queries come
    // from memory, all else mostly from L2. One loop for all kinds of tiles, so that the code of
    // each step exists once.
    constexpr int kAhead = 2;
    Tile tile{kNone, 0, 0, 0, 0, 0, 0, 0}, next = tile;
    int index = blockIdx.x, redo = -1;
    bool again = false, asked = false;  // asked for the queries of `tile`
    for (;;) {
        if (tile.m != kNone) publish(shared, barriers, tiles, tile);
        if (tile.m == kStop) break;
        if (tile.m == kDrain) {
            feed_value();
            barrier_wait(barriers.drained(), 0);
            redo = load_shared(shared + Layout::kRedo);
            again = true;
        }
        // The counter wraps to zero after exactly p.tiles increments, one per tile.
        if (tile.m >= 0 && !again) index = count_up(p.counter, p.tiles - 1) + gridDim.x;
        const int blocks = tile.partial + tile.full;
        const int kv_head = tile.h / p.group, kv_batch = tile.b * p.kv_batch_step;
        Walk walk(p, tile);
        for (int i = 0;; ++i) {
            if (i < blocks) {
                const int block = walk.take();
                barrier_wait(barriers.key_empty(stage.slot), stage.parity ^ 1);
                store_shared(shared + Layout::kBlocks + 4 * (count % kStagedSlots), block);
                ++count;
                barrier_expect(barriers.key_full(stage.slot), kKeyBytes);
                load_key_tile(shared + Layout::kKeys + stage.slot * kKeyBytes, k_map,
                              barriers.key_full(stage.slot), block, kv_head, kv_batch);
                // The only query buffer may be free when the tile before has ended, which takes its
                // values.
                if (kQueryBuffers > 1 && i == 0 && !asked) feed_query(tile);
                feed_value();
                if (kQueryBuffers == 1 && i == 0) feed_query(tile);
                value.block = block;
                value.head = kv_head;
                value.batch = kv_batch;
                value.at = stage;
                stage.advance();
            }
            const bool last = i + 1 >= blocks;
            if (i == kAhead || (last && i < kAhead)) {
                const int wanted = again ? (redo < 0 ? -1 : redo / (4 * kWarpgroups))
                                         : (index < p.tiles ? index : -1);
                next.m = again ? kStop : kDrain;
                next.partial = next.full = 0;
                if (wanted >= 0) {
                    next = find_tile(p, wanted, again || p.max_scores != nullptr);
                    // The link lies where the tile's rows are about to be written.
                    if (again) {
                        redo = *reinterpret_cast<volatile int*>(
                            redo_link(p, next, redo % (4 * kWarpgroups)));
                    }
                }
                asked = kQueryBuffers > 1 && i == kAhead && next.m >= 0;
                if (asked) feed_query(next);
            }
            if (last) break;
        }
        tile = next;
    }
    feed_value();
}

// ---- stagers ----------------------------------------------------------------------------------

FX_DEVICE void stage_values(const ForwardParams& p, const Captures& captures, u32 shared,
                            const Barriers& barriers) {
    const int lane = threadIdx.x & 31;
    Ring<kTileSlots> tiles;
    Ring<kKvStages> stage;
    u32 count = 0;
    for (;;) {
        const Tile tile = receive(shared, barriers, tiles, lane);
        if (tile.m == kStop) break;
        const int blocks = tile.partial + tile.full;
        if (tile.m < 0) continue;
        Walk walk(p, tile);
        for (int i = 0; i < blocks; ++i) {
            const int block = walk.take();
            barrier_wait(barriers.key_empty(stage.slot), stage.parity ^ 1);
            // Slot i is written again for tile i + 4, whose key stage is free only after every
            // consumer has computed S of tile i + 2, and so has left the values of tile i.
            Mod::stage(p, captures, tile.b, tile.h, tile.m * kBlockQ, block * kBlockKv,
                       i < tile.partial,
                       shared + Layout::kStage + (count % kStagedSlots) * kStagedBytes,
                       static_cast<int>(threadIdx.x) - 32);
            ++count;
            warp_sync();
            arrive_warp(barriers.key_full(stage.slot), lane);
            stage.advance();
        }
    }
}

}  // namespace flexion::cuda
