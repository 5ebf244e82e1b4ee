// SPDX-License-Identifier: Apache-2.0
// Tiles of the forward kernel: sizes, the layout of shared memory, barriers and rings, the tiles
// that the producer hands out and the block lists that it walks.
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

}  // namespace flexion::cuda
