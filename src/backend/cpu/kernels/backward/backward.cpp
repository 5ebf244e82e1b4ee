// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/kernels/backward/backward.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "backend/cpu/kernels/backward/panel_backward.h"

namespace flexion::cpu {
namespace {

// Scratch: at most so many times the gradients asked for, in the scalars that sums are kept in.
// Buffers' gradients alone may be too small for a copy per task: copies may take as much as lse and
// delta do.
constexpr std::int64_t kBudget = 3;
constexpr std::int64_t kPanelsAtATime = 8;  // of the regions before and after the tasks

std::int64_t elements_of(const TensorView& t) {
    if (t.data == nullptr) return 0;
    return t.shape[0] * t.shape[1] * t.shape[2] * t.shape[3];
}

/// lse (infinite where no score counts) and delta of the lanes of one panel.
template <class T>
void write_statistics(const BackwardCall& call, std::int64_t b, std::int64_t h, const Panel& panel,
                      T* lse, T* delta) {
    const plan::BackwardArgs& args = call.args;
    constexpr T kNone = std::numeric_limits<T>::infinity();
    if (call.wants_g())
        call.kernels.row_dots(row_of(args.call.out, b, h, panel.q0), row_stride(args.call.out),
                              row_of(call.d_out, b, h, panel.q0), row_stride(call.d_out),
                              panel.lanes, static_cast<int>(args.call.v_head_dim()), delta);
    for (int i = 0; i < call.panel.lanes; ++i) {
        lse[i] = kNone;
        if (i < panel.lanes)
            lse[i] = *reinterpret_cast<const T*>(row_of(args.call.lse, b, h, panel.q0 + i));
        if (i < panel.lanes && call.wants_g() && args.d_lse.data != nullptr)
            delta[i] -= *reinterpret_cast<const T*>(row_of(args.d_lse, b, h, panel.q0 + i));
        if (lse[i] == -kNone) lse[i] = kNone;
        if (lse[i] == kNone) delta[i] = T(0);
    }
}

void write_statistics(const BackwardCall& call, char* to, std::int64_t b, std::int64_t h,
                      std::int64_t p) {
    char* lse = to + 2 * call.panel_index(b, h, p) * call.lane_bytes();
    char* delta = lse + call.lane_bytes();
    const Panel panel = call.tiling.panel(p);
    if (call.panel.scalar_bytes == sizeof(double))
        write_statistics(call, b, h, panel, reinterpret_cast<double*>(lse),
                         reinterpret_cast<double*>(delta));
    else
        write_statistics(call, b, h, panel, reinterpret_cast<float*>(lse),
                         reinterpret_cast<float*>(delta));
}

/// d_q of one panel: the sum over groups, in their order, times the scale.
void write_d_q(const BackwardCall& call, std::int64_t b, std::int64_t h, std::int64_t p) {
    const plan::BackwardArgs& args = call.args;
    const std::int64_t bytes = call.d_q_panel_bytes();
    const std::int64_t index = call.panel_index(b, h, p);
    char* sum = nullptr;
    for (std::int64_t g = 0; g < call.split.groups(); ++g) {
        const std::int64_t at = g * call.all_panels() + index;
        if (!call.touched[at]) continue;
        char* part = call.d_q + at * bytes;
        if (sum == nullptr)
            sum = part;
        else
            call.kernels.add_vectors(part, bytes / call.panel.scalar_bytes, sum);
    }
    const Panel panel = call.tiling.panel(p);
    const int depth = static_cast<int>(args.call.head_dim());
    // write_out divides, and gives 0 where the divisor is 0.
    alignas(64) char divisors[kMaxLanes * sizeof(float)];
    const auto fill = [&]<class T>(T scale) {
        std::fill_n(reinterpret_cast<T*>(divisors), call.panel.lanes,
                    sum == nullptr || scale == 0 ? T(0) : 1 / scale);
    };
    if (call.panel.scalar_bytes == sizeof(double))
        fill(args.call.scale);
    else
        fill(static_cast<float>(args.call.scale));
    call.panel.write_out(sum != nullptr ? sum : call.d_q + index * bytes, divisors, panel.lanes,
                         depth, row_of(args.d_q, b, h, panel.q0), row_stride(args.d_q));
}

/// Runs f(b, h, panel) for all panels of all heads.
template <class F>
void for_each_panel(const BackwardCall& call, const F& f) {
    const std::int64_t panels = call.tiling.panels();
    const std::int64_t runs = (panels + kPanelsAtATime - 1) / kPanelsAtATime;
    const std::int64_t heads = call.args.call.q_heads();
    call.args.call.executor.run(call.args.call.batch() * heads * runs, [&](std::int64_t task, int) {
        const std::int64_t bh = task / runs;
        const std::int64_t first = task % runs * kPanelsAtATime;
        const std::int64_t end = std::min(first + kPanelsAtATime, panels);
        for (std::int64_t p = first; p < end; ++p) f(bh / heads, bh % heads, p);
    });
}

/// About the scratch of one task.
std::int64_t tile_bytes(const plan::LaunchArgs& call, const PanelKernels& panel) {
    const std::int64_t widths = call.head_dim() + call.v_head_dim();
    const std::int64_t keys = std::min<std::int64_t>(call.kv_len(), 2 * kPieceKeys);
    const std::int64_t rows = 2 * keys + 2 * kTileQueries;  // gradients, keys; both packings
    return (rows * widths + 4 * kPieceKeys * kTileQueries) * panel.scalar_bytes;
}

/// d_out, or rows that all lie on one of zeros.
TensorView d_out_of(const plan::BackwardArgs& args, char* zeros) {
    TensorView d_out = args.d_out;
    if (d_out.data != nullptr) return d_out;
    d_out = args.call.out;
    d_out.data = zeros;
    for (int i = 0; i < 3; ++i) d_out.strides[i] = 0;
    return d_out;
}

}  // namespace

void backward(const plan::BackwardArgs& args, backend::KernelProvider& kernels, Isa isa) {
    const plan::LaunchArgs& call = args.call;
    const IsaKernels& micro = kernels_of(isa);
    const PanelKernels& panel = panel_kernels(micro, call.q.dtype);
    const BackwardKernels& more = backward_kernels(micro, call.q.dtype);
    BufferSums buffers(args, panel, more);
    const std::int64_t block_q =
        call.block_mask != nullptr ? call.block_mask->block_size().q : call.q_len();
    const Tiling tiling(call.q_len(), block_q, panel.lanes, 1);
    const std::int64_t all_panels = call.batch() * call.q_heads() * tiling.panels();

    SplitCosts costs;
    costs.key_bytes = panel.scalar_bytes;
    costs.pairs_together = buffers.pairs_together();
    costs.copy_bytes = buffers.copy_bytes();
    const std::int64_t lane_bytes = std::int64_t{panel.lanes} * panel.scalar_bytes;
    if (args.d_q.data != nullptr) costs.d_q_bytes = all_panels * call.head_dim() * lane_bytes;
    const std::int64_t asked = (elements_of(args.d_q) + elements_of(args.d_k) +
                                elements_of(args.d_v) + buffers.elements()) *
                               panel.scalar_bytes;
    const std::int64_t statistics_bytes = 2 * all_panels * lane_bytes;
    costs.budget_bytes =
        kBudget * asked - buffers.shared_bytes() - statistics_bytes - tile_bytes(call, panel);
    if (args.d_q.data == nullptr)
        costs.budget_bytes = std::max(costs.budget_bytes, statistics_bytes);
    const Split split(call, costs);
    const bool wants_ds = args.d_q.data != nullptr || args.d_k.data != nullptr;
    const Passes passes(call, kernels,
                        {.direction = plan::Direction::backward,
                         .dtype = call.q.dtype,
                         .wants_p = args.d_v.data != nullptr,
                         .wants_ds = wants_ds},
                        split.visits_full(), split.visits_partial());

    std::size_t bytes = 0;
    const auto place = [&bytes](std::int64_t n) {
        const std::size_t here = bytes;
        bytes += aligned(static_cast<std::size_t>(n));
        return here;
    };
    const std::size_t statistics_at = place(statistics_bytes);
    const std::size_t d_q_at = place(split.groups() * costs.d_q_bytes);
    const std::int64_t touched_bytes = costs.d_q_bytes > 0 ? split.groups() * all_panels : 0;
    const std::size_t touched_at = place(touched_bytes);
    const std::size_t copies_at = place(split.tasks() * buffers.copy_bytes());
    const std::size_t shared_at = place(buffers.shared_bytes());
    const std::size_t zeros_at = place(call.v_head_dim() * size_of(call.out.dtype));
    Lease lease;
    char* memory = lease.reserve<char>(bytes);
    std::memset(memory + touched_at, 0, static_cast<std::size_t>(touched_bytes));
    std::memset(memory + zeros_at, 0, bytes - zeros_at);

    const BackwardCall shared{.args = args,
                              .d_out = d_out_of(args, memory + zeros_at),
                              .panel = panel,
                              .kernels = more,
                              .tiling = tiling,
                              .split = split,
                              .passes = passes,
                              .buffers = buffers,
                              .statistics = memory + statistics_at,
                              .d_q = memory + d_q_at,
                              .touched = memory + touched_at};
    buffers.place(memory + copies_at, memory + shared_at, call.executor);
    const PanelBackward tasks(shared);
    if (call.info != nullptr) {
        call.info->isa = name_of(isa);
        call.info->scratch_bytes = static_cast<std::int64_t>(bytes + tasks.scratch_bytes());
        call.info->visited_scores = split.visited_scores();
    }
    for_each_panel(shared, [&](std::int64_t b, std::int64_t h, std::int64_t p) {
        write_statistics(shared, memory + statistics_at, b, h, p);
    });
    call.executor.run(split.tasks(),
                      [&](std::int64_t index, int) { tasks.run(split.task(index)); });
    if (args.d_q.data != nullptr)
        for_each_panel(shared, [&](std::int64_t b, std::int64_t h, std::int64_t p) {
            write_d_q(shared, b, h, p);
        });
    buffers.finish(split.tasks(), call.executor);
    passes.finish(call, "flexion::attention_backward");
}

}  // namespace flexion::cpu
