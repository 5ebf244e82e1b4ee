// SPDX-License-Identifier: Apache-2.0
// Inputs made to defeat the lagged maximum of the Hopper kernel (sm90_forward.cuh): scores that
// jump inside a tile by more than floats hold, late, early, downwards, or not at all. Whatever the
// fast way loses must come back through the exact one.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "device_tensor.h"
#include "seed.h"

namespace flexion::test {
namespace {

using Random = std::mt19937_64;

class LaggedMaximum : public testing::Test {
protected:
    void SetUp() override {
        static const std::string why = why_no_gpu();
        if (!why.empty()) GTEST_SKIP() << why;
    }
};

// Scores that each key shall have, about, for every query.
struct Pattern {
    const char* name;
    std::function<double(Random& random, std::int64_t key, std::int64_t keys)> score;
};

std::vector<Pattern> patterns(Random& random) {
    const auto real = [&](double low, double high) {
        return std::uniform_real_distribution<double>(low, high)(random);
    };
    const std::int64_t spike = between(random, 128, 900), second = between(random, 128, 900);
    const double height = real(60, 400), slope = real(0.05, 1.5);
    const int period = static_cast<int>(between(random, 2, 300));
    return {
        {"one_spike",
         [=](Random&, std::int64_t k, std::int64_t) { return k == spike ? height : 0; }},
        {"two_spikes",  // the second one above the first, perhaps in the same tile
         [=](Random&, std::int64_t k, std::int64_t) {
             return k == second ? 2 * height : k == spike ? height : 0;
         }},
        {"rising", [=](Random&, std::int64_t k, std::int64_t) { return slope * k - 200; }},
        {"falling", [=](Random&, std::int64_t k, std::int64_t n) { return slope * (n - k) - 200; }},
        {"steps",  // a jump at every tile
         [=](Random&, std::int64_t k, std::int64_t) { return height / 4 * (k / 128); }},
        {"steps_inside",  // and inside tiles, just above what floats hold
         [=](Random&, std::int64_t k, std::int64_t) {
             return 90.0 * static_cast<double>((k + 64) / 256);
         }},
        {"low_then_high",
         [=](Random&, std::int64_t k, std::int64_t) { return k < spike ? -height : height / 2; }},
        {"high_then_low",
         [=](Random&, std::int64_t k, std::int64_t) { return k < spike ? height : -height; }},
        {"waves", [=](Random&, std::int64_t k,
                      std::int64_t) { return height * std::sin(k * 6.28 / period); }},
        {"wild", [=](Random& r, std::int64_t,
                     std::int64_t) { return std::normal_distribution<double>(0, height / 3)(r); }},
    };
}

// q = 4 u + noise and k = c u / (4 scale) + noise along one direction u, so that scores are about
// c, and `other` times that in every second group of eight rows: those a thread has beside its
// first one.
void shape_scores(CaseInputs& inputs, const Pattern& pattern, double other) {
    const AttentionCase& c = inputs.shape;
    const double scale = 1 / std::sqrt(static_cast<double>(c.D)), length = 4;
    std::vector<double> u(static_cast<std::size_t>(c.D));
    for (double& x : u) x = inputs.random() % 2 ? scale : -scale;
    const auto along = [&](HostTensor& t, std::int64_t rows, const auto& size) {
        for (std::int64_t row = 0; row < rows; ++row) {
            const double length_here = size(row);
            for (std::int64_t d = 0; d < c.D; ++d) {
                const std::int64_t at = row * c.D + d;
                t.set(at, 0.1 * t.get(at) + length_here * u[static_cast<std::size_t>(d)]);
            }
        }
    };
    along(inputs.q, c.B * c.Hq * c.Sq,
          [&](std::int64_t row) { return row % c.Sq / 8 % 2 == 0 ? length : other * length; });
    along(inputs.k, c.B * c.kv_heads() * c.kv_len(), [&](std::int64_t row) {
        return pattern.score(inputs.random, row % c.kv_len(), c.kv_len()) / (length * scale);
    });
}

void run_patterns(const std::string& score, const std::string& mask, DType dtype, int rounds,
                  double other = 1) {
    Random random = generator(41);
    for (int round = 0; round < rounds; ++round) {
        for (const Pattern& pattern : patterns(random)) {
            AttentionCase c;
            c.dtype = dtype;
            c.Hq = 2;
            c.Sq = 150;
            c.Skv = 1000;
            c.D = 64;
            c.score = score;
            c.mask = mask;
            CaseInputs inputs(c);
            shape_scores(inputs, pattern, other);
            SCOPED_TRACE(std::string(pattern.name) + " " + score + " " + mask);
            compare(inputs, golden(inputs), run_on_device(inputs));
            if (testing::Test::HasFailure()) return;
        }
    }
}

TEST_F(LaggedMaximum, IsRepairedWithoutMods) {
    run_patterns("none", "none", DType::bf16, long_run() ? 20 : 3);
}
TEST_F(LaggedMaximum, IsRepairedInHalfPrecision) {
    run_patterns("none", "none", DType::f16, long_run() ? 10 : 1);
}
TEST_F(LaggedMaximum, IsRepairedUnderMasks) {
    run_patterns("none", "prefix", DType::bf16, long_run() ? 10 : 2);
    run_patterns("none", "document", DType::bf16, long_run() ? 10 : 1);
}
TEST_F(LaggedMaximum, IsRepairedUnderScoreMods) {
    run_patterns("alibi", "causal_from_end", DType::bf16, long_run() ? 10 : 2);
    run_patterns("causal_inf", "none", DType::bf16, long_run() ? 10 : 1);
    run_patterns("rows_inf", "window", DType::bf16, long_run() ? 10 : 1);
    run_patterns("relative", "none", DType::bf16, long_run() ? 10 : 1);
}
// Rows that share what their exponents take away drift apart, or lie apart from the start.
TEST_F(LaggedMaximum, IsRepairedWhereRowsPart) {
    for (const double other : {0.9, 0.3, -1.0}) {
        run_patterns("alibi", "none", DType::bf16, long_run() ? 10 : 1, other);
        run_patterns("key_bias", "causal_from_end", DType::bf16, long_run() ? 10 : 1, other);
    }
    run_patterns("relative", "none", DType::bf16, long_run() ? 10 : 1, 0.5);
    run_patterns("alibi", "none", DType::f16, long_run() ? 10 : 1, 0.5);
}
// Biases of masks: log2 e times the lowest value is -inf.
TEST_F(LaggedMaximum, IsRepairedBesideLowestBiases) {
    AttentionCase c;
    c.dtype = DType::bf16;
    c.Hq = 2;
    c.Sq = 150;
    c.Skv = 1500;
    c.D = 64;
    c.scale = 1;
    for (int round = 0; round < 4; ++round) {
        CaseInputs inputs(c);
        HostTensor bias(DType::f32, {c.Skv});
        const double lowest = std::numeric_limits<float>::lowest();
        const double values[] = {0, lowest, -INFINITY, -1e4, lowest / 2, 60};
        for (std::int64_t key = 0; key < c.Skv; ++key) {
            bias.set(key, values[inputs.random() % (round % 2 == 0 ? 5 : 6)]);
        }
        if (round > 1) {  // no key counts at first
            for (std::int64_t key = 0; key < 700; ++key) bias.set(key, lowest);
        }
        inputs.score_mod = score_mod(
            [b = buffer(bias.view())](Expr s, Expr, Expr, Expr, Expr k) { return s + b[k]; });
        SCOPED_TRACE(round);
        compare(inputs, golden(inputs), run_on_device(inputs));
    }
}

}  // namespace
}  // namespace flexion::test
