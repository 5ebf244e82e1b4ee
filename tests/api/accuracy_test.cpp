// SPDX-License-Identifier: Apache-2.0
// The error of 16-bit results is at most 1.1 times that of the same computation step by step in
// that dtype, as an eager framework does it: scores, P and out are rounded, softmax is in f32.
#include <gtest/gtest.h>

#include <cmath>

#include <flexion/options.h>

#include "cases/check.h"
#include "support/dtype.h"

namespace flexion::test {
namespace {

float rounded(DType dtype, float value) {
    return dtype == DType::bf16  ? bf16_to_float(float_to_bf16(value))
           : dtype == DType::f16 ? f16_to_float(float_to_f16(value))
                                 : value;
}

std::vector<float> values_of(const HostTensor& tensor) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < tensor.view().numel(); ++i) {
        values.push_back(static_cast<float>(tensor.get(i)));
    }
    return values;
}

/// Attention without mods, one head, eagerly; row-major [Sq, Dv].
std::vector<float> eager(const CaseInputs& inputs) {
    const AttentionCase& c = inputs.shape;
    const float scale = 1 / std::sqrt(static_cast<float>(c.D));
    const std::vector<float> q = values_of(inputs.q), k = values_of(inputs.k);
    const std::vector<float> v = values_of(inputs.v);
    std::vector<float> out;
    for (std::int64_t i = 0; i < c.Sq; ++i) {
        std::vector<float> p;
        float max = -HUGE_VALF, sum = 0;
        for (std::int64_t j = 0; j < c.kv_len(); ++j) {
            float dot = 0;
            for (std::int64_t d = 0; d < c.D; ++d) dot += q[i * c.D + d] * k[j * c.D + d];
            p.push_back(rounded(c.dtype, dot) * scale);
            max = std::max(max, p.back());
        }
        for (float& x : p) sum += x = std::exp(x - max);
        for (float& x : p) x = rounded(c.dtype, x / sum);
        for (std::int64_t d = 0; d < c.v_head_dim(); ++d) {
            float value = 0;
            for (std::int64_t j = 0; j < c.kv_len(); ++j) {
                value += p[j] * v[j * c.v_head_dim() + d];
            }
            out.push_back(rounded(c.dtype, value));
        }
    }
    return out;
}

TEST(Accuracy, MeanErrorIsThatOfTheDtype) {
    for (const DType dtype : {DType::bf16, DType::f16, DType::f32}) {
        for (const std::int64_t Sq : {4, 300}) {  // both maps of positions to lanes
            const AttentionCase c{.dtype = dtype, .Sq = Sq, .Skv = 500, .D = 64};
            const CaseInputs inputs(c);
            const Golden exact = golden(inputs);
            const Outputs got = run(inputs, option("backend"));
            const std::vector<float> stepwise = eager(inputs);
            double error = 0, eager_error = 0;
            for (std::size_t i = 0; i < exact.out.size(); ++i) {
                error += std::fabs(got.out.get(static_cast<std::int64_t>(i)) - exact.out[i]);
                eager_error += std::fabs(stepwise[i] - exact.out[i]);
            }
            RecordProperty(c.name(), std::to_string(error / eager_error));
            EXPECT_LE(error, 1.1 * eager_error) << c.name();
        }
    }
}

}  // namespace
}  // namespace flexion::test
