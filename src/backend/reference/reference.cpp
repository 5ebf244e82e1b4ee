// SPDX-License-Identifier: Apache-2.0
// The oracle: attention as its formula says, in double, row by row over the keys of listed blocks.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "backend/backend.h"
#include "backend/reference/elements.h"
#include "ir/interpret.h"
#include "ir/text.h"

namespace flexion::reference {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The keys that a row of blocks visits, ascending, and whether the mask_mod decides about each.
struct VisitedKeys {
    std::vector<std::int32_t> keys;
    std::vector<bool> partial;
};

VisitedKeys visited_keys(const plan::LaunchArgs& args, std::int64_t b, std::int64_t h,
                         std::int64_t row) {
    VisitedKeys visited;
    const auto add = [&](std::int64_t begin, std::int64_t end, bool partial) {
        for (std::int64_t k = begin; k < std::min(end, args.kv_len()); ++k) {
            visited.keys.push_back(static_cast<std::int32_t>(k));
            visited.partial.push_back(partial);
        }
    };
    const BlockMask* mask = args.block_mask;
    if (!mask) {
        add(0, args.kv_len(), false);
        return visited;
    }
    const std::int64_t size = mask->block_size().kv;
    for (const BlockRun& run : mask->row(mask->B() == 1 ? 0 : b, mask->H() == 1 ? 0 : h, row)) {
        add(run.begin() * size, run.end() * size, !run.full());
    }
    return visited;
}

/// Row `i` of the matrix (b, h) of a rank-4 tensor.
std::vector<double> read_row(const TensorView& view, std::int64_t b, std::int64_t h,
                             std::int64_t i) {
    std::vector<double> row(static_cast<std::size_t>(view.shape[3]));
    const std::int64_t start = b * view.strides[0] + h * view.strides[1] + i * view.strides[2];
    for (std::int64_t d = 0; d < view.shape[3]; ++d) {
        row[d] = read_element(view, start + d * view.strides[3]);
    }
    return row;
}

/// Softmax of one row, as weights, its log-sum-exp and its maximum.
struct Softmax {
    std::vector<double> weights;
    double lse = -kInfinity;
    double max = -kInfinity;
};

Softmax softmax(const std::vector<double>& scores) {
    Softmax result;
    result.weights.assign(scores.size(), 0.0);
    for (const double s : scores) {
        if (std::isnan(s) || s > result.max) result.max = s;
        if (std::isnan(s)) break;
    }
    if (result.max == -kInfinity) return result;  // no key is left: all weights 0
    double sum = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        result.weights[i] = std::exp(scores[i] - result.max);
        sum += result.weights[i];
    }
    for (double& weight : result.weights) weight /= sum;
    result.lse = result.max + std::log(sum);
    return result;
}

std::optional<ir::Interpreter> interpreter_of(const ir::Function* f, const Captures* captures) {
    if (!f) return std::nullopt;
    return ir::Interpreter(*f, *captures, ir::Precision::oracle);
}

/// One row of blocks of one (b, h): queries [first, last).
class RowOfBlocks {
public:
    RowOfBlocks(const plan::LaunchArgs& args, std::int64_t b, std::int64_t h, std::int64_t row)
        : args_(args),
          b_(b),
          h_(h),
          visited_(visited_keys(args, b, h, row)),
          score_mod_(interpreter_of(args.mods.score, args.mods.score_captures)),
          mask_mod_(interpreter_of(args.mods.mask, args.mods.mask_captures)) {
        const std::int64_t kv_head = h / (args.q_heads() / args.kv_heads());
        const std::int64_t n = static_cast<std::int64_t>(visited_.keys.size());
        keys_.resize(static_cast<std::size_t>(n * args.head_dim()));
        values_.reserve(static_cast<std::size_t>(n));
        for (std::int64_t j = 0; j < n; ++j) {
            const std::int64_t k = visited_.keys[j];
            const std::vector<double> key = read_row(args.k, kv_batch(args.k), kv_head, k);
            for (std::int64_t d = 0; d < args.head_dim(); ++d) keys_[d * n + j] = key[d];
            values_.push_back(read_row(args.v, kv_batch(args.v), kv_head, k));
        }
    }

    void attend(std::int64_t q) {
        const Softmax row = softmax(scores(q));
        std::vector<double> out(static_cast<std::size_t>(args_.v_head_dim()), 0.0);
        // A row without a key stays 0 whatever the values hold.
        for (std::size_t j = 0; row.max != -kInfinity && j < values_.size(); ++j) {
            for (std::size_t d = 0; d < out.size(); ++d) out[d] += row.weights[j] * values_[j][d];
        }
        const TensorView& o = args_.out;
        const std::int64_t start = b_ * o.strides[0] + h_ * o.strides[1] + q * o.strides[2];
        for (std::size_t d = 0; d < out.size(); ++d) {
            write_element(o, start + static_cast<std::int64_t>(d) * o.strides[3], out[d]);
        }
        write_statistic(args_.lse, q, row.lse);
        write_statistic(args_.max_scores, q, row.max);
    }

    std::int64_t visited() const { return static_cast<std::int64_t>(visited_.keys.size()); }

private:
    std::int64_t kv_batch(const TensorView& view) const { return view.shape[0] == 1 ? 0 : b_; }

    // mask(score_mod(q k^T * scale)) of one query, over the visited keys.
    std::vector<double> scores(std::int64_t q) {
        const std::size_t n = visited_.keys.size();
        std::vector<double> scores(n, 0.0);
        const std::vector<double> query = read_row(args_.q, b_, h_, q);
        for (std::size_t d = 0; d < query.size(); ++d) {
            for (std::size_t j = 0; j < n; ++j) scores[j] += query[d] * keys_[d * n + j];
        }
        for (double& s : scores) s *= args_.scale;
        if (n == 0) return scores;

        ir::Positions positions;
        positions.count = static_cast<std::int64_t>(n);
        positions.score = scores.data();
        positions.k = visited_.keys.data();
        positions.b_all = static_cast<std::int32_t>(b_);
        positions.h_all = static_cast<std::int32_t>(h_);
        positions.q_all = static_cast<std::int32_t>(q);
        if (score_mod_) {
            const std::vector<double> modified = score_mod_->run(positions).front().real;
            std::copy_n(modified.begin(), n, scores.begin());
        }
        if (mask_mod_) {
            const std::vector<std::int64_t>& keep = mask_mod_->run(positions).front().integer;
            for (std::size_t j = 0; j < n; ++j) {
                if (visited_.partial[j] && !keep[j]) scores[j] = -kInfinity;
            }
        }
        return scores;
    }

    void write_statistic(const TensorView& view, std::int64_t q, double value) const {
        if (!view.data) return;
        write_element(view, b_ * view.strides[0] + h_ * view.strides[1] + q * view.strides[2],
                      value);
    }

    const plan::LaunchArgs& args_;
    const std::int64_t b_, h_;
    const VisitedKeys visited_;
    std::optional<ir::Interpreter> score_mod_, mask_mod_;
    std::vector<double> keys_;                 // [head_dim][visited], so that a row is one sweep
    std::vector<std::vector<double>> values_;  // [visited][v_head_dim]
};

class ReferenceKernel final : public backend::Kernel {};

class Reference final : public backend::Backend {
public:
    const char* name() const override { return "reference"; }
    backend::Support supports(const plan::Problem&, const plan::Mods&) const override { return {}; }
    backend::Source emit(const plan::Problem&, const plan::Mods& mods) const override {
        backend::Source source{"reference", "reference", "", ""};
        for (const ir::Function* f : {mods.score, mods.mask}) {
            if (f) source.text += ir::print(*f);
        }
        return source;
    }
    backend::Binary compile(const backend::Source& source) const override {
        return backend::Binary(source.text.begin(), source.text.end());
    }
    std::unique_ptr<backend::Kernel> load(const backend::Source&,
                                          const backend::Binary&) const override {
        return std::make_unique<ReferenceKernel>();
    }
    void launch(const plan::LaunchArgs& args, backend::KernelProvider&) const override;
};

void Reference::launch(const plan::LaunchArgs& args, backend::KernelProvider&) const {
    const std::int64_t block = args.block_mask ? args.block_mask->block_size().q : 128;
    const std::int64_t rows = (args.q_len() + block - 1) / block;
    std::atomic<std::int64_t> visited{0};
    args.executor.run(args.batch() * args.q_heads() * rows, [&](std::int64_t task, int) {
        const std::int64_t row = task % rows, h = task / rows % args.q_heads();
        RowOfBlocks work(args, task / rows / args.q_heads(), h, row);
        const std::int64_t first = row * block, last = std::min(first + block, args.q_len());
        for (std::int64_t q = first; q < last; ++q) work.attend(q);
        visited += work.visited() * (last - first);
    });
    if (args.info) {
        args.info->isa = "double";
        args.info->visited_scores = visited;
    }
}

}  // namespace

std::unique_ptr<backend::Backend> make_backend() { return std::make_unique<Reference>(); }

}  // namespace flexion::reference
