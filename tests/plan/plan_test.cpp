// SPDX-License-Identifier: Apache-2.0
// Assumption bits: which gathers stay in range at which lengths, and which strides are 1.
#include <gtest/gtest.h>

#include <vector>

#include <flexion/expr.h>

#include "plan/assumptions.h"
#include "plan/problem.h"

namespace flexion::plan {
namespace {

constexpr std::uint64_t kBoth = kInRange | kUnitStride;

/// The bits of load number `load`.
std::uint64_t of_load(std::uint64_t bits, int load) {
    return bits >> (load * kBitsPerLoad) & ((1u << kBitsPerLoad) - 1);
}

/// Bits of a score_mod's loads as written, not simplified.
std::uint64_t bits(const ScoreMod& score, const Extents& extents) {
    const AssumptionChecker checker(&score.function(), nullptr);
    const Mods mods{.score = &score.function(), .score_captures = &score.captures()};
    return checker.bits(mods, extents);
}

std::uint64_t mask_bits(const MaskMod& mask, const Extents& extents) {
    const AssumptionChecker checker(nullptr, &mask.function());
    const Mods mods{.mask = &mask.function(), .mask_captures = &mask.captures()};
    return checker.bits(mods, extents);
}

const std::vector<float> kMemory(4096, 1.0f);

Buffer floats(std::initializer_list<std::int64_t> shape) {
    return buffer(TensorView::dense(kMemory.data(), DType::f32, shape));
}

TEST(Assumptions, GatherByHeadIsInRangeWhenItHasEveryHead) {
    const Buffer slopes = floats({4});
    const ScoreMod alibi =
        score_mod([&](Expr s, Expr, Expr h, Expr q, Expr k) { return s + slopes[h] * (k - q); });
    EXPECT_EQ(bits(alibi, {.H = 4, .q_len = 9, .kv_len = 9}) & kBoth, kBoth);
    EXPECT_EQ(bits(alibi, {.H = 5, .q_len = 9, .kv_len = 9}) & kBoth, kUnitStride);
}

TEST(Assumptions, StridesOtherThanOneAreSeen) {
    TensorView view = TensorView::dense(kMemory.data(), DType::f32, {4});
    view.strides[0] = 2;
    const Buffer slopes = buffer(view);
    const ScoreMod mod = score_mod([&](Expr s, Expr, Expr h, Expr, Expr) { return s + slopes[h]; });
    EXPECT_EQ(bits(mod, {.H = 4}) & kBoth, kInRange);
}

TEST(Assumptions, DiagonalNeedsItsOffset) {
    const Buffer table = floats({19});
    const auto relative = [&](std::int64_t offset) {
        const Scalar o = scalar(offset);
        return score_mod(
            [&table, o](Expr s, Expr, Expr, Expr q, Expr k) { return s + table[q - k + o]; });
    };
    const Extents ten{.q_len = 10, .kv_len = 10};  // q - k from -9 to 9
    EXPECT_EQ(bits(relative(9), ten) & kInRange, kInRange);
    EXPECT_EQ(bits(relative(8), ten) & kInRange, 0u);
    EXPECT_EQ(bits(relative(10), ten) & kInRange, 0u);
    EXPECT_EQ(bits(relative(9), {.q_len = 11, .kv_len = 10}) & kInRange, 0u);
    EXPECT_EQ(bits(relative(9), {.q_len = 10, .kv_len = 11}) & kInRange, 0u);
}

TEST(Assumptions, ClampThatNeverBindsIsReadThrough) {
    const Buffer table = floats({19});
    const auto relative = [&](std::int64_t offset, std::int64_t last) {
        const Scalar o = scalar(offset), l = scalar(last);
        return score_mod([&table, o, l](Expr s, Expr, Expr, Expr q, Expr k) {
            return s + table[min(to_i32(l), max(0, q - k + to_i32(o)))];
        });
    };
    const Extents ten{.q_len = 10, .kv_len = 10};  // q - k from -9 to 9
    EXPECT_EQ(bits(relative(9, 18), ten) & kInRange, kInRange);
    EXPECT_EQ(bits(relative(8, 18), ten) & kInRange, 0u) << "the max binds";
    EXPECT_EQ(bits(relative(9, 17), ten) & kInRange, 0u) << "the min binds";
    EXPECT_EQ(bits(relative(10, 19), ten) & kInRange, 0u) << "past the end";
    EXPECT_EQ(bits(relative(9, 18), {.q_len = 10, .kv_len = 11}) & kInRange, 0u);
    EXPECT_EQ(bits(relative(9 + (std::int64_t{1} << 32), 18), ten) & kInRange, 0u)
        << "right modulo 2^32 only";
}

TEST(Assumptions, ClampOfTwoPositionsIsNoForm) {
    const Buffer table = floats({19});
    const ScoreMod mod =
        score_mod([&](Expr s, Expr, Expr, Expr q, Expr k) { return s + table[max(q, k)]; });
    EXPECT_EQ(bits(mod, {.q_len = 10, .kv_len = 10}) & kInRange, 0u);
}

TEST(Assumptions, EveryDimensionCounts) {
    const Buffer bias = floats({2, 3, 8, 16});
    const ScoreMod mod =
        score_mod([&](Expr s, Expr b, Expr h, Expr q, Expr k) { return s + bias(b, h, q, k); });
    EXPECT_EQ(bits(mod, {.B = 2, .H = 3, .q_len = 8, .kv_len = 16}) & kInRange, kInRange);
    EXPECT_EQ(bits(mod, {.B = 3, .H = 3, .q_len = 8, .kv_len = 16}) & kInRange, 0u);
    EXPECT_EQ(bits(mod, {.B = 2, .H = 4, .q_len = 8, .kv_len = 16}) & kInRange, 0u);
    EXPECT_EQ(bits(mod, {.B = 2, .H = 3, .q_len = 9, .kv_len = 16}) & kInRange, 0u);
    EXPECT_EQ(bits(mod, {.B = 2, .H = 3, .q_len = 8, .kv_len = 17}) & kInRange, 0u);
}

TEST(Assumptions, GatheredIndexIsNeverInRange) {
    const std::vector<std::int32_t> zeros(16, 0);
    const Buffer index = buffer(TensorView::dense(zeros.data(), DType::i32, {16}));
    const Buffer table = floats({4});
    const ScoreMod mod =
        score_mod([&](Expr s, Expr, Expr, Expr, Expr k) { return s + table[index[k]]; });
    // The inner load comes first and is in range; the outer one rests on contents.
    EXPECT_EQ(of_load(bits(mod, {.kv_len = 16}), 0) & kBoth, kBoth);
    EXPECT_EQ(of_load(bits(mod, {.kv_len = 16}), 1) & kBoth, kUnitStride);
}

TEST(Assumptions, WrappedProductThatIsWidenedIsNotTrusted) {
    // Zero in exact arithmetic; the 32-bit product wraps from q = 21475 on.
    const Buffer table = floats({1});
    const ScoreMod mod = score_mod([&](Expr s, Expr, Expr, Expr q, Expr) {
        return s + table[to_i64(to_i32(q * 100000)) - to_i64(q) * 100000];
    });
    EXPECT_EQ(bits(mod, {.q_len = 20000}) & kInRange, kInRange);
    EXPECT_EQ(bits(mod, {.q_len = 30000}) & kInRange, 0u);
}

TEST(Assumptions, EmptyBufferIsNeverInRange) {
    const Buffer empty = floats({0});
    const ScoreMod mod = score_mod([&](Expr s, Expr, Expr, Expr, Expr k) { return s + empty[k]; });
    EXPECT_EQ(bits(mod, {}) & kInRange, 0u);
}

TEST(Assumptions, ScoreLoadsComeBeforeMaskLoads) {
    const Buffer wide = floats({100});
    const Buffer narrow = floats({10});
    const ScoreMod score = score_mod([&](Expr s, Expr, Expr, Expr, Expr k) { return s + wide[k]; });
    const MaskMod mask = mask_mod([&](Expr, Expr, Expr, Expr k) { return narrow[k] > 0; });
    const AssumptionChecker checker(&score.function(), &mask.function());
    const Mods mods{&score.function(), &mask.function(), &score.captures(), &mask.captures()};
    EXPECT_EQ(of_load(checker.bits(mods, {.kv_len = 50}), 0) & kBoth, kBoth);
    EXPECT_EQ(of_load(checker.bits(mods, {.kv_len = 50}), 1) & kBoth, kUnitStride);
    EXPECT_EQ(mask_bits(mask, {.kv_len = 10}) & kBoth, kBoth);
}

TEST(Assumptions, LoadsPastTheLastBitGetNone) {
    std::vector<Buffer> buffers;
    for (int i = 0; i < kLoadsWithBits + 3; ++i) buffers.push_back(floats({4}));
    const ScoreMod mod = score_mod([&](Expr s, Expr, Expr h, Expr, Expr) {
        for (const Buffer& each : buffers) s = s + each[h];
        return s;
    });
    const std::uint64_t got = bits(mod, {.H = 4});
    for (int load = 0; load < kLoadsWithBits; ++load) EXPECT_EQ(of_load(got, load) & kBoth, kBoth);
}

TEST(Problem, HashAndTextKnowEveryField) {
    const Problem plain;
    const Problem others[] = {{.direction = Direction::mask_leaf},
                              {.dtype = DType::bf16},
                              {.masked = true},
                              {.few_queries = true},
                              {.assumptions = 1}};
    for (const Problem& other : others) {
        EXPECT_FALSE(other == plain);
        EXPECT_NE(hash(other), hash(plain));
        EXPECT_NE(to_text(other), to_text(plain));
    }
    EXPECT_EQ(hash(Problem{}), hash(plain));
}

}  // namespace
}  // namespace flexion::plan
