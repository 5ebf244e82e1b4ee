// SPDX-License-Identifier: Apache-2.0
// Along what gathers move, and which read every element once; proved on the positions themselves.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <flexion/expr.h>

#include "ir/interpret.h"
#include "plan/assumptions.h"
#include "plan/buffer_gradients.h"

namespace flexion::plan {
namespace {

using Index = std::function<std::vector<Expr>(Expr b, Expr h, Expr q, Expr k)>;

const std::vector<float> kMemory(1 << 16, 1.0f);
const std::vector<std::int32_t> kNumbers(64, 3);

Buffer numbers() { return buffer(TensorView::dense(kNumbers.data(), DType::i32, {64})); }

struct Classified {
    explicit Classified(const Index& index, int rank = 1)
        : mod(score_mod([&](Expr s, Expr b, Expr h, Expr q, Expr k) {
              TensorView view = TensorView::dense(kMemory.data(), DType::f32, {});
              view.rank = rank;
              for (int i = rank - 1, stride = 1; i >= 0; --i, stride *= 20) {
                  view.shape[i] = 20;
                  view.strides[i] = stride;
              }
              return s + buffer(view).gather(index(b, h, q, k));
          })) {
        const std::vector<TensorView>& buffers = mod.captures().buffers;
        int position = 0;
        while (buffers[position].dtype != DType::f32) ++position;
        derivative.emplace(mod.function(), std::vector<int>{position});
    }
    const Gather& gather() const { return derivative->gathers.at(0); }

    ScoreMod mod;
    std::optional<Derivative> derivative;
};

TEST(Gathers, AlongWhatTheyMove) {
    const auto along = [](const Index& index, int rank = 1) {
        return Classified(index, rank).gather().along;
    };
    using E = Expr;
    using V = std::vector<Expr>;
    EXPECT_EQ(along([](E, E, E, E) { return V{}; }, 0), Along::nothing);
    EXPECT_EQ(along([](E, E h, E, E) { return V{h}; }), Along::nothing);
    EXPECT_EQ(along([](E b, E h, E, E) { return V{b * h}; }), Along::nothing);
    EXPECT_EQ(along([](E, E, E q, E) { return V{q}; }), Along::query);
    EXPECT_EQ(along([](E b, E, E q, E) { return V{b, floordiv(q, 7)}; }, 2), Along::query);
    EXPECT_EQ(along([](E, E, E, E k) { return V{numbers()[k]}; }), Along::key);
    EXPECT_EQ(along([](E, E, E q, E k) { return V{q - k}; }), Along::diagonal);
    EXPECT_EQ(along([](E, E h, E q, E k) { return V{h, abs(k - q + 3)}; }, 2), Along::diagonal);
    EXPECT_EQ(along([](E, E, E q, E k) { return V{clamp(q * 2 - k * 2, -5, 5)}; }),
              Along::diagonal);
    EXPECT_EQ(along([](E, E, E q, E k) { return V{to_i32(log2(to_float(1 + abs(q - k))))}; }),
              Along::diagonal);
    EXPECT_EQ(along([](E, E, E q, E k) { return V{to_i64(q - k) + 4}; }), Along::diagonal);
    EXPECT_EQ(along([](E, E, E q, E k) { return V{q - k - q}; }), Along::key);
    EXPECT_EQ(along([](E, E, E q, E k) { return V{q + k}; }), Along::both);
    EXPECT_EQ(along([](E, E, E q, E k) { return V{q - k * 2}; }), Along::both);
    EXPECT_EQ(along([](E, E, E q, E k) { return V{q, k}; }, 2), Along::both);
    EXPECT_EQ(along([](E, E, E q, E k) { return V{q, q - k}; }, 2), Along::both);
    EXPECT_EQ(along([](E, E, E q, E k) { return V{numbers()[q] - numbers()[k]}; }), Along::both);
}

TEST(Gathers, ProductsThatWrapBeforeTheyAreWidenedAreNoDiagonals) {
    // 2^30 q wraps in 32 bits: the sum looks like a multiple of q - k and is none.
    const Classified wrapped([](Expr, Expr, Expr q, Expr k) {
        return std::vector<Expr>{to_i64(q << 30) - (to_i64(k) << 30)};
    });
    EXPECT_EQ(wrapped.gather().along, Along::both);
}

TEST(Gathers, AScoreInAnIndexIsEverything) {
    const Buffer table = buffer(TensorView::dense(kMemory.data(), DType::f32, {20}));
    const ScoreMod mod =
        score_mod([&](Expr s, Expr, Expr, Expr, Expr) { return s + table[to_i32(s)]; });
    const Derivative derivative(mod.function(), std::vector<int>{0});
    EXPECT_EQ(derivative.gathers.at(0).along, Along::both);
    EXPECT_FALSE(derivative.gathers[0].injective);
}

TEST(Gathers, WhichReadEveryElementOnce) {
    const auto of = [](const Index& index, int rank) { return Classified(index, rank).gather(); };
    using E = Expr;
    using V = std::vector<Expr>;
    using namespace passes;
    const Gather dense = of([](E, E, E q, E k) { return V{q, k}; }, 2);
    EXPECT_TRUE(dense.injective);
    EXPECT_EQ(dense.depends, kOnQ | kOnK);
    const Gather full = of([](E b, E h, E q, E k) { return V{b, h, q, k}; }, 4);
    EXPECT_TRUE(full.injective);
    EXPECT_EQ(full.depends, kOnB | kOnH | kOnQ | kOnK);
    EXPECT_TRUE(of([](E, E, E q, E k) { return V{q - k, q + k}; }, 2).injective);
    EXPECT_TRUE(of([](E, E h, E q, E k) { return V{k, h, 3 - q}; }, 3).injective);
    EXPECT_FALSE(of([](E, E h, E q, E k) { return V{q + h, k}; }, 2).injective);
    EXPECT_FALSE(of([](E, E, E q, E k) { return V{q + k}; }, 1).injective);
    EXPECT_FALSE(of([](E, E, E q, E k) { return V{floordiv(q, 2), k}; }, 2).injective);
    EXPECT_FALSE(of([](E, E, E q, E k) { return V{q - k, k * 2 - q * 2}; }, 2).injective);
}

TEST(Gathers, InRangeIsABitOfTheCall) {
    const Classified at([](Expr, Expr, Expr q, Expr k) { return std::vector<Expr>{q, k}; }, 2);
    const AssumptionChecker checker(&at.derivative->function, nullptr);
    const Mods mods{.score = &at.derivative->function, .score_captures = &at.mod.captures()};
    EXPECT_TRUE(in_range(at.gather(), checker.bits(mods, {.q_len = 20, .kv_len = 20})));
    EXPECT_FALSE(in_range(at.gather(), checker.bits(mods, {.q_len = 20, .kv_len = 21})));
}

// What `along` promises, on all positions: equal indices wherever the direction is equal.
TEST(Gathers, IndicesAreConstantAlongTheirDirection) {
    const Buffer offsets = numbers();
    const std::vector<Index> maps = {
        [](Expr, Expr h, Expr q, Expr) { return std::vector<Expr>{q * 3 % 7 + h}; },
        [](Expr b, Expr, Expr, Expr k) { return std::vector<Expr>{min(k, b + 4)}; },
        [](Expr, Expr h, Expr q, Expr k) { return std::vector<Expr>{(q - k) * 1000003 % 17 - h}; },
        [](Expr b, Expr h, Expr, Expr) { return std::vector<Expr>{b * 5 - h}; },
        [&](Expr, Expr, Expr q, Expr k) { return std::vector<Expr>{offsets[k - q] + (k - q)}; },
    };
    for (const Index& map : maps) {
        const Classified at(map);
        ir::Function f = at.derivative->function;
        f.results = {{at.gather().indices[0], -1, {}}};
        constexpr std::int32_t kLength = 12;
        std::vector<std::int32_t> q, k;
        for (std::int32_t i = 0; i < kLength * kLength; ++i) {
            q.push_back(i / kLength);
            k.push_back(i % kLength);
        }
        const std::vector<double> score(q.size());
        ir::Interpreter interpreter(f, at.mod.captures(), ir::Precision::typed);
        const ir::Column column = interpreter.run({.count = kLength * kLength,
                                                   .score = score.data(),
                                                   .q = q.data(),
                                                   .k = k.data(),
                                                   .b_all = 1,
                                                   .h_all = 2})[0];
        std::map<std::int32_t, std::int64_t> seen;
        ASSERT_NE(at.gather().along, Along::both);
        for (std::size_t i = 0; i < q.size(); ++i) {
            const std::int32_t line = at.gather().along == Along::query      ? q[i]
                                      : at.gather().along == Along::key      ? k[i]
                                      : at.gather().along == Along::diagonal ? q[i] - k[i]
                                                                             : 0;
            EXPECT_EQ(seen.emplace(line, column.integer[i]).first->second, column.integer[i]);
        }
    }
}

}  // namespace
}  // namespace flexion::plan
