// SPDX-License-Identifier: Apache-2.0
// Identity of functions: what the kernel caches take for the same, and what for another.
#include <flexion/error.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "random_function.h"

namespace flexion::ir {
namespace {

Function example() {
    Function f = make_function(Role::score_mod);
    Builder builder(f);
    builder.add_scalar(Type::i64, "n");
    const int t = builder.add_buffer(DType::f32, 1, "t");
    const Value q = f.q();
    const Value loaded = builder.load(t, {&q, 1});
    const Value sum = builder.emit(Op::add, {loaded, builder.constant_float(2)});
    f.results = {{sum, -1, {}}, {loaded, 0, {q}}};
    return f;
}

TEST(Structure, IgnoresNames) {
    const Function f = example();
    Function g = f;
    g.name = "other";
    g.parameters[5].name = "m";
    g.buffers[0].name = "u";
    EXPECT_TRUE(same_structure(f, g));
    EXPECT_EQ(structural_hash(f), structural_hash(g));
}

TEST(Structure, SeesEverythingElse) {
    const Function f = example();
    const std::function<void(Function&)> changes[] = {
        [](Function& g) { g.role = Role::mask_mod; },
        [](Function& g) { g.insts[0].type = Type::f64; },
        [](Function& g) { g.insts[5].type = Type::f64; },
        [](Function& g) { g.insts[7].bits ^= 1; },
        [](Function& g) { g.insts[7].bits ^= std::uint64_t{1} << 63; },
        [](Function& g) { g.insts[8].op = Op::sub; },
        [](Function& g) { std::swap(g.insts[8].args[0], g.insts[8].args[1]); },
        [](Function& g) { g.insts[6].args[0] = 2; },
        [](Function& g) { g.insts[6].index = 1; },
        [](Function& g) { g.buffers[0].dtype = DType::f16; },
        [](Function& g) { g.buffers[0].rank = 2; },
        [](Function& g) { g.buffers.push_back(g.buffers[0]); },
        [](Function& g) { g.parameters.push_back(g.parameters[5]); },
        [](Function& g) { g.insts.push_back(g.insts[7]); },
        [](Function& g) { g.results[0].value = 6; },
        [](Function& g) { g.results[1].value = 8; },
        [](Function& g) { g.results[1].buffer = -1; },
        [](Function& g) { g.results[1].indices[0] = 4; },
        [](Function& g) { g.results.pop_back(); },
        [](Function& g) { g.results.push_back(g.results[1]); },
    };
    std::set<std::uint64_t> hashes{structural_hash(f)};
    for (const auto& change : changes) {
        Function g = f;
        change(g);
        EXPECT_FALSE(same_structure(f, g)) << print(g);
        EXPECT_TRUE(hashes.insert(structural_hash(g)).second) << print(g);
    }
}

TEST(Structure, HashSpreads) {
    auto random = test::generator(20);
    // 2,560 functions that differ in one bit of one instruction. Of their low 32 bits 0.0008 pairs
    // are expected to coincide.
    std::set<std::uint64_t> hashes;
    std::set<std::uint32_t> low;
    int made = 0;
    for (int i = 0; i < 40; ++i) {
        test::RandomCase c = test::random_function(random);
        for (int bit = 0; bit < 64; ++bit) {
            Function g = c.function;
            Inst& inst = g.insts.back();
            inst.bits ^= std::uint64_t{1} << bit;
            hashes.insert(structural_hash(g));
            low.insert(static_cast<std::uint32_t>(structural_hash(g)));
            ++made;
        }
    }
    EXPECT_EQ(static_cast<int>(hashes.size()), made);
    EXPECT_GE(static_cast<int>(low.size()), made - 2);
}

TEST(Structure, CopyingACallMapsParametersAndBuffers) {
    const Function callee = example();
    Function f = make_function(Role::score_mod);
    Builder builder(f);
    builder.add_buffer(DType::i32, 0);
    const int t = builder.add_buffer(DType::f32, 1);
    const Value n = builder.add_scalar(Type::i64);
    const Value shifted = builder.emit(Op::add, {f.q(), builder.constant_int(1)});
    const std::vector<Value> results = builder.inline_call(
        callee, std::vector<Value>{0, 1, 2, shifted, 4, n}, std::vector<int>{t});
    ASSERT_EQ(results.size(), 2u);
    f.results = {{results[0], -1, {}}};
    builder.finish();
    verify(f);
    EXPECT_EQ(print(f),
              "flexion.ir 1\nscore_mod mod(%s: f32, %b: i32, %h: i32, %q: i32, %k: i32, %scalar0: "
              "i64, @buffer0: i32[], @buffer1: f32[?]) {\n"
              "  %6 = constant.i32 1\n  %7 = add.i32 %q, %6\n  %8 = load @buffer1[%7]\n"
              "  %9 = constant.f32 2\n  %10 = add %8, %9\n  return %10\n}\n");
    EXPECT_THROW(builder.inline_call(callee, std::vector<Value>{0, 1}, std::vector<int>{t}),
                 InternalError);
}

TEST(Structure, FinishMovesLateParametersToTheFront) {
    Function f = make_function(Role::mask_mod);
    Builder builder(f);
    const Value sum = builder.emit(Op::add, {f.q(), f.k()});
    Value late = builder.add_scalar(Type::i64);
    const Value wide = builder.cast(sum, Type::i64);
    f.results = {{builder.emit(Op::lt, {wide, late}), -1, {}}};
    builder.finish({&late, 1});
    EXPECT_EQ(late, 4u);
    verify(f);
    EXPECT_EQ(f.insts[5].op, Op::add);
}

TEST(Builder, RefusesWhatTheSignatureRefuses) {
    Function f = make_function(Role::score_mod);
    Builder builder(f);
    EXPECT_THROW(builder.emit(Op::add, {0, 1}), UserError);
    EXPECT_THROW(builder.emit(Op::exp, {1}), UserError);
    EXPECT_THROW(builder.emit(Op::add, {0}), UserError);
    EXPECT_THROW(builder.apply(Op::add, {Operand(0)}), InternalError);
    EXPECT_THROW(builder.add_buffer(DType::f32, 7), UserError);
    EXPECT_EQ(f.insts.size(), 5u);
    EXPECT_EQ(builder.cast(0, Type::f32), 0u);
}

}  // namespace
}  // namespace flexion::ir
