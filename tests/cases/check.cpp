// SPDX-License-Identifier: Apache-2.0
// Golden values from the reference back end, and bounds on the error of each element.
#include "cases/check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include "backend/reference/reference.h"
#include "cases/comparison.h"
#include "seed.h"

namespace flexion::test {
namespace {

HostTensor filled(DType dtype, const std::vector<std::int64_t>& shape, Layout layout,
                  std::mt19937_64& random) {
    HostTensor tensor(dtype, shape, layout);
    tensor.fill_normal(random);
    return tensor;
}

// v and |v| side by side, in double.
HostTensor with_magnitudes(const HostTensor& v) {
    const TensorView& shape = v.view();
    const std::int64_t Dv = shape.shape[3];
    HostTensor both(DType::f64, {shape.shape[0], shape.shape[1], shape.shape[2], 2 * Dv});
    for (std::int64_t row = 0; row < shape.numel() / Dv; ++row) {
        for (std::int64_t d = 0; d < Dv; ++d) {
            const double value = v.get(row * Dv + d);
            both.set(row * 2 * Dv + d, value);
            both.set(row * 2 * Dv + Dv + d, std::fabs(value));
        }
    }
    return both;
}

}  // namespace

// f32 scores are sums of up to 512 products and pass through a few functions of about 1 ulp
// (2^-24); 16-bit kernels may round P to the inputs' dtype, once for the sum and once for the
// product.
Tolerance tolerance_for(DType dtype) {
    constexpr double kF32 = 0x1p-24, kF64 = 0x1p-53;
    switch (dtype) {
        case DType::f64:
            return {64 * kF64, 16 * kF64, kF64};
        case DType::bf16:
            return {64 * kF32, 2 * 0x1p-8, 0x1p-8};
        case DType::f16:
            return {64 * kF32, 2 * 0x1p-11, 0x1p-11};
        default:
            return {64 * kF32, 16 * kF32, kF32};
    }
}

CaseInputs::CaseInputs(const AttentionCase& c)
    : shape(c),
      random(generator(std::hash<std::string>()(c.name()))),
      q(filled(c.dtype, {c.B, c.Hq, c.Sq, c.D}, c.layout, random)),
      k(filled(c.dtype, {c.kv_batch(), c.kv_heads(), c.kv_len(), c.D}, c.layout, random)),
      v(filled(c.dtype, {c.kv_batch(), c.kv_heads(), c.kv_len(), c.v_head_dim()}, c.layout,
               random)),
      memory(c, random),
      score_mod(make_score_mod(c.score, memory)),
      block_mask(make_block_mask(c.mask, memory)) {}

plan::LaunchArgs reference_args(const CaseInputs& inputs) {
    const AttentionCase& c = inputs.shape;
    const bool f64 = c.dtype == DType::f64;
    static ThreadPool* const pool = new ThreadPool(2);
    plan::LaunchArgs args{.q = inputs.q.view(),
                          .k = inputs.k.view(),
                          .v = inputs.v.view(),
                          .out = {},
                          .scale = c.scale != 0 ? c.scale : 1 / std::sqrt(double(c.D)),
                          .block_mask = inputs.block_mask ? &inputs.block_mask : nullptr,
                          .executor = {.pool = pool, .width = pool->size()}};
    if (inputs.score_mod) {
        args.mods.score = &inputs.score_mod.function(f64);
        args.mods.score_captures = &inputs.score_mod.captures(f64);
    }
    if (inputs.block_mask && inputs.block_mask.mask_mod()) {
        args.mods.mask = &inputs.block_mask.mask_mod().function();
        args.mods.mask_captures = &inputs.block_mask.mask_mod().captures();
    }
    return args;
}

Golden golden(const CaseInputs& inputs) {
    const AttentionCase& c = inputs.shape;
    const HostTensor values = with_magnitudes(inputs.v);
    const HostTensor out(DType::f64, {c.B, c.Hq, c.Sq, 2 * c.v_head_dim()});
    const HostTensor lse(DType::f64, {c.B, c.Hq, c.Sq});
    const HostTensor max_scores(DType::f64, {c.B, c.Hq, c.Sq});

    plan::LaunchArgs args = reference_args(inputs);
    args.v = values.view();
    args.out = out.view();
    args.lse = lse.view();
    args.max_scores = max_scores.view();
    reference::forward(args);

    Golden expected;
    const std::int64_t rows = c.B * c.Hq * c.Sq, Dv = c.v_head_dim();
    for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t d = 0; d < Dv; ++d) {
            expected.out.push_back(out.get(row * 2 * Dv + d));
            expected.weight.push_back(out.get(row * 2 * Dv + Dv + d));
        }
        expected.lse.push_back(lse.get(row));
        expected.max_scores.push_back(max_scores.get(row));
    }
    return expected;
}

Outputs run(const CaseInputs& inputs, const std::string& backend, const CheckOptions& options) {
    const AttentionCase& c = inputs.shape;
    const DType statistics = c.dtype == DType::f64 ? DType::f64 : DType::f32;
    Outputs got{HostTensor(c.dtype, {c.B, c.Hq, c.Sq, c.v_head_dim()}, c.layout),
                HostTensor(statistics, {c.B, c.Hq, c.Sq}),
                HostTensor(statistics, {c.B, c.Hq, c.Sq})};
    AttentionOptions attention_options{.score_mod = inputs.score_mod,
                                       .block_mask = inputs.block_mask,
                                       .scale = c.scale,
                                       .threads = options.threads,
                                       .backend = backend,
                                       .parallel_for = options.parallel_for};
    if (options.statistics) {
        attention_options.lse = got.lse.view();
        attention_options.max_scores = got.max_scores.view();
    }
    attention(inputs.q.view(), inputs.k.view(), inputs.v.view(), got.out.view(), attention_options);
    return got;
}

void compare(const CaseInputs& inputs, const Golden& expected, const Outputs& got,
             double function_error) {
    const AttentionCase& c = inputs.shape;
    const Tolerance tolerance = tolerance_for(c.dtype);
    double largest = 0;
    for (const double max : expected.max_scores) {
        if (std::isfinite(max) && max > -1e30) largest = std::max(largest, std::fabs(max));
    }
    const double score_error = std::max(tolerance.score, function_error) * (1 + largest);

    const double subnormal = c.dtype == DType::f16 ? 0x1p-24 : 0;  // results may be
    Comparison out("out"), lse("lse"), max_scores("max_scores");
    for (std::size_t i = 0; i < expected.out.size(); ++i) {
        const double bound = tolerance.out * std::fabs(expected.out[i]) +
                             (tolerance.weight + 2 * score_error) * expected.weight[i] + subnormal;
        out.element(static_cast<std::int64_t>(i), got.out.get(static_cast<std::int64_t>(i)),
                    expected.out[i], bound);
    }
    for (std::size_t i = 0; i < expected.lse.size(); ++i) {
        const auto at = static_cast<std::int64_t>(i);
        const double relative = c.dtype == DType::f64 ? 0x1p-50 : 0x1p-22;
        lse.element(at, got.lse.get(at), expected.lse[i],
                    2 * score_error + relative * std::fabs(expected.lse[i]));
        max_scores.element(at, got.max_scores.get(at), expected.max_scores[i],
                           score_error + relative * std::fabs(expected.max_scores[i]));
    }
    out.report();
    lse.report();
    max_scores.report();
    EXPECT_TRUE(got.out.surroundings_intact()) << "memory around out was written";
    EXPECT_TRUE(got.lse.surroundings_intact());
}

void check(const AttentionCase& c, const std::string& backend, const CheckOptions& options) {
    SCOPED_TRACE(c.name());
    const CaseInputs inputs(c);
    compare(inputs, golden(inputs), run(inputs, backend, options));
}

}  // namespace flexion::test
