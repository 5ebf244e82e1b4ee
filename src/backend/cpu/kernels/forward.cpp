// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/kernels/forward.h"

#include "backend/cpu/kernels/call.h"
#include "support/env.h"

namespace flexion::cpu {
namespace {
constexpr int kSpanRows = 8;  // even, so that pairs of keys stay together
}

Passes::Passes(const plan::LaunchArgs& args, backend::KernelProvider& kernels,
               plan::Problem problem, bool full, bool partial) {
    const bool has_mask = args.mods.mask != nullptr;
    const void* functions = nullptr;
    problem.checked = settings().debug;
    if (problem.direction == plan::Direction::forward) {
        plan::Problem other = problem;  // another length takes the other map
        other.few_queries = !problem.few_queries;
        kernels.expect(other);
    }
    for (const bool masked : {false, true}) {
        const bool needed = masked ? partial && has_mask : full || (partial && !has_mask);
        if (!needed) continue;
        problem.masked = masked;
        kernels_[masked] = kernels.get(problem);
        const auto& kernel = static_cast<const TileKernel&>(*kernels_[masked]);
        pass_[masked] = &kernel;
        if (kernel.vector_functions != nullptr) functions = kernel.vector_functions;
    }
    if (!has_mask) pass_[true] = pass_[false];
    const std::size_t count = capture_words(args.mods);
    words_ = few_.data();
    if (count > few_.size()) {
        many_.resize(count);
        words_ = many_.data();
    }
    if (problem.checked && functions != nullptr)
        functions = check_.emplace(functions).vector_functions();
    pack_captures(args.mods, functions, words_);
}

Passes::Span Passes::visible(TileArgs args) const {
    const MaskPass mask = pass_[true]->mask;
    const int rows = args.rows, k0 = args.k0;
    if (mask == nullptr) return {0, rows};
    const auto some = [&](int begin, int end) {
        args.k0 = k0 + begin;
        args.rows = end - begin;
        return (mask(&args, words_) & 1) != 0;
    };
    int begin = 0, end = rows;
    while (!some(begin, std::min(begin + kSpanRows, rows)))
        if ((begin += kSpanRows) >= rows) return {0, 0};
    for (;;) {
        const int from = (end - 1) / kSpanRows * kSpanRows;
        if (from <= begin || some(from, end)) return {begin, end};
        end = from;
    }
}

std::span<const BlockRun> runs_of(const BlockMask& mask, std::int64_t b, std::int64_t h,
                                  std::int64_t row) {
    if (row >= mask.q_blocks()) return {};
    return mask.row(mask.B() == 1 ? 0 : b, mask.H() == 1 ? 0 : h, row);
}

bool few_queries(Isa isa, std::int64_t q_len) {
    // In a panel a query costs 1 / lanes of 2 D multiply-adds a key, full or not; as a stream row
    // it costs its share of D and a sum across lanes. They meet at half of the lanes.
    return q_len <= lanes_per_panel(isa) / 2;
}

void forward(const plan::LaunchArgs& args, backend::KernelProvider& kernels, Isa isa) {
    if (args.info != nullptr) args.info->isa = name_of(isa);
    if (few_queries(isa, args.q_len()))
        forward_stream(args, kernels, isa);
    else
        forward_panels(args, kernels, isa);
}

}  // namespace flexion::cpu
