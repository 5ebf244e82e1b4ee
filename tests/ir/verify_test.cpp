// SPDX-License-Identifier: Apache-2.0
// What the verifier refuses, one damage a case, and in which words.
#include <flexion/error.h>
#include <gtest/gtest.h>

#include <functional>

#include "ir/builder.h"
#include "ir/text.h"

namespace flexion::ir {
namespace {

/// s, b, h, q, k, %n; 6: load @t[%q], 7: cast.f32 %k, 8: add %6, %7, 9: constant.i32 3.
Function sound() {
    Function f = make_function(Role::score_mod);
    Builder builder(f);
    builder.add_scalar(Type::i64, "n");
    const int t = builder.add_buffer(DType::f32, 1, "t");
    const Value q = f.q();
    const Value loaded = builder.load(t, {&q, 1});
    const Value sum = builder.emit(Op::add, {loaded, builder.cast(f.k(), Type::f32)});
    builder.constant_int(3);
    f.results = {{sum, -1, {}}, {loaded, 0, {q}}};
    return f;
}

Function sound_mask() {
    Function f = make_function(Role::mask_mod);
    f.results = {{Builder(f).emit(Op::ge, {f.q(), f.k()}), -1, {}}};
    return f;
}

struct Damage {
    const char* message;
    std::function<void(Function&)> apply;
};

void expect_refused(const Function& whole, const std::vector<Damage>& damages) {
    ASSERT_NO_THROW(verify(whole));
    for (const Damage& damage : damages) {
        Function f = whole;
        damage.apply(f);
        try {
            verify(f, "flexion::test");
            ADD_FAILURE() << "not refused: " << damage.message;
        } catch (const UserError& error) {
            const std::string said = error.what();
            EXPECT_NE(said.find(damage.message), std::string::npos) << said;
            EXPECT_EQ(said.find("flexion::test: "), 0u) << said;
        }
    }
}

TEST(Verify, RefusesADamagedHeader) {
    expect_refused(
        sound(),
        {
            {"no such role", [](Function& f) { f.role = static_cast<Role>(9); }},
            {"the function's name is not an identifier", [](Function& f) { f.name = "two words"; }},
            {"the parameter name \"7\" is not an identifier",
             [](Function& f) { f.parameters[5].name = "7"; }},
            {"two parameters are named \"q\"", [](Function& f) { f.parameters[5].name = "q"; }},
            {"the buffer name \"\" is not", [](Function& f) { f.buffers[0].name.clear(); }},
            {"two buffers are named \"t\"", [](Function& f) { f.buffers.push_back(f.buffers[0]); }},
            {"buffer @t has rank 7; expected 0 to 6", [](Function& f) { f.buffers[0].rank = 7; }},
            {"buffer @t has no valid dtype",
             [](Function& f) { f.buffers[0].dtype = static_cast<DType>(77); }},
            {"got 4 parameters; expected at least 5: s, b, h, q, k",
             [](Function& f) { f.parameters.resize(4); }},
            {"parameter %q is i64; expected i32",
             [](Function& f) { f.parameters[3].type = Type::i64; }},
            {"parameter %s is i32; expected f32 or f64",
             [](Function& f) { f.parameters[0].type = Type::i32; }},
            {"parameter %n has no valid type",
             [](Function& f) { f.parameters[5].type = static_cast<Type>(9); }},
            {"parameters without an instruction", [](Function& f) { f.insts.resize(3); }},
            {"instructions; at most 65536", [](Function& f) { f.insts.resize(70000); }},
            {"parameters; at most 256", [](Function& f) { f.parameters.resize(300); }},
            {"buffers; at most 256", [](Function& f) { f.buffers.resize(300); }},
            {"results; at most 1024", [](Function& f) { f.results.resize(2000); }},
        });
}

TEST(Verify, RefusesDamagedInstructions) {
    expect_refused(
        sound(),
        {
            {"op#200`: no such op", [](Function& f) { f.insts[8].op = static_cast<Op>(200); }},
            {"value %8 has no valid type",
             [](Function& f) { f.insts[8].type = static_cast<Type>(9); }},
            {"`%8 = parameter.f32 0`: parameters come first",
             [](Function& f) { f.insts[8] = {.op = Op::parameter}; }},
            {"parameters come first",
             [](Function& f) { f.insts[3] = {.op = Op::constant, .type = Type::i32}; }},
            {"parameters are numbered in order", [](Function& f) { f.insts[3].index = 2; }},
            {"the parameter is declared i64", [](Function& f) { f.insts[5].type = Type::i32; }},
            {"too many operands", [](Function& f) { f.insts[8].count = 200; }},
            {"an unused operand is not 0", [](Function& f) { f.insts[8].args[4] = 1; }},
            {"`%8 = add %8, %7`: %8 is used before its definition",
             [](Function& f) { f.insts[8].args[0] = 8; }},
            {"a reserved field is not 0", [](Function& f) { f.insts[8].reserved = 1; }},
            {"bits outside a constant", [](Function& f) { f.insts[8].bits = 1; }},
            {"an index outside parameter and load", [](Function& f) { f.insts[8].index = 1; }},
            {"a constant has no operands", [](Function& f) { f.insts[9].count = 1; }},
            {"bits 0x100000000 do not fit i32",
             [](Function& f) { f.insts[9].bits = std::uint64_t{1} << 32; }},
            {"bits 0x2 do not fit bool",
             [](Function& f) {
                 f.insts[9].type = Type::boolean;
                 f.insts[9].bits = 2;
             }},
            {"no such buffer", [](Function& f) { f.insts[6].index = 1; }},
            {"@t has rank 2, got 1 indices", [](Function& f) { f.buffers[0].rank = 2; }},
            {"index %0 is f32; expected i32, i64 or bool",
             [](Function& f) { f.insts[6].args[0] = 0; }},
            {"a load from i16 gives i32, not f32",
             [](Function& f) { f.buffers[0].dtype = DType::i16; }},
            {"add takes 2 operands, got 1",
             [](Function& f) {
                 f.insts[8].count = 1;
                 f.insts[8].args[1] = 0;
             }},
            {"`%8 = add.i32 %6, %k`: add does not take (f32, i32)",
             [](Function& f) { f.insts[8].args[1] = 4; }},
            {"add of (f32, f32) gives f32, not f64",
             [](Function& f) { f.insts[8].type = Type::f64; }},
        });
}

TEST(Verify, RefusesDamagedResults) {
    expect_refused(
        sound(),
        {
            {"nothing is returned", [](Function& f) { f.results.clear(); }},
            {"`return %99, @t[%q]: %6`: %99 is not defined",
             [](Function& f) { f.results[0].value = 99; }},
            {"result 0 is i32; a score_mod returns f32",
             [](Function& f) { f.results[0].value = 9; }},
            {"indices without a buffer", [](Function& f) { f.results[1].buffer = -1; }},
            {"a gradient follows a score_mod's own result",
             [](Function& f) { f.results.erase(f.results.begin()); }},
            {"no such buffer", [](Function& f) { f.results[1].buffer = 1; }},
            {"@t has rank 1, got 0 indices", [](Function& f) { f.results[1].indices.clear(); }},
            {"index %0 is not an integer value", [](Function& f) { f.results[1].indices = {0}; }},
            {"index %77 is not an integer value", [](Function& f) { f.results[1].indices = {77}; }},
            {"the gradient of @t (f32) is i32; both must be floating point",
             [](Function& f) { f.results[1].value = 9; }},
        });
    expect_refused(sound_mask(), {
                                     {"result 0 is i32; a mask_mod returns bool",
                                      [](Function& f) { f.results[0].value = 0; }},
                                     {"a mask_mod returns one bool",
                                      [](Function& f) { f.results.push_back(f.results[0]); }},
                                     {"got 3 parameters; expected at least 4: b, h, q, k",
                                      [](Function& f) { f.parameters.resize(3); }},
                                 });
}

}  // namespace
}  // namespace flexion::ir
