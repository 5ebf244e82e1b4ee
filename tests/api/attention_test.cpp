// SPDX-License-Identifier: Apache-2.0
// The list of attention cases, on the back end that FLEXION_BACKEND names (else the preferred one).
#include <gtest/gtest.h>

#include <flexion/options.h>

#include "cases/check.h"

namespace flexion::test {
namespace {

class Attention : public ::testing::TestWithParam<AttentionCase> {};

TEST_P(Attention, MatchesTheReference) { check(GetParam(), option("backend")); }

const auto kName = [](const auto& info) { return info.param.name(); };
INSTANTIATE_TEST_SUITE_P(Short, Attention, ::testing::ValuesIn(short_attention_cases()), kName);
INSTANTIATE_TEST_SUITE_P(Long, Attention, ::testing::ValuesIn(long_attention_cases()), kName);

}  // namespace
}  // namespace flexion::test
