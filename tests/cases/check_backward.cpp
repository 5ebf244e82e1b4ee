// SPDX-License-Identifier: Apache-2.0
// Gradients from the reference, with a bound on the error of each element.
#include "cases/check_backward.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "backend/reference/reference.h"
#include "cases/comparison.h"

namespace flexion::test {
namespace {

// Scores times head dims: 0.1 s of the reference.
constexpr std::int64_t kLargest = 8'000'000;

bool small(const AttentionCase& c) {
    return c.B * c.Hq * c.Sq * c.kv_len() * (c.D + c.v_head_dim()) <= kLargest;
}

std::vector<AttentionCase> only_small(std::vector<AttentionCase> cases) {
    std::erase_if(cases, [](const AttentionCase& c) { return !small(c); });
    return cases;
}

std::vector<std::int64_t> shape_of(const TensorView& view) {
    return {view.shape.begin(), view.shape.begin() + view.rank};
}

bool is_real(DType dtype) {
    return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::bf16 ||
           dtype == DType::f16;
}

const std::vector<TensorView>& buffers_of(const CaseInputs& inputs) {
    static const std::vector<TensorView> none;
    return inputs.score_mod ? inputs.score_mod.captures(inputs.shape.dtype == DType::f64).buffers
                            : none;
}

TensorView when(bool wanted, const HostTensor& tensor) {
    return wanted ? tensor.view() : TensorView();
}

/// One gradient against the reference's in double.
void compare_one(const std::string& name, const HostTensor& got, const HostTensor& expected,
                 const std::vector<double>& bounds, bool wanted) {
    Comparison comparison(name);
    const TensorView& view = got.view();
    // One rounding to the gradient's dtype, two where an intermediate f32 is rounded again.
    const double rounding = 2 * tolerance_for(view.dtype).out;
    // P below 2^-126 is 0, and an element is up to some thousand times P.
    const double tiny = view.dtype == DType::f16 ? 0x1p-24 : 0x1p-112;
    for (std::int64_t i = 0; i < view.numel(); ++i) {
        if (!wanted) {
            ASSERT_TRUE(std::isnan(got.get(i))) << name << " was written, which nobody wanted";
            continue;
        }
        const double want = expected.get(i);
        comparison.element(i, got.get(i), want,
                           tiny + rounding * std::fabs(want) + bounds[static_cast<std::size_t>(i)]);
    }
    comparison.report();
    EXPECT_TRUE(got.surroundings_intact()) << "memory around " << name << " was written";
}

}  // namespace

std::vector<AttentionCase> backward_cases() { return only_small(attention_cases()); }
std::vector<AttentionCase> short_backward_cases() { return only_small(short_attention_cases()); }
std::vector<AttentionCase> long_backward_cases() { return only_small(long_attention_cases()); }

BackwardInputs::BackwardInputs(const AttentionCase& c, const BackwardCheck& check)
    : forward(c),
      out(c.dtype, {c.B, c.Hq, c.Sq, c.v_head_dim()}, c.layout),
      lse(c.dtype == DType::f64 ? DType::f64 : DType::f32, {c.B, c.Hq, c.Sq}),
      d_out(c.dtype, {c.B, c.Hq, c.Sq, c.v_head_dim()}, c.layout),
      d_lse(c.dtype == DType::f64 ? DType::f64 : DType::f32, {c.B, c.Hq, c.Sq}) {
    plan::LaunchArgs args = reference_args(forward);
    args.out = out.view();
    args.lse = lse.view();
    reference::forward(args);
    if (check.d_out) d_out.fill_normal(forward.random);
    if (check.d_lse) d_lse.fill_normal(forward.random);
}

Gradients run_backward(const BackwardInputs& inputs, const std::string& backend,
                       const BackwardCheck& check) {
    const CaseInputs& in = inputs.forward;
    const AttentionCase& c = in.shape;
    Gradients got{HostTensor(c.dtype, shape_of(in.q.view()), c.layout),
                  HostTensor(c.dtype, shape_of(in.k.view()), c.layout),
                  HostTensor(c.dtype, shape_of(in.v.view()), c.layout),
                  {},
                  {}};
    BackwardOptions options{.score_mod = in.score_mod,
                            .block_mask = in.block_mask,
                            .scale = c.scale,
                            .d_lse = when(check.d_lse, inputs.d_lse),
                            .threads = check.threads,
                            .backend = backend,
                            .parallel_for = check.parallel_for,
                            .info = &got.info};
    for (const TensorView& buffer : buffers_of(in)) {
        const bool wanted = check.d_buffers && is_real(buffer.dtype);
        const DType dtype =
            check.wide_buffers && buffer.dtype != DType::f64 ? DType::f32 : buffer.dtype;
        got.d_buffers.push_back(wanted ? HostTensor(dtype, shape_of(buffer))
                                       : HostTensor(DType::f32, {}));
        options.d_buffers.push_back(when(wanted, got.d_buffers.back()));
    }
    attention_backward(in.q.view(), in.k.view(), in.v.view(), inputs.out.view(), inputs.lse.view(),
                       when(check.d_out, inputs.d_out), when(check.d_q, got.d_q),
                       when(check.d_k, got.d_k), when(check.d_v, got.d_v), options);
    return got;
}

void compare_backward(const BackwardInputs& inputs, const Gradients& got,
                      const BackwardCheck& check, double function_error) {
    const CaseInputs& in = inputs.forward;
    const Tolerance tolerance = tolerance_for(in.shape.dtype);
    const HostTensor d_q(DType::f64, shape_of(in.q.view()));
    const HostTensor d_k(DType::f64, shape_of(in.k.view()));
    const HostTensor d_v(DType::f64, shape_of(in.v.view()));
    std::vector<HostTensor> d_buffers;
    std::vector<int> derive;
    plan::BackwardArgs args{.call = reference_args(in),
                            .d_out = when(check.d_out, inputs.d_out),
                            .d_lse = when(check.d_lse, inputs.d_lse),
                            .d_q = when(check.d_q, d_q),
                            .d_k = when(check.d_k, d_k),
                            .d_v = when(check.d_v, d_v)};
    args.call.out = inputs.out.view();
    args.call.lse = inputs.lse.view();
    const std::vector<TensorView>& buffers = buffers_of(in);
    for (std::size_t i = 0; i < buffers.size(); ++i) {
        const bool wanted = check.d_buffers && is_real(buffers[i].dtype);
        d_buffers.emplace_back(DType::f64, shape_of(buffers[i]));
        args.d_buffers.push_back(when(wanted, d_buffers.back()));
        if (wanted) derive.push_back(static_cast<int>(i));
    }
    std::optional<plan::Derivative> derivative;
    if (args.call.mods.score) derivative.emplace(*args.call.mods.score, derive);
    args.derivative = derivative ? &*derivative : nullptr;
    // Functions, and the score's own sum and products, are off by a few roundings of what is
    // calculated in, f32 or f64.
    const double functions = std::max(tolerance.score, function_error);
    reference::ErrorBounds bounds{.score = tolerance.score,
                                  .products = tolerance.weight + 2 * tolerance.score,
                                  .functions = functions,
                                  .d_q = {},
                                  .d_k = {},
                                  .d_v = {},
                                  .d_buffers = {}};
    reference::backward(args, &bounds);

    compare_one("d_q", got.d_q, d_q, bounds.d_q, check.d_q);
    compare_one("d_k", got.d_k, d_k, bounds.d_k, check.d_k);
    compare_one("d_v", got.d_v, d_v, bounds.d_v, check.d_v);
    for (std::size_t i = 0; i < buffers.size(); ++i) {
        compare_one("d_buffers[" + std::to_string(i) + "]", got.d_buffers[i], d_buffers[i],
                    bounds.d_buffers[i], args.d_buffers[i].data != nullptr);
    }
}

void check_backward(const AttentionCase& c, const std::string& backend,
                    const BackwardCheck& check) {
    SCOPED_TRACE(c.name());
    const BackwardInputs inputs(c, check);
    compare_backward(inputs, run_backward(inputs, backend, check), check);
}

bool identical(const Gradients& a, const Gradients& b) {
    const auto same = [](const HostTensor& x, const HostTensor& y) {
        for (std::int64_t i = 0; i < x.view().numel(); ++i) {
            const auto bits = [i](const HostTensor& t) {
                return std::bit_cast<std::uint64_t>(t.get(i));
            };
            if (bits(x) != bits(y)) return false;
        }
        return true;
    };
    bool equal = same(a.d_q, b.d_q) && same(a.d_k, b.d_k) && same(a.d_v, b.d_v);
    for (std::size_t i = 0; i < a.d_buffers.size(); ++i) {
        equal = equal && same(a.d_buffers[i], b.d_buffers[i]);
    }
    return equal;
}

}  // namespace flexion::test
