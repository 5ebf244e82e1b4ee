// SPDX-License-Identifier: Apache-2.0
// What whole functions become, and that they keep their values bit for bit.
#include <flexion/masks.h>
#include <flexion/scores.h>
#include <gtest/gtest.h>

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

std::string body_of(const ir::Function& f) {
    const std::string text = ir::print(f);
    const auto open = text.find("{\n");
    return text.substr(open + 2, text.find("}\n", open) - open - 2);
}

/// Simplifies a mask or score with these instructions.
std::string simplified(const std::string& head, const std::string& body) {
    return body_of(simplify(ir::parse("flexion.ir 1\n" + head + " {\n" + body + "}\n")));
}
std::string mask(const std::string& body) {
    return simplified("mask_mod m(%b: i32, %h: i32, %q: i32, %k: i32, %w: i64, @t: i32[?])", body);
}

TEST(Simplify, SharesAndDropsAndOrders) {
    EXPECT_EQ(mask("  %5 = sub.i32 %q, %k\n"
                   "  %6 = mul.i32 %k, %k\n"
                   "  %7 = sub.i32 %q, %k\n"
                   "  %8 = mul.i32 %7, %5\n"
                   "  %9 = constant.i32 9\n"
                   "  %10 = gt.i32 %9, %8\n"
                   "  return %10\n"),
              "  %5 = sub.i32 %q, %k\n"
              "  %6 = mul.i32 %5, %5\n"
              "  %7 = constant.i32 9\n"
              "  %8 = lt.i32 %6, %7\n"
              "  return %8\n");
}

TEST(Simplify, OrderOfWritingDoesNotMatter) {
    const MaskMod a = mask_mod([](Expr, Expr, Expr q, Expr k) {
        const Expr close = q - k < 9;
        return (q >= k) & close;
    });
    const MaskMod b = mask_mod([](Expr, Expr, Expr q, Expr k) {
        const Expr causal = k <= q;
        return (q - k < 9) & causal;
    });
    EXPECT_TRUE(ir::same_structure(simplify(a.function()), simplify(b.function())))
        << ir::print(simplify(a.function())) << ir::print(simplify(b.function()));
}

TEST(Simplify, PositionsAreNotNegative) {
    EXPECT_EQ(mask("  %5 = constant.i32 0\n  %6 = ge.i32 %q, %5\n  return %6\n"),
              "  %5 = constant.bool true\n  return %5\n");
    EXPECT_EQ(mask("  %5 = constant.i32 7\n  %6 = floordiv.i32 %q, %5\n  %7 = eq.i32 %6, %k\n"
                   "  return %7\n"),
              "  %5 = constant.i32 7\n  %6 = truncdiv.i32 %q, %5\n  %7 = eq.i32 %k, %6\n"
              "  return %7\n");
    EXPECT_EQ(mask("  %5 = sub.i32 %q, %k\n  %6 = constant.i32 0\n  %7 = ge.i32 %5, %6\n"
                   "  return %7\n"),
              "  %5 = ge.i32 %q, %k\n  return %5\n");
}

/// No operation on 64 bits may depend on both q and k.
void expect_narrow(const MaskMod& mod) {
    const ir::Function f = simplify(mod.function());
    const Facts facts = uniformity(f);
    for (ir::Value v = 0; v < f.insts.size(); ++v) {
        for (int i = 0; i < f.insts[v].count; ++i) {
            if (f.insts[f.insts[v].args[i]].type != Type::i64) continue;
            EXPECT_FALSE((facts.depends[v] & kOnQ) && (facts.depends[v] & kOnK)) << ir::print(f);
        }
    }
}

TEST(Simplify, MasksWithScalarsAre32BitsWide) {
    expect_narrow(masks::sliding_window(256));
    expect_narrow(masks::prefix(100));
    const Scalar s = scalar(9), t = scalar(17);
    expect_narrow(mask_mod([=](Expr, Expr, Expr q, Expr k) { return q + s >= k; }));
    expect_narrow(mask_mod([=](Expr, Expr, Expr q, Expr k) { return (q - k == s) | (k - q < t); }));
    expect_narrow(mask_mod([=](Expr, Expr, Expr q, Expr k) {
        return (floordiv(q, s) == floordiv(k, t)) & (q != k * s);
    }));
    // A window costs a comparison with a uniform bound, nothing else.
    const MaskMod window =
        mask_mod([=](Expr, Expr, Expr q, Expr k) { return (q >= k) & (q - k <= s); });
    EXPECT_EQ(body_of(simplify(window.function())),
              "  %5 = ge.i32 %q, %k\n"
              "  %6 = sub.i32 %q, %k\n"
              "  %7 = constant.i64 -2147483648\n"
              "  %8 = constant.i64 2147483647\n"
              "  %9 = clamp.i64 %scalar0, %7, %8\n"
              "  %10 = cast.i32 %9\n"
              "  %11 = le.i32 %6, %10\n"
              "  %12 = logical_and %5, %11\n"
              "  return %12\n");
}

bool same(const ir::Column& x, const ir::Column& y, std::size_t i) {
    if (!ir::is_float(x.type)) return x.integer[i] == y.integer[i];
    const double a = x.real[i], b = y.real[i];
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    return a == b && std::signbit(a) == std::signbit(b);
}

/// Comparisons of widened values with 64-bit scalars, at every end of both widths.
TEST(Simplify, NarrowedComparisonsAreExactAtTheLimits) {
    std::vector<std::int32_t> values = test::special_values<std::int32_t>();
    const auto count = static_cast<std::int32_t>(values.size());
    std::vector<std::int64_t> bounds = test::special_values<std::int64_t>();
    for (std::int64_t near : {INT64_C(1) << 31, -(INT64_C(1) << 31), INT64_C(1) << 32}) {
        for (std::int64_t off : {-2, -1, 0, 1, 2}) bounds.push_back(near + off);
    }
    std::vector<std::int32_t> keys(count);
    for (std::int32_t i = 0; i < count; ++i) keys[i] = i;
    for (const char* op : {"eq", "ne", "lt", "le", "gt", "ge"}) {
        for (const bool loaded : {true, false}) {
            for (const bool first : {true, false}) {
                const std::string x = loaded ? "  %5 = load @t[%k]\n" : "  %5 = sub.i32 %q, %k\n";
                const ir::Function f = ir::parse(
                    "flexion.ir 1\nmask_mod m(%b: i32, %h: i32, %q: i32, %k: i32, %w: i64, "
                    "@t: i32[?]) {\n" +
                    x + "  %6 = cast.i64 %5\n  %7 = " + op + ".i64 " +
                    (first ? "%6, %w" : "%w, %6") + "\n  return %7\n}\n");
                const ir::Function g = simplify(f);
                for (std::int64_t w : bounds) {
                    Captures captures;
                    captures.buffers = {TensorView::dense(values.data(), DType::i32, {count})};
                    captures.scalars = {{true, w, 0}};
                    ir::Interpreter a(f, captures, ir::Precision::typed);
                    ir::Interpreter b(g, captures, ir::Precision::typed);
                    for (std::int32_t q : {0, 3, INT32_MAX - 1}) {
                        const ir::Positions positions{.count = count, .k = keys.data(), .q_all = q};
                        const auto &x = a.run(positions)[0], &y = b.run(positions)[0];
                        for (std::int32_t i = 0; i < count; ++i)
                            ASSERT_TRUE(same(x, y, i)) << ir::print(g) << values[i] << " " << w;
                    }
                }
            }
        }
    }
}

TEST(Simplify, RandomFunctionsKeepTheirValues) {
    auto random = test::generator(3);
    const int functions = test::scaled(2000);
    std::size_t before = 0, after = 0;
    for (int i = 0; i < functions; ++i) {
        test::RandomOptions options;
        options.role = i % 2 ? ir::Role::mask_mod : ir::Role::score_mod;
        options.instructions = static_cast<int>(between(random, 1, 60));
        options.gradients = true;
        options.ordinary = test::chance(random, 30);
        const test::RandomCase mod = test::random_function(random, options);
        const ir::Function g = simplify(mod.function);
        ir::verify(g);
        before += mod.function.insts.size();
        after += g.insts.size();
        ASSERT_TRUE(ir::same_structure(g, simplify(g))) << ir::print(mod.function) << ir::print(g);
        ASSERT_EQ(g.results.size(), mod.function.results.size());
        const test::RandomPositions at(random, 64, 9);
        ir::Interpreter a(mod.function, mod.captures, ir::Precision::typed);
        ir::Interpreter b(g, mod.captures, ir::Precision::typed);
        const auto &x = a.run(at.positions), &y = b.run(at.positions);
        for (std::size_t r = 0; r < x.size(); ++r) {
            for (int p = 0; p < 64; ++p)
                ASSERT_TRUE(same(x[r], y[r], p)) << ir::print(mod.function) << ir::print(g);
        }
    }
    EXPECT_LT(after, before);
}

TEST(Simplify, KnownScoreModsStayAsShortAsTheyAre) {
    const float data[8] = {};
    const Buffer slopes = buffer(TensorView::dense(data, DType::f32, {8}));
    for (const ScoreMod& mod : {scores::alibi(slopes), scores::softcap(30)}) {
        const ir::Function f = mod.function();
        EXPECT_LE(simplify(f).insts.size(), f.insts.size()) << ir::print(simplify(f));
    }
}

}  // namespace
}  // namespace flexion::passes
