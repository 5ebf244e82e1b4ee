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
// exponentials refer to may lag behind the maximum (below). The two hooks of Mod, generated from
// the user's functions, receive a whole fragment, so that they can share work between its elements.
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

constexpr int kBlockQ = 64 * kWarpgroups;
constexpr int kKvStages = 2;
constexpr int kStagedSlots = 4;
constexpr int kTileSlots = 2;
constexpr int kQueryPanels = (kHeadDim + 63) / 64;
constexpr int kValuePanels = (kValueDim + 63) / 64;
constexpr u32 kQueryPanelBytes = kBlockQ * 128;
constexpr u32 kKvPanelBytes = kBlockKv * 128;
constexpr u32 kQueryBufferBytes =
    (kQueryPanels > kValuePanels ? kQueryPanels : kValuePanels) * kQueryPanelBytes;
constexpr u32 kKeyBytes = kQueryPanels * kKvPanelBytes;
constexpr u32 kValueBytes = kValuePanels * kKvPanelBytes;
constexpr int kScores = kBlockKv / 2;    // S: floats per consumer thread
constexpr int kOutputs = kValueDim / 2;  // O: floats per consumer thread
constexpr int kStagerWarps = kStaged ? 3 : 0;
constexpr float kRaise = 0x1p10f;
constexpr float kLn2 = 0.693147180559945f;
// A row whose reference times the unit is beyond this (an additive mask of the lowest value, say)
// is far: the rounding of the product would show, or overflow. Its scores are moved by the
// reference first, which is exact for those that count, and all its tiles are computed with exact
// maxima.
constexpr float kFar = 0x1p26f;

// With two query buffers O leaves through the tile's own one. With one O leaves through the stages
// of the last keys (first warpgroup) and values (second), where they are wide enough, so that the
// next queries come while this tile ends.
constexpr bool kThroughStages = kQueryBuffers == 1 && kWarpgroups <= 2 && kBlockKv >= 64 &&
                                kKeyBytes >= kValuePanels * 64 * 128;
// Whether S of the next tile of queries runs beside the end of this one.
constexpr bool kOverlapTiles = kQueryBuffers > 1 || kThroughStages;
constexpr int kKeysLeft = 7, kValuesLeft = 8;  // named barriers

/// Offsets in shared memory, which begins at a multiple of 1024 bytes.
struct Layout {
    static constexpr u32 kQueries = 0;
    static constexpr u32 kKeys = kQueries + kQueryBuffers * kQueryBufferBytes;
    static constexpr u32 kValues = kKeys + kKvStages * kKeyBytes;
    static constexpr u32 kStage = kValues + kKvStages * kValueBytes;
    static constexpr u32 kTiles = kStage + kStagedSlots * kStagedBytes;
    static constexpr u32 kBlocks = kTiles + kTileSlots * 32;  // key/value tile of each staged slot
    static constexpr u32 kRedo = kBlocks + kStagedSlots * 4;  // head of the redo list
    static constexpr u32 kLastRedo = kRedo + 4;
    static constexpr u32 kBarriers = kRedo + 16;
    static constexpr u32 kBytes = kBarriers + (4 * kWarpgroups + 13) * 8;
};
static_assert(Layout::kStage % 16 == 0 && kStagedBytes % 16 == 0);
static_assert(Layout::kBytes == kSharedBytes);

/// The barriers, as pairs of full (filled by the producer) and empty (left by the consumers). Each
/// warpgroup has its own for its rows of a query buffer: it goes from tile to tile by itself.
struct Barriers {
    static constexpr u32 kQueries = 8 * 2 * kWarpgroups;
    u32 base;
    FX_DEVICE u32 query_full(u32 i, int group) const {
        return base + 8 * (i * kWarpgroups + group);
    }
    FX_DEVICE u32 query_empty(u32 i, int group) const { return query_full(i, group) + kQueries; }
    FX_DEVICE u32 ring(u32 i) const { return base + 2 * kQueries + 8 * i; }
    FX_DEVICE u32 key_full(u32 i) const { return ring(i); }
    FX_DEVICE u32 key_empty(u32 i) const { return ring(2 + i); }
    FX_DEVICE u32 value_full(u32 i) const { return ring(4 + i); }
    FX_DEVICE u32 value_empty(u32 i) const { return ring(6 + i); }
    FX_DEVICE u32 tile_full(u32 i) const { return ring(8 + i); }
    FX_DEVICE u32 tile_empty(u32 i) const { return ring(10 + i); }
    FX_DEVICE u32 drained() const { return ring(12); }
};

/// Position in a ring of N slots: the slot and the parity of its barriers.
template <int N>
struct Ring {
    u32 slot = 0, parity = 0;
    FX_DEVICE void advance() {
        if (++slot == N) {
            slot = 0;
            parity ^= 1;
        }
    }
};

/// A tile as the producer hands it out. m < 0: no tile, kDrain or kStop.
struct Tile {
    int m, h, b;
    int index;  // number of the tile in the launch
    int partial, full;
    int first_run;  // -1: nowhere
    int exact;      // 1: with exact maxima: computed again, or they are asked for
};
constexpr int kStop = -1, kDrain = -2, kNone = -3;

FX_DEVICE Tile find_tile(const ForwardParams& p, int index, int exact) {
    // Sections of (batch, head) pairs whose keys and values fit in L2; within a section the longest
    // rows first, heads innermost.
    const int section_tiles = p.section * p.q_tiles;
    const int section = index / section_tiles;
    const int inside = index - section * section_tiles;
    const int left = p.pairs - section * p.section;
    const int width = left < p.section ? left : p.section;
    const int rank = inside / width;
    const int pair = section * p.section + inside - rank * width;
    const int b = pair / p.heads, h = pair - b * p.heads;
    int4 row = make_int4(rank, 0, p.dense_partial, p.dense_full);
    if (p.rows != nullptr) {
        const i64 list = i64(b) * p.mask_b_step + i64(h) * p.mask_h_step;
        row = __ldg(reinterpret_cast<const int4*>(p.rows) + list * p.q_tiles + rank);
    }
    const bool empty = row.z + row.w == 0;
    return {row.x, h, b, index, empty ? 1 : row.z, row.w, empty ? -1 : row.y, exact};
}

/// A key/value tile beyond all keys, which the copy engine fills with zeros and the mask with -inf:
/// what a row without tiles visits.
constexpr int kNowhere = (1 << 30) / kBlockKv + 1;

/// The key/value tiles of a row, in the order in which they are computed.
struct Walk {
    const int2* next_run;
    int at, end;
    int2 ahead;
    FX_DEVICE Walk(const ForwardParams& p, const Tile& tile) {
        if (tile.first_run < 0) {
            next_run = nullptr;
            at = kNowhere;
            end = kNowhere + 1;
            ahead = make_int2(0, 0);
        } else if (p.rows == nullptr) {
            next_run = nullptr;
            const bool tail = p.dense_partial != 0;  // the last tile is cut by the end of the keys
            at = tail ? p.dense_full : 0;
            end = tail ? p.dense_full + 1 : p.dense_full;
            ahead = make_int2(0, p.dense_full);
        } else {
            next_run = reinterpret_cast<const int2*>(p.runs) + tile.first_run;
            const int2 run = __ldg(next_run);
            at = run.x;
            end = run.y;
            ahead = __ldg(++next_run);
        }
    }
    FX_DEVICE int take() {
        const int block = at++;
        if (at == end) {
            at = ahead.x;
            end = ahead.y;
            if (next_run != nullptr) ahead = __ldg(++next_run);
        }
        return block;
    }
};

/// A warp's arrival, after what its lanes have read. Race checkers follow lanes, not warps: for
/// them -DFX_LANES_ARRIVE=32 lets every lane arrive.
#ifndef FX_LANES_ARRIVE
#define FX_LANES_ARRIVE 1
#endif
FX_DEVICE void arrive_warp(u32 barrier, int lane) {
    if (lane < FX_LANES_ARRIVE) barrier_arrive(barrier);
}

FX_DEVICE void publish(u32 shared, const Barriers& barriers, Ring<kTileSlots>& ring,
                       const Tile& tile) {
    barrier_wait(barriers.tile_empty(ring.slot), ring.parity ^ 1);
    const u32 slot = shared + Layout::kTiles + 32 * ring.slot;
    store_shared4(slot, tile.m, tile.h, tile.b, tile.index);
    store_shared4(slot + 16, tile.partial, tile.full, tile.first_run, tile.exact);
    barrier_arrive(barriers.tile_full(ring.slot));
    ring.advance();
}
/// The next tile, the same for the whole warp; every warp but the producer's reads every tile.
FX_DEVICE Tile receive(u32 shared, const Barriers& barriers, Ring<kTileSlots>& ring, int lane) {
    barrier_wait(barriers.tile_full(ring.slot), ring.parity);
    const u32 slot = shared + Layout::kTiles + 32 * ring.slot;
    const int4 x = load_shared4(slot), y = load_shared4(slot + 16);
    warp_sync();
    arrive_warp(barriers.tile_empty(ring.slot), lane);
    ring.advance();
    // Uniform values keep matrix descriptors and trip counts in uniform registers.
    return {uniform(x.x), uniform(x.y), uniform(x.z), uniform(x.w),
            uniform(y.x), uniform(y.y), uniform(y.z), uniform(y.w)};
}

/// The first two elements of the first output row of a warp's slab: a link of the redo list. Rows
/// begin at even addresses of 16 bytes, as the copy engine demands.
FX_DEVICE int* redo_link(const ForwardParams& p, const Tile& tile, int warp) {
    const i64 row = i64(tile.m) * kBlockQ + warp * 16;
    return reinterpret_cast<int*>(p.out + tile.b * p.out_b + tile.h * p.out_h + row * p.out_q);
}

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

// ---- consumers --------------------------------------------------------------------------------

FX_DEVICE float quad_max(float x) {
    x = larger(x, swap_lanes(x, 1));
    return larger(x, swap_lanes(x, 2));
}
FX_DEVICE float quad_sum(float x) {
    x += swap_lanes(x, 1);
    return x + swap_lanes(x, 2);
}

/// The softmax state of a thread's two rows, r and r + 8. Scores are in units of Mod's `unit`: the
/// exponential of x is exp2(x * unit).
struct Softmax {
    float reference[2];  // what exponentials refer to; -inf: the row has seen no score
    float sum[2];        // of this thread's columns
    float grown[2];      // of this thread's columns of the tile before, if its reference lagged
    float top[2];        // this thread's maxima, if all tiles are exact
    float factor[2];     // by which O must be multiplied
    float offset[2];     // reference * unit, 0 where the reference is -inf

    FX_DEVICE void start() {
#pragma unroll
        for (int r = 0; r < 2; ++r) {
            reference[r] = top[r] = FX_MINUS_INF;
            sum[r] = grown[r] = offset[r] = 0;
            factor[r] = 1;
        }
    }
    FX_DEVICE bool is_far(int r, float unit) const {
        return Mod::kLowScores && fabsf(reference[r] * unit) > kFar;
    }
    /// Whether the next tile must be computed with exact maxima: rows without a reference, far
    /// rows.
    FX_DEVICE bool needs_exact(float unit) const {
        return reference[0] == FX_MINUS_INF || reference[1] == FX_MINUS_INF || is_far(0, unit) ||
               is_far(1, unit);
    }
    /// Raises the reference where the exponentials of the tile before have grown beyond kRaise, by
    /// the logarithm of their sum: seven more than their maximum at most.
    FX_DEVICE void follow(float unit) {
#pragma unroll
        for (int r = 0; r < 2; ++r) {
            const float x = quad_sum(grown[r]);
            const bool raise = x > kRaise;
            const float next_offset = raise ? offset[r] + log2_approx(x) : offset[r];
            // From the offsets as they were rounded, so that old and new exponentials agree.
            factor[r] = exp2_approx(offset[r] - next_offset);
            sum[r] *= factor[r];
            if (raise) reference[r] = next_offset * reciprocal_approx(unit);
            offset[r] = next_offset;
        }
    }
    /// Makes the reference the exact maximum including `s`.
    FX_DEVICE void meet(float (&s)[kScores], float unit) {
        float x[2] = {FX_MINUS_INF, FX_MINUS_INF};
#pragma unroll
        for (int j = 0; j < kBlockKv / 8; ++j) {
#pragma unroll
            for (int r = 0; r < 2; ++r) {
                x[r] = larger(x[r], larger(s[4 * j + 2 * r], s[4 * j + 2 * r + 1]));
            }
        }
#pragma unroll
        for (int r = 0; r < 2; ++r) {
            top[r] = larger(top[r], x[r]);
            x[r] = larger(reference[r], quad_max(x[r]));
            const float base = x[r] == FX_MINUS_INF ? 0.f : x[r];
            const bool was_far = is_far(r, unit) && reference[r] != FX_MINUS_INF;
            float next_offset = base * unit;
            float step = exp2_approx(offset[r] - next_offset);
            const bool far = Mod::kLowScores && fabsf(next_offset) > kFar;
            if (Mod::kLowScores && (far || was_far)) {
                step = exp2_approx((reference[r] - base) * unit);
            }
            if (Mod::kLowScores && any_lane(far)) {
                const float move = far ? base : 0.f;
#pragma unroll
                for (int i = 0; i < kScores / 2; ++i) s[4 * (i / 2) + 2 * r + i % 2] -= move;
                if (far) next_offset = 0;
            }
            if (reference[r] == FX_MINUS_INF) step = 0;
            factor[r] *= step;
            sum[r] *= step;
            reference[r] = x[r];
            offset[r] = next_offset;
        }
    }
    /// s becomes P.
    FX_DEVICE void exponentials(float (&s)[kScores], float unit) {
        grown[0] = grown[1] = 0;
#pragma unroll
        for (int j = 0; j < kBlockKv / 8; ++j) {
#pragma unroll
            for (int r = 0; r < 2; ++r) {
                float &x = s[4 * j + 2 * r], &y = s[4 * j + 2 * r + 1];
                x = exp2_approx(__fmaf_rn(x, unit, -offset[r]));
                y = exp2_approx(__fmaf_rn(y, unit, -offset[r]));
                grown[r] += x;
                grown[r] += y;
            }
        }
        sum[0] += grown[0];
        sum[1] += grown[1];
    }
    /// The same after meet(): nothing to follow.
    FX_DEVICE void exact_exponentials(float (&s)[kScores], float unit) {
        exponentials(s, unit);
        grown[0] = grown[1] = 0;
    }
};

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
                mod.score(s, p, captures, key, staged());
                softmax.exponentials(s, mod.unit);
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
