// SPDX-License-Identifier: Apache-2.0
// The shared attention cases on a Hopper GPU, against the reference.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include <flexion/error.h>

#include "device_tensor.h"

namespace flexion::test {
namespace {

class OnDevice : public testing::TestWithParam<AttentionCase> {
protected:
    void SetUp() override {
        static const std::string why = why_no_gpu();
        if (!why.empty()) GTEST_SKIP() << why;
    }
};

// What the back end refuses by name.
bool is_supported(const AttentionCase& c) {
    const bool dtype = c.dtype == DType::bf16 || c.dtype == DType::f16;
    const auto dim = [](std::int64_t d) { return d % 8 == 0 && d <= 256; };
    return dtype && dim(c.D) && dim(c.v_head_dim()) && c.layout != Layout::transposed &&
           c.layout != Layout::sliced;
}

TEST_P(OnDevice, MatchesTheReference) {
    const AttentionCase& c = GetParam();
    const CaseInputs inputs(c);
    if (!is_supported(c)) {
        EXPECT_THROW(run_on_device(inputs), Error) << "a case that is refused";
        return;
    }
    // tanh and what is made of it take one approximate instruction in bf16 problems.
    static const std::set<std::string> kApproximate = {"softcap", "composed", "functions", "silu",
                                                       "head_gate"};
    const bool approximate = c.dtype == DType::bf16 && kApproximate.count(c.score) != 0;
    compare(inputs, golden(inputs), run_on_device(inputs),
            approximate          ? 0x1p-11
            : c.score == "alibi" ? kLineError
                                 : 0);
}

INSTANTIATE_TEST_SUITE_P(Cases, OnDevice, testing::ValuesIn(attention_cases()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace flexion::test
