// SPDX-License-Identifier: Apache-2.0
// Misuse of the C++ front end, one a case, and what the message says.
#include <flexion/error.h>
#include <flexion/expr.h>
#include <flexion/masks.h>
#include <flexion/scores.h>
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "ir/builder.h"

namespace flexion {
namespace {

float memory[64] = {};

Buffer table(std::initializer_list<std::int64_t> shape) {
    return buffer(TensorView::dense(memory, DType::f32, shape));
}

void score(const ScoreMod::Callable& f) { score_mod(f); }
void mask(const MaskMod::Callable& f) { mask_mod(f); }

constexpr const char* kScoreText =
    "flexion.ir 1\nscore_mod f(%s: f32, %b: i32, %h: i32, %q: i32, %k: i32, %c: f32, %n: i32, @t: "
    "f32[?]) { return %s }";
constexpr const char* kMaskText =
    "flexion.ir 1\nmask_mod f(%b: i32, %h: i32, %q: i32, %k: i32) { %r = ge.i32 %q, %k return %r }";

Captures captures(int buffers, std::vector<ScalarValue> scalars) {
    Captures c;
    for (int i = 0; i < buffers; ++i) c.buffers.push_back(table({8}).view());
    c.scalars = std::move(scalars);
    return c;
}

const ScalarValue kReal{false, 0, 2.5};
const ScalarValue kInteger{true, 3, 0};
const ScalarValue kLarge{true, std::int64_t{1} << 40, 0};

TEST(Misuse, IsAUserErrorThatSaysWhatToDo) {
    Expr kept = 0;
    score([&](Expr s, Expr, Expr, Expr, Expr) { return kept = s; });
    const Buffer matrix = table({8, 8});
    const struct {
        const char* message;
        std::function<void()> act;
    } cases[] = {
        // Outside of a trace.
        {"flexion::operator+ was used outside of a mod", [] { Expr(1) + Expr(2); }},
        {"flexion::exp was used outside of a mod", [] { exp(Expr(1.0)); }},
        {"flexion::Scalar was used outside of a mod",
         [] { static_cast<void>(static_cast<Expr>(scalar(1.0))); }},
        {"flexion::Buffer was used outside of a mod", [] { table({8})(0); }},
        {"flexion::MaskMod was used outside of a mod", [] { masks::causal()(0, 0, 0, 0); }},
        {"flexion::operator* was used outside of a mod", [&] { kept * 2; }},
        {"scores::relative: offset must lie within +-2^30; got 1073741825.",
         [] { scores::relative(table({8}), (std::int64_t{1} << 30) + 1); }},
        // A value of another trace.
        {"got a value of another mod",
         [&] { score([&](Expr s, Expr, Expr, Expr, Expr) { return s + kept; }); }},
        {"flexion::score_mod got a value of another mod",
         [&] { score([&](Expr, Expr, Expr, Expr, Expr) { return kept; }); }},
        {"got a value of another mod",
         [] {
             score([](Expr s, Expr, Expr, Expr q, Expr) {
                 mask([&](Expr, Expr, Expr, Expr k) { return q >= k; });
                 return s;
             });
         }},
        // Results.
        {"flexion::score_mod: the lambda returned a bool; expected a score: write where(",
         [] { score([](Expr, Expr, Expr, Expr q, Expr k) { return q >= k; }); }},
        {"flexion::score_mod: the lambda returned a plain number",
         [] { score([](Expr, Expr, Expr, Expr, Expr) { return 0.0; }); }},
        {"flexion::mask_mod: the lambda returned i32; expected a bool",
         [] { mask([](Expr, Expr, Expr q, Expr k) { return q - k; }); }},
        {"flexion::mask_mod: the lambda returned i32; expected a bool",
         [] { mask([](Expr, Expr, Expr, Expr) { return 1; }); }},
        {"flexion::score_mod: got an empty function", [] { score({}); }},
        {"flexion::mask_mod: got an empty function", [] { mask({}); }},
        // Operands.
        {"bit_and does not take f32; expected integers or bools",
         [] { score([](Expr s, Expr, Expr, Expr q, Expr) { return s & q; }); }},
        {"bit_not does not take f32",
         [] { score([](Expr s, Expr, Expr, Expr, Expr) { return ~s; }); }},
        {"shl does not take f32",
         [] { score([](Expr s, Expr, Expr, Expr, Expr) { return s << 1; }); }},
        {"sub does not take bool; use ^",
         [] { mask([](Expr, Expr, Expr q, Expr k) { return (q < k) - (k < q); }); }},
        {"flexion::where: the condition is i32; expected a bool",
         [] { score([](Expr s, Expr, Expr, Expr q, Expr) { return where(q, s, 0); }); }},
        // Captures.
        {"flexion::Buffer: a tensor of rank 2 was read with 1 indices",
         [&] { score([&](Expr s, Expr, Expr, Expr q, Expr) { return s + matrix[q]; }); }},
        {"flexion::Buffer: more than 2 indices for a tensor of rank 2",
         [&] { score([&](Expr s, Expr, Expr h, Expr q, Expr k) { return s + matrix[h][q][k]; }); }},
        {"flexion::Buffer: a tensor of rank 2 was read with 3 indices",
         [&] { score([&](Expr s, Expr, Expr h, Expr q, Expr k) { return s + matrix(h, q, k); }); }},
        {"flexion::Buffer: index 1 is f32; expected an integer: use to_i32",
         [&] { score([&](Expr s, Expr, Expr, Expr q, Expr) { return s + matrix[q][s]; }); }},
        {"flexion::buffer: got a tensor of rank 7; expected 0 to 6",
         [] {
             TensorView view = table({8}).view();
             view.rank = 7;
             buffer(view);
         }},
        {"flexion::buffer: dimension 0 of a tensor has extent -1",
         [] {
             TensorView view = table({8}).view();
             view.shape[0] = -1;
             buffer(view);
         }},
        {"flexion::buffer: got a tensor without memory",
         [] { buffer(TensorView::dense(nullptr, DType::f32, {2})); }},
        {"flexion::buffer: the dtype of a tensor is not valid",
         [] { buffer(TensorView::dense(memory, static_cast<DType>(99), {2})); }},
        {"a mod takes more than 256 parameters",
         [] {
             score([](Expr s, Expr, Expr, Expr, Expr) {
                 for (int i = 0; i < 300; ++i) s = s + scalar(1.0);
                 return s;
             });
         }},
        {"a mod reads more than 256 buffers",
         [] {
             score([](Expr s, Expr, Expr, Expr q, Expr) {
                 for (int i = 0; i < 300; ++i) s = s + table({8})[q];
                 return s;
             });
         }},
        {"a mod has more than 65536 operations",
         [] {
             score([](Expr s, Expr, Expr, Expr, Expr) {
                 for (int i = 0; i < 70000; ++i) s = -s;
                 return s;
             });
         }},
        // Empty mods.
        {"flexion::ScoreMod::function: the mod is empty", [] { ScoreMod().function(); }},
        {"flexion::ScoreMod::captures: the mod is empty", [] { ScoreMod().captures(); }},
        {"flexion::ScoreMod::hash: the mod is empty", [] { ScoreMod().hash(); }},
        {"flexion::MaskMod::function: the mod is empty", [] { MaskMod().function(); }},
        {"flexion::MaskMod::captures: the mod is empty", [] { MaskMod().captures(); }},
        {"flexion::MaskMod::hash: the mod is empty", [] { MaskMod().hash(); }},
        // From text.
        {"flexion::ir::parse: line 1", [] { ScoreMod::from_text("nonsense", {}); }},
        {"flexion::ScoreMod::from_text: the text is a mask_mod",
         [] { ScoreMod::from_text(kMaskText, {}); }},
        {"flexion::MaskMod::from_text: the text is a score_mod",
         [] { MaskMod::from_text(kScoreText, captures(1, {kReal, kInteger})); }},
        {"the text declares 1 buffers, got 2",
         [] { ScoreMod::from_text(kScoreText, captures(2, {kReal, kInteger})); }},
        {"the text declares 2 scalars, got 1",
         [] { ScoreMod::from_text(kScoreText, captures(1, {kReal})); }},
        {"%n is declared i32, got 2.5",
         [] { ScoreMod::from_text(kScoreText, captures(1, {kReal, kReal})); }},
        {"%n is declared i32, got 1099511627776",
         [] { ScoreMod::from_text(kScoreText, captures(1, {kReal, kLarge})); }},
        {"@t is declared f32 of rank 1, got f32 of rank 2",
         [&] {
             Captures c = captures(1, {kReal, kInteger});
             c.buffers[0] = matrix.view();
             ScoreMod::from_text(kScoreText, c);
         }},
        {"flexion::ScoreMod::from_text: got a tensor without memory",
         [] {
             Captures c = captures(1, {kReal, kInteger});
             c.buffers[0].data = nullptr;
             ScoreMod::from_text(kScoreText, c);
         }},
        {"%f is declared bool, got 3",
         [] {
             MaskMod::from_text(
                 "flexion.ir 1\nmask_mod m(%b: i32, %h: i32, %q: i32, %k: i32, %f: bool) { return "
                 "%f }",
                 captures(0, {kInteger}));
         }},
        {"read from text whose score is f32; a problem of f64 needs one whose score is f64",
         [] { ScoreMod::from_text(kScoreText, captures(1, {kReal, kInteger})).function(true); }},
    };
    for (const auto& c : cases) {
        try {
            c.act();
            ADD_FAILURE() << "no error: " << c.message;
        } catch (const UserError& error) {
            EXPECT_NE(std::string(error.what()).find(c.message), std::string::npos)
                << error.what() << "\nexpected: " << c.message;
        }
    }
}

TEST(Misuse, AnErrorLeavesTheTraceOfOthersAlone) {
    const ScoreMod outer = score_mod([](Expr s, Expr, Expr, Expr q, Expr k) {
        EXPECT_THROW(mask([](Expr, Expr, Expr i, Expr j) { return i + j; }), UserError);
        return s + (q - k);
    });
    EXPECT_EQ(outer.function().insts.size(), 8u);
    EXPECT_THROW(Expr(1) + Expr(2), UserError);
}

TEST(FromText, TakesWhatItDeclares) {
    const ScoreMod mod = ScoreMod::from_text(kScoreText, captures(1, {kInteger, kInteger}));
    EXPECT_EQ(mod.captures().scalars[0].real, 3);  // an integer for a real parameter
    EXPECT_FALSE(mod.captures().scalars[0].is_integer);
    EXPECT_TRUE(mod.captures().scalars[1].is_integer);
    EXPECT_TRUE(MaskMod::from_text(kMaskText, {}));
    // Mods from text combine like others.
    const ScoreMod both = score_mod([&](Expr s, Expr b, Expr h, Expr q, Expr k) {
        return mod(s, b, h, q, k) + mod(s, b, h, q, k);
    });
    EXPECT_EQ(both.captures().buffers.size(), 1u);
    EXPECT_EQ(both.captures().scalars.size(), 2u);
}

}  // namespace
}  // namespace flexion
