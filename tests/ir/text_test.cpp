// SPDX-License-Identifier: Apache-2.0
// The textual form: canonical, exact, refused with the offending line, and safe on any input.
#include "ir/text.h"

#include <flexion/error.h>
#include <gtest/gtest.h>

#include "random_function.h"

namespace flexion::ir {
namespace {

using test::between;

constexpr const char* kAlibi = R"(flexion.ir 1
score_mod alibi(%s: f32, %b: i32, %h: i32, %q: i32, %k: i32, %cap: f32, @slopes: f32[?], @one: bf16[]) {
  %6 = load @slopes[%h]
  %7 = sub.i32 %k, %q
  %8 = cast.f32 %7
  %9 = fma %6, %8, %s
  %10 = div %9, %cap
  %11 = tanh %10
  %12 = load @one[]
  %13 = mul %11, %12
  %14 = lt.i32 %q, %k
  %15 = select %14, %13, %s
  %16 = eq.bool %14, %14
  %17 = logical_and %14, %16
  %18 = constant.bool true
  return %15, @slopes[%h]: %9, @one[]: %s
}
)";

/// What parse says of `text`; empty when it takes it.
std::string complaint(const std::string& text) {
    try {
        parse(text);
    } catch (const UserError& error) {
        return error.what();
    }
    return "";
}

std::string in_score_mod(const std::string& lines) {
    return "flexion.ir 1\nscore_mod f(%s: f32, %b: i32, %h: i32, %q: i32, %k: i32, @t: f32[?, ?]) "
           "{\n" +
           lines + "\n}\n";
}

TEST(Text, CanonicalTextIsAFixedPoint) {
    const Function f = parse(kAlibi);
    EXPECT_EQ(print(f), kAlibi);
    EXPECT_EQ(f.scalar_count(), 1);
    EXPECT_EQ(f.buffers[1].rank, 0);
    EXPECT_EQ(f.results.size(), 3u);
}

TEST(Text, FreeFormIsRenumbered) {
    const Function f = parse(
        "\n# a comment\nflexion.ir 1 mask_mod m(%b:i32,%h:i32,\n %q:i32,%k:i32){%later=ge.i32 "
        "%q,%k "
        "# why\n return %later}");
    EXPECT_EQ(print(f),
              "flexion.ir 1\nmask_mod m(%b: i32, %h: i32, %q: i32, %k: i32) {\n  %4 = ge.i32 %q, "
              "%k\n  return %4\n}\n");
}

TEST(Text, ConstantsAreExact) {
    const struct {
        Type type;
        std::uint64_t bits;
        const char* text;
    } cases[] = {
        {Type::f32, 0x3dcccccd, "0.1"},
        {Type::f32, 0x80000000, "-0"},
        {Type::f32, 0x7f800000, "inf"},
        {Type::f32, 0xff800000, "-inf"},
        {Type::f32, 0x7fc00000, "nan"},
        {Type::f32, 0x7fc00001, "nan:0x7fc00001"},
        {Type::f32, 0xffc00000, "nan:0xffc00000"},
        {Type::f32, 0x7f800001, "nan:0x7f800001"},
        {Type::f32, 1, "1e-45"},
        {Type::f32, 0x7f7fffff, "3.4028235e+38"},
        {Type::f64, 0x3fb999999999999a, "0.1"},
        {Type::f64, 1, "5e-324"},
        {Type::f64, 0x7ff8000000000000, "nan"},
        {Type::f64, 0xfff0000000000123, "nan:0xfff0000000000123"},
        {Type::i32, 0x80000000, "-2147483648"},
        {Type::i64, 0x8000000000000000, "-9223372036854775808"},
        {Type::i64, 0x7fffffffffffffff, "9223372036854775807"},
        {Type::boolean, 1, "true"},
        {Type::boolean, 0, "false"},
    };
    for (const auto& c : cases) {
        Function f = make_function(Role::score_mod);
        Builder(f).constant_bits(c.bits, c.type);
        f.results.push_back({0, -1, {}});
        EXPECT_EQ(print_instruction(f, 5),
                  std::string("%5 = constant.").append(name_of(c.type)).append(" ").append(c.text));
        EXPECT_EQ(parse(print(f)).insts[5].bits, c.bits) << c.text;
    }
}

TEST(Text, RandomFunctionsSurviveARoundTrip) {
    auto random = test::generator(1);
    for (int i = 0; i < 2000; ++i) {
        test::RandomOptions options;
        options.role = test::chance(random, 30) ? Role::mask_mod : Role::score_mod;
        options.score_type = test::chance(random, 30) ? Type::f64 : Type::f32;
        options.instructions = static_cast<int>(between(random, 0, 60));
        options.gradients = true;
        const test::RandomCase c = test::random_function(random, options);
        const std::string text = print(c.function);
        const Function again = parse(text);
        ASSERT_TRUE(same_structure(c.function, again)) << text;
        ASSERT_EQ(structural_hash(c.function), structural_hash(again)) << text;
        ASSERT_EQ(print(again), text);
    }
}

TEST(Text, VersionsAreNamed) {
    EXPECT_NE(complaint("flexion.ir 2\nanything")
                  .find("this text is of version 2; this library "
                        "reads up to 1: use a newer Flexion"),
              std::string::npos);
    EXPECT_NE(complaint("flexion.ir 99999999999999999999").find("version 99999999999999999999"),
              std::string::npos);
    EXPECT_NE(complaint("flexion.ir 0").find("expected a version"), std::string::npos);
    EXPECT_NE(complaint("flexion.ir x").find("expected a version"), std::string::npos);
    EXPECT_NE(complaint("llvm").find("expected `flexion.ir 1`"), std::string::npos);
    EXPECT_NE(complaint("").find("line 1: ``: expected `flexion.ir 1`"), std::string::npos);
}

TEST(Text, RefusalsQuoteTheLine) {
    const struct {
        std::string text;
        const char* message;
    } cases[] = {
        {"flexion.ir 1\nfunction f()",
         "line 2: `function f()`: expected `score_mod` or `mask_mod`"},
        {"flexion.ir 1\nmask_mod 1()", "expected the name of a function"},
        {"flexion.ir 1\nmask_mod f[", "expected `(`"},
        {"flexion.ir 1\nmask_mod f(%b: i32, %b: i32)", "%b is defined twice"},
        {"flexion.ir 1\nmask_mod f(@b: i32[], @b: i32[])", "@b is declared twice"},
        {"flexion.ir 1\nmask_mod f(@b: i32[], %b: i32)", "parameters are declared before buffers"},
        {"flexion.ir 1\nmask_mod f(%b: u32)", "expected a type: f32 f64 i32 i64 bool"},
        {"flexion.ir 1\nmask_mod f(@b: i128[])", "expected a dtype: f32 f64 bf16 f16"},
        {"flexion.ir 1\nmask_mod f(@b: i32[?,?,?,?,?,?,?])", "buffers have at most 6 dimensions"},
        {"flexion.ir 1\nmask_mod f(@b: i32[3])", "expected `?`"},
        {"flexion.ir 1\nmask_mod f() { return %x }",
         "`mask_mod f() { return %x }`: %x is used before"},
        {in_score_mod("  %9 = frob %s"), "line 3: `  %9 = frob %s`: there is no op `frob`"},
        {in_score_mod("  %9 = add %s"), "add takes 2 operands, got 1"},
        {in_score_mod("  %9 = add %s, %s, %s, %s, %s, %s, %s"), "more than 6 operands"},
        {in_score_mod("  %9 = add %s, %q"),
         "add does not take (f32, i32); expected operands of one"},
        {in_score_mod("  %9 = add %q, %k"), "the operands are i32: write `add.i32`"},
        {in_score_mod("  %9 = add.i64 %q, %k"), "the operands are i32: write `add.i32`"},
        {in_score_mod("  %9 = add.x %q, %k"), "expected a type"},
        {in_score_mod("  %9 = exp.i32 %q"), "exp does not take (i32)"},
        {in_score_mod("  %9 = cast %q"), "expected a type: `cast.f32 %x`"},
        {in_score_mod("  %9 = neg %9"), "%9 is used before its definition"},
        {in_score_mod("  %q = neg %s"), "%q is defined twice"},
        {in_score_mod("  %9 = load @u[%q]"), "@u is not declared"},
        {in_score_mod("  %9 = load.f32 @t[%q, %k]"), "a load takes its type from the buffer"},
        {in_score_mod("  %9 = load @t[%q]\n  return %s"), "@t has rank 2, got 1 indices"},
        {in_score_mod("  %9 = load @t[%q, %s]\n  return %s"), "index %0 is f32; expected i32, i64"},
        {in_score_mod("  %9 = constant 1"), "expected a type: `constant.f32 1.5`"},
        {in_score_mod("  %9 = constant.i32 2147483648"), "`2147483648` is not a i32 in range"},
        {in_score_mod("  %9 = constant.i32 1.5"), "`1.5` is not a i32 in range"},
        {in_score_mod("  %9 = constant.f32 1e39"), "`1e39` is not a f32 in range"},
        {in_score_mod("  %9 = constant.f32 infinity"), "`infinity` is not a f32"},
        {in_score_mod("  %9 = constant.f32 nan:0x1"), "`nan:0x1` is not a f32"},
        {in_score_mod("  %9 = constant.bool 1"), "`1` is not a bool"},
        {in_score_mod("  %9 = constant.f64 "), "`` is not a f64"},
        {in_score_mod("  9 = neg %s"), "expected `%name = ...` or `return`"},
        {in_score_mod("  %9 neg %s"), "expected `=`"},
        {in_score_mod("  return"), "expected `%`"},
        {in_score_mod("  return %s %s"), "expected `}`"},
        {in_score_mod("  return %s, @t[%q]: %s"), "@t has rank 2, got 1 indices"},
        {in_score_mod("  return %s }\nmore"), "expected the end of the text"},
    };
    for (const auto& c : cases) {
        const std::string said = complaint(c.text);
        EXPECT_NE(said.find(c.message), std::string::npos) << c.text << "\nsaid: " << said;
        EXPECT_EQ(said.find("flexion::ir::parse: "), 0u) << said;
    }
}

TEST(Text, QuotedLinesAreShortAndPrintable) {
    const std::string said = complaint("flexion.ir 1\n\x01\xff" + std::string(5000, 'x'));
    EXPECT_NE(said.find("`??xxx"), std::string::npos) << said;
    EXPECT_LT(said.size(), 300u);
}

TEST(Text, LimitsAreErrors) {
    EXPECT_NE(complaint(std::string(kMaxTextBytes + 1, ' ')).find("at most 4194304 are read"),
              std::string::npos);
    std::string parameters = "flexion.ir 1\nmask_mod f(%b: i32, %h: i32, %q: i32, %k: i32";
    for (int i = 0; i < 300; ++i) parameters += ", %p" + std::to_string(i) + ": i32";
    EXPECT_NE(complaint(parameters).find("too many parameters"), std::string::npos);
    std::string buffers = "flexion.ir 1\nmask_mod f(%b: i32, %h: i32, %q: i32, %k: i32";
    for (int i = 0; i < 300; ++i) buffers += ", @p" + std::to_string(i) + ": i32[]";
    EXPECT_NE(complaint(buffers).find("too many buffers"), std::string::npos);
    std::string body;
    for (int i = 0; i < 70000; ++i) body += "%x" + std::to_string(i) + "=neg %s\n";
    EXPECT_NE(complaint(in_score_mod(body)).find("more than 65536 instructions"),
              std::string::npos);
    std::string results = "return %s";
    for (int i = 0; i < 2000; ++i) results += ", %s";
    EXPECT_NE(complaint(in_score_mod(results)).find("too many results"), std::string::npos);
    const std::string name(200, 'n');
    EXPECT_NE(complaint(in_score_mod("%" + name + " = neg %s")).find("expected a value's name"),
              std::string::npos);
}

// libFuzzer runs longer on the same property; this keeps it in every build.
TEST(Text, DamagedTextIsTakenOrRefused) {
    auto random = test::generator(2);
    constexpr std::string_view kBytes = "%@[](){}:,=. \n0123456789abfilmnorst_-#\x80\xff";
    int taken = 0;
    for (int i = 0; i < 20000; ++i) {
        std::string text = kAlibi;
        for (auto edits = between(random, 1, 4); edits > 0; --edits) {
            const auto at = static_cast<std::size_t>(
                between(random, 0, static_cast<std::int64_t>(text.size()) - 1));
            const char byte = kBytes[static_cast<std::size_t>(
                between(random, 0, static_cast<std::int64_t>(kBytes.size()) - 1))];
            switch (between(random, 0, 3)) {
                case 0:
                    text[at] = byte;
                    break;
                case 1:
                    text.insert(at, 1, byte);
                    break;
                case 2:
                    text.erase(at, static_cast<std::size_t>(between(random, 1, 20)));
                    break;
                default:
                    text.insert(at, text.substr(at, 30));
                    break;
            }
            if (text.empty()) text = " ";
        }
        try {
            const Function f = parse(text);
            ASSERT_EQ(print(parse(print(f))), print(f)) << text;
            ++taken;
        } catch (const UserError&) {
        }
    }
    EXPECT_GT(taken, 0);
}

}  // namespace
}  // namespace flexion::ir
