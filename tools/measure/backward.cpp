// SPDX-License-Identifier: Apache-2.0
// Gradients of single queries and keys need lse and delta alone of all others, so that the
// reference gives them in linear time.
#include "measure/backward.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "measure/error.h"

namespace flexion::measure {
namespace {

/// Position `at` of dimension 2.
TensorView one_of(const TensorView& view, std::int64_t at) {
    TensorView one = view;
    one.data = static_cast<char*>(view.data) + at * view.strides[2] * size_of(view.dtype);
    one.shape[2] = 1;
    return one;
}

/// Element `d` of row `at` of matrix `head`.
double element(const Tensor& tensor, std::int64_t head, std::int64_t at, std::int64_t d) {
    const auto& n = tensor.view().shape;
    return tensor.at((head * n[2] + at) * n[3] + d);
}

/// The largest difference between position `at` of `got` and `expected`, which has only that one.
double difference(const Tensor& got, const Tensor& expected, std::int64_t at) {
    const auto& n = got.view().shape;
    double largest = 0;
    for (std::int64_t head = 0; head < n[0] * n[1]; ++head) {
        for (std::int64_t d = 0; d < n[3]; ++d) {
            include(element(got, head, at, d), element(expected, head, 0, d), largest);
        }
    }
    return largest;
}

std::vector<std::int64_t> samples_of(std::int64_t length) {
    const std::int64_t count = std::min<std::int64_t>(length, 5);
    std::vector<std::int64_t> samples;
    for (std::int64_t i = 0; i < count; ++i) {
        samples.push_back(i * (length - 1) / std::max<std::int64_t>(count - 1, 1));
    }
    return samples;
}

double worse(double a, double b) { return std::isnan(a) || a > b ? a : b; }

}  // namespace

BackwardProblem::BackwardProblem(const Tensors& tensors, const AttentionOptions& options,
                                 MaskMod mask_mod, bool buffers)
    : in_(tensors),
      mask_mod_(std::move(mask_mod)),
      lse_(tensors.q.view().dtype == DType::f64 ? DType::f64 : DType::f32,
           {tensors.q.view().shape[0], tensors.q.view().shape[1], tensors.q.view().shape[2]}),
      d_out_(tensors.out.view()),
      d_q_(tensors.q.view()),
      d_k_(tensors.k.view()),
      d_v_(tensors.v.view()) {
    AttentionOptions forward = options;
    forward.lse = lse_.view();
    forward.info = nullptr;
    attention(in_.q.view(), in_.k.view(), in_.v.view(), in_.out.view(), forward);
    std::mt19937_64 random(std::random_device{}());
    d_out_.fill_normal(random);
    options_.score_mod = options.score_mod;
    options_.block_mask = options.block_mask;
    options_.scale = options.scale;
    options_.threads = options.threads;
    options_.backend = options.backend;
    if (!buffers || !options.score_mod) return;
    const bool f64 = in_.q.view().dtype == DType::f64;
    for (const TensorView& view : options.score_mod.captures(f64).buffers) {
        options_.d_buffers.emplace_back();
        if (view.dtype > DType::f16) continue;  // not of floats
        d_buffers_.emplace_back(view);
        options_.d_buffers.back() = d_buffers_.back().view();
    }
}

void BackwardProblem::call(LaunchInfo* info) {
    options_.info = info;
    attention_backward(in_.q.view(), in_.k.view(), in_.v.view(), in_.out.view(), lse_.view(),
                       d_out_.view(), d_q_.view(), d_k_.view(), d_v_.view(), options_);
}

double BackwardProblem::operations(std::int64_t visited_scores) const {
    const auto D = in_.q.view().shape[3], Dv = in_.v.view().shape[3];
    return 2.0 * static_cast<double>(visited_scores) * static_cast<double>(3 * D + 2 * Dv);
}

BackwardOptions BackwardProblem::exact(std::int64_t query, std::int64_t key) const {
    const Scalar query_at = scalar(query), key_at = scalar(key);
    BackwardOptions exact;
    exact.backend = "reference";
    exact.scale = options_.scale;
    exact.score_mod = score_mod([&](Expr s, Expr b, Expr h, Expr q0, Expr k0) {
        const Expr q = to_i32(q0 + query_at), k = to_i32(k0 + key_at);
        const Expr score = options_.score_mod ? options_.score_mod(s, b, h, q, k) : s;
        return mask_mod_ ? where(mask_mod_(b, h, q, k), score, -INFINITY) : score;
    });
    return exact;
}

double BackwardProblem::error_of_query(std::int64_t query) const {
    const Tensor expected(one_of(in_.q.view(), query));
    attention_backward(one_of(in_.q.view(), query), in_.k.view(), in_.v.view(),
                       one_of(in_.out.view(), query), one_of(lse_.view(), query),
                       one_of(d_out_.view(), query), expected.view(), {}, {}, exact(query, 0));
    return difference(d_q_, expected, query);
}

double BackwardProblem::error_of_key(std::int64_t key) const {
    const Tensor expected_k(one_of(in_.k.view(), key));
    const Tensor expected_v(one_of(in_.v.view(), key));
    attention_backward(in_.q.view(), one_of(in_.k.view(), key), one_of(in_.v.view(), key),
                       in_.out.view(), lse_.view(), d_out_.view(), {}, expected_k.view(),
                       expected_v.view(), exact(0, key));
    return worse(difference(d_k_, expected_k, key), difference(d_v_, expected_v, key));
}

double BackwardProblem::error_of_buffers() const {
    BackwardOptions reference = options_;
    reference.backend = "reference";
    reference.info = nullptr;
    std::vector<Tensor> expected;
    expected.reserve(d_buffers_.size());
    for (TensorView& view : reference.d_buffers) {
        if (view.data) view = expected.emplace_back(view).view();
    }
    attention_backward(in_.q.view(), in_.k.view(), in_.v.view(), in_.out.view(), lse_.view(),
                       d_out_.view(), {}, {}, {}, reference);
    double largest = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        for (std::int64_t e = 0; e < expected[i].view().numel(); ++e) {
            include(d_buffers_[i].at(e), expected[i].at(e), largest);
        }
    }
    return largest;
}

double BackwardProblem::error() const {
    double largest = 0;
    for (const std::int64_t query : samples_of(in_.q.view().shape[2])) {
        largest = worse(error_of_query(query), largest);
    }
    for (const std::int64_t key : samples_of(in_.k.view().shape[2])) {
        largest = worse(error_of_key(key), largest);
    }
    const auto& q = in_.q.view().shape;
    const bool small = q[0] * q[1] * q[2] * in_.k.view().shape[2] <= 1 << 23;
    return small && !d_buffers_.empty() ? worse(error_of_buffers(), largest) : largest;
}

}  // namespace flexion::measure
