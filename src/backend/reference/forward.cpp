// SPDX-License-Identifier: Apache-2.0
// Attention as its formula says, in double, row by row over the keys of listed blocks.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "backend/reference/block_row.h"
#include "backend/reference/elements.h"
#include "backend/reference/reference.h"

namespace flexion::reference {
namespace {

constexpr const char* kWhere = "flexion::attention";
constexpr double kInfinity = std::numeric_limits<double>::infinity();

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

class ForwardRow {
public:
    ForwardRow(const plan::LaunchArgs& args, std::int64_t b, std::int64_t h, std::int64_t row)
        : args_(args), row_(args, b, h, row, kWhere) {
        if (!args.mods.score) return;
        score_mod_.emplace(*args.mods.score, *args.mods.score_captures, ir::Precision::oracle,
                           checked_for(kWhere));
    }

    void attend() {
        for (std::int64_t q = row_.first(); q < row_.last(); ++q) attend(q);
    }
    std::int64_t visited() const {
        return static_cast<std::int64_t>(row_.count()) * (row_.last() - row_.first());
    }

private:
    void attend(std::int64_t q) {
        const Softmax row = softmax(scores(q));
        std::vector<double> out(static_cast<std::size_t>(args_.v_head_dim()), 0.0);
        // A row without a key stays 0 whatever the values hold.
        for (std::size_t j = 0; row.max != -kInfinity && j < row_.count(); ++j) {
            for (std::size_t d = 0; d < out.size(); ++d) {
                out[d] += row.weights[j] * row_.value(j)[d];
            }
        }
        const TensorView& o = args_.out;
        const std::int64_t start = row_offset(o, row_.b(), row_.h(), q);
        for (std::size_t d = 0; d < out.size(); ++d) {
            write_element(o, start + static_cast<std::int64_t>(d) * o.strides[3], out[d]);
        }
        write_statistic(args_.lse, q, row.lse);
        write_statistic(args_.max_scores, q, row.max);
    }

    // mask(score_mod(q k^T * scale)) of one query, over the visited keys.
    std::vector<double> scores(std::int64_t q) {
        std::vector<double> scores = row_.products(q);
        if (score_mod_ && row_.count() > 0) {
            const auto& modified = score_mod_->run(row_.positions(q, scores)).front().real;
            std::copy_n(modified.begin(), scores.size(), scores.begin());
        }
        row_.mask(q, scores);
        return scores;
    }

    void write_statistic(const TensorView& view, std::int64_t q, double value) const {
        if (view.data) write_element(view, row_offset(view, row_.b(), row_.h(), q), value);
    }

    const plan::LaunchArgs& args_;
    BlockRow row_;
    std::optional<ir::Interpreter> score_mod_;
};

}  // namespace

void forward(const plan::LaunchArgs& args) {
    const std::int64_t block = rows_per_block(args);
    const std::int64_t rows = (args.q_len() + block - 1) / block;
    std::atomic<std::int64_t> visited{0};
    args.executor.run(args.batch() * args.q_heads() * rows, [&](std::int64_t task, int) {
        ForwardRow row(args, task / rows / args.q_heads(), task / rows % args.q_heads(),
                       task % rows);
        row.attend();
        visited += row.visited();
    });
    if (args.info) args.info->visited_scores = visited;
}

}  // namespace flexion::reference
