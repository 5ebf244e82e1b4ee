// SPDX-License-Identifier: Apache-2.0
// The builder against brute force.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <random>

#include <flexion/masks.h>

#include "mask/cases.h"
#include "mask/oracle.h"
#include "seed.h"

namespace flexion::test {
namespace {

const CaseData& data() {
    static const CaseData instance = [] {
        std::mt19937_64 random = generator(1);
        return CaseData(random);
    }();
    return instance;
}

TEST(BuildMask, EveryCaseAtEveryBlockSize) {
    const BlockSize sizes[] = {{128, 128}, {64, 64}, {32, 32}, {16, 16}, {64, 16}, {16, 128}};
    for (const MaskCase& c : mask_cases(data())) {
        for (const BlockSize& size : sizes) {
            const std::string what = c.name + " in blocks of " + std::to_string(size.q) + " x " +
                                     std::to_string(size.kv);
            expect_matches(build(c.mod, 2, 2, 300, 333, size), c.predicate, what);
        }
    }
}

TEST(BuildMask, EveryCaseAtOddLengths) {
    const std::pair<std::int64_t, std::int64_t> lengths[] = {
        {0, 0}, {0, 9}, {4, 0}, {1, 1}, {4, 9}, {2, 1023}, {1023, 1}, {129, 257}, {1023, 1021}};
    for (const MaskCase& c : mask_cases(data())) {
        for (const auto& [q_len, kv_len] : lengths) {
            const std::string what =
                c.name + " of " + std::to_string(q_len) + " x " + std::to_string(kv_len);
            expect_matches(build(c.mod, {}, {}, q_len, kv_len), c.predicate, what);
            if (q_len < 1000) {
                expect_matches(build(c.mod, {}, {}, q_len, kv_len, {16, 16}), c.predicate, what);
                expect_matches(build(c.mod, {}, {}, q_len, kv_len, {7, 45}), c.predicate, what);
            }
        }
    }
}

TEST(BuildMask, BatchesAndHeadsGivenOrBroadcast) {
    for (const MaskCase& c : mask_cases(data())) {
        for (const std::optional<std::int64_t> B : {std::optional<std::int64_t>(), {1}, {3}}) {
            for (const std::optional<std::int64_t> H : {std::optional<std::int64_t>(), {4}}) {
                const BlockMask mask = build(c.mod, B, H, 200, 260, {64, 64});
                EXPECT_EQ(mask.B(), B.value_or(1));
                EXPECT_EQ(mask.H(), H.value_or(1));
                const bool by_b = c.name.starts_with("by batch");
                const bool by_h = c.name == "by head" || c.name == "by batch and head";
                EXPECT_EQ(mask.broadcasts_read_b(), by_b && mask.B() == 1) << c.name;
                EXPECT_EQ(mask.broadcasts_read_h(), by_h && mask.H() == 1) << c.name;
                expect_matches(mask, c.predicate, c.name);
            }
        }
    }
}

TEST(BuildMask, RandomCombinations) {
    std::mt19937_64 random = generator(2);
    const std::vector<MaskCase> cases = mask_cases(data());
    for (int i = 0; i < 150; ++i) {
        const auto pick = [&] { return cases[between(random, 0, std::ssize(cases) - 1)]; };
        MaskCase m = pick();
        for (std::int64_t n = between(random, 1, 2); n > 0; --n) {
            const MaskCase other = pick();
            const Predicate a = m.predicate, b = other.predicate;
            if (between(random, 0, 1) == 0) {
                m = {"(" + m.name + " & " + other.name + ")", m.mod & other.mod,
                     [a, b](auto... x) { return a(x...) && b(x...); }};
            } else {
                m = {"(" + m.name + " | " + other.name + ")", m.mod | other.mod,
                     [a, b](auto... x) { return a(x...) || b(x...); }};
            }
            if (between(random, 0, 3) == 0) {
                const Predicate inner = m.predicate;
                m = {"~" + m.name, ~m.mod, [inner](auto... x) { return !inner(x...); }};
            }
        }
        const BlockSize size{between(random, 1, 130), between(random, 1, 130)};
        const std::int64_t q_len = between(random, 1, 500), kv_len = between(random, 1, 500);
        expect_matches(
            build(m.mod, between(random, 1, 2), between(random, 1, 2), q_len, kv_len, size),
            m.predicate,
            m.name + " of " + std::to_string(q_len) + " x " + std::to_string(kv_len) +
                " in blocks of " + std::to_string(size.q) + " x " + std::to_string(size.kv));
    }
}

TEST(BuildMask, ScalarsAtTheirExtremes) {
    for (const std::int64_t w : {std::int64_t{-1}, std::int64_t{1} << 30}) {
        expect_matches(
            build(masks::sliding_window(w), {}, {}, 300, 300),
            [w](auto, auto, auto q, auto k) { return q >= k && q - k <= w; }, "window");
        const Scalar s = scalar(w);
        expect_matches(
            build(mask_mod([s](Expr, Expr, Expr q, Expr k) { return q * s >= k - s; }), {}, {}, 200,
                  200, {32, 32}),
            [w](auto, auto, auto q, auto k) { return q * w >= k - w; }, "scaled");
    }
}

TEST(BuildMask, AnEmptyMaskModListsEverything) {
    expect_matches(build({}, 2, {}, 300, 257, {64, 64}), [](auto...) { return true; }, "empty mod");
    expect_matches(build({}, {}, {}, 0, 0), [](auto...) { return true; }, "no elements");
}

TEST(BuildMask, ABlockMayBeLargerThanTheLengths) {
    const BlockSize huge{std::int64_t{1} << 30, std::int64_t{1} << 30};
    const BlockMask mask = build(masks::causal(), {}, {}, 1000, 1000, huge);
    EXPECT_EQ(mask.q_blocks(), 1);
    EXPECT_EQ(mask.kv_blocks(), 1);
    ASSERT_EQ(mask.row(0, 0, 0).size(), 1u);
    EXPECT_FALSE(mask.row(0, 0, 0)[0].full());
}

TEST(BuildMask, TheSameForAnyNumberOfThreads) {
    for (const MaskCase& c : mask_cases(data())) {
        const BlockMask one = build(c.mod, 2, 2, 900, 1000, {16, 32});
        for (const int threads : {2, 3, 7}) {
            ThreadPool pool(threads);
            const BlockMask mask = mask::build(c.mod, 2, 2, 900, 1000, {16, 32}, {},
                                               Executor{&pool, nullptr, threads});
            EXPECT_EQ(states_of(mask), states_of(one)) << c.name << ", " << threads << " threads";
            EXPECT_EQ(mask.blocks_evaluated(), one.blocks_evaluated());
            EXPECT_EQ(mask.blocks_proved(), one.blocks_proved());
            EXPECT_EQ(mask.bytes(), one.bytes());
        }
    }
}

TEST(BuildMask, ContentsAreThoseOfItsMoment) {
    std::vector<std::int32_t> document(512);
    for (int i = 0; i < 512; ++i) document[i] = i / 100;
    const MaskMod mod =
        masks::document(buffer(TensorView::dense(document.data(), DType::i32, {512})));
    const BlockMask before = build(mod, {}, {}, 512, 512, {64, 64});
    const Blocks states = states_of(before);
    std::fill(document.begin(), document.end(), 0x7fff'1234);
    EXPECT_EQ(states_of(before), states);
    const BlockMask after = build(mod, {}, {}, 512, 512, {64, 64});
    expect_matches(after, [](auto...) { return true; }, "all in one document");
}

// Positions outside the lengths are never evaluated: a mod may gather by them.
TEST(BuildMask, LeavesLieInsideTheLengths) {
    std::mutex mutex;
    std::int64_t leaves = 0;
    const mask::LeafEvaluator evaluate = [&](std::int32_t, std::int32_t, std::int32_t q0,
                                             std::int32_t q1, std::int32_t k0, std::int32_t k1) {
        const std::lock_guard lock(mutex);
        ++leaves;
        EXPECT_TRUE(0 <= q0 && q0 < q1 && q1 <= 1000 && 0 <= k0 && k0 < k1 && k1 <= 777)
            << q0 << " " << q1 << " " << k0 << " " << k1;
        EXPECT_LE(std::int64_t{q1 - q0} * (k1 - k0), 128 * 128);
        return 1u;
    };
    for (const MaskCase& c : mask_cases(data())) {
        if (c.name != "hash") continue;
        for (const BlockSize size :
             {BlockSize{128, 128}, BlockSize{300, 300}, BlockSize{16, 512}}) {
            const BlockMask mask =
                mask::build(c.mod, {}, {}, 1000, 777, size, evaluate, Executor{});
            EXPECT_GT(mask.blocks_evaluated(), 0);
            EXPECT_EQ(mask.blocks_evaluated() + mask.blocks_proved(),
                      mask.q_blocks() * mask.kv_blocks());
        }
    }
    EXPECT_GT(leaves, 0);
}

TEST(BuildMask, ProofsNeedNoEvaluation) {
    const mask::LeafEvaluator forbidden = [](auto...) -> unsigned {
        ADD_FAILURE() << "a block of a causal mask was evaluated";
        return 0;
    };
    const BlockMask mask =
        mask::build(masks::causal(), {}, {}, 5000, 5000, {}, forbidden, Executor{});
    EXPECT_EQ(mask.blocks_evaluated(), 0);
    EXPECT_EQ(mask.blocks_proved(), 40 * 40);
}

TEST(BuildMask, MemoryFollowsTheRuns) {
    const BlockMask mask = build(masks::causal(), {}, {}, 1 << 20, 1 << 20);
    EXPECT_EQ(mask.q_blocks(), 8192);
    EXPECT_LT(mask.bytes(), 256 * 1024);
    EXPECT_EQ(mask.blocks_in_row(0, 0, 8191), 8192);
    // A mask that does not read b and h keeps one plane for all of them.
    EXPECT_EQ(build(masks::causal(), 64, 32, 1 << 12, 1 << 12).bytes(),
              build(masks::causal(), {}, {}, 1 << 12, 1 << 12).bytes());
}

TEST(BuildMask, AnExceptionOfALeafReachesTheCaller) {
    ThreadPool pool(3);
    const MaskMod mod = mask_mod([](Expr, Expr, Expr q, Expr k) { return (q * k) % 7 == 3; });
    const mask::LeafEvaluator broken = [](auto...) -> unsigned {
        throw std::runtime_error("leaf");
    };
    EXPECT_THROW(mask::build(mod, {}, {}, 4096, 4096, {}, broken, Executor{&pool, nullptr, 3}),
                 std::runtime_error);
}

TEST(CreateMask, IsTheMaskModAtEveryPosition) {
    for (const MaskCase& c : mask_cases(data())) {
        const std::vector<std::uint8_t> dense = create_mask(c.mod, 2, 3, 70, 85);
        std::size_t i = 0;
        for (int b = 0; b < 2; ++b) {
            for (int h = 0; h < 3; ++h) {
                for (int q = 0; q < 70; ++q) {
                    for (int k = 0; k < 85; ++k, ++i) {
                        ASSERT_EQ(dense[i] != 0, c.predicate(b, h, q, k)) << c.name;
                    }
                }
            }
        }
        EXPECT_EQ(i, dense.size());
    }
    EXPECT_EQ(create_mask({}, 1, 1, 2, 2), std::vector<std::uint8_t>(4, 1));
    EXPECT_TRUE(create_mask(masks::causal(), 1, 1, 0, 5).empty());
}

}  // namespace
}  // namespace flexion::test
