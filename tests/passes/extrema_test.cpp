// SPDX-License-Identifier: Apache-2.0
// Minima and maxima of ranges of captured buffers against a scan.
#include <gtest/gtest.h>

#include "ir/interpret.h"
#include "passes/interval/extrema.h"
#include "passes/special_values.h"
#include "seed.h"

namespace flexion::passes {
namespace {

using test::between;

Interval scanned(const TensorView& view, const Extrema::Index& first, const Extrema::Index& last) {
    Interval found = integers(INT64_MAX, INT64_MIN);
    Extrema::Index at = first;
    for (;;) {
        const std::int64_t x = ir::read_integer(view, std::span(at.data(), view.rank));
        found = integers(std::min(found.lo, x), std::max(found.hi, x));
        int axis = view.rank - 1;
        for (; axis >= 0 && at[axis] == last[axis]; --axis) at[axis] = first[axis];
        if (axis < 0) return found;
        ++at[axis];
    }
}

TEST(Extrema, OneAxisIsExact) {
    auto random = test::generator(1);
    for (int trial = 0; trial < test::scaled(100); ++trial) {
        const std::int64_t n = between(random, 1, trial % 2 ? 60 : 3000),
                           rows = between(random, 1, 3);
        std::vector<std::int32_t> data(n * rows * 2);
        for (auto& x : data) x = static_cast<std::int32_t>(between(random, -1000, 1000));
        TensorView view = TensorView::dense(data.data(), DType::i32, {rows, n});
        if (trial % 3 == 1) view.strides = {n * 2, 2};
        if (trial % 3 == 2) {  // backwards
            view.data = data.data() + n - 1;
            view.strides = {n, -1};
        }
        const Extrema table(view, -1, 1);
        for (int query = 0; query < 50; ++query) {
            const std::int64_t row = between(random, 0, rows - 1), a = between(random, 0, n - 1);
            const std::int64_t b = between(random, a, n - 1);
            const Interval expected = scanned(view, {row, a}, {row, b});
            const Interval got = table.range({row, a}, {row, b});
            ASSERT_EQ(got.lo, expected.lo) << n << " " << a << " " << b;
            ASSERT_EQ(got.hi, expected.hi) << n << " " << a << " " << b;
        }
        const Interval all = table.all(), expected = scanned(view, {}, {rows - 1, n - 1});
        EXPECT_EQ(all.lo, expected.lo);
        EXPECT_EQ(all.hi, expected.hi);
    }
}

TEST(Extrema, TwoAxesContainAndAreExactOnAlignedBlocks) {
    auto random = test::generator(2);
    for (int trial = 0; trial < test::scaled(20); ++trial) {
        const std::int64_t rows = between(random, 1, 700), columns = between(random, 1, 700);
        std::vector<std::int16_t> data(rows * columns);
        for (auto& x : data) x = static_cast<std::int16_t>(between(random, -30000, 30000));
        const TensorView view = TensorView::dense(data.data(), DType::i16, {1, rows, columns});
        const Extrema table(view, 1, 2);
        for (int query = 0; query < 60; ++query) {
            const bool aligned = query % 2;
            const std::int64_t size = aligned ? 16 << between(random, 0, 5) : 1;
            std::int64_t r0 = between(random, 0, rows - 1), c0 = between(random, 0, columns - 1);
            std::int64_t r1 = between(random, r0, rows - 1), c1 = between(random, c0, columns - 1);
            if (aligned) {
                r0 -= r0 % size;
                c0 -= c0 % size;
                r1 = std::min(rows, r0 + size) - 1;
                c1 = std::min(columns, c0 + size) - 1;
            }
            const Interval expected = scanned(view, {0, r0, c0}, {0, r1, c1});
            const Interval got = table.range({0, r0, c0}, {0, r1, c1});
            ASSERT_LE(got.lo, expected.lo);
            ASSERT_GE(got.hi, expected.hi);
            if (!aligned && std::max(r1 - r0, c1 - c0) >= 128) continue;
            ASSERT_EQ(got.lo, expected.lo) << rows << "x" << columns << " at " << r0 << "," << c0;
            ASSERT_EQ(got.hi, expected.hi);
        }
    }
}

TEST(Extrema, FloatsKnowNanAndInfinity) {
    std::vector<float> data(100, 1.5f);
    data[40] = -INFINITY;
    data[70] = NAN;
    const Extrema table(TensorView::dense(data.data(), DType::f32, {100}), -1, 0);
    const Interval finite = table.range({0}, {39});
    EXPECT_EQ(finite.least, 1.5);
    EXPECT_EQ(finite.greatest, 1.5);
    EXPECT_FALSE(finite.nan);
    EXPECT_EQ(table.range({0}, {40}).least, -kInfinity);
    EXPECT_TRUE(table.range({41}, {99}).nan);
    EXPECT_TRUE(table.at({70}).empty());
}

TEST(Extrema, ReadsEveryDtype) {
    const std::uint16_t bf16[] = {0x3f80, 0xc000};  // 1, -2
    Interval x = Extrema(TensorView::dense(bf16, DType::bf16, {2}), -1, 0).range({0}, {1});
    EXPECT_EQ(x.least, -2);
    EXPECT_EQ(x.greatest, 1);
    const std::uint16_t f16[] = {0x3c00, 0xc000};
    x = Extrema(TensorView::dense(f16, DType::f16, {2}), -1, 0).range({0}, {1});
    EXPECT_EQ(x.least, -2);
    EXPECT_EQ(x.greatest, 1);
    const double f64[] = {0.25, -7};
    EXPECT_EQ(Extrema(TensorView::dense(f64, DType::f64, {2}), -1, 0).range({0}, {1}).least, -7);
    const std::int64_t i64[] = {INT64_MIN, INT64_MAX};
    x = Extrema(TensorView::dense(i64, DType::i64, {2}), -1, 0).range({0}, {1});
    EXPECT_EQ(x.lo, INT64_MIN);
    EXPECT_EQ(x.hi, INT64_MAX);
    const std::uint8_t u8[] = {255, 3};
    EXPECT_EQ(Extrema(TensorView::dense(u8, DType::u8, {2}), -1, 0).range({0}, {1}).hi, 255);
    EXPECT_EQ(Extrema(TensorView::dense(u8, DType::i8, {2}), -1, 0).range({0}, {1}).lo, -1);
    EXPECT_TRUE(
        Extrema(TensorView::dense(u8, DType::boolean, {2}), -1, 0).range({0}, {1}).is_true());
}

TEST(Extrema, BroadcastAxesAreOneElement) {
    const std::int32_t seven = 7;
    TensorView view = TensorView::dense(&seven, DType::i32, {1000, 1000});
    view.strides = {0, 0};
    const Extrema table(view, 0, 1);
    EXPECT_EQ(table.range({0, 0}, {999, 999}).hi, 7);
    EXPECT_EQ(table.all().lo, 7);
}

}  // namespace
}  // namespace flexion::passes
