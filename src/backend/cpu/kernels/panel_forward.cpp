// SPDX-License-Identifier: Apache-2.0
// Prefill: a task is a tile of queries of one head; it walks through the keys that its rows of
// blocks list, a window at a time, and each of its panels runs scores, tile pass and accumulation
// on it (Dao, "FlashAttention-2", 2023, algorithm 1, with the scores transposed).
#include <algorithm>
#include <cstring>

#include "backend/cpu/kernels/call.h"

namespace flexion::cpu {
namespace {

// The queries of a task share the windows of K and V that it reads, from L3 or memory. On Zen 3 at
// S = 4096 and D = 128, tiles of 256, 512 and 1024 queries reach 0.848, 0.868 and 0.874 of the
// peak, although the queries and results of the last two overflow L2: those are streams.
constexpr int kMostQueries = 1024;
constexpr int kFewestQueries = 32;
constexpr std::int64_t kMostTileBytes = 1 << 20;  // of queries and results
constexpr int kMaxPanels = 64;
// Keys that a tile pass sees at a time: windows lie at multiples of it, so that what a panel
// computes does not depend on the panels beside it, but for a short rest, which joins the window
// before it.
constexpr std::int64_t kWindow = 128;
constexpr std::int64_t kLongestWindow = 160;
// Tasks of a thread that even out those of a mask, and the share of the threads' time that may be
// idle at the end where all tasks are equal.
constexpr std::int64_t kTasksOfThread = 8;
constexpr std::int64_t kIdleShare = 32;  // a thirty-second

/// Queries from which on a copy of a window's rows pays: it streams them from L3 or memory while
/// the products would wait for each line, and its rows do not fall into the same sets of L1. On
/// Zen 3 a window's copy costs as much as 16 panels gain at D = 128 (f32), and 43 at D = 64.
std::int64_t copying_queries(std::int64_t row_bytes) {
    return row_bytes >= 512 ? 256 : row_bytes >= 256 ? 768 : kMostQueries + 1;
}

/// Bytes from row to row of a staged tile: an odd number of cache lines, so that rows spread over
/// the sets of L1.
std::int64_t staged_stride(std::int64_t bytes) {
    const std::int64_t lines = (bytes + 63) / 64;
    return (lines | 1) * 64;
}

Tiling make_tiling(const plan::LaunchArgs& args, const PanelKernels& kernels) {
    const std::int64_t block_q =
        args.block_mask != nullptr ? args.block_mask->block_size().q : args.q_len();
    const std::int64_t bytes = (args.head_dim() + args.v_head_dim()) * kernels.scalar_bytes;
    const int lanes = kernels.lanes;
    const std::int64_t threads = args.executor.width;
    int queries = std::min(kMostQueries, kMaxPanels * lanes);
    while (queries > kFewestQueries && queries * bytes > kMostTileBytes) queries /= 2;
    for (;; queries /= 2) {
        const Tiling tiling(args.q_len(), block_q, lanes, std::max(queries / lanes, 1));
        if (threads == 1 || queries <= kFewestQueries || queries <= lanes) return tiling;
        const std::int64_t tasks = tiling.tiles() * args.batch() * args.q_heads();
        const std::int64_t idle = (threads - tasks % threads) % threads;
        if (tasks >= kTasksOfThread * threads && idle * kIdleShare <= tasks) return tiling;
    }
}

/// Everything that tasks share, read only.
class PanelForward {
public:
    PanelForward(const plan::LaunchArgs& args, const PanelKernels& kernels, const Tiling& tiling,
                 const Passes& passes);
    std::size_t scratch_bytes() const { return scratch_bytes_; }
    void run(const Task& task) const;

private:
    /// The panels of one task and where they stand.
    struct State {
        Task task;
        int panels;
        Panel panel[kMaxPanels];
        int walk_of[kMaxPanels];
        bool started[kMaxPanels];
        char* scratch;
    };
    /// One walk per set of rows of blocks, and how many panels go along it.
    struct Walks {
        int count = 0;
        Walk walk[kMaxPanels];
        int panels[kMaxPanels];
    };
    /// Keys [begin, end) and where their rows are.
    struct Window {
        std::int64_t begin, end;
        const char *k, *v;  // of key `begin`
        std::int64_t k_stride, v_stride;
    };

    void start(State& state, Walks& walks) const;
    void reset_statistics(const State& state, int panel) const;
    std::int64_t window_end(const Walks& walks, std::int64_t begin) const;
    Window stage(const State& state, const Walks& walks, std::int64_t begin,
                 std::int64_t end) const;
    TileArgs tile_args(const State& state, int panel, const Piece& piece) const;
    void attend(State& state, int panel, const Window& window, const Piece& piece) const;
    void attend(State& state, int panel, const Window& window, const TileArgs& args, bool partial,
                LaneSet lanes) const;
    void finish(const State& state) const;

    char* queries(const State& s, int panel) const { return s.scratch + panel * query_bytes_; }
    char* result(const State& s, int panel) const {
        return s.scratch + result_at_ + static_cast<std::size_t>(panel) * result_bytes_;
    }
    char* statistics(const State& s, int panel, int which) const {  // 0: m, 1: l
        return s.scratch + statistics_at_ +
               static_cast<std::size_t>(2 * panel + which) * lane_bytes_;
    }

    const plan::LaunchArgs& args_;
    const PanelKernels& kernels_;
    const Tiling& tiling_;
    const Passes& passes_;
    int depth_, width_, steps_;
    std::int64_t group_, block_q_, block_kv_;
    std::int64_t stage_keys_, stage_values_;  // for that many queries and more
    std::int64_t staged_key_stride_, staged_value_stride_;
    std::size_t lane_bytes_, query_bytes_, result_bytes_;
    std::size_t result_at_, statistics_at_, scores_at_, pairs_at_, keys_at_, values_at_,
        odd_values_at_;
    std::size_t scratch_bytes_;
    BlockRun everything_{0, 1, true};  // the one run of a call without a mask
};

PanelForward::PanelForward(const plan::LaunchArgs& args, const PanelKernels& kernels,
                           const Tiling& tiling, const Passes& passes)
    : args_(args),
      kernels_(kernels),
      tiling_(tiling),
      passes_(passes),
      depth_(static_cast<int>(args.head_dim())),
      width_(static_cast<int>(args.v_head_dim())),
      steps_((depth_ + kernels.step_elements - 1) / kernels.step_elements),
      group_(args.q_heads() / args.kv_heads()),
      block_q_(args.block_mask != nullptr ? args.block_mask->block_size().q : args.q_len()),
      block_kv_(args.block_mask != nullptr ? args.block_mask->block_size().kv : args.kv_len()) {
    // A pair must not take its second half from past the end of a row.
    const bool must_stage_keys = kernels.must_stage_keys || depth_ % kernels.step_elements != 0;
    stage_keys_ = must_stage_keys ? 0 : copying_queries(std::int64_t{depth_} * kernels.key_bytes);
    stage_values_ =
        kernels.must_stage_values ? 0 : copying_queries(std::int64_t{width_} * kernels.value_bytes);
    staged_key_stride_ = staged_stride(std::int64_t{depth_} * kernels.key_bytes);
    staged_value_stride_ = staged_stride(std::int64_t{width_} * kernels.value_bytes);

    const std::size_t panels = static_cast<std::size_t>(tiling.most_panels());
    lane_bytes_ = static_cast<std::size_t>(kernels.lanes * kernels.scalar_bytes);
    query_bytes_ = static_cast<std::size_t>(steps_) * lane_bytes_;
    result_bytes_ = static_cast<std::size_t>(width_) * lane_bytes_;
    std::size_t at = panels * query_bytes_;
    const auto place = [&at](std::size_t bytes) {
        const std::size_t here = at;
        at += aligned(bytes);
        return here;
    };
    result_at_ = place(panels * result_bytes_);
    statistics_at_ = place(panels * 2 * lane_bytes_);
    scores_at_ = place(kLongestWindow * lane_bytes_);
    pairs_at_ = scores_at_;
    if (kernels.p_format == PFormat::bf16_pairs)
        pairs_at_ = place(kLongestWindow / 2 * lane_bytes_);
    const std::int64_t queries = tiling.most_panels() * kernels.lanes;
    keys_at_ = queries >= stage_keys_
                   ? place(static_cast<std::size_t>(kLongestWindow * staged_key_stride_))
                   : 0;
    const std::size_t value_bytes =
        static_cast<std::size_t>(kLongestWindow / kernels.step_elements * staged_value_stride_);
    values_at_ = queries >= stage_values_ ? place(value_bytes) : 0;
    odd_values_at_ = kernels.step_elements > 1 ? place(value_bytes) : 0;
    scratch_bytes_ = at;
}

void PanelForward::reset_statistics(const State& state, int panel) const {
    const auto reset = [&]<class T>(T) {
        std::fill_n(reinterpret_cast<T*>(statistics(state, panel, 0)), kernels_.lanes,
                    -std::numeric_limits<T>::infinity());
        std::fill_n(reinterpret_cast<T*>(statistics(state, panel, 1)), kernels_.lanes, T(0));
    };
    if (kernels_.scalar_bytes == sizeof(double))
        reset(0.0);
    else
        reset(0.0f);
}

/// Packs the queries and sets up the walks.
void PanelForward::start(State& state, Walks& walks) const {
    const Task& task = state.task;
    const std::int64_t first = tiling_.first_panel(task.tile);
    state.panels = static_cast<int>(tiling_.first_panel(task.tile + 1) - first);
    const std::int64_t kv_len = args_.kv_len();
    std::int64_t walk_first = -1, walk_last = -1;  // rows of the last walk
    for (int p = 0; p < state.panels; ++p) {
        const Panel panel = state.panel[p] = tiling_.panel(first + p);
        state.started[p] = false;
        reset_statistics(state, p);
        kernels_.pack_queries(row_of(args_.q, task.b, task.h, panel.q0), row_stride(args_.q),
                              panel.lanes, depth_, args_.scale, queries(state, p));
        const std::int64_t row = panel.q0 / block_q_;
        const std::int64_t last = (panel.q0 + panel.lanes - 1) / block_q_;
        if (row != walk_first || last != walk_last) {
            walks.panels[walks.count] = 0;
            Walk& walk = walks.walk[walks.count++];
            walk.start(block_kv_, kv_len);
            if (args_.block_mask == nullptr) {
                walk.add({&everything_, 1}, kAllLanes);
            } else if (row == last) {
                walk.add(runs_of(*args_.block_mask, task.b, task.h, row), kAllLanes);
            } else {
                for (std::int64_t r = row; r <= last; ++r) {
                    const std::int64_t from = std::max(r * block_q_ - panel.q0, std::int64_t{0});
                    const std::int64_t to =
                        std::min((r + 1) * block_q_ - panel.q0, std::int64_t{panel.lanes});
                    const std::uint64_t bits =
                        (std::uint64_t{1} << to) - (std::uint64_t{1} << from);
                    walk.add(runs_of(*args_.block_mask, task.b, task.h, r),
                             static_cast<LaneSet>(bits));
                }
            }
            walk_first = row, walk_last = last;
        }
        state.walk_of[p] = walks.count - 1;
        ++walks.panels[walks.count - 1];
    }
}

/// Where a window that begins at `begin` ends: every key in it is visited by some panel.
std::int64_t PanelForward::window_end(const Walks& walks, std::int64_t begin) const {
    std::int64_t limit = (begin / kWindow + 1) * kWindow;
    if (args_.kv_len() - limit <= kLongestWindow - kWindow) limit = args_.kv_len();
    std::int64_t end = begin;
    for (bool grew = true; grew && end < limit;) {
        grew = false;
        for (int w = 0; w < walks.count; ++w) {
            const Piece piece = walks.walk[w].next(end);
            if (piece.empty() || piece.begin != end) continue;
            end = piece.end;
            grew = true;
        }
    }
    return std::min(end, limit);
}

PanelForward::Window PanelForward::stage(const State& state, const Walks& walks, std::int64_t begin,
                                         std::int64_t end) const {
    std::int64_t queries = 0;
    for (int w = 0; w < walks.count; ++w) {
        const Piece piece = walks.walk[w].next(begin);
        if (!piece.empty() && piece.begin < end) queries += walks.panels[w] * kernels_.lanes;
    }
    const std::int64_t head = state.task.h / group_;
    const int rows = static_cast<int>(end - begin);
    Window window;
    window.begin = begin, window.end = end;
    window.k = row_of(args_.k, kv_batch(args_.k, state.task.b), head, begin);
    window.v = row_of(args_.v, kv_batch(args_.v, state.task.b), head, begin);
    window.k_stride = row_stride(args_.k), window.v_stride = row_stride(args_.v);
    if (queries >= stage_keys_) {
        char* to = state.scratch + keys_at_;
        kernels_.stage_keys(window.k, window.k_stride, rows, depth_, to, staged_key_stride_);
        window.k = to, window.k_stride = staged_key_stride_;
    }
    if (queries >= stage_values_) {
        char* to = state.scratch + values_at_;
        kernels_.stage_values(window.v, window.v_stride, rows, width_, to, staged_value_stride_);
        window.v = to, window.v_stride = staged_value_stride_;
    }
    return window;
}

TileArgs PanelForward::tile_args(const State& state, int panel, const Piece& piece) const {
    TileArgs args{};
    args.scale64 = kernels_.scales_queries ? 1 : args_.scale;
    args.scale = static_cast<float>(args.scale64);
    args.b = static_cast<std::int32_t>(state.task.b);
    args.h = static_cast<std::int32_t>(state.task.h);
    args.q0 = static_cast<std::int32_t>(state.panel[panel].q0);
    args.k0 = static_cast<std::int32_t>(piece.begin);
    args.rows = static_cast<std::int32_t>(piece.end - piece.begin);
    args.lanes = state.panel[panel].lanes;
    return args;
}

/// Scores, tile pass and accumulation of one panel on the keys of `args`, for `lanes` only: the
/// others keep their statistics and get weights of 0.
void PanelForward::attend(State& state, int panel, const Window& window, const TileArgs& args,
                          bool partial, LaneSet lanes) const {
    const std::int64_t offset = args.k0 - window.begin;
    const int rows = args.rows;
    char* s = state.scratch + scores_at_;
    char* p = state.scratch + pairs_at_;
    char *m = statistics(state, panel, 0), *l = statistics(state, panel, 1);
    alignas(64) char alpha[kMaxLanes * sizeof(float)];
    kernels_.scores(window.k + offset * window.k_stride, window.k_stride, rows, steps_,
                    queries(state, panel), s, {});

    const int p_rows = (rows + kernels_.step_elements - 1) / kernels_.step_elements;
    const LaneSet real = static_cast<LaneSet>((std::uint64_t{1} << args.lanes) - 1);
    if (const LaneSet others = real & ~lanes; others == 0) {
        passes_.tile(partial)(s, p, m, l, alpha, &args, passes_.words());
    } else {
        char saved[2][kMaxLanes * sizeof(float)];
        std::memcpy(saved[0], m, lane_bytes_);
        std::memcpy(saved[1], l, lane_bytes_);
        passes_.tile(partial)(s, p, m, l, alpha, &args, passes_.words());
        const std::size_t bytes = static_cast<std::size_t>(kernels_.scalar_bytes);
        for (int lane = 0; lane < args.lanes; ++lane) {
            if ((others >> lane & 1) == 0) continue;
            const std::size_t at = static_cast<std::size_t>(lane) * bytes;
            std::memcpy(m + at, saved[0] + at, bytes);
            std::memcpy(l + at, saved[1] + at, bytes);
            if (bytes == sizeof(double))
                reinterpret_cast<double*>(alpha)[lane] = 1;
            else
                reinterpret_cast<float*>(alpha)[lane] = 1;
            for (int r = 0; r < p_rows; ++r)
                std::memset(p + static_cast<std::size_t>(r) * lane_bytes_ + at, 0, bytes);
        }
    }

    const char* v = window.v + offset / kernels_.step_elements * window.v_stride;
    if (offset % kernels_.step_elements != 0) {
        // The window's pairs start at its even keys and this piece's at odd ones.
        char* to = state.scratch + odd_values_at_;
        const std::int64_t head = state.task.h / group_;
        kernels_.stage_values(row_of(args_.v, kv_batch(args_.v, state.task.b), head, args.k0),
                              row_stride(args_.v), rows, width_, to, staged_value_stride_);
        v = to;
    }
    kernels_.accumulate(v, window.v_stride, p_rows, width_, p, result(state, panel),
                        state.started[panel] ? alpha : nullptr);
    state.started[panel] = true;
}

void PanelForward::attend(State& state, int panel, const Window& window, const Piece& piece) const {
    TileArgs args = tile_args(state, panel, piece);
    if (piece.full != 0) attend(state, panel, window, args, false, piece.full);
    if (piece.partial == 0) return;
    // What the mask leaves out at either end is not computed: of a causal mask's last block nearly
    // half.
    const Passes::Span span = passes_.visible(args);
    args.k0 += span.begin;
    args.rows = span.end - span.begin;
    if (args.rows > 0) attend(state, panel, window, args, true, piece.partial);
}

void PanelForward::finish(const State& state) const {
    const Task& task = state.task;
    for (int p = 0; p < state.panels; ++p) {
        const Panel panel = state.panel[p];
        if (!state.started[p]) std::memset(result(state, p), 0, result_bytes_);
        kernels_.write_out(result(state, p), statistics(state, p, 1), panel.lanes, width_,
                           row_of(args_.out, task.b, task.h, panel.q0), row_stride(args_.out));
        if (args_.lse.data == nullptr && args_.max_scores.data == nullptr) continue;
        for (int lane = 0; lane < panel.lanes; ++lane) {
            const auto write = [&](auto* m, auto* l) {
                write_statistics(args_, task.b, task.h, panel.q0 + lane, m[lane], l[lane]);
            };
            char *m = statistics(state, p, 0), *l = statistics(state, p, 1);
            if (kernels_.scalar_bytes == sizeof(double))
                write(reinterpret_cast<double*>(m), reinterpret_cast<double*>(l));
            else
                write(reinterpret_cast<float*>(m), reinterpret_cast<float*>(l));
        }
    }
}

void PanelForward::run(const Task& task) const {
    State state;
    state.task = task;
    state.scratch = thread_scratch(scratch_bytes_);
    Walks walks;
    start(state, walks);
    for (std::int64_t from = 0;;) {
        Piece first;
        for (int w = 0; w < walks.count; ++w) {
            const Piece piece = walks.walk[w].next(from);
            if (!piece.empty() && (first.empty() || piece.begin < first.begin)) first = piece;
        }
        if (first.empty()) break;
        const std::int64_t end = window_end(walks, first.begin);
        const Window window = stage(state, walks, first.begin, end);
        for (int p = 0; p < state.panels; ++p) {
            const Walk& walk = walks.walk[state.walk_of[p]];
            for (Piece piece = walk.next(window.begin); !piece.empty() && piece.begin < end;
                 piece = walk.next(piece.end)) {
                piece.end = std::min(piece.end, end);
                attend(state, p, window, piece);
            }
        }
        for (int w = 0; w < walks.count; ++w) walks.walk[w].pass(end);
        from = end;
    }
    finish(state);
}

}  // namespace

void forward_panels(const plan::LaunchArgs& args, backend::KernelProvider& kernels, Isa isa) {
    const PanelKernels& micro = panel_kernels(kernels_of(isa), args.q.dtype);
    const Tiling tiling = make_tiling(args, micro);
    const WorkList work(args, tiling, args.executor.width > 1);
    const Passes passes(args, kernels, {.dtype = args.q.dtype}, work.visits().full,
                        work.visits().partial);
    const PanelForward forward(args, micro, tiling, passes);
    if (args.info != nullptr) {
        const std::int64_t threads = std::min<std::int64_t>(args.executor.width, work.size());
        args.info->scratch_bytes = threads * static_cast<std::int64_t>(forward.scratch_bytes());
        args.info->visited_scores = work.visits().scores;
    }
    args.executor.run(work.size(), [&](std::int64_t index, int) { forward.run(work[index]); });
    passes.finish(args, "flexion::attention");
}

}  // namespace flexion::cpu
