// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/kernels/backward/panel_backward.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace flexion::cpu {

/// A chunk and where its rows are.
struct PanelBackward::State {
    Split::Task task;
    Chunk chunk;
    std::int64_t b, h;        // of the queries
    std::int64_t kv_b, kv_h;  // of the keys
    bool visited;
    Ahead ahead;                    // what the next tile of queries reads
    const char *k, *v, *key_steps;  // of the first key; key_steps: of the product dQ
    std::int64_t k_stride, v_stride, step_stride;
    char* scratch;
};

namespace {

/// Bytes from row to row: an odd number of cache lines, so that rows spread over the sets of L1.
std::int64_t odd_stride(std::int64_t bytes) { return ((bytes + 63) / 64 | 1) * 64; }

int ceil_div(int a, int b) { return (a + b - 1) / b; }

}  // namespace

PanelBackward::PanelBackward(const BackwardCall& call)
    : call_(call),
      depth_(static_cast<int>(call.args.call.head_dim())),
      width_(static_cast<int>(call.args.call.v_head_dim())),
      group_(call.args.call.q_heads() / call.args.call.kv_heads()),
      pairs_(call.panel.p_format == PFormat::bf16_pairs) {
    const PanelKernels& p = call.panel;
    const int step = p.step_elements;
    depth_steps_ = ceil_div(depth_, step), width_steps_ = ceil_div(width_, step);
    depth_columns_ = ceil_div(depth_, p.lanes), width_columns_ = ceil_div(width_, p.lanes);
    tile_panels_ = static_cast<int>(
        std::min<std::int64_t>(std::max(kTileQueries / p.lanes, 1), call.tiling.panels()));
    // A pair must not take its second half from past the end of a row.
    stage_keys_ = p.must_stage_keys || depth_ % step != 0;
    stage_values_ = p.must_stage_keys || width_ % step != 0;
    key_stride_ = odd_stride(std::int64_t{depth_} * p.key_bytes);
    value_stride_ = odd_stride(std::int64_t{width_} * p.key_bytes);
    pair_stride_ = odd_stride(std::int64_t{depth_} * p.value_bytes);
    in_row_bytes_ = static_cast<std::size_t>(p.lanes * (pairs_ ? 2 : p.scalar_bytes));
    row_stride_ = odd_stride(tile_panels_ * static_cast<std::int64_t>(in_row_bytes_));

    lane_bytes_ = static_cast<std::size_t>(call.lane_bytes());
    query_bytes_ = static_cast<std::size_t>(depth_steps_) * lane_bytes_;
    d_out_bytes_ = static_cast<std::size_t>(width_steps_) * lane_bytes_;
    const auto panels = static_cast<std::size_t>(tile_panels_);
    const auto keys = static_cast<std::size_t>(call.split.chunk_keys());
    const std::size_t rows = std::min<std::size_t>(kPieceKeys, keys);
    const std::size_t column_rows =
        panels * static_cast<std::size_t>(p.lanes) / static_cast<std::size_t>(step);
    std::size_t at = 0;
    const auto place = [&at](bool wanted, std::size_t bytes) {
        const std::size_t here = at;
        if (wanted) at += aligned(bytes);
        return here;
    };
    const bool d_k = call.args.d_k.data != nullptr, d_v = call.args.d_v.data != nullptr;
    const bool d_q = call.args.d_q.data != nullptr;
    const auto stride_of = [](std::int64_t s) { return static_cast<std::size_t>(s); };
    const auto wide = [](int n) { return static_cast<std::size_t>(n); };
    queries_at_ = place(true, panels * query_bytes_);
    d_outs_at_ = place(call.wants_g(), panels * d_out_bytes_);
    query_columns_at_ = place(d_k, wide(depth_columns_) * column_rows * lane_bytes_);
    d_out_columns_at_ = place(d_v, wide(width_columns_) * column_rows * lane_bytes_);
    tile_bytes_ = aligned(rows * lane_bytes_);
    s_at_ = place(true, kPanelsAtOnce * tile_bytes_);
    dp_at_ = place(call.wants_g(), kPanelsAtOnce * tile_bytes_);
    pairs_at_ = place(pairs_ && call.wants_ds(), (rows + 1) / 2 * lane_bytes_);
    p_rows_at_ = place(d_v, rows * stride_of(row_stride_));
    ds_rows_at_ = place(call.wants_ds(), rows * stride_of(row_stride_));
    keys_at_ = place(stage_keys_, keys * stride_of(key_stride_));
    values_at_ = place(stage_values_ && call.wants_g(), keys * stride_of(value_stride_));
    key_pairs_at_ = place(pairs_ && d_q, (keys + 1) / 2 * stride_of(pair_stride_));
    odd_pairs_at_ = place(pairs_ && d_q, (rows + 1) / 2 * stride_of(pair_stride_));
    d_k_at_ = place(d_k, wide(depth_columns_) * keys * lane_bytes_);
    d_v_at_ = place(d_v, wide(width_columns_) * keys * lane_bytes_);
    const auto gathers = static_cast<std::size_t>(call.buffers.gathers());
    gather_values_at_ = place(true, gathers * rows * lane_bytes_);
    gather_offsets_at_ =
        place(true, gathers * rows * static_cast<std::size_t>(p.lanes) * sizeof(std::int32_t));
    gather_scratch_at_ =
        place(true, static_cast<std::size_t>(call.buffers.tile_bytes(static_cast<int>(rows))));
    scratch_bytes_ = at;
}

void PanelBackward::run(const Split::Task& task) const {
    State state{};
    state.task = task;
    state.scratch = thread_scratch(scratch_bytes_);
    call_.buffers.clear_copy(task.number);
    for (std::int64_t i = 0; call_.split.chunk_of(task.group, i) >= 0; ++i) {
        state.chunk = call_.split.chunk(call_.split.chunk_of(task.group, i));
        for (std::int64_t pair = task.first_pair; pair < task.end_pair; ++pair) chunk(state, pair);
    }
}

void PanelBackward::chunk(State& state, std::int64_t pair) const {
    const plan::LaunchArgs& args = call_.args.call;
    state.kv_b = pair / args.kv_heads(), state.kv_h = pair % args.kv_heads();
    state.visited = false;
    const bool shared = args.k.shape[0] == 1;
    for (std::int64_t b = shared ? 0 : state.kv_b; b < (shared ? args.batch() : state.kv_b + 1);
         ++b) {
        for (std::int64_t h = state.kv_h * group_; h < (state.kv_h + 1) * group_; ++h)
            head(state, b, h);
    }
    write(state);
}

/// Brings the keys and values of the chunk to where and how products read them.
void PanelBackward::stage(State& state) const {
    const plan::LaunchArgs& args = call_.args.call;
    const PanelKernels& p = call_.panel;
    const std::int64_t begin = state.chunk.begin;
    const int rows = static_cast<int>(state.chunk.end - begin);
    state.k = row_of(args.k, state.kv_b, state.kv_h, begin);
    state.v = row_of(args.v, kv_batch(args.v, state.kv_b), state.kv_h, begin);
    state.k_stride = row_stride(args.k), state.v_stride = row_stride(args.v);
    if (pairs_ && call_.args.d_q.data != nullptr)
        p.stage_values(state.k, state.k_stride, rows, depth_, state.scratch + key_pairs_at_,
                       pair_stride_);
    if (stage_keys_) {
        p.stage_keys(state.k, state.k_stride, rows, depth_, state.scratch + keys_at_, key_stride_);
        state.k = state.scratch + keys_at_, state.k_stride = key_stride_;
    }
    if (stage_values_ && call_.wants_g()) {
        p.stage_keys(state.v, state.v_stride, rows, width_, state.scratch + values_at_,
                     value_stride_);
        state.v = state.scratch + values_at_, state.v_stride = value_stride_;
    }
    state.key_steps = pairs_ ? state.scratch + key_pairs_at_ : state.k;
    state.step_stride = pairs_ ? pair_stride_ : state.k_stride;
    const auto keys = static_cast<std::size_t>(call_.split.chunk_keys());
    if (call_.args.d_k.data != nullptr)
        std::memset(state.scratch + d_k_at_, 0,
                    static_cast<std::size_t>(depth_columns_) * keys * lane_bytes_);
    if (call_.args.d_v.data != nullptr)
        std::memset(state.scratch + d_v_at_, 0,
                    static_cast<std::size_t>(width_columns_) * keys * lane_bytes_);
    state.visited = true;
}

/// All queries of one head that visit the chunk. The walk runs through queries: its rows are the
/// chunk's columns of blocks, one bit each.
void PanelBackward::head(State& state, std::int64_t b, std::int64_t h) const {
    state.b = b, state.h = h;
    Walk walk;
    walk.start(call_.split.block_q(), call_.args.call.q_len());
    for (int i = 0; i < state.chunk.columns; ++i)
        walk.add(call_.split.column(b, h, state.chunk.column + i), LaneSet{1} << i);
    for (Piece piece = walk.next(0); !piece.empty(); piece = walk.next(piece.end)) {
        walk.pass(piece.begin);
        if (!state.visited) stage(state);
        const std::int64_t last = call_.tiling.panel_of(piece.end - 1);
        for (std::int64_t panel = call_.tiling.panel_of(piece.begin); panel <= last;) {
            // Only the last panel of a tile may have empty lanes: its columns are packed at once.
            int count = 1;
            while (count < tile_panels_ && panel + count <= last &&
                   call_.tiling.panel(panel + count - 1).lanes == call_.panel.lanes)
                ++count;
            look_ahead(state, panel + count, std::min(last + 1, panel + 2 * count));
            tile(state, piece, panel, count);
            panel += count;
        }
    }
}

/// Panels [first, end) come next: their rows of Q and dO and their dQ, each from L3 or memory.
void PanelBackward::look_ahead(State& state, std::int64_t first, std::int64_t end) const {
    state.ahead = {};
    if (first >= end) return;
    const Panel from = call_.tiling.panel(first), last = call_.tiling.panel(end - 1);
    const int rows = static_cast<int>(last.q0 + last.lanes - from.q0);
    const auto lines_of = [](std::int64_t bytes) { return static_cast<int>((bytes + 63) / 64); };
    const auto region_of = [&](const TensorView& t) {
        return Ahead::Region{row_of(t, state.b, state.h, from.q0), row_stride(t),
                             lines_of(t.shape[3] * size_of(t.dtype)), rows};
    };
    state.ahead.region[0] = region_of(call_.args.call.q);
    if (call_.args.d_out.data != nullptr) state.ahead.region[1] = region_of(call_.d_out);
    if (call_.args.d_q.data == nullptr) return;
    const std::int64_t bytes = call_.d_q_panel_bytes();
    const std::int64_t index =
        state.task.group * call_.all_panels() + call_.panel_index(state.b, state.h, first);
    state.ahead.region[2] = {call_.d_q + index * bytes, bytes, lines_of(bytes),
                             static_cast<int>(end - first)};
}

void PanelBackward::tile(State& state, const Piece& queries, std::int64_t panel, int count) const {
    pack(state, panel, count);
    const std::int64_t block = call_.split.block_kv();
    for (int i = 0; i < state.chunk.columns;) {
        const auto in = [&](LaneSet set) { return (set >> i & 1) != 0; };
        if (!in(queries.full) && !in(queries.partial)) {
            ++i;
            continue;
        }
        const int from = i;
        const bool partial = in(queries.partial);
        while (i < state.chunk.columns && in(partial ? queries.partial : queries.full)) ++i;
        const std::int64_t begin = std::max((state.chunk.column + from) * block, state.chunk.begin);
        const std::int64_t end = std::min((state.chunk.column + i) * block, state.chunk.end);
        const int rows = static_cast<int>(end - begin), pieces = ceil_div(rows, kPieceKeys);
        int first = static_cast<int>(begin - state.chunk.begin);
        for (int n = 0; n < pieces; ++n) {
            // Even where possible: pairs of rows start at even ones.
            const int here = n + 1 == pieces ? static_cast<int>(end - state.chunk.begin) - first
                                             : std::min((rows / pieces + 1) / 2 * 2, kPieceKeys);
            keys(state, queries, panel, count, {first, here, partial});
            first += here;
        }
    }
}

void PanelBackward::pack(State& state, std::int64_t panel, int count) const {
    const PanelKernels& p = call_.panel;
    const TensorView &q = call_.args.call.q, &d_out = call_.d_out;
    const Panel first = call_.tiling.panel(panel), last = call_.tiling.panel(panel + count - 1);
    const int queries = static_cast<int>(last.q0 + last.lanes - first.q0);
    const char* q_rows = row_of(q, state.b, state.h, first.q0);
    const char* d_out_rows = row_of(d_out, state.b, state.h, first.q0);
    if (call_.args.d_k.data != nullptr)
        call_.kernels.pack_columns(q_rows, row_stride(q), queries, count * p.lanes, depth_,
                                   state.scratch + query_columns_at_);
    if (call_.args.d_v.data != nullptr)
        call_.kernels.pack_columns(d_out_rows, row_stride(d_out), queries, count * p.lanes, width_,
                                   state.scratch + d_out_columns_at_);
    for (int i = 0; i < count; ++i) {
        const int lanes = call_.tiling.panel(panel + i).lanes;
        const auto place = static_cast<std::size_t>(i);
        p.pack_queries(q_rows + i * p.lanes * row_stride(q), row_stride(q), lanes, depth_,
                       call_.args.call.scale, state.scratch + queries_at_ + place * query_bytes_);
        if (call_.wants_g())
            p.pack_queries(d_out_rows + i * p.lanes * row_stride(d_out), row_stride(d_out), lanes,
                           width_, 1, state.scratch + d_outs_at_ + place * d_out_bytes_);
    }
}

void PanelBackward::keys(State& state, const Piece& queries, std::int64_t first, int count,
                         const KeyPiece& piece) const {
    Passes::Span spans[kMostPanels], all{piece.rows, 0};
    // Panels of a partial block see different keys.
    const int at_once = piece.partial ? 1 : kPanelsAtOnce;
    for (int i = 0; i < count; ++i) {
        if (i % at_once == 0)
            spans[i] = scores(state, first + i, i, std::min(at_once, count - i), piece);
        else
            spans[i] = spans[i - 1];
        if (spans[i].begin == spans[i].end) continue;
        panel(state, queries, first + i, i, i % at_once, piece, spans[i]);
        all = {std::min(all.begin, spans[i].begin), std::max(all.end, spans[i].end)};
    }
    if (all.begin >= all.end) return;
    for (int i = 0; i < count; ++i) {
        const Passes::Span span = spans[i];
        const int begin = std::max(span.begin, all.begin);  // of a span that is not empty: its own
        clear_rows(state, i, all.begin, begin);
        clear_rows(state, i, std::max(span.end, all.begin), all.end);
    }
    const KeyPiece seen{piece.first + all.begin, all.end - all.begin, piece.partial};
    const auto at = static_cast<std::size_t>(all.begin) * static_cast<std::size_t>(row_stride_);
    if (call_.args.d_v.data != nullptr)
        add_columns(state, p_rows_at_ + at, d_out_columns_at_, d_v_at_, width_columns_, count,
                    seen);
    if (call_.args.d_k.data != nullptr)
        add_columns(state, ds_rows_at_ + at, query_columns_at_, d_k_at_, depth_columns_, count,
                    seen);
}

/// Rows [begin, end) of a panel's P and dS: no query of it sees these keys.
void PanelBackward::clear_rows(State& state, int place, int begin, int end) const {
    const std::size_t in_row = static_cast<std::size_t>(place) * in_row_bytes_;
    for (int row = begin; row < end; ++row) {
        const auto at = static_cast<std::size_t>(row) * static_cast<std::size_t>(row_stride_);
        if (call_.args.d_v.data != nullptr)
            std::memset(state.scratch + p_rows_at_ + at + in_row, 0, in_row_bytes_);
        if (call_.args.d_k.data != nullptr)
            std::memset(state.scratch + ds_rows_at_ + at + in_row, 0, in_row_bytes_);
    }
}

TileArgs PanelBackward::tile_args(const State& state, std::int64_t panel,
                                  const KeyPiece& piece) const {
    const plan::LaunchArgs& call = call_.args.call;
    const Panel at = call_.tiling.panel(panel);
    TileArgs args{};
    args.scale = static_cast<float>(call.scale);
    args.scale64 = call.scale;
    args.b = static_cast<std::int32_t>(state.b);
    args.h = static_cast<std::int32_t>(state.h);
    args.q0 = static_cast<std::int32_t>(at.q0);
    args.k0 = static_cast<std::int32_t>(state.chunk.begin + piece.first);
    args.rows = piece.rows;
    args.lanes = at.lanes;
    return args;
}

/// S and dP of `count` panels, on the keys among which are all that the first one's queries see: of
/// a causal mask's last block those are about half.
Passes::Span PanelBackward::scores(const State& state, std::int64_t panel, int place, int count,
                                   const KeyPiece& piece) const {
    const PanelKernels& p = call_.panel;
    Passes::Span span{0, piece.rows};
    if (piece.partial) span = call_.passes.visible(tile_args(state, panel, piece));
    const int rows = span.end - span.begin;
    if (rows == 0) return span;
    const std::int64_t first = piece.first + span.begin;
    const auto slot = static_cast<std::size_t>(place);
    const auto panels = [&](std::size_t bytes) {
        return Panels{count, static_cast<std::int64_t>(bytes),
                      static_cast<std::int64_t>(tile_bytes_)};
    };
    p.scores(state.k + first * state.k_stride, state.k_stride, rows, depth_steps_,
             state.scratch + queries_at_ + slot * query_bytes_, state.scratch + s_at_,
             panels(query_bytes_));
    if (call_.wants_g())
        p.scores(state.v + first * state.v_stride, state.v_stride, rows, width_steps_,
                 state.scratch + d_outs_at_ + slot * d_out_bytes_, state.scratch + dp_at_,
                 panels(d_out_bytes_));
    return span;
}

/// The backward pass and dQ of a panel whose S and dP, of the keys in `span`, are the turn-th.
void PanelBackward::panel(State& state, const Piece& queries, std::int64_t panel, int place,
                          int turn, const KeyPiece& piece, const Passes::Span& span) const {
    const KeyPiece seen{piece.first + span.begin, span.end - span.begin, piece.partial};
    const TileArgs args = tile_args(state, panel, seen);
    const std::int64_t index = call_.panel_index(state.b, state.h, panel);
    BackwardTile tile{};
    pass(state, queries, args, {place, turn, span.begin}, index, piece.partial, tile);
    if (!call_.buffers.empty())
        call_.buffers.add(state.task.number, args, tile, state.scratch + gather_scratch_at_);
    if (call_.args.d_q.data != nullptr) add_d_q(state, index, seen, tile);
}

/// The backward pass of the panel with that index.
void PanelBackward::pass(State& state, const Piece& queries, const TileArgs& args,
                         const TilePlace& at, std::int64_t index, bool partial,
                         BackwardTile& tile) const {
    const PanelKernels& p = call_.panel;
    const char* lse = call_.statistics + 2 * index * call_.lane_bytes();
    alignas(64) char some[kMaxLanes * sizeof(float)];
    tile.lse = lse;
    tile.delta = lse + lane_bytes_;
    if (queries.begin > args.q0 || queries.end < args.q0 + args.lanes) {
        // Lanes of other rows of blocks.
        std::memcpy(some, lse, lane_bytes_);
        const auto leave_out = [&](auto* lanes) {
            for (int i = 0; i < args.lanes; ++i)
                if (args.q0 + i < queries.begin || args.q0 + i >= queries.end)
                    lanes[i] = std::numeric_limits<std::decay_t<decltype(*lanes)>>::infinity();
        };
        if (p.scalar_bytes == sizeof(double))
            leave_out(reinterpret_cast<double*>(some));
        else
            leave_out(reinterpret_cast<float*>(some));
        tile.lse = some;
    }
    const std::size_t in_row = static_cast<std::size_t>(at.place) * in_row_bytes_ +
                               static_cast<std::size_t>(at.row * row_stride_);
    const std::size_t in_turn = static_cast<std::size_t>(at.turn) * tile_bytes_;
    const char* dp = state.scratch + dp_at_ + in_turn;
    tile.p = state.scratch + p_rows_at_ + in_row;
    tile.ds = state.scratch + ds_rows_at_ + in_row;
    tile.row_stride = row_stride_;
    tile.ds_panel = state.scratch + pairs_at_;
    const auto rows =
        static_cast<std::int64_t>(std::min<std::int64_t>(kPieceKeys, call_.split.chunk_keys()));
    tile.values = state.scratch + gather_values_at_;
    tile.value_bytes = rows * static_cast<std::int64_t>(lane_bytes_);
    tile.offsets = reinterpret_cast<std::int32_t*>(state.scratch + gather_offsets_at_);
    tile.offset_bytes = rows * p.lanes * static_cast<std::int64_t>(sizeof(std::int32_t));
    call_.passes.backward(partial)(state.scratch + s_at_ + in_turn, dp, &tile, &args,
                                   call_.passes.words());
}

/// Adds dS times keys to the dQ of the panel with that index.
void PanelBackward::add_d_q(State& state, std::int64_t index, const KeyPiece& piece,
                            const BackwardTile& tile) const {
    const PanelKernels& p = call_.panel;
    const TensorView& keys = call_.args.call.k;
    const std::int64_t d_q_index = state.task.group * call_.all_panels() + index;
    char* d_q = call_.d_q + d_q_index * call_.d_q_panel_bytes();
    const char* k = state.key_steps + piece.first / p.step_elements * state.step_stride;
    if (piece.first % p.step_elements != 0) {
        // The chunk's pairs start at its even keys and this piece's at odd ones.
        char* odd = state.scratch + odd_pairs_at_;
        p.stage_values(row_of(keys, state.kv_b, state.kv_h, state.chunk.begin + piece.first),
                       row_stride(keys), piece.rows, depth_, odd, pair_stride_);
        k = odd;
    }
    const int steps = ceil_div(piece.rows, p.step_elements);
    call_.kernels.sum_steps(k, state.step_stride, steps, depth_, pairs_ ? tile.ds_panel : tile.ds,
                            pairs_ ? static_cast<std::int64_t>(lane_bytes_) : row_stride_, d_q,
                            call_.touched[d_q_index] != 0);
    call_.touched[d_q_index] = 1;
}

/// Adds rows of P (dS) times columns of dO (Q) to dV (dK).
void PanelBackward::add_columns(State& state, std::size_t rows_at, std::size_t columns_at,
                                std::size_t sums_at, int columns, int count,
                                const KeyPiece& piece) const {
    const PanelKernels& p = call_.panel;
    const auto first = static_cast<std::size_t>(piece.first);
    const int steps = count * p.lanes / p.step_elements;
    const std::size_t column_bytes = static_cast<std::size_t>(steps) * lane_bytes_;
    const std::size_t sum_bytes = static_cast<std::size_t>(call_.split.chunk_keys()) * lane_bytes_;
    // All of what is ahead, in the course of the tile's products dV and dK.
    constexpr int kRows = 6;
    const int tiles = ceil_div(piece.rows, kRows) * (depth_columns_ + width_columns_);
    const int lines = ceil_div(state.ahead.lines(), tiles);
    const int at_once = std::max(1, static_cast<int>(kColumnBytes / column_bytes));
    for (int c = 0; c < columns; c += at_once) {
        const auto slot = static_cast<std::size_t>(c);
        call_.kernels.add_rows(
            state.scratch + rows_at, row_stride_, piece.rows, steps,
            state.scratch + columns_at + slot * column_bytes,
            state.scratch + sums_at + slot * sum_bytes + first * lane_bytes_,
            {std::min(at_once, columns - c), static_cast<std::int64_t>(column_bytes),
             static_cast<std::int64_t>(sum_bytes)},
            &state.ahead, lines);
    }
}

void PanelBackward::write(const State& state) const {
    const int rows = static_cast<int>(state.chunk.end - state.chunk.begin);
    const int column_rows = static_cast<int>(call_.split.chunk_keys());
    const auto write_one = [&](const TensorView& out, std::size_t sums_at, int columns, int width,
                               double factor) {
        if (out.data == nullptr) return;
        if (!state.visited)
            std::memset(state.scratch + sums_at, 0,
                        static_cast<std::size_t>(columns) * static_cast<std::size_t>(column_rows) *
                            lane_bytes_);
        call_.kernels.write_columns(state.scratch + sums_at, column_rows, rows, width, factor,
                                    row_of(out, state.kv_b, state.kv_h, state.chunk.begin),
                                    row_stride(out));
    };
    write_one(call_.args.d_k, d_k_at_, depth_columns_, depth_, call_.args.call.scale);
    write_one(call_.args.d_v, d_v_at_, width_columns_, width_, 1);
}

}  // namespace flexion::cpu
