// SPDX-License-Identifier: Apache-2.0
// The forward drivers with hand-written tile passes against double, on every instruction set here.
#include <gtest/gtest.h>

#include "backend/cpu/kernels/forward_case.h"
#include "seed.h"

namespace flexion::cpu::test {
namespace {

using flexion::test::between;
using flexion::test::generator;

constexpr DType kFloats[] = {DType::f32, DType::f64, DType::bf16, DType::f16};

class ForwardTest : public ::testing::TestWithParam<Isa> {};
INSTANTIATE_TEST_SUITE_P(All, ForwardTest, ::testing::ValuesIn(runnable_isas()),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(ForwardTest, DenseOfEveryType) {
    auto random = generator(1);
    for (DType dtype : kFloats)
        for (auto score : {hand::Score::none, hand::Score::alibi, hand::Score::softcap})
            run_and_check(
                GetParam(),
                {.dtype = dtype, .Hq = 2, .Hkv = 2, .Sq = 133, .Skv = 171, .score = score}, random);
}

TEST_P(ForwardTest, HeadDims) {
    auto random = generator(2);
    for (DType dtype : kFloats) {
        for (std::int64_t d : {1, 2, 3, 7, 8, 15, 31, 33, 72, 96, 255, 512}) {
            run_and_check(GetParam(), {.dtype = dtype, .Sq = 40, .Skv = 37, .D = d, .Dv = d},
                          random);
            run_and_check(GetParam(), {.dtype = dtype, .Sq = 3, .Skv = 37, .D = d, .Dv = d},
                          random);
        }
        run_and_check(GetParam(), {.dtype = dtype, .Sq = 40, .Skv = 200, .D = 64, .Dv = 17},
                      random);
        run_and_check(GetParam(), {.dtype = dtype, .Sq = 1, .Skv = 200, .D = 5, .Dv = 130}, random);
    }
}

TEST_P(ForwardTest, Lengths) {
    auto random = generator(3);
    for (DType dtype : kFloats)
        for (std::int64_t sq : {1, 2, 5, 8, 9, 16, 17, 31, 33, 127, 129, 300})
            for (std::int64_t skv : {1, 2, 127, 161, 290})
                run_and_check(GetParam(), {.dtype = dtype, .Sq = sq, .Skv = skv, .D = 16, .Dv = 24},
                              random);
}

TEST_P(ForwardTest, CausalOfEveryBlockSize) {
    auto random = generator(4);
    for (BlockSize block : {BlockSize{128, 128}, BlockSize{64, 128}, BlockSize{128, 32},
                            BlockSize{16, 16}, BlockSize{1, 1}, BlockSize{3, 5}, BlockSize{48, 48},
                            BlockSize{std::int64_t{1} << 30, std::int64_t{1} << 30}})
        for (DType dtype : kFloats)
            for (std::int64_t sq : {std::int64_t{2}, std::int64_t{200}}) {
                Case c{.dtype = dtype, .Sq = sq, .Skv = 200, .D = 16, .Dv = 16};
                c.mask = hand::Mask::causal;
                c.block_mask = causal_mask(block, c.Sq, c.Skv);
                run_and_check(GetParam(), c, random);
            }
}

TEST_P(ForwardTest, RandomCases) {
    auto random = generator(5);
    for (int i = 0; i < 60; ++i) {
        Case c;
        c.dtype = kFloats[between(random, 0, 3)];
        c.B = between(random, 1, 2);
        c.Hkv = between(random, 1, 2);
        c.Hq = c.Hkv * between(random, 1, 5);
        c.kv_batch = between(random, 0, 1);
        c.Sq = between(random, 0, 1) == 0 ? between(random, 1, 12) : between(random, 1, 200);
        c.Skv = between(random, 1, 300);
        c.D = between(random, 1, 80);
        c.Dv = between(random, 1, 80);
        c.bshd = between(random, 0, 1) == 1;
        c.pad = between(random, 0, 3);
        c.score = static_cast<hand::Score>(between(random, 0, 2));
        if (between(random, 0, 3) != 0) {
            const BlockSize block{between(random, 1, 70), between(random, 1, 70)};
            c.mask = static_cast<hand::Mask>(between(random, 0, 2));
            c.block_mask = random_mask(random, between(random, 0, 1) == 0 ? 1 : c.B,
                                       between(random, 0, 1) == 0 ? 1 : c.Hq, block, c.Sq, c.Skv);
        }
        run_and_check(GetParam(), c, random);
        if (HasFailure()) break;
    }
}

TEST_P(ForwardTest, RowsWithoutKeysAreZero) {
    auto random = generator(6);
    for (std::int64_t sq : {3, 70}) {
        Case c{.Sq = sq, .Skv = 128};
        c.mask = hand::Mask::causal;
        // All listed as partial, and nothing at all.
        for (std::uint8_t kind : {1, 0}) {
            std::vector<std::uint8_t> kinds(static_cast<std::size_t>((sq + 15) / 16 * 8), kind);
            c.block_mask = mask_of_kinds(kinds, 1, 1, {16, 16}, sq, 128, MaskMod());
            run_and_check(GetParam(), c, random);
        }
    }
}

TEST_P(ForwardTest, LongDecodeIsSplitAndMerged) {
    auto random = generator(7);
    for (DType dtype : kFloats) {
        Case c{.dtype = dtype, .Hq = 8, .Hkv = 2, .Sq = 1, .Skv = 3000, .D = 40, .Dv = 24};
        run_and_check(GetParam(), c, random);
        c.Sq = 3;
        c.mask = hand::Mask::speckled;
        c.block_mask = random_mask(random, 1, 1, {4, 100}, c.Sq, c.Skv);
        run_and_check(GetParam(), c, random);
    }
}

}  // namespace
}  // namespace flexion::cpu::test
