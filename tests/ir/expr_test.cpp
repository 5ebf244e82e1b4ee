// SPDX-License-Identifier: Apache-2.0
// Tracing: what operators record, promotion, captures, combination of mods, and misuse.
#include <flexion/error.h>
#include <flexion/expr.h>
#include <flexion/masks.h>
#include <flexion/scores.h>
#include <gtest/gtest.h>

#include <cmath>

#include "ir/interpret.h"
#include "ir/op.h"
#include "ir/text.h"
#include "ir/tracer.h"

namespace flexion {
namespace {

using ir::Type;

std::string body(const ir::Function& f) {
    const std::string text = ir::print(f);
    return text.substr(text.find('\n') + 1);
}

Buffer f32_table() {
    static float data[8] = {};
    return buffer(TensorView::dense(data, DType::f32, {8}));
}

// The order in which operands of one operator are traced is the compiler's; tests that compare text
// name their steps.

TEST(Expr, RecordsOneOpAnOperator) {
    const Buffer slopes = f32_table();
    const ScoreMod alibi = score_mod([&](Expr s, Expr, Expr h, Expr q, Expr k) {
        const Expr slope = slopes[h];
        const Expr distance = k - q;
        return s + slope * distance;
    });
    EXPECT_EQ(body(alibi.function()),
              R"(score_mod mod(%s: f32, %b: i32, %h: i32, %q: i32, %k: i32, @buffer0: f32[?]) {
  %5 = load @buffer0[%h]
  %6 = sub.i32 %k, %q
  %7 = cast.f32 %6
  %8 = mul %5, %7
  %9 = add %s, %8
  return %9
}
)");
}

TEST(Expr, ScalarsComeFirstAndOnce) {
    const Scalar w = scalar(16);
    const MaskMod mask = mask_mod([w](Expr, Expr, Expr q, Expr k) {
        const Expr left = q - k <= w;
        const Expr right = k - q <= w;
        return left & right;
    });
    EXPECT_EQ(body(mask.function()),
              R"(mask_mod mod(%b: i32, %h: i32, %q: i32, %k: i32, %scalar0: i64) {
  %5 = sub.i32 %q, %k
  %6 = cast.i64 %5
  %7 = le.i64 %6, %scalar0
  %8 = sub.i32 %k, %q
  %9 = cast.i64 %8
  %10 = le.i64 %9, %scalar0
  %11 = logical_and %7, %10
  return %11
}
)");
    ASSERT_EQ(mask.captures().scalars.size(), 1u);
    EXPECT_EQ(mask.captures().scalars[0].integer, 16);
}

// ---- promotion
// ------------------------------------------------------------------------------------

/// "op.operand-type -> type" of the last instruction that `f` records in a score_mod.
std::string last_recorded(const ScoreMod::Callable& f, Type score = Type::f32) {
    Tracer tracer(ir::Role::score_mod, score);
    const Expr result = f(tracer.parameter(0), tracer.parameter(1), tracer.parameter(2),
                          tracer.parameter(3), tracer.parameter(4));
    ir::Builder& builder = tracer.builder();
    const ir::Inst& inst = builder.function().insts[result.id()];
    std::string text = ir::info(inst.op).name;
    if (inst.count > 0) text.append(".").append(name_of(builder.type(inst.args[inst.count - 1])));
    return text.append(" -> ").append(name_of(inst.type));
}

TEST(Promotion, FollowsCompiledTorch) {
    const struct {
        const char* recorded;
        ScoreMod::Callable f;
    } cases[] = {
        {"add.f32 -> f32", [](Expr s, Expr, Expr, Expr q, Expr) { return s + q; }},
        {"add.f32 -> f32", [](Expr s, Expr, Expr, Expr, Expr) { return s + 1; }},
        {"add.i32 -> i32", [](Expr, Expr, Expr, Expr q, Expr k) { return q + k; }},
        {"add.i32 -> i32", [](Expr, Expr, Expr, Expr q, Expr) { return 1 + q; }},
        {"add.f32 -> f32", [](Expr, Expr, Expr, Expr q, Expr) { return q + 2.0; }},
        {"add.i64 -> i64", [](Expr, Expr, Expr, Expr q, Expr) { return q + (1LL << 40); }},
        {"lt.i64 -> bool", [](Expr, Expr, Expr, Expr q, Expr) { return q < (1LL << 40); }},
        {"add.i64 -> i64", [](Expr, Expr, Expr, Expr q, Expr k) { return q + to_i64(k); }},
        {"add.f32 -> f32", [](Expr s, Expr, Expr, Expr q, Expr) { return to_i64(q) + s; }},
        {"add.i32 -> i32", [](Expr, Expr, Expr, Expr q, Expr k) { return (q < k) + q; }},
        {"sub.i32 -> i32", [](Expr, Expr, Expr, Expr q, Expr k) { return 1 - (q < k); }},
        {"add.f32 -> f32", [](Expr s, Expr, Expr, Expr q, Expr k) { return (q < k) + s; }},
        {"logical_or.bool -> bool",
         [](Expr, Expr, Expr, Expr q, Expr k) { return (q < k) + (q > k); }},
        {"logical_and.bool -> bool",
         [](Expr, Expr, Expr, Expr q, Expr k) { return (q < k) * (q > k); }},
        {"div.f32 -> f32", [](Expr, Expr, Expr, Expr q, Expr k) { return q / k; }},
        {"div.f32 -> f32", [](Expr, Expr, Expr, Expr q, Expr) { return q / 2; }},
        {"floordiv.i32 -> i32", [](Expr, Expr, Expr, Expr q, Expr) { return floordiv(q, 2); }},
        {"mod.i32 -> i32", [](Expr, Expr, Expr, Expr q, Expr) { return q % 2; }},
        {"mod.f32 -> f32", [](Expr, Expr, Expr, Expr q, Expr) { return q % 2.5; }},
        {"pow.f32 -> f32", [](Expr s, Expr, Expr, Expr, Expr) { return pow(s, 2); }},
        {"pow.i32 -> i32", [](Expr, Expr, Expr, Expr q, Expr) { return pow(q, 2); }},
        {"exp.f32 -> f32", [](Expr, Expr, Expr, Expr q, Expr) { return exp(q); }},
        {"parameter -> i32", [](Expr, Expr, Expr, Expr q, Expr) { return floor(q); }},
        {"constant -> bool", [](Expr, Expr, Expr, Expr q, Expr) { return isnan(q); }},
        {"isnan.f32 -> bool", [](Expr s, Expr, Expr, Expr, Expr) { return isnan(s); }},
        {"add.i32 -> i32", [](Expr, Expr, Expr h, Expr q, Expr) { return fma(q, 2, h); }},
        {"fma.f32 -> f32", [](Expr s, Expr, Expr h, Expr q, Expr) { return fma(s, q, h); }},
        {"mul.i64 -> i64", [](Expr, Expr, Expr, Expr q, Expr k) { return q * k; }},
        {"mul.i32 -> i32", [](Expr, Expr, Expr, Expr q, Expr) { return q * 64; }},
        {"mul.i64 -> i64", [](Expr, Expr, Expr, Expr q, Expr) { return q * -65; }},
        {"select.f32 -> f32",
         [](Expr s, Expr, Expr, Expr q, Expr k) { return where(q < k, s, 0); }},
        {"select.i32 -> i32", [](Expr, Expr, Expr, Expr q, Expr k) { return where(q < k, 1, 0); }},
        {"select.f32 -> f32",
         [](Expr, Expr, Expr, Expr q, Expr k) { return where(q < k, q, -INFINITY); }},
        {"select.bool -> bool",
         [](Expr, Expr, Expr, Expr q, Expr k) { return where(q<k, true, q> k); }},
        {"clamp.i32 -> i32", [](Expr, Expr, Expr, Expr q, Expr) { return clamp(q, 0, 9); }},
        {"clamp.f32 -> f32", [](Expr s, Expr, Expr, Expr, Expr) { return clamp(s, 0, 9); }},
        {"bit_and.i32 -> i32", [](Expr, Expr, Expr, Expr q, Expr) { return q & 7; }},
        {"bit_and.i32 -> i32", [](Expr, Expr, Expr, Expr q, Expr k) { return q & (q < k); }},
        {"logical_and.bool -> bool",
         [](Expr, Expr, Expr, Expr q, Expr k) { return (q < k) & (q > 3); }},
        {"logical_and.bool -> bool",
         [](Expr, Expr, Expr, Expr q, Expr k) { return (q < k) & true; }},
        {"logical_xor.bool -> bool",
         [](Expr, Expr, Expr, Expr q, Expr k) { return (q < k) ^ (q > 3); }},
        {"logical_not.bool -> bool", [](Expr, Expr, Expr, Expr q, Expr k) { return ~(q < k); }},
        {"bit_not.i32 -> i32", [](Expr, Expr, Expr, Expr q, Expr) { return ~q; }},
        {"logical_not.bool -> bool", [](Expr, Expr, Expr, Expr q, Expr) { return !q; }},
        {"shl.i32 -> i32", [](Expr, Expr, Expr, Expr q, Expr) { return q << 3; }},
        {"lt.i32 -> bool", [](Expr, Expr, Expr, Expr q, Expr k) { return (q < k) < (k < q); }},
        {"eq.bool -> bool", [](Expr, Expr, Expr, Expr q, Expr k) { return (q < k) == (k < q); }},
        {"logical_and.bool -> bool",
         [](Expr, Expr, Expr, Expr q, Expr k) { return min(q < k, k < q); }},
        {"neg.i32 -> i32", [](Expr, Expr, Expr, Expr q, Expr k) { return -(q < k); }},
        {"cast.f32 -> bool", [](Expr s, Expr, Expr, Expr, Expr) { return to_bool(s); }},
        {"parameter -> i32", [](Expr, Expr, Expr, Expr q, Expr) { return to_i32(q); }},
        {"constant -> f32", [](Expr, Expr, Expr, Expr, Expr) { return to_float(0.25); }},
        {"mul.i32 -> i32", [](Expr, Expr, Expr, Expr, Expr) { return Expr(2) * 3; }},
    };
    for (std::size_t i = 0; i < std::size(cases); ++i) {
        EXPECT_EQ(last_recorded(cases[i].f), cases[i].recorded) << "case " << i;
    }
}

TEST(Promotion, RealsAreDoubleInAnF64Problem) {
    const auto recorded = [](const ScoreMod::Callable& f) { return last_recorded(f, Type::f64); };
    EXPECT_EQ(recorded([](Expr s, Expr, Expr, Expr q, Expr) { return s + q; }), "add.f64 -> f64");
    EXPECT_EQ(recorded([](Expr, Expr, Expr, Expr q, Expr) { return q + 0.5; }), "add.f64 -> f64");
    EXPECT_EQ(recorded([](Expr, Expr, Expr, Expr q, Expr) { return q / 2; }), "div.f64 -> f64");
    EXPECT_EQ(recorded([](Expr, Expr, Expr, Expr q, Expr) { return to_float(q); }),
              "cast.i32 -> f64");
}

TEST(Promotion, LoadsComeInTheProblemsReal) {
    float f32_data[2] = {};
    double f64_data[2] = {};
    const Buffer f32 = buffer(TensorView::dense(f32_data, DType::f32, {2}));
    const Buffer f64 = buffer(TensorView::dense(f64_data, DType::f64, {2}));
    const auto load = [](const Buffer& b, Type score) {
        return last_recorded([&](Expr, Expr, Expr h, Expr, Expr) -> Expr { return b[h]; }, score);
    };
    EXPECT_EQ(load(f32, Type::f32), "load.i32 -> f32");
    EXPECT_EQ(load(f64, Type::f32), "cast.f64 -> f32");
    EXPECT_EQ(load(f32, Type::f64), "cast.f32 -> f64");
    EXPECT_EQ(load(f64, Type::f64), "load.i32 -> f64");
}

// ---- captures
// -------------------------------------------------------------------------------------

TEST(Captures, AreKnownByIdentity) {
    const Buffer a = f32_table();
    const Buffer same = a;
    const Buffer other = buffer(a.view());
    const ScoreMod mod = score_mod(
        [&](Expr s, Expr, Expr h, Expr q, Expr) { return s + a[h] + same[q] + other[h]; });
    EXPECT_EQ(mod.captures().buffers.size(), 2u);
    const Scalar c = scalar(2.0);
    const ScoreMod scaled = score_mod([c](Expr s, Expr, Expr, Expr, Expr) { return s * c / c; });
    EXPECT_EQ(scaled.captures().scalars.size(), 1u);
}

TEST(Captures, EveryRankIsRead) {
    float data[64] = {};
    const Buffer zero = buffer(TensorView::dense(data, DType::f32, {}));
    const Buffer three = buffer(TensorView::dense(data, DType::f32, {2, 2, 2}));
    const Buffer six = buffer(TensorView::dense(data, DType::f32, {2, 2, 2, 2, 2, 2}));
    const ScoreMod mod = score_mod([&](Expr s, Expr b, Expr h, Expr q, Expr k) {
        return s + zero() + three[b][h][q] + three(q, k, 0) + six(b, h, q, k, 1, b);
    });
    int loads = 0;
    for (const ir::Inst& inst : mod.function().insts) loads += inst.op == ir::Op::load ? 1 : 0;
    EXPECT_EQ(loads, 4);
    EXPECT_EQ(mod.captures().buffers.size(), 3u);
}

TEST(Captures, ModsShareThemWhenCombined) {
    std::int32_t ids[8] = {};
    const Buffer document = buffer(TensorView::dense(ids, DType::i32, {8}));
    const Scalar w = scalar(4);
    const MaskMod a = mask_mod(
        [=](Expr, Expr, Expr q, Expr k) { return (document[q] == document[k]) & (q - k < w); });
    const MaskMod b =
        mask_mod([=](Expr, Expr, Expr, Expr k) { return (document[k] > 0) | (k < w); });
    EXPECT_EQ((a & b).captures().buffers.size(), 1u);
    EXPECT_EQ((a & b).captures().scalars.size(), 1u);
    EXPECT_EQ((a | masks::document(buffer(document.view()))).captures().buffers.size(), 2u);
}

// ---- mods
// -----------------------------------------------------------------------------------------

/// The mask at one position.
bool kept(const MaskMod& mask, int q, int k) {
    ir::Interpreter interpreter(mask.function(), mask.captures(), ir::Precision::typed);
    return interpreter.run({.count = 1, .q_all = q, .k_all = k})[0].integer[0] != 0;
}

double scored(const ScoreMod& mod, double s, int q, int k) {
    ir::Interpreter interpreter(mod.function(), mod.captures(), ir::Precision::typed);
    return interpreter.run({.count = 1, .score = &s, .q_all = q, .k_all = k})[0].real[0];
}

TEST(Mods, MasksCombine) {
    const MaskMod causal = masks::causal();
    const MaskMod even = mask_mod([](Expr, Expr, Expr, Expr k) { return k % 2 == 0; });
    for (int q = 0; q < 4; ++q) {
        for (int k = 0; k < 4; ++k) {
            EXPECT_EQ(kept(causal & even, q, k), q >= k && k % 2 == 0);
            EXPECT_EQ(kept(causal | even, q, k), q >= k || k % 2 == 0);
            EXPECT_EQ(kept(~causal, q, k), q < k);
            EXPECT_EQ(kept(masks::sliding_window(1), q, k), q >= k && q - k <= 1);
            EXPECT_EQ(kept(masks::prefix(2), q, k), k < 2 || q >= k);
        }
    }
}

TEST(Mods, EmptyMeansNeutral) {
    const MaskMod causal = masks::causal();
    const MaskMod all;
    EXPECT_TRUE(ir::same_structure((causal & all).function(), causal.function()));
    EXPECT_TRUE(ir::same_structure((all & causal).function(), causal.function()));
    EXPECT_FALSE(causal | all);
    EXPECT_FALSE(all | all);
    EXPECT_FALSE(kept(~all, 3, 3));
    const ScoreMod cap = scores::softcap(5);
    EXPECT_TRUE(ir::same_structure(compose(cap, {}).function(), cap.function()));
    EXPECT_TRUE(ir::same_structure(compose({}, cap).function(), cap.function()));
    EXPECT_FALSE(compose({}, {}));
}

TEST(Mods, ScoresCompose) {
    const ScoreMod twice = score_mod([](Expr s, Expr, Expr, Expr, Expr) { return s * 2; });
    const ScoreMod shifted =
        score_mod([](Expr s, Expr, Expr, Expr q, Expr k) { return s + (q - k); });
    EXPECT_EQ(scored(compose(twice, shifted), 10, 7, 4), 26);
    EXPECT_EQ(scored(compose(shifted, twice), 10, 7, 4), 23);
    EXPECT_EQ(compose(twice, shifted).function(true).parameters[0].type, Type::f64);
}

TEST(Mods, AreCalledInOneAnother) {
    const MaskMod causal = masks::causal();
    const ScoreMod masked = score_mod([&](Expr s, Expr b, Expr h, Expr q, Expr k) {
        return where(causal(b, h, q, k), s, -INFINITY);
    });
    EXPECT_EQ(scored(masked, 3, 1, 0), 3);
    EXPECT_EQ(scored(masked, 3, 0, 1), -INFINITY);
    const MaskMod shifted =
        mask_mod([&](Expr b, Expr h, Expr q, Expr k) { return causal(b, h, q + 2, k); });
    EXPECT_TRUE(kept(shifted, 0, 2));
    EXPECT_FALSE(kept(shifted, 0, 3));
}

TEST(Mods, ATraceMayHoldAnother) {
    const ScoreMod mod = score_mod([](Expr s, Expr b, Expr h, Expr q, Expr k) {
        const MaskMod inner = mask_mod([](Expr, Expr, Expr i, Expr j) { return i >= j; });
        return where(inner(b, h, q, k), s, 0);
    });
    EXPECT_EQ(scored(mod, 3, 0, 1), 0);
}

TEST(Mods, IntegersBecomeScores) {
    const ScoreMod mod = score_mod([](Expr, Expr, Expr, Expr q, Expr k) { return q - k; });
    EXPECT_EQ(scored(mod, 0, 2, 5), -3);
}

TEST(Mods, AMaskMayBeConstant) {
    EXPECT_TRUE(kept(mask_mod([](Expr, Expr, Expr, Expr) { return true; }), 0, 1));
}

TEST(Mods, HashIsTheStructures) {
    const auto alibi = [](double slope) {
        return score_mod(
            [slope](Expr s, Expr, Expr, Expr q, Expr k) { return s + slope * (k - q); });
    };
    EXPECT_EQ(alibi(0.5).hash(), alibi(0.5).hash());
    EXPECT_NE(alibi(0.5).hash(), alibi(0.25).hash());
    EXPECT_EQ(scores::softcap(20).hash(), scores::softcap(30).hash());
    EXPECT_EQ(scores::softcap(20).hash(), ir::structural_hash(scores::softcap(30).function()));
    EXPECT_NE(scores::softcap(20).hash(true), scores::softcap(20).hash(false));
    EXPECT_EQ(masks::causal().hash(), masks::causal().hash());
}

TEST(Expr, ScoreInDoubleIsTracedAtFirstUse) {
    int runs = 0;
    const Scalar c = scalar(0.5);
    const ScoreMod mod = score_mod([&](Expr s, Expr, Expr, Expr q, Expr) {
        ++runs;
        return s * c + q / 3;
    });
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(mod.function(true).parameters[5].type, Type::f64);
    for (const ir::Inst& inst : mod.function(true).insts) EXPECT_NE(inst.type, Type::f32);
    EXPECT_EQ(runs, 2);
    mod.function(true);
    mod.function(false);
    EXPECT_EQ(runs, 2);
}

}  // namespace
}  // namespace flexion
