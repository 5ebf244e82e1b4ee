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

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Sums in double, of the shape of a tensor, written at the end.
class Accumulator {
public:
    explicit Accumulator(const TensorView& target)
        : target_(target), sums_(target.data ? static_cast<std::size_t>(target.numel()) : 0, 0.0) {}

    bool wanted() const { return target_.data != nullptr; }
    /// The row of `width` sums (the last extent) at these leading positions of a rank-4 tensor.
    double* row(std::int64_t i, std::int64_t j, std::int64_t k) {
        const auto& n = target_.shape;
        return sums_.data() + ((i * n[1] + j) * n[2] + k) * n[3];
    }
    /// The sum of the element that a load reads at `indices`; null: the tensor is empty.
    double* element(const std::vector<std::int64_t>& indices) {
        std::int64_t offset = 0;
        for (int i = 0; i < target_.rank; ++i) {
            const std::int64_t extent = target_.shape[i];
            if (extent == 0) return nullptr;
            const std::int64_t index = indices[i] < 0 ? indices[i] + extent : indices[i];
            offset = offset * extent + std::clamp<std::int64_t>(index, 0, extent - 1);
        }
        return sums_.data() + offset;
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

private:
    const TensorView target_;
    std::vector<double> sums_;
};

/// The derivative with the indices of its gathers as further results.
ir::Function with_indices(const plan::Derivative& derivative) {
    ir::Function f = derivative.function;
    for (const plan::Gather& gather : derivative.gathers) {
        for (const ir::Value index : gather.indices) f.results.push_back({index, -1, {}});
    }
    return f;
}

/// Everything that is summed over rows of blocks.
struct Sums {
    explicit Sums(const plan::BackwardArgs& args) : d_k(args.d_k), d_v(args.d_v) {
        for (const TensorView& view : args.d_buffers) d_buffers.emplace_back(view);
    }
    Accumulator d_k, d_v;
    std::vector<Accumulator> d_buffers;
};

class BackwardRow {
public:
    BackwardRow(const plan::BackwardArgs& args, const ir::Function* derivative, Sums& sums,
                std::int64_t b, std::int64_t h, std::int64_t row)
        : args_(args), row_(args.call, b, h, row), sums_(sums) {
        if (!derivative) return;
        derivative_.emplace(*derivative, *args.call.mods.score_captures, ir::Precision::oracle);
    }

    void run() {
        for (std::int64_t q = row_.first(); q < row_.last(); ++q) run(q);
    }
    std::int64_t visited() const {
        return static_cast<std::int64_t>(row_.count()) * (row_.last() - row_.first());
    }

private:
    void run(std::int64_t q) {
        const plan::LaunchArgs& call = args_.call;
        const std::vector<double> products = row_.products(q);
        std::vector<double> scores = products;
        const std::vector<ir::Column>* columns = nullptr;
        if (derivative_ && row_.count() > 0) {
            columns = &derivative_->run(row_.positions(q, products));
            std::copy_n((*columns)[0].real.begin(), scores.size(), scores.begin());
        }
        row_.mask(q, scores);

        const std::vector<double> query = read_row(call.q, row_.b(), row_.h(), q);
        std::vector<double> d_out(static_cast<std::size_t>(call.v_head_dim()), 0.0);
        if (args_.d_out.data) d_out = read_row(args_.d_out, row_.b(), row_.h(), q);
        const double lse = statistic(call.lse, q);
        double delta = args_.d_lse.data ? -statistic(args_.d_lse, q) : 0;
        const std::vector<double> out = read_row(call.out, row_.b(), row_.h(), q);
        for (std::size_t d = 0; args_.d_out.data && d < out.size(); ++d) delta += out[d] * d_out[d];

        std::vector<double> d_query(query.size(), 0.0);
        for (std::size_t j = 0; j < row_.count(); ++j) {
            if (scores[j] == -kInfinity || lse == -kInfinity) continue;
            const double p = std::exp(scores[j] - lse);
            if (p == 0) continue;
            double d_p = 0;
            for (std::size_t d = 0; d < d_out.size(); ++d) d_p += d_out[d] * row_.value(j)[d];
            const double g = p * (d_p - delta);
            const double ds = call.scale * g * (columns ? (*columns)[1].real[j] : 1.0);
            for (std::size_t d = 0; d < query.size(); ++d) d_query[d] += ds * row_.key(j, d);
            add(sums_.d_k, j, ds, query);
            add(sums_.d_v, j, p, d_out);
            if (columns) add_gathers(*columns, j, g);
        }
        if (!args_.d_q.data) return;
        const std::int64_t start = row_offset(args_.d_q, row_.b(), row_.h(), q);
        for (std::size_t d = 0; d < query.size(); ++d) {
            const auto step = static_cast<std::int64_t>(d) * args_.d_q.strides[3];
            write_element(args_.d_q, start + step, d_query[d]);
        }
    }

    double statistic(const TensorView& view, std::int64_t q) const {
        return read_element(view, row_offset(view, row_.b(), row_.h(), q));
    }

    void add(Accumulator& sums, std::size_t j, double factor, const std::vector<double>& row) {
        if (!sums.wanted()) return;
        double* const to = sums.row(row_.kv_batch(), row_.kv_head(), row_.keys()[j]);
        for (std::size_t d = 0; d < row.size(); ++d) to[d] += factor * row[d];
    }

    void add_gathers(const std::vector<ir::Column>& columns, std::size_t j, double g) {
        const plan::Derivative& derivative = *args_.derivative;
        std::size_t column = derivative.function.results.size();
        for (const plan::Gather& gather : derivative.gathers) {
            std::vector<std::int64_t> indices;
            for (std::size_t i = 0; i < gather.indices.size(); ++i) {
                indices.push_back(columns[column++].integer[j]);
            }
            double* const sum = sums_.d_buffers[gather.buffer].element(indices);
            if (sum) *sum += g * columns[gather.result].real[j];
        }
    }

    const plan::BackwardArgs& args_;
    BlockRow row_;
    Sums& sums_;
    std::optional<ir::Interpreter> derivative_;
};

}  // namespace

void backward(const plan::BackwardArgs& args) {
    const plan::LaunchArgs& call = args.call;
    const std::int64_t block = rows_per_block(call);
    const std::int64_t rows = (call.q_len() + block - 1) / block;
    const std::int64_t group = call.q_heads() / call.kv_heads();
    const std::optional<ir::Function> derivative =
        args.derivative ? std::optional(with_indices(*args.derivative)) : std::nullopt;
    Sums sums(args);
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
                BackwardRow row(args, derivative ? &*derivative : nullptr, sums, b, i / rows,
                                i % rows);
                row.run();
                visited += row.visited();
            }
        }
    });
    sums.d_k.write();
    sums.d_v.write();
    for (const Accumulator& buffer : sums.d_buffers) buffer.write();
    if (call.info) call.info->visited_scores = visited;
}

}  // namespace flexion::reference
