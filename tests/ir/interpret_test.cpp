// SPDX-License-Identifier: Apache-2.0
// The interpreter: uniform and varying positions, chunks, loads of every dtype, both precisions.
#include "ir/interpret.h"

#include <flexion/error.h>
#include <flexion/masks.h>
#include <gtest/gtest.h>

#include <cmath>

#include "ir/evaluate.h"
#include "random_function.h"
#include "support/dtype.h"

namespace flexion::ir {
namespace {

/// Equal bit for bit, all NaNs alike.
bool same(double a, double b) {
    return std::isnan(a) || std::isnan(b)
               ? std::isnan(a) && std::isnan(b)
               : std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

std::string first_difference(const std::vector<Column>& a, const std::vector<Column>& b) {
    if (a.size() != b.size()) return "number of columns";
    for (std::size_t c = 0; c < a.size(); ++c) {
        if (a[c].type != b[c].type || a[c].real.size() != b[c].real.size() ||
            a[c].integer != b[c].integer) {
            return "column " + std::to_string(c);
        }
        for (std::size_t i = 0; i < a[c].real.size(); ++i) {
            if (!same(a[c].real[i], b[c].real[i])) {
                return "column " + std::to_string(c) + " position " + std::to_string(i) + ": " +
                       std::to_string(a[c].real[i]) + " and " + std::to_string(b[c].real[i]);
            }
        }
    }
    return "";
}

TEST(Interpret, CausalOverManyChunks) {
    const MaskMod causal = masks::causal();
    Interpreter interpreter(causal.function(), causal.captures(), Precision::typed);
    std::vector<std::int32_t> keys(2000);
    for (int i = 0; i < 2000; ++i) keys[static_cast<std::size_t>(i)] = i;
    const auto& columns = interpreter.run({.count = 2000, .k = keys.data(), .q_all = 700});
    ASSERT_EQ(columns.size(), 1u);
    ASSERT_EQ(columns[0].integer.size(), 2000u);
    for (std::size_t i = 0; i < 2000; ++i) ASSERT_EQ(columns[0].integer[i], i <= 700) << i;
    EXPECT_EQ(interpreter.run({.count = 0}).at(0).integer.size(), 0u);
    EXPECT_EQ(interpreter.run({.count = 3, .q_all = 1, .k_all = 2}).at(0).integer,
              (std::vector<std::int64_t>{0, 0, 0}));
}

// ---- an independent, slow interpreter
// ---------------------------------------------------------------

/// Where an index lands, by counting.
std::int64_t landed(std::int64_t index, std::int64_t extent) {
    if (index < 0) index += extent;
    if (index < 0) return 0;
    return index >= extent ? extent - 1 : index;
}

/// Bits of the element at `indices`, as loaded_type.
std::uint64_t load_bits(const TensorView& view, const std::vector<std::int64_t>& indices) {
    if (view.numel() == 0) return 0;
    const char* at = static_cast<const char*>(view.data);
    for (std::size_t i = 0; i < indices.size(); ++i) {
        at += landed(indices[i], view.shape[i]) * view.strides[i] * size_of(view.dtype);
    }
    std::uint64_t raw = 0;
    std::memcpy(&raw, at, static_cast<std::size_t>(size_of(view.dtype)));
    const auto half = static_cast<std::uint16_t>(raw);
    switch (view.dtype) {
        case DType::bf16:
            return raw << 16;
        case DType::f16:
            return std::bit_cast<std::uint32_t>(f16_to_float(half));
        case DType::i16:
            return static_cast<std::uint32_t>(static_cast<std::int16_t>(half));
        case DType::i8:
            return static_cast<std::uint32_t>(
                static_cast<std::int8_t>(static_cast<unsigned char>(raw)));
        case DType::boolean:
            return raw != 0 ? 1 : 0;
        default:
            return raw;
    }
}

std::int64_t as_index(std::uint64_t bits, Type type) {
    return type == Type::i32 ? static_cast<std::int32_t>(bits) : static_cast<std::int64_t>(bits);
}

/// All values of `f` at one position, one instruction after the other.
std::vector<std::uint64_t> walk(const test::RandomCase& c, double score,
                                const std::array<std::int32_t, 4>& position) {
    const Function& f = c.function;
    std::vector<std::uint64_t> bits;
    for (const Inst& inst : f.insts) {
        std::vector<std::uint64_t> operands;
        for (int i = 0; i < inst.count; ++i)
            operands.push_back(bits[inst.args[static_cast<std::size_t>(i)]]);
        if (inst.op == Op::parameter) {
            const int axis = inst.index - (f.role == Role::score_mod ? 1 : 0);
            if (axis < 0) {
                bits.push_back(inst.type == Type::f64
                                   ? std::bit_cast<std::uint64_t>(score)
                                   : std::bit_cast<std::uint32_t>(static_cast<float>(score)));
            } else if (axis < 4) {
                bits.push_back(
                    static_cast<std::uint32_t>(position[static_cast<std::size_t>(axis)]));
            } else {
                const ScalarValue& value = c.captures.scalars[static_cast<std::size_t>(axis - 4)];
                bits.push_back(value.is_integer ? static_cast<std::uint64_t>(value.integer)
                               : inst.type == Type::f64
                                   ? std::bit_cast<std::uint64_t>(value.real)
                                   : std::bit_cast<std::uint32_t>(static_cast<float>(value.real)));
            }
        } else if (inst.op == Op::constant) {
            bits.push_back(inst.bits);
        } else if (inst.op == Op::load) {
            std::vector<std::int64_t> indices;
            for (int i = 0; i < inst.count; ++i) {
                indices.push_back(as_index(operands[static_cast<std::size_t>(i)],
                                           f.insts[inst.args[static_cast<std::size_t>(i)]].type));
            }
            bits.push_back(load_bits(c.captures.buffers[inst.index], indices));
        } else {
            bits.push_back(
                evaluate(inst.op, f.insts[inst.args[inst.count - 1u]].type, inst.type, operands));
        }
    }
    return bits;
}

TEST(Interpret, ArraysEqualOneAtATime) {
    auto random = test::generator(10);
    for (int i = 0; i < 150; ++i) {
        test::RandomOptions options;
        options.role = test::chance(random, 30) ? Role::mask_mod : Role::score_mod;
        options.score_type = test::chance(random, 30) ? Type::f64 : Type::f32;
        options.gradients = true;
        const test::RandomCase c = test::random_function(random, options);
        const test::RandomPositions p(random, test::between(random, 1, 60), 7);
        Interpreter interpreter(c.function, c.captures, Precision::typed);
        const auto& columns = interpreter.run(p.positions);
        for (std::size_t at = 0; at < p.score.size(); ++at) {
            const auto bits =
                walk(c, p.score[at], {p.axes[0][at], p.axes[1][at], p.axes[2][at], p.axes[3][at]});
            for (std::size_t r = 0; r < columns.size(); ++r) {
                const Value v = c.function.results[r].value;
                const Type type = c.function.insts[v].type;
                if (is_float(type)) {
                    const double expected =
                        type == Type::f64
                            ? std::bit_cast<double>(bits[v])
                            : std::bit_cast<float>(static_cast<std::uint32_t>(bits[v]));
                    ASSERT_TRUE(same(columns[r].real[at], expected)) << print(c.function);
                } else {
                    ASSERT_EQ(columns[r].integer[at], as_index(bits[v], type)) << print(c.function);
                }
            }
        }
    }
}

TEST(Interpret, UniformPositionsChangeNothing) {
    auto random = test::generator(11);
    for (int i = 0; i < 150; ++i) {
        test::RandomOptions options;
        options.role = test::chance(random, 50) ? Role::mask_mod : Role::score_mod;
        const test::RandomCase c = test::random_function(random, options);
        // More than a chunk, so that uniform values meet a second one.
        test::RandomPositions p(random, 1100, 7);
        Positions spelled_out = p.positions;
        for (int axis = 0; axis < 4; ++axis) {
            if (test::chance(random, 50)) p.make_uniform(axis, 5);
        }
        Interpreter interpreter(c.function, c.captures, Precision::typed);
        const std::vector<Column> uniform = interpreter.run(p.positions);
        ASSERT_EQ(first_difference(uniform, interpreter.run(spelled_out)), "") << print(c.function);
    }
}

TEST(Interpret, OracleAgreesWithTypedWhereReliable) {
    auto random = test::generator(12);
    test::RandomOptions options;
    options.ordinary = true;
    options.instructions = 6;
    int close = 0, all = 0;
    for (int i = 0; i < 300; ++i) {
        const test::RandomCase c = test::random_function(random, options);
        const test::RandomPositions p(random, 20, 7, true);
        Interpreter typed(c.function, c.captures, Precision::typed);
        Interpreter oracle(c.function, c.captures, Precision::oracle);
        const auto& a = typed.run(p.positions)[0].real;
        const auto& b = oracle.run(p.positions)[0].real;
        for (std::size_t at = 0; at < a.size(); ++at) {
            ++all;
            close +=
                same(a[at], b[at]) || std::fabs(a[at] - b[at]) <= 1e-4 * (1 + std::fabs(b[at]));
        }
    }
    // Steps (floor, comparisons, casts) may fall on the other side now and then.
    EXPECT_GT(close, all * 97 / 100) << close << " of " << all;
}

TEST(Interpret, OracleCarriesDoubles) {
    const ScoreMod mod = score_mod([](Expr s, Expr, Expr, Expr, Expr) { return s + 1e-9 - s; });
    const double one = 1;
    Interpreter typed(mod.function(), mod.captures(), Precision::typed);
    Interpreter oracle(mod.function(), mod.captures(), Precision::oracle);
    EXPECT_EQ(typed.run({.count = 1, .score = &one})[0].real[0], 0);
    EXPECT_NEAR(oracle.run({.count = 1, .score = &one})[0].real[0], 1e-9, 1e-15);
}

TEST(Interpret, ScalarsAreRoundedToTheirType) {
    const Scalar tenth = scalar(0.1);
    const ScoreMod mod = score_mod([tenth](Expr s, Expr, Expr, Expr, Expr) { return s * tenth; });
    const double one = 1;
    Interpreter oracle(mod.function(), mod.captures(), Precision::oracle);
    EXPECT_EQ(oracle.run({.count = 1, .score = &one})[0].real[0], 0.1f);
    Interpreter f64(mod.function(true), mod.captures(true), Precision::oracle);
    EXPECT_EQ(f64.run({.count = 1, .score = &one})[0].real[0], 0.1);
}

// ---- loads
// --------------------------------------------------------------------------------------------

template <class T>
TensorView one_element(const T& memory, DType dtype) {
    return TensorView::dense(&memory, dtype, {1});
}

TEST(Load, WidensEveryDType) {
    const std::int64_t zero = 0;
    const auto real = [&](const auto& memory, DType dtype) {
        return read_real(one_element(memory, dtype), {&zero, 1});
    };
    const auto integer = [&](const auto& memory, DType dtype) {
        return read_integer(one_element(memory, dtype), {&zero, 1});
    };
    EXPECT_EQ(real(0.1f, DType::f32), 0.1f);
    EXPECT_EQ(real(0.1, DType::f64), 0.1);
    EXPECT_EQ(real(std::uint16_t{0xc049}, DType::bf16), -3.140625);
    EXPECT_EQ(real(std::uint16_t{0xc248}, DType::f16), -3.140625);
    EXPECT_EQ(real(std::uint16_t{0x0001}, DType::f16), 0x1p-24);
    EXPECT_EQ(integer(std::int64_t{-5000000000}, DType::i64), -5000000000);
    EXPECT_EQ(integer(std::int32_t{-5}, DType::i32), -5);
    EXPECT_EQ(integer(std::int16_t{-5}, DType::i16), -5);
    EXPECT_EQ(integer(std::int8_t{-5}, DType::i8), -5);
    EXPECT_EQ(integer(std::uint8_t{251}, DType::u8), 251);
    EXPECT_EQ(integer(std::uint8_t{2}, DType::boolean), 1);
    EXPECT_EQ(integer(std::uint8_t{0}, DType::boolean), 0);
}

TEST(Load, IndicesWrapOnceAndAreClamped) {
    const std::int32_t memory[] = {10, 11, 12, 13};
    const TensorView view = TensorView::dense(memory, DType::i32, {4});
    const auto at = [&](std::int64_t index) { return read_integer(view, {&index, 1}); };
    EXPECT_EQ(at(2), 12);
    EXPECT_EQ(at(-1), 13);
    EXPECT_EQ(at(-4), 10);
    EXPECT_EQ(at(-5), 10);
    EXPECT_EQ(at(4), 13);
    EXPECT_EQ(at(std::numeric_limits<std::int64_t>::max()), 13);
    EXPECT_EQ(at(std::numeric_limits<std::int64_t>::min()), 10);
}

TEST(Load, StridesMayBeNegativeOrZero) {
    const std::int32_t memory[] = {0, 1, 2, 3, 4, 5};
    TensorView view = TensorView::dense(memory + 5, DType::i32, {2, 3, 4});
    view.strides = {-3, -1, 0};
    const std::int64_t indices[] = {1, 2, 3};
    EXPECT_EQ(read_integer(view, indices), 0);
    const std::int64_t first[] = {0, 0, 1};
    EXPECT_EQ(read_integer(view, first), 5);
}

TEST(Load, NothingToReadIsZero) {
    const TensorView view = TensorView::dense(nullptr, DType::f32, {3, 0});
    const std::int64_t indices[] = {1, 0};
    EXPECT_EQ(read_real(view, indices), 0);
    const float scalar_memory = 7;
    EXPECT_EQ(read_real(TensorView::dense(&scalar_memory, DType::f32, {}), {}), 7);
}

TEST(Load, OffsetsHave64Bits) {
    // Two elements 2^32 + 8 elements apart: the second is reached by a product beyond 32 bits.
    const std::int64_t far = (std::int64_t{1} << 32) + 8;
    std::vector<std::int8_t> memory(16, 0);
    memory[0] = 1;
    TensorView view = TensorView::dense(memory.data(), DType::i8, {3, 2});
    view.strides = {far, -far};
    const std::int64_t indices[] = {1, 1};
    EXPECT_EQ(read_integer(view, indices), 1);
}

TEST(Interpret, RefusesOtherCaptures) {
    const MaskMod mask = masks::sliding_window(3);
    EXPECT_THROW(Interpreter(mask.function(), {}, Precision::typed), UserError);
    float memory[2] = {};
    const ScoreMod mod = score_mod([b = buffer(TensorView::dense(memory, DType::f32, {2}))](
                                       Expr s, Expr, Expr h, Expr, Expr) { return s + b[h]; });
    Captures other = mod.captures();
    other.buffers[0].dtype = DType::bf16;
    EXPECT_THROW(Interpreter(mod.function(), other, Precision::typed), UserError);
}

}  // namespace
}  // namespace flexion::ir
