// SPDX-License-Identifier: Apache-2.0
// Tracing: what operators record, promotion, captures, combination of mods, and misuse.
#include <flexion/error.h>
#include <flexion/expr.h>
#include <flexion/masks.h>
#include <flexion/scores.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <optional>

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
