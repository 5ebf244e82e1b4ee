// SPDX-License-Identifier: Apache-2.0
// Decode: few queries against many keys. The query heads that share a kv head go together, so that
// K and V are read once for all of them; the keys of a head are split over tasks, by the problem
// alone, and the last task of a head merges the parts in order.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "backend/cpu/kernels/call.h"
#include "backend/cpu/kernels/merge.h"

namespace flexion::cpu {
namespace {

constexpr std::int64_t kTileKeys = 256;  // that a tile pass sees at a time
constexpr std::int64_t kMaxRows = 64;    // of a task
// Parts are made as long as there are fewer tasks than this, none shorter than kFewestKeys.
constexpr std::int64_t kEnoughTasks = 64;
constexpr std::int64_t kFewestKeys = 512;
constexpr std::int64_t kKeyUnit = 64;  // parts but the last are multiples of it

/// Rows that attend to the same keys: some heads of one kv head, the queries of one row of blocks.
struct Unit {
    std::int64_t b, kv_head;
    std::int64_t h0, h1, q0, q1;
    std::span<const BlockRun> runs;

    int rows() const { return static_cast<int>((h1 - h0) * (q1 - q0)); }
    std::int64_t head(int row) const { return h0 + row / (q1 - q0); }
    std::int64_t query(int row) const { return q0 + row % (q1 - q0); }
};

/// How a call falls into units, and its keys into parts.
class Units {
public:
    explicit Units(const plan::LaunchArgs& args);
    std::int64_t count() const { return count_; }
    int most_rows() const { return static_cast<int>(heads_ * std::min(block_q_, args_.q_len())); }
    Unit operator[](std::int64_t index) const;
    const Visits& visits() const { return visits_; }
    std::int64_t block_kv() const { return block_kv_; }

    int parts() const { return parts_; }
    std::int64_t part_keys() const { return part_keys_; }  ///< visited keys of a part

private:
    const plan::LaunchArgs& args_;
    std::int64_t group_, block_q_, block_kv_;
    std::int64_t heads_;  // of a unit
    std::int64_t head_sets_, q_sets_, count_;
    BlockRun everything_{0, 1, true};
    Visits visits_;
    int parts_ = 1;
    std::int64_t part_keys_ = 0;
};

Units::Units(const plan::LaunchArgs& args) : args_(args), group_(args.q_heads() / args.kv_heads()) {
    const BlockMask* mask = args.block_mask;
    block_q_ = mask != nullptr ? mask->block_size().q : args.q_len();
    block_kv_ = mask != nullptr ? mask->block_size().kv : args.kv_len();
    const bool lists_differ = mask != nullptr && mask->H() > 1;
    const std::int64_t queries = std::min(block_q_, args.q_len());
    heads_ = lists_differ ? 1 : std::clamp<std::int64_t>(kMaxRows / queries, 1, group_);
    head_sets_ = (group_ + heads_ - 1) / heads_;
    q_sets_ = (args.q_len() + block_q_ - 1) / block_q_;
    count_ = args.batch() * args.kv_heads() * head_sets_ * q_sets_;

    std::int64_t most = 0;
    for (std::int64_t i = 0; i < count_; ++i) {
        const Unit unit = (*this)[i];
        std::int64_t keys = 0;
        for (const BlockRun& run : unit.runs) {
            const std::int64_t begin = run.begin() * block_kv_;
            const std::int64_t end = std::min(run.end() * block_kv_, args.kv_len());
            if (begin >= end) continue;
            keys += end - begin;
            (run.full() ? visits_.full : visits_.partial) = true;
        }
        visits_.scores += keys * unit.rows();
        most = std::max(most, keys);
    }
    const std::int64_t wanted = (kEnoughTasks + count_ - 1) / count_;
    const std::int64_t possible = std::max<std::int64_t>(most / kFewestKeys, 1);
    const std::int64_t share = (most + std::min(wanted, possible) - 1) / std::min(wanted, possible);
    part_keys_ = std::max<std::int64_t>((share + kKeyUnit - 1) / kKeyUnit * kKeyUnit, 1);
    parts_ = static_cast<int>(std::max<std::int64_t>((most + part_keys_ - 1) / part_keys_, 1));
}

Unit Units::operator[](std::int64_t index) const {
    Unit unit;
    const std::int64_t q_set = index % q_sets_;
    index /= q_sets_;
    const std::int64_t head_set = index % head_sets_;
    index /= head_sets_;
    unit.kv_head = index % args_.kv_heads();
    unit.b = index / args_.kv_heads();
    unit.h0 = unit.kv_head * group_ + head_set * heads_;
    unit.h1 = std::min(unit.h0 + heads_, (unit.kv_head + 1) * group_);
    unit.q0 = q_set * block_q_;
    unit.q1 = std::min(unit.q0 + block_q_, args_.q_len());
    unit.runs = args_.block_mask != nullptr ? runs_of(*args_.block_mask, unit.b, unit.h0, q_set)
                                            : std::span<const BlockRun>(&everything_, 1);
    return unit;
}

/// Everything that tasks share. T: the type of scores and sums.
template <class T>
class StreamForward {
public:
    StreamForward(const plan::LaunchArgs& args, const StreamKernels& kernels, const Units& units,
                  const Passes& passes);
    std::int64_t tasks() const { return units_.count() * units_.parts(); }
    std::size_t scratch_bytes() const { return scratch_bytes_; }
    std::size_t parts_bytes() const { return parts_bytes_; }
    void run(std::int64_t task);

private:
    /// Statistics and results of a unit's rows, and for one task its other scratch.
    struct Rows {
        T *m, *l, *o;
        T *alpha, *q, *s;
    };
    void attend(const Unit& unit, const Rows& rows, std::int64_t begin, std::int64_t end,
                bool partial) const;
    void finish(const Unit& unit, T* m, T* l, T* o) const;

    T* part_m(std::int64_t task) { return parts_ + task * part_size_; }
    T* part_o(std::int64_t task) { return part_m(task) + part_o_at_; }

    const plan::LaunchArgs& args_;
    const StreamKernels& kernels_;
    const Units& units_;
    const Passes& passes_;
    int depth_, width_, most_rows_;
    std::int64_t q_row_, o_row_;  // scalars from row to row
    std::size_t scratch_bytes_, parts_bytes_ = 0;
    Lease lease_;
    std::uint32_t* waiting_ = nullptr;  // per unit: parts that are not there yet
    T* parts_ = nullptr;                // per task: m, l and o of all rows
    std::int64_t part_size_ = 0, part_o_at_ = 0;
};

template <class T>
StreamForward<T>::StreamForward(const plan::LaunchArgs& args, const StreamKernels& kernels,
                                const Units& units, const Passes& passes)
    : args_(args),
      kernels_(kernels),
      units_(units),
      passes_(passes),
      depth_(static_cast<int>(args.head_dim())),
      width_(static_cast<int>(args.v_head_dim())),
      most_rows_(units.most_rows()) {
    const std::int64_t unit = std::max<std::int64_t>(kernels.chunk, 64 / sizeof(T));
    q_row_ = (depth_ + unit - 1) / unit * unit;
    o_row_ = (width_ + unit - 1) / unit * unit;
    // m, l, alpha in lines of their own, then q, s and o.
    const std::int64_t scalars =
        3 * static_cast<std::int64_t>(aligned(sizeof(T) * most_rows_) / sizeof(T)) +
        most_rows_ * (q_row_ + o_row_ + kTileKeys);
    scratch_bytes_ = static_cast<std::size_t>(scalars) * sizeof(T);
    if (units.parts() == 1) return;
    part_o_at_ = static_cast<std::int64_t>(aligned(2 * sizeof(T) * most_rows_) / sizeof(T));
    part_size_ = part_o_at_ + most_rows_ * o_row_;
    const std::size_t counters =
        aligned(static_cast<std::size_t>(units.count()) * sizeof(*waiting_));
    parts_bytes_ = counters + static_cast<std::size_t>(tasks() * part_size_) * sizeof(T);
    char* memory = lease_.reserve<char>(parts_bytes_);
    waiting_ = reinterpret_cast<std::uint32_t*>(memory);
    std::fill_n(waiting_, units.count(), static_cast<std::uint32_t>(units.parts()));
    parts_ = reinterpret_cast<T*>(memory + counters);
}

template <class T>
void StreamForward<T>::attend(const Unit& unit, const Rows& rows, std::int64_t begin,
                              std::int64_t end, bool partial) const {
    const int keys = static_cast<int>(end - begin);
    const char* k = row_of(args_.k, kv_batch(args_.k, unit.b), unit.kv_head, begin);
    const char* v = row_of(args_.v, kv_batch(args_.v, unit.b), unit.kv_head, begin);
    kernels_.scores(k, row_stride(args_.k), keys, depth_, rows.q, q_row_, unit.rows(), rows.s,
                    kTileKeys);
    TileArgs tile{};
    tile.scale = static_cast<float>(args_.scale);
    tile.scale64 = args_.scale;
    tile.b = static_cast<std::int32_t>(unit.b);
    tile.k0 = static_cast<std::int32_t>(begin);
    tile.rows = keys;
    tile.lanes = 1;
    for (int r = 0; r < unit.rows(); ++r) {
        tile.h = static_cast<std::int32_t>(unit.head(r));
        tile.q0 = static_cast<std::int32_t>(unit.query(r));
        T* s = rows.s + r * kTileKeys;
        passes_.tile(partial)(s, s, rows.m + r, rows.l + r, rows.alpha + r, &tile, passes_.words());
    }
    kernels_.accumulate(v, row_stride(args_.v), keys, width_, rows.s, kTileKeys, unit.rows(),
                        rows.o, o_row_, rows.alpha);
}

template <class T>
void StreamForward<T>::finish(const Unit& unit, T* m, T* l, T* o) const {
    for (int r = 0; r < unit.rows(); ++r) {
        const std::int64_t h = unit.head(r), q = unit.query(r);
        T* result = o + r * o_row_;
        T factor = 1 / l[r];
        if (l[r] == T(0)) {  // no keys: 0, whatever was summed
            std::fill_n(result, o_row_, T(0));
            factor = 0;
        }
        kernels_.write(result, &factor, width_, row_of(args_.out, unit.b, h, q));
        write_statistics(args_, unit.b, h, q, m[r], l[r]);
    }
}

template <class T>
void StreamForward<T>::run(std::int64_t task) {
    const std::int64_t parts = units_.parts();
    const Unit unit = units_[task / parts];
    const int count = unit.rows();
    char* at = thread_scratch(scratch_bytes_);
    const auto take = [&at](std::int64_t scalars) {
        T* here = reinterpret_cast<T*>(at);
        at += aligned(static_cast<std::size_t>(scalars) * sizeof(T));
        return here;
    };
    Rows rows;
    rows.alpha = take(count);
    rows.m = take(count), rows.l = take(count);
    rows.q = take(count * q_row_), rows.s = take(count * kTileKeys);
    rows.o = take(count * o_row_);
    if (parts > 1) rows.m = part_m(task), rows.l = rows.m + most_rows_, rows.o = part_o(task);
    std::fill_n(rows.m, count, -std::numeric_limits<T>::infinity());
    std::fill_n(rows.l, count, T(0));
    std::fill_n(rows.o, count * o_row_, T(0));
    for (int r = 0; r < count; ++r)
        kernels_.query(row_of(args_.q, unit.b, unit.head(r), unit.query(r)), depth_,
                       rows.q + r * q_row_);

    // This part's share of the visited keys, counted from the first one.
    std::int64_t skip = task % parts * units_.part_keys(), left = units_.part_keys();
    for (const BlockRun& run : unit.runs) {
        std::int64_t begin = run.begin() * units_.block_kv();
        const std::int64_t end = std::min(run.end() * units_.block_kv(), args_.kv_len());
        const std::int64_t skipped = std::min(skip, std::max<std::int64_t>(end - begin, 0));
        begin += skipped, skip -= skipped;
        while (begin < end && left > 0) {
            const std::int64_t n = std::min({end - begin, left, kTileKeys});
            attend(unit, rows, begin, begin + n, !run.full());
            begin += n, left -= n;
        }
    }

    if (parts == 1) return finish(unit, rows.m, rows.l, rows.o);
    // Whoever brings the last part merges all of them, in the order of the keys.
    std::atomic_ref<std::uint32_t> waiting(waiting_[task / parts]);
    if (waiting.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    const std::int64_t first = task / parts * parts;
    T *m = part_m(first), *l = m + most_rows_, *o = part_o(first);
    for (int r = 0; r < count; ++r)
        merge_parts(static_cast<int>(parts), m + r, l + r, part_size_, o + r * o_row_, part_size_,
                    static_cast<int>(o_row_));
    finish(unit, m, l, o);
}

template <class T>
void forward_stream(const plan::LaunchArgs& args, backend::KernelProvider& kernels,
                    const StreamKernels& micro) {
    const Units units(args);
    const Passes passes(args, kernels, {.dtype = args.q.dtype, .few_queries = true},
                        units.visits().full, units.visits().partial);
    StreamForward<T> forward(args, micro, units, passes);
    if (args.info != nullptr) {
        const std::int64_t threads = std::min<std::int64_t>(args.executor.width, forward.tasks());
        args.info->scratch_bytes = static_cast<std::int64_t>(forward.parts_bytes()) +
                                   threads * static_cast<std::int64_t>(forward.scratch_bytes());
        args.info->visited_scores = units.visits().scores;
    }
    args.executor.run(forward.tasks(), [&](std::int64_t task, int) { forward.run(task); });
    passes.finish(args, "flexion::attention");
}

}  // namespace

void forward_stream(const plan::LaunchArgs& args, backend::KernelProvider& kernels, Isa isa) {
    const StreamKernels& micro = stream_kernels(kernels_of(isa), args.q.dtype);
    if (args.q.dtype == DType::f64)
        forward_stream<double>(args, kernels, micro);
    else
        forward_stream<float>(args, kernels, micro);
}

}  // namespace flexion::cpu
