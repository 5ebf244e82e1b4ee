// SPDX-License-Identifier: Apache-2.0
// Derivatives against finite differences in f64, their cost, and what branches not taken give.
#include <flexion/error.h>
#include <flexion/scores.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "ir/random_function.h"
#include "ir/text.h"
#include "passes/passes.h"
#include "passes/special_values.h"
#include "seed.h"

namespace flexion::passes {
namespace {

using ir::Op;
using ir::Type;
using test::between;

std::vector<int> float_buffers(const ir::Function& f) {
    std::vector<int> buffers;
    for (std::size_t i = 0; i < f.buffers.size(); ++i) {
        if (ir::is_float(ir::loaded_type(f.buffers[i].dtype)))
            buffers.push_back(static_cast<int>(i));
    }
    return buffers;
}

int count(const ir::Function& f, Op op) {
    return static_cast<int>(
        std::count_if(f.insts.begin(), f.insts.end(), [&](auto& i) { return i.op == op; }));
}

struct Position {
    double score;
    std::int32_t b, h, q, k;
};

std::vector<double> run(const ir::Function& f, const Captures& captures, const Position& at) {
    ir::Interpreter interpreter(f, captures, ir::Precision::typed);
    const ir::Positions positions{
        .count = 1, .score = &at.score, .b_all = at.b, .h_all = at.h, .q_all = at.q, .k_all = at.k};
    std::vector<double> results;
    for (const ir::Column& column : interpreter.run(positions)) results.push_back(column.real[0]);
    return results;
}

/// The slope of `value` at 0, or NaN where it has none that differences can see.
double slope(const std::function<double(double)>& value) {
    const double step = 1e-6;
    const double up = value(step), middle = value(0), down = value(-step);
    const double twice_up = value(2 * step), twice_down = value(-2 * step);
    const double right = (up - middle) / step, left = (middle - down) / step;
    const double near = (up - down) / (2 * step), far = (twice_up - twice_down) / (4 * step);
    const double scale = 1e-4 * (1 + std::fabs(near));
    const bool smooth = std::fabs(right - left) < scale && std::fabs(near - far) < scale;
    return smooth && std::fabs(near) < 1e6 && std::fabs(middle) < 1e6 ? near : NAN;
}

/// Resolves an index as load does.
std::int64_t resolved(double index, std::int64_t extent) {
    auto i = static_cast<std::int64_t>(index);
    if (i < 0) i += extent;
    return std::clamp<std::int64_t>(i, 0, extent - 1);
}

/// Compares the derivatives of a mod whose scores and float buffers are f64 at one position;
/// returns how many it could compare.
int compare(const ir::Function& f, const Captures& captures, const Position& at,
            bool finite = false) {
    const std::vector<int> buffers = float_buffers(f);
    ir::Function d = derivative(f, buffers);
    ir::verify(d);
    const std::size_t own = d.results.size();
    for (std::size_t r = 2; r < own; ++r) {  // indices as results, so that they can be read
        ir::Builder build(d);
        const ir::Result result = d.results[r];
        for (ir::Value index : result.indices)
            d.results.push_back({build.cast(index, Type::f64), -1, {}});
    }
    const std::vector<double> got = run(d, captures, at);
    const double out = run(f, captures, at)[0];
    if (!(got[0] == out || (std::isnan(out) && std::isnan(got[0])))) {
        ADD_FAILURE() << "result 0 is " << got[0] << ", the mod gives " << out;
        return 0;
    }
    int compared = 0;
    const auto expect = [&](double analytic, double numeric, const std::string& what) {
        if (std::isnan(numeric) || (finite && !std::isfinite(analytic))) return;
        ++compared;
        EXPECT_NEAR(analytic, numeric, 1e-4 * (1 + std::fabs(numeric)))
            << what << " at s " << at.score << " b " << at.b << " h " << at.h << " q " << at.q
            << " k " << at.k << "\n"
            << ir::print(f) << ir::print(d);
    };
    expect(got[1], slope([&](double t) {
               Position moved = at;
               moved.score += t;
               return run(f, captures, moved)[0];
           }),
           "score");
    for (int b : buffers) {
        const TensorView& view = captures.buffers[b];
        if (view.dtype != DType::f64 || view.numel() == 0) continue;
        // Gradients by element.
        std::map<std::int64_t, double> gradients;
        std::size_t index = own;
        for (std::size_t r = 2; r < own; ++r) {
            std::int64_t offset = 0;
            for (std::size_t axis = 0; axis < d.results[r].indices.size(); ++axis)
                offset +=
                    resolved(got[index++], captures.buffers[d.results[r].buffer].shape[axis]) *
                    captures.buffers[d.results[r].buffer].strides[axis];
            if (d.results[r].buffer == b) gradients[offset] += got[r];
        }
        for (const auto& [offset, gradient] : gradients) {
            double& element = static_cast<double*>(view.data)[offset];
            const double before = element;
            expect(gradient, slope([&](double t) {
                       element = before + t;
                       return run(f, captures, at)[0];
                   }),
                   "buffer " + std::to_string(b));
            element = before;
        }
    }
    return compared;
}

TEST(Derivative, EveryOpByItsRow) {
    auto random = test::generator(1);
    std::uniform_real_distribution<double> uniform(0.3, 1.7);
    std::vector<double> a(5), b(5);
    Captures captures;
    captures.buffers = {TensorView::dense(a.data(), DType::f64, {5}),
                        TensorView::dense(b.data(), DType::f64, {5})};
    for (int i = ir::kFirstTableOp; i < ir::op_count(); ++i) {
        const Op op = static_cast<Op>(i);
        const ir::OpInfo& info = ir::info(op);
        if (!ir::accepts(info.signature, Type::f64)) continue;
        ir::Function f = ir::make_function(ir::Role::score_mod, Type::f64);
        ir::Builder build(f);
        build.add_buffer(DType::f64, 1, "a");
        build.add_buffer(DType::f64, 1, "b");
        const ir::Value k[] = {f.k()};
        std::vector<ir::Value> args = {0, build.load(0, k), build.load(1, k)};
        if (info.signature == ir::Signature::select)
            args = {build.emit(Op::lt, {0, args[1]}), 0, args[1]};
        args.resize(info.arity);
        ir::Value out = build.emit(op, args, Type::f64);
        out = build.cast(out, Type::f64);
        f.results.push_back({build.emit(Op::mul, {out, out}), -1, {}});
        int compared = 0;
        for (int trial = 0; trial < 20; ++trial) {
            for (double& x : a) x = uniform(random);
            for (double& x : b) x = uniform(random);
            compared += compare(
                f, captures,
                {uniform(random), 0, 0, 0, static_cast<std::int32_t>(between(random, 0, 4))});
        }
        EXPECT_GT(compared, 0) << info.name;
    }
}

/// Mods over f64 scores: slopes [4], bias [16, 16], table [40], gate [] and one token each.
struct Mods {
    std::vector<double> slopes, bias, table, gate;
    std::vector<std::pair<const char*, ScoreMod>> all;

    explicit Mods(test::Random& random) : slopes(4), bias(256), table(40), gate(1) {
        std::normal_distribution<double> normal(0.2, 1);
        for (auto* values : {&slopes, &bias, &table, &gate}) {
            for (double& x : *values) x = normal(random);
        }
        const Buffer s4 = buffer(TensorView::dense(slopes.data(), DType::f64, {4}));
        const Buffer b2 = buffer(TensorView::dense(bias.data(), DType::f64, {16, 16}));
        const Buffer t1 = buffer(TensorView::dense(table.data(), DType::f64, {40}));
        const Buffer g0 = buffer(TensorView::dense(gate.data(), DType::f64, {}));
        const Scalar c = scalar(5.5), o = scalar(20);
        using E = Expr;
        const auto add = [&](const char* name, auto mod) {
            all.emplace_back(name, score_mod(mod));
        };
        add("alibi", [=](E s, E, E h, E q, E k) { return s + s4[h] * (k - q); });
        add("softcap", [=](E s, E, E, E, E) { return c * tanh(s / c); });
        add("softcap_constant", [=](E s, E, E, E, E) { return 30 * tanh(s / 30); });
        add("softcap_of_alibi",
            [=](E s, E, E h, E q, E k) { return c * tanh((s + s4[h] * (k - q)) / c); });
        add("relative", [=](E s, E, E, E q, E k) { return s + t1[q - k + o]; });
        add("dense", [=](E s, E, E, E q, E k) { return s + b2[q][k]; });
        add("dense_scaled", [=](E s, E, E h, E q, E k) { return s * s4[h] + b2[q][k] * s4[h]; });
        add("two_reads", [=](E s, E, E, E q, E k) { return s + t1[q] * t1[k] + t1[q]; });
        add("gate", [=](E s, E, E, E, E) { return s * sigmoid(g0.gather({})) + g0.gather({}); });
        add("negative_index", [=](E s, E, E, E q, E k) { return s * t1[k - q] + t1[-1]; });
        add("select", [=](E s, E, E, E q, E k) { return where(q >= k, s * 2, s * t1[k]); });
        add("nested_select", [=](E s, E, E h, E q, E k) {
            return where(q > k, where(s > 0, log(s), exp(s)) * s4[h], where(h > 1, -s, tanh(s)));
        });
        add("clamp", [=](E s, E, E, E, E k) { return clamp(s * t1[k], -1, 2) + s; });
        add("min_max", [=](E s, E, E h, E, E k) { return max(min(s, t1[k]), s4[h]) * s; });
        add("abs", [=](E s, E, E h, E, E) { return abs(s - s4[h]); });
        add("power", [=](E s, E, E, E, E k) { return pow(abs(s) + 1, t1[k]); });
        add("fma_and_roots",
            [=](E s, E, E, E q, E) { return sqrt(fma(s, s, 1)) * rsqrt(q + 1.0); });
        add("polynomial", [=](E s, E, E, E, E) { return pow(s, 3) * 0.1 + s * s - s / 3; });
        add("waves", [=](E s, E, E, E q, E k) { return sin(s) * cos(t1[q] - k * 0.1) + erf(s); });
        add("logs", [=](E s, E, E, E, E k) {
            return log1p(s * s) + log2(t1[k] * t1[k] + 1) + expm1(s * 0.1) + exp2(-s);
        });
        add("remainders", [=](E s, E, E, E, E k) { return s % 0.7 + rem(t1[k], 0.9) + floor(s); });
        add("through_f32",
            [=](E s, E, E h, E, E) { return s + (s4[h] * 3 - s4[h]) / (s * s + 2); });
        add("ignores_score", [=](E, E, E h, E q, E k) { return s4[h] * b2[q][k]; });
        add("ignores_all", [=](E, E, E, E q, E) { return to_float(q) * 0.25; });
        add("distance", [=](E s, E, E h, E q, E k) {
            return s - s4[h] * log1p(to_float(abs(q - k))) - where(q == k, g0.gather({}), 0.0);
        });
    }
};

TEST(Derivative, WholeModsAgreeWithFiniteDifferences) {
    auto random = test::generator(2);
    std::normal_distribution<double> normal(0, 1.5);
    const Mods mods(random);
    for (const auto& [name, mod] : mods.all) {
        int compared = 0;
        for (int trial = 0; trial < 40; ++trial) {
            const auto at = [&](int n) { return static_cast<std::int32_t>(between(random, 0, n)); };
            compared += compare(mod.function(true), mod.captures(true),
                                {normal(random), at(2), at(3), at(15), at(15)});
        }
        EXPECT_GT(compared, 20) << name;
        if (testing::Test::HasFailure()) FAIL() << name;
    }
}

TEST(Derivative, RandomFunctionsAgreeWithFiniteDifferences) {
    auto random = test::generator(3);
    const int functions = test::scaled(2000);
    int compared = 0;
    for (int i = 0; i < functions; ++i) {
        test::RandomOptions options;
        options.score_type = Type::f64;
        options.ordinary = true;
        options.instructions = static_cast<int>(between(random, 3, 25));
        test::RandomCase mod = test::random_function(random, options);
        mod.function.results.resize(1);
        const Position at = {std::normal_distribution<double>()(random), 0, 1, 2, 3};
        const ir::Function d = derivative(mod.function, float_buffers(mod.function));
        ir::verify(d);
        const double x = run(mod.function, mod.captures, at)[0], y = run(d, mod.captures, at)[0];
        ASSERT_TRUE(x == y || (std::isnan(x) && std::isnan(y))) << ir::print(d);
        // A step of 1e-6 is lost in f32; torch gives clamp no slope where its bounds meet; and
        // sqrt(s - s) has infinite parts that cancel.
        const ir::Function simple = simplify(mod.function);
        const auto constant = [&](ir::Value v) { return simple.insts[v].op == Op::constant; };
        const bool leave =
            std::any_of(simple.insts.begin(), simple.insts.end(), [&](const ir::Inst& inst) {
                const bool clamps = inst.op == Op::clamp;
                return inst.type == Type::f32 ||
                       (clamps && !(constant(inst.args[1]) && constant(inst.args[2])));
            });
        if (!leave) compared += compare(mod.function, mod.captures, at, true);
        ASSERT_FALSE(testing::Test::HasFailure());
    }
    EXPECT_GT(compared, functions / 10);
}

TEST(Derivative, AlibiCostsNothing) {
    const float data[8] = {};
    const Buffer slopes = buffer(TensorView::dense(data, DType::f32, {8}));
    const int wanted[] = {0};
    const ir::Function d = derivative(scores::alibi(slopes).function(), wanted);
    ASSERT_EQ(d.results.size(), 3u);
    const ir::Inst& by_score = d.insts[d.results[1].value];
    EXPECT_EQ(by_score.op, Op::constant);
    EXPECT_EQ(by_score.bits, std::bit_cast<std::uint32_t>(1.0f));
    // By the slope: the distance that the score has computed anyway.
    EXPECT_EQ(d.results[2].buffer, 0);
    EXPECT_EQ(d.results[2].indices, std::vector<ir::Value>{d.h()});
    const ir::Function plain = simplify(scores::alibi(slopes).function());
    EXPECT_EQ(d.insts.size(), plain.insts.size() + 1) << ir::print(d);
}

TEST(Derivative, WhatIsNotAskedForIsNotThere) {
    const float data[8] = {};
    const Buffer slopes = buffer(TensorView::dense(data, DType::f32, {8}));
    EXPECT_EQ(derivative(scores::alibi(slopes).function(), {}).results.size(), 2u);
}

TEST(Derivative, SoftcapReusesItsTanh) {
    const Scalar c = scalar(30.0);
    for (const ScoreMod& mod : {scores::softcap(30), score_mod([](Expr s, Expr, Expr, Expr, Expr) {
                                    return 30 * tanh(s / 30);
                                })}) {
        const ir::Function d = derivative(mod.function(), {});
        EXPECT_EQ(count(d, Op::tanh), 1);
        const ir::Function plain = simplify(mod.function());
        // 1 - t * t: a product, a difference, a constant.
        EXPECT_LE(d.insts.size(), plain.insts.size() + 3) << ir::print(d);
    }
}

TEST(Derivative, BranchesNotTakenGiveZeroEvenWhereTheyAreInfinite) {
    using E = Expr;
    const double zero[1] = {0};
    const Buffer null = buffer(TensorView::dense(zero, DType::f64, {1}));
    const std::pair<ScoreMod, double> cases[] = {
        {score_mod([](E s, E, E, E, E) { return where(s > 0, log(s), 0.0); }), 0},
        {score_mod([](E s, E, E, E, E) { return where(s > 0, sqrt(s), -s); }), -1},
        {score_mod([](E s, E, E, E, E) { return where(s > 0, sqrt(log(s)) * s, s * 3); }), 3},
        {score_mod([](E s, E, E, E, E) { return max(-sqrt(s), 7.0) + s; }), 1},
        {score_mod([](E s, E, E, E, E) { return clamp(log(s), -5, 5); }), 0},
        {score_mod([](E s, E, E, E q, E k) {
             return where(q >= k, where(s != 0, 1 / s, 0.0) + log(s), s + s);
         }),
         2},
        {score_mod([=](E s, E, E, E q, E k) { return where(q >= k, s / null[0], s); }), 1},
        {score_mod([](E s, E, E, E q, E k) { return where(q >= k, s, -INFINITY); }), 0},
    };
    for (const auto& [mod, expected] : cases) {
        const ir::Function& f = mod.function(true);
        const ir::Function d = derivative(f, float_buffers(f));
        const auto results = run(d, mod.captures(true), {0, 0, 0, 0, 1});
        for (std::size_t r = 1; r < results.size(); ++r)
            EXPECT_EQ(results[r], r == 1 ? expected : 0) << ir::print(d);
    }
}

TEST(Derivative, EdgesAreTorchs) {
    using E = Expr;
    const auto at_zero = [](auto f) {
        const ScoreMod mod = score_mod(f);
        return run(derivative(mod.function(true), {}), mod.captures(true), {0, 0, 0, 0, 0})[1];
    };
    EXPECT_EQ(at_zero([](E s, E, E, E, E) { return abs(s); }), 0);
    EXPECT_EQ(at_zero([](E s, E, E, E, E) { return max(s, 0.0); }), 0.5);
    EXPECT_EQ(at_zero([](E s, E, E, E, E) { return clamp(s, 0.0, 1.0); }), 1);
    EXPECT_EQ(at_zero([](E s, E, E, E, E) { return max(s, s * 2) + min(s, -s); }), 1.5);
    EXPECT_EQ(at_zero([](E s, E, E, E, E) { return sqrt(s); }), INFINITY);
    EXPECT_EQ(at_zero([](E s, E, E, E, E) { return floor(s) + s; }), 1);
}

TEST(Derivative, HalfPrecisionBuffersHaveGradientsInF32) {
    const std::uint16_t data[4] = {};
    const Buffer half = buffer(TensorView::dense(data, DType::bf16, {4}));
    const ScoreMod mod = score_mod([=](Expr s, Expr, Expr h, Expr, Expr) { return s * half[h]; });
    const int wanted[] = {0};
    const ir::Function d = derivative(mod.function(), wanted);
    ASSERT_EQ(d.results.size(), 3u);
    EXPECT_EQ(d.insts[d.results[2].value].type, Type::f32);
    EXPECT_EQ(d.results[2].value, 0u);  // the score itself
}

TEST(Derivative, LongProductsNeedNoStack) {
    const ScoreMod mod = score_mod([](Expr s, Expr, Expr, Expr, Expr) {
        Expr x = s;
        for (int i = 0; i < 5000; ++i) x = x * s;
        return x;
    });
    const auto results =
        run(derivative(mod.function(true), {}), mod.captures(true), {1, 0, 0, 0, 0});
    EXPECT_EQ(results[1], 5001);
}

TEST(Derivative, RefusesWhatHasNone) {
    const std::int32_t data[4] = {};
    const Buffer whole = buffer(TensorView::dense(data, DType::i32, {4}));
    const ScoreMod mod = score_mod([=](Expr s, Expr, Expr h, Expr, Expr) { return s * whole[h]; });
    const int wanted[] = {0};
    EXPECT_THROW(derivative(mod.function(), wanted), InternalError);
    const MaskMod mask = mask_mod([](Expr, Expr, Expr q, Expr k) { return q >= k; });
    EXPECT_THROW(derivative(mask.function(), {}), InternalError);
}

}  // namespace
}  // namespace flexion::passes
