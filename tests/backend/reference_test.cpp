// SPDX-License-Identifier: Apache-2.0
// The oracle against results that can be written down.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <memory>

#include <flexion/flexion.h>

#include "backend/backend.h"
#include "backend/reference/elements.h"
#include "cases/host_tensor.h"
#include "plan/launch.h"
#include "seed.h"
#include "support/dtype.h"

namespace flexion::reference {

std::unique_ptr<backend::Backend> make_backend();

namespace {

using test::HostTensor;
using test::Layout;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class NoKernels final : public backend::KernelProvider {
public:
    std::shared_ptr<const backend::Kernel> get(const plan::Problem&) override { return nullptr; }
};

/// A call in f64 with tensors of its own; out, lse and max_scores begin as NaN.
struct Call {
    Call(std::int64_t B, std::int64_t Hq, std::int64_t Hkv, std::int64_t Sq, std::int64_t Skv,
         std::int64_t D, std::int64_t Dv)
        : q(DType::f64, {B, Hq, Sq, D}),
          k(DType::f64, {B, Hkv, Skv, D}),
          v(DType::f64, {B, Hkv, Skv, Dv}),
          out(DType::f64, {B, Hq, Sq, Dv}),
          lse(DType::f64, {B, Hq, Sq}),
          max_scores(DType::f64, {B, Hq, Sq}) {
        auto random = test::generator(1);
        for (HostTensor* each : {&q, &k, &v}) each->fill_normal(random);
    }
    void zero_queries() {
        for (std::int64_t i = 0; i < q.view().numel(); ++i) q.set(i, 0);
    }
    void run(const ScoreMod& score = {}, const BlockMask& mask = {}) {
        plan::LaunchArgs args{.q = q.view(),
                              .k = k.view(),
                              .v = v.view(),
                              .out = out.view(),
                              .lse = lse.view(),
                              .max_scores = max_scores.view(),
                              .scale = scale,
                              .block_mask = mask ? &mask : nullptr};
        if (score) {
            args.mods.score = &score.function(true);
            args.mods.score_captures = &score.captures(true);
        }
        if (mask && mask.mask_mod()) {
            args.mods.mask = &mask.mask_mod().function();
            args.mods.mask_captures = &mask.mask_mod().captures();
        }
        NoKernels kernels;
        make_backend()->launch(args, kernels);
    }
    /// Mean of v[b=0, h=0, first..last)[d].
    double mean(std::int64_t first, std::int64_t last, std::int64_t d) const {
        double sum = 0;
        for (std::int64_t i = first; i < last; ++i) sum += v.get(i * v.view().shape[3] + d);
        return sum / static_cast<double>(last - first);
    }

    double scale = 1;
    HostTensor q, k, v, out, lse, max_scores;
};

TEST(Reference, EqualScoresGiveTheMean) {
    Call call(1, 1, 1, 3, 10, 4, 5);
    call.zero_queries();
    call.run();
    for (std::int64_t i = 0; i < 3; ++i) {
        for (std::int64_t d = 0; d < 5; ++d) {
            EXPECT_NEAR(call.out.get(i * 5 + d), call.mean(0, 10, d), 1e-15);
        }
        EXPECT_NEAR(call.lse.get(i), std::log(10), 1e-15);
        EXPECT_EQ(call.max_scores.get(i), 0);
    }
}

TEST(Reference, TwoKeysWeighAsTheirScoresSay) {
    Call call(1, 1, 1, 1, 2, 1, 1);
    call.scale = 0.5;
    call.q.set(0, 2);
    call.k.set(0, std::log(3));
    call.k.set(1, 0);
    call.v.set(0, 1);
    call.v.set(1, -7);
    call.run();
    EXPECT_NEAR(call.out.get(0), (3 * 1 + 1 * -7) / 4.0, 1e-15);
    EXPECT_NEAR(call.lse.get(0), std::log(4), 1e-15);
    EXPECT_NEAR(call.max_scores.get(0), std::log(3), 1e-15);
}

TEST(Reference, LargeScoresDoNotOverflow) {
    Call call(1, 1, 1, 1, 2, 1, 1);
    call.q.set(0, 1);
    call.k.set(0, 1e6);
    call.k.set(1, 1e6 - std::log(3));
    call.v.set(0, 4);
    call.v.set(1, 8);
    call.run();
    EXPECT_NEAR(call.out.get(0), 5, 1e-9);
    EXPECT_NEAR(call.lse.get(0), 1e6 + std::log(4.0 / 3), 1e-9);
}

TEST(Reference, CausalRowsAverageTheirPast) {
    for (const BlockSize block : {BlockSize{128, 128}, BlockSize{4, 8}, BlockSize{5, 3}}) {
        Call call(1, 1, 1, 21, 21, 2, 3);
        call.zero_queries();
        call.run({}, create_block_mask(masks::causal(), {}, {}, 21, 21, block));
        for (std::int64_t i = 0; i < 21; ++i) {
            for (std::int64_t d = 0; d < 3; ++d) {
                EXPECT_NEAR(call.out.get(i * 3 + d), call.mean(0, i + 1, d), 1e-15);
            }
            EXPECT_NEAR(call.lse.get(i), std::log(static_cast<double>(i + 1)), 1e-15);
        }
    }
}

TEST(Reference, MaskedRowsAreZero) {
    Call call(1, 1, 1, 9, 9, 2, 3);
    call.zero_queries();
    const MaskMod odd = mask_mod([](Expr, Expr, Expr q, Expr) { return q % 2 == 1; });
    call.run({}, create_block_mask(odd, {}, {}, 9, 9, {2, 2}));
    for (std::int64_t i = 0; i < 9; ++i) {
        EXPECT_EQ(call.out.get(i * 3) == 0, i % 2 == 0);
        EXPECT_EQ(call.lse.get(i) == -kInfinity, i % 2 == 0);
        EXPECT_EQ(call.max_scores.get(i) == -kInfinity, i % 2 == 0);
    }
}

TEST(Reference, ListsAreTheMaskWithoutAMaskMod) {
    // Rows 0..3 see keys 4..7, rows 4..6 see keys 0..3 and 8.
    Call call(1, 1, 1, 7, 9, 2, 1);
    call.zero_queries();
    const BlockTable table{1, 1, 2, 3, {1, 2}, {1, 0, 2, 0, 2, 1}};
    call.run({}, BlockMask::from_kv_blocks(table, nullptr, {4, 4}, {}, 7, 9));
    EXPECT_NEAR(call.out.get(0), call.mean(4, 8, 0), 1e-15);
    EXPECT_NEAR(call.out.get(6), (4 * call.mean(0, 4, 0) + call.mean(8, 9, 0)) / 5, 1e-15);
}

TEST(Reference, FullBlocksDoNotAskTheMaskMod) {
    Call call(1, 1, 1, 4, 8, 2, 1);
    call.zero_queries();
    const MaskMod first = mask_mod([](Expr, Expr, Expr, Expr k) { return k % 4 == 0; });
    const BlockTable partial{1, 1, 1, 2, {1}, {0, 1}};
    const BlockTable full{1, 1, 1, 2, {1}, {1, 0}};
    call.run({}, BlockMask::from_kv_blocks(partial, &full, {4, 4}, first, 4, 8));
    EXPECT_NEAR(call.out.get(0), (call.mean(0, 1, 0) + 4 * call.mean(4, 8, 0)) / 5, 1e-15);
}

TEST(Reference, UnlistedBlocksAreNotRead) {
    Call call(1, 1, 1, 4, 8, 2, 1);
    for (std::int64_t i = 8; i < 16; ++i) call.k.set(i, kNan);
    for (std::int64_t i = 4; i < 8; ++i) call.v.set(i, kNan);
    const BlockTable table{1, 1, 1, 2, {1}, {0, 1}};
    call.run({}, BlockMask::from_kv_blocks(table, nullptr, {4, 4}, {}, 4, 8));
    for (std::int64_t i = 0; i < 4; ++i) EXPECT_TRUE(std::isfinite(call.out.get(i)));
}

TEST(Reference, MinusInfinityFromAScoreModMasks) {
    Call call(1, 1, 1, 3, 6, 2, 1);
    call.zero_queries();
    call.run(score_mod([](Expr s, Expr, Expr, Expr q, Expr k) {
        return where((q == 0) | ((q == 1) & (k < 4)), -kInfinity, s);
    }));
    EXPECT_EQ(call.out.get(0), 0);
    EXPECT_EQ(call.lse.get(0), -kInfinity);
    EXPECT_NEAR(call.out.get(1), call.mean(4, 6, 0), 1e-15);
    EXPECT_NEAR(call.out.get(2), call.mean(0, 6, 0), 1e-15);
}

TEST(Reference, NanFromAScoreModSpoilsItsRowOnly) {
    Call call(1, 1, 1, 2, 6, 2, 1);
    call.zero_queries();
    call.run(score_mod(
        [](Expr s, Expr, Expr, Expr q, Expr k) { return where((q == 0) & (k == 3), kNan, s); }));
    EXPECT_TRUE(std::isnan(call.out.get(0)));
    EXPECT_TRUE(std::isnan(call.lse.get(0)));
    EXPECT_TRUE(std::isnan(call.max_scores.get(0)));
    EXPECT_NEAR(call.out.get(1), call.mean(0, 6, 0), 1e-15);
}

TEST(Reference, LowestFiniteScoresAreUniform) {
    Call call(1, 1, 1, 1, 6, 2, 1);
    constexpr double kLowest = std::numeric_limits<float>::lowest();
    call.run(score_mod([](Expr s, Expr, Expr, Expr, Expr) { return s * 0 + kLowest; }));
    EXPECT_NEAR(call.out.get(0), call.mean(0, 6, 0), 1e-15);
    EXPECT_NEAR(call.lse.get(0), kLowest, 1e25);
    EXPECT_EQ(call.max_scores.get(0), kLowest);
}

TEST(Reference, HeadsOfAGroupShareKeysAndValues) {
    Call call(2, 6, 2, 1, 3, 2, 1);
    for (std::int64_t i = 0; i < call.v.view().numel(); ++i) {
        call.v.set(i, static_cast<double>(i / 3));  // number of (b, kv head)
    }
    call.run();
    for (std::int64_t b = 0; b < 2; ++b) {
        for (std::int64_t h = 0; h < 6; ++h) {
            EXPECT_NEAR(call.out.get(b * 6 + h), static_cast<double>(b * 2 + h / 3), 1e-14);
        }
    }
}

TEST(Reference, OneBatchOfKeysServesAll) {
    Call call(3, 1, 1, 2, 5, 2, 1);
    HostTensor k(DType::f64, {1, 1, 5, 2}), v(DType::f64, {1, 1, 5, 1});
    for (std::int64_t i = 0; i < 10; ++i) k.set(i, call.k.get(i));
    for (std::int64_t i = 0; i < 5; ++i) v.set(i, call.v.get(i));
    for (std::int64_t i = 0; i < 12; ++i) call.q.set(i, call.q.get(i % 4));
    call.k = std::move(k);
    call.v = std::move(v);
    call.run();
    for (std::int64_t i = 0; i < 6; ++i) EXPECT_EQ(call.out.get(i), call.out.get(i % 2));
}

TEST(Reference, ModsSeeTheirCoordinates) {
    Call call(2, 2, 1, 3, 4, 2, 1);
    call.zero_queries();
    // A score that is 0 at one key of each row and -inf elsewhere picks that key's value.
    call.run(score_mod([](Expr s, Expr b, Expr h, Expr q, Expr k) {
        return where(k == (b + 2 * h + q) % 4, s, -kInfinity);
    }));
    for (std::int64_t i = 0; i < 12; ++i) {
        const std::int64_t b = i / 6, h = i / 3 % 2, q = i % 3;
        EXPECT_EQ(call.out.get(i), call.v.get(b * 4 + (b + 2 * h + q) % 4));
    }
}

TEST(Reference, StridesAreFollowed) {
    auto random = test::generator(2);
    Call dense(2, 2, 2, 5, 6, 3, 4), strided(2, 2, 2, 5, 6, 3, 4);
    for (const Layout layout : {Layout::bshd, Layout::sliced}) {
        strided.q = HostTensor(DType::f64, {2, 2, 5, 3}, layout);
        strided.k = HostTensor(DType::f64, {2, 2, 6, 3}, layout);
        strided.v = HostTensor(DType::f64, {2, 2, 6, 4}, layout);
        strided.out = HostTensor(DType::f64, {2, 2, 5, 4}, layout);
        for (auto [from, to] :
             {std::pair{&dense.q, &strided.q}, {&dense.k, &strided.k}, {&dense.v, &strided.v}}) {
            from->fill_normal(random);
            for (std::int64_t i = 0; i < from->view().numel(); ++i) to->set(i, from->get(i));
        }
        dense.run();
        strided.run();
        for (std::int64_t i = 0; i < 80; ++i) EXPECT_EQ(strided.out.get(i), dense.out.get(i));
        EXPECT_TRUE(strided.out.surroundings_intact());
    }
}

// Every finite 16-bit value, the midpoint to the next one and its neighbours.
template <class ToFloat>
void check_rounding(DType dtype, ToFloat to_float, std::uint16_t infinity) {
    std::uint16_t bits = 0;
    const TensorView one = TensorView::dense(&bits, dtype, {1});
    const auto rounded = [&](double value) {
        write_element(one, 0, value);
        return bits;
    };
    for (std::uint16_t low = 0; low < infinity; ++low) {
        const std::uint16_t high = static_cast<std::uint16_t>(low + 1);
        const std::uint16_t even = low % 2 == 0 ? low : high;
        const double a = to_float(low);
        // Past the largest value, the next step of the exponent stands for infinity.
        const double b = high == infinity ? 2 * a - to_float(static_cast<std::uint16_t>(low - 1))
                                          : to_float(high);
        const double middle = (a + b) / 2;
        for (const double sign : {1.0, -1.0}) {
            const std::uint16_t top = sign < 0 ? 0x8000 : 0;
            ASSERT_EQ(rounded(sign * a), low | top);
            ASSERT_EQ(rounded(sign * middle), even | top) << middle;
            ASSERT_EQ(rounded(sign * std::nextafter(middle, 0)), low | top) << middle;
            ASSERT_EQ(rounded(sign * std::nextafter(middle, 1e300)), high | top) << middle;
        }
    }
    ASSERT_EQ(rounded(1e300), infinity);
    ASSERT_EQ(rounded(kInfinity), infinity);
    ASSERT_EQ(rounded(1e-300), 0);
    ASSERT_TRUE(std::isnan(to_float(rounded(kNan))));
}

TEST(Reference, ResultsAreRoundedOnceToBf16) { check_rounding(DType::bf16, bf16_to_float, 0x7f80); }
TEST(Reference, ResultsAreRoundedOnceToF16) { check_rounding(DType::f16, f16_to_float, 0x7c00); }

}  // namespace
}  // namespace flexion::reference
