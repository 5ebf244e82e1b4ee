// SPDX-License-Identifier: Apache-2.0
// The gradients as the formulas of plan/launch.h say, in double, position by position.
#include <algorithm>
#include <array>
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

constexpr const char* kWhere = "flexion::attention_backward";
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kHuge = 1e30;  // errors beyond it need no number

/// A term of a sum, and how far it may be off.
struct Term {
    double value = 0, error = 0;
    Term operator*(double factor) const { return {value * factor, error * std::fabs(factor)}; }
};

/// Sums in double, of the shape of a tensor, written at the end.
class Accumulator {
public:
    Accumulator(const TensorView& target, bool bounded)
        : target_(target),
          sums_(target.data ? static_cast<std::size_t>(target.numel()) : 0, 0.0),
          errors_(bounded ? sums_.size() : 0, 0.0) {}

    bool wanted() const { return target_.data != nullptr; }
    /// Adds term * row to the last extent at these leading positions of a rank-4 tensor.
    void add(std::int64_t i, std::int64_t j, std::int64_t k, const Term& term,
             const std::vector<double>& row) {
        if (!wanted()) return;
        const auto& n = target_.shape;
        const std::int64_t first = ((i * n[1] + j) * n[2] + k) * n[3];
        for (std::size_t d = 0; d < row.size(); ++d) {
            add(first + static_cast<std::int64_t>(d), term * row[d]);
        }
    }
    /// Adds to the element that a load reads at `indices`.
    void add(const std::vector<std::int64_t>& indices, const Term& term) {
        std::int64_t element = 0;
        for (int i = 0; i < target_.rank; ++i) {
            const std::int64_t extent = target_.shape[i];
            if (extent == 0) return;
            const std::int64_t index = indices[i] < 0 ? indices[i] + extent : indices[i];
            element = element * extent + std::clamp<std::int64_t>(index, 0, extent - 1);
        }
        add(element, term);
    }
    void write() const {
        std::array<std::int64_t, kMaxRank> index{};
        for (const double sum : sums_) {
            std::int64_t offset = 0;
            for (int i = 0; i < target_.rank; ++i) offset += index[i] * target_.strides[i];
            write_element(target_, offset, sum);
            for (int i = target_.rank - 1; i >= 0 && ++index[i] == target_.shape[i]; --i) {
                index[i] = 0;
            }
        }
    }
    std::vector<double> take_errors() { return std::move(errors_); }

private:
    void add(std::int64_t element, const Term& term) {
        sums_[static_cast<std::size_t>(element)] += term.value;
        if (!errors_.empty()) errors_[static_cast<std::size_t>(element)] += term.error;
    }

    const TensorView target_;
    std::vector<double> sums_, errors_;
};

struct Sums {
    Sums(const plan::BackwardArgs& args, bool bounded)
        : d_q(args.d_q, bounded), d_k(args.d_k, bounded), d_v(args.d_v, bounded) {
        for (const TensorView& view : args.d_buffers) d_buffers.emplace_back(view, bounded);
    }
    Accumulator d_q, d_k, d_v;
    std::vector<Accumulator> d_buffers;
};

/// The derivative with the indices of its gathers as further results.
ir::Function with_indices(const plan::Derivative& derivative) {
    ir::Function f = derivative.function;
    for (const plan::Gather& gather : derivative.gathers) {
        for (const ir::Value index : gather.indices) f.results.push_back({index, -1, {}});
    }
    return f;
}

using Columns = std::vector<ir::Column>;

class BackwardRow {
public:
    BackwardRow(const plan::BackwardArgs& args, const ir::Function* derivative,
                const ErrorBounds* bounds, Sums& sums, std::int64_t b, std::int64_t h,
                std::int64_t row)
        : args_(args), bounds_(bounds), row_(args.call, b, h, row, kWhere), sums_(sums) {
        if (!derivative) return;
        derivative_.emplace(*derivative, *args.call.mods.score_captures, ir::Precision::oracle,
                            checked_for(kWhere));
    }

    void run() {
        for (std::int64_t q = row_.first(); row_.count() > 0 && q < row_.last(); ++q) run(q);
    }
    std::int64_t visited() const {
        return static_cast<std::int64_t>(row_.count()) * (row_.last() - row_.first());
    }

private:
    void run(std::int64_t q) {
        const plan::LaunchArgs& call = args_.call;
        const std::vector<double> products = row_.products(q);
        const Columns columns = evaluate(q, products, 0);
        std::vector<double> scores = columns.front().real;
        row_.mask(q, scores);
        Columns below, above;
        if (bounds_) {
            below = evaluate(q, products, -bounds_->score);
            above = evaluate(q, products, bounds_->score);
        }
        // By how much result `r` may be off at key j: what a shifted score does, and the rounding
        // of functions.
        const auto error_of = [&](std::size_t r, std::size_t j) {
            if (!bounds_) return 0.0;
            const double at = columns[r].real[j];
            const double shifted =
                std::max(std::fabs(below[r].real[j] - at), std::fabs(above[r].real[j] - at));
            // The lowest float stands in masks for -inf, exactly.
            const double rounding =
                std::fabs(at) < kHuge ? bounds_->functions * (1 + std::fabs(at)) : 0;
            return shifted < kHuge ? shifted + rounding : kHuge;
        };

        const std::vector<double> query = read_row(call.q, row_.b(), row_.h(), q);
        std::vector<double> d_out(static_cast<std::size_t>(call.v_head_dim()), 0.0);
        if (args_.d_out.data) d_out = read_row(args_.d_out, row_.b(), row_.h(), q);
        const double lse = statistic(call.lse, q);
        double delta = args_.d_lse.data ? -statistic(args_.d_lse, q) : 0;
        double delta_size = std::fabs(delta);
        const std::vector<double> out = read_row(call.out, row_.b(), row_.h(), q);
        for (std::size_t d = 0; args_.d_out.data && d < out.size(); ++d) {
            delta += out[d] * d_out[d];
            delta_size += std::fabs(out[d] * d_out[d]);
        }

        for (std::size_t j = 0; j < row_.count(); ++j) {
            if (scores[j] == -kInfinity || lse == -kInfinity) continue;
            const double p = std::exp(scores[j] - lse);
            if (p == 0) continue;
            double d_p = 0, d_p_size = 0;
            for (std::size_t d = 0; d < d_out.size(); ++d) {
                const double product = d_out[d] * row_.value(j)[d];
                d_p += product;
                d_p_size += std::fabs(product);
            }
            const double g = p * (d_p - delta);
            const double p_error =
                bounds_ ? p * (std::expm1(std::min(error_of(0, j), 100.0)) + bounds_->products) : 0;
            const double g_error = p_error * (d_p_size + delta_size);
            // g times result r.
            const auto term = [&](std::size_t r) -> Term {
                const double factor = columns[r].real[j];
                const double size = p * (d_p_size + delta_size);
                return {g * factor, g_error * std::fabs(factor) + size * error_of(r, j)};
            };

            const Term ds = term(1) * call.scale;
            const std::int64_t k = row_.keys()[j];
            sums_.d_q.add(row_.b(), row_.h(), q, ds, row_.key(j));
            sums_.d_k.add(row_.kv_batch(), row_.kv_head(), k, ds, query);
            sums_.d_v.add(row_.kv_batch(), row_.kv_head(), k, {p, p_error}, d_out);
            if (args_.derivative) add_gathers(columns, j, term);
        }
    }

    /// The results of the derivative at scores that are off by `shift`; without a score_mod the
    /// score and 1.
    Columns evaluate(std::int64_t q, std::vector<double> scores, double shift) {
        for (double& s : scores) s += shift * (1 + std::fabs(s));
        if (derivative_) return derivative_->run(row_.positions(q, scores));
        Columns columns(2);
        columns[1].real.assign(scores.size(), 1.0);
        columns[0].real = std::move(scores);
        return columns;
    }

    double statistic(const TensorView& view, std::int64_t q) const {
        return read_element(view, row_offset(view, row_.b(), row_.h(), q));
    }

    template <class TermOf>
    void add_gathers(const Columns& columns, std::size_t j, const TermOf& term) {
        std::size_t column = args_.derivative->function.results.size();
        for (const plan::Gather& gather : args_.derivative->gathers) {
            std::vector<std::int64_t> indices;
            for (std::size_t i = 0; i < gather.indices.size(); ++i) {
                indices.push_back(columns[column++].integer[j]);
            }
            sums_.d_buffers[static_cast<std::size_t>(gather.buffer)].add(
                indices, term(static_cast<std::size_t>(gather.result)));
        }
    }

    const plan::BackwardArgs& args_;
    const ErrorBounds* const bounds_;
    BlockRow row_;
    Sums& sums_;
    std::optional<ir::Interpreter> derivative_;
};

}  // namespace

void backward(const plan::BackwardArgs& args, ErrorBounds* bounds) {
    const plan::LaunchArgs& call = args.call;
    const std::int64_t block = rows_per_block(call);
    const std::int64_t rows = (call.q_len() + block - 1) / block;
    const std::int64_t group = call.q_heads() / call.kv_heads();
    const std::optional<ir::Function> derivative =
        args.derivative ? std::optional(with_indices(*args.derivative)) : std::nullopt;
    Sums sums(args, bounds != nullptr);
    std::atomic<std::int64_t> visited{0};
    // Heads of keys share no sums but those of buffers, which one task adds up in one order.
    const bool split = std::none_of(args.d_buffers.begin(), args.d_buffers.end(),
                                    [](const TensorView& view) { return view.data != nullptr; });
    const std::int64_t tasks = split ? call.kv_heads() : 1;
    call.executor.run(tasks, [&](std::int64_t task, int) {
        const std::int64_t first = split ? task * group : 0;
        const std::int64_t last = split ? first + group : call.q_heads();
        for (std::int64_t b = 0; b < call.batch(); ++b) {
            for (std::int64_t i = first * rows; i < last * rows; ++i) {
                BackwardRow row(args, derivative ? &*derivative : nullptr, bounds, sums, b,
                                i / rows, i % rows);
                row.run();
                visited += row.visited();
            }
        }
    });
    for (const Accumulator* each : {&sums.d_q, &sums.d_k, &sums.d_v}) each->write();
    for (const Accumulator& each : sums.d_buffers) each.write();
    if (call.info) call.info->visited_scores = visited;
    if (!bounds) return;
    bounds->d_q = sums.d_q.take_errors();
    bounds->d_k = sums.d_k.take_errors();
    bounds->d_v = sums.d_v.take_errors();
    for (Accumulator& each : sums.d_buffers) bounds->d_buffers.push_back(each.take_errors());
}

}  // namespace flexion::reference
