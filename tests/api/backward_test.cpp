// SPDX-License-Identifier: Apache-2.0
// The backward pass of the attention cases, on the back end that FLEXION_BACKEND names (else the
// preferred one): gradients, subsets of them, bits.
#include <gtest/gtest.h>

#include <algorithm>

#include <flexion/options.h>

#include "cases/check_backward.h"

namespace flexion::test {
namespace {

class Backward : public ::testing::TestWithParam<AttentionCase> {};

TEST_P(Backward, MatchesTheReference) { check_backward(GetParam(), option("backend")); }

const auto kName = [](const auto& info) { return info.param.name(); };
INSTANTIATE_TEST_SUITE_P(Short, Backward, ::testing::ValuesIn(short_backward_cases()), kName);
INSTANTIATE_TEST_SUITE_P(Long, Backward, ::testing::ValuesIn(long_backward_cases()), kName);

/// A case for each kind of problem that a back end may treat in its own way.
std::vector<AttentionCase> kinds() {
    std::vector<AttentionCase> cases;
    for (const char* score : {"none", "alibi", "bias", "relative", "composed"}) {
        for (const DType dtype : {DType::f32, DType::bf16}) {
            cases.push_back({.dtype = dtype,
                             .B = 2,
                             .Hq = 4,
                             .Hkv = 2,
                             .Sq = 70,
                             .Skv = 90,
                             .D = 16,
                             .score = score,
                             .mask = "document_causal",
                             .block = {32, 32}});
        }
    }
    return cases;
}

TEST(ShortBackward, AnySubsetOfGradientsIsAsInTheWhole) {
    for (const AttentionCase& c : kinds()) {
        SCOPED_TRACE(c.name());
        const BackwardInputs inputs(c, {});
        const Gradients whole = run_backward(inputs, option("backend"));
        for (int set = 0; set < 16; ++set) {
            SCOPED_TRACE(set);
            const BackwardCheck check{.d_q = (set & 1) != 0,
                                      .d_k = (set & 2) != 0,
                                      .d_v = (set & 4) != 0,
                                      .d_buffers = (set & 8) != 0};
            compare_backward(inputs, run_backward(inputs, option("backend"), check), check);
        }
    }
}

TEST(ShortBackward, EitherIncomingGradientMayBeMissing) {
    for (const AttentionCase& c : kinds()) {
        for (int given = 0; given < 3; ++given) {
            check_backward(c, option("backend"), {.d_out = given == 1, .d_lse = given == 2});
        }
    }
}

TEST(ShortBackward, BufferGradientsMayBeWiderThanTheBuffers) {
    for (const char* score : {"head_gate", "bias_f16", "composed"}) {
        check_backward({.B = 2, .Hq = 2, .Sq = 40, .D = 8, .score = score}, option("backend"),
                       {.wide_buffers = true});
    }
}

TEST(ShortBackward, BitsDependNeitherOnTheRunNorOnThreads) {
    for (const AttentionCase& c : kinds()) {
        SCOPED_TRACE(c.name());
        const BackwardInputs inputs(c, {});
        const Gradients first = run_backward(inputs, option("backend"));
        for (int run = 0; run < 20; ++run) {
            constexpr int kThreads[] = {1, 2, 3, 7};
            const Gradients again =
                run_backward(inputs, option("backend"), {.threads = kThreads[run % 4]});
            ASSERT_TRUE(identical(first, again)) << kThreads[run % 4] << " threads";
        }
    }
}

/// docs/backward.md: three times the gradients, lse and delta included, and one tile's scratch.
TEST(ShortBackward, ScratchIsBoundedWhateverTheThreads) {
    for (const std::int64_t heads : {1, 4}) {
        const AttentionCase c{.B = 1, .Hq = heads, .Sq = 1100, .D = 64, .score = "alibi"};
        const BackwardInputs inputs(c, {});
        const std::int64_t one =
            run_backward(inputs, option("backend"), {.threads = 1}).info.scratch_bytes;
        for (const int threads : {2, 5}) {
            EXPECT_EQ(
                one,
                run_backward(inputs, option("backend"), {.threads = threads}).info.scratch_bytes);
        }
        EXPECT_LE(one, 3 * 4 * (3 * heads * c.Sq * c.D + heads));
    }
}

/// Of a captured buffer alone: copies for the tasks take three times its size, or what lse and
/// delta take.
TEST(ShortBackward, ScratchOfBuffersAloneIsBounded) {
    const AttentionCase c{.B = 1, .Hq = 1, .Sq = 16, .Skv = 8000, .D = 16, .score = "key_bias"};
    const BackwardCheck check{.d_q = false, .d_k = false, .d_v = false, .threads = 1};
    const BackwardInputs inputs(c, check);
    const Gradients got = run_backward(inputs, option("backend"), check);
    std::int64_t elements = 0;
    for (const HostTensor& each : got.d_buffers) elements += each.view().numel();
    ASSERT_GT(elements, 0);
    const std::int64_t statistics = 8 * c.Hq * (c.Sq + 32);
    constexpr std::int64_t kTile = 160 << 10;  // chunk of keys, packings, tiles at D = 16
    EXPECT_LE(got.info.scratch_bytes, std::max(3 * 4 * elements, statistics) + statistics + kTile);
}

}  // namespace
}  // namespace flexion::test
