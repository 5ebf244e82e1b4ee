// SPDX-License-Identifier: Apache-2.0
// Every op of the table on every type, and random functions, as CUDA code against the interpreter.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "device_tensor.h"
#include "evaluate.h"
#include "ir/builder.h"
#include "ir/random_function.h"

namespace flexion::test {
namespace {

class FunctionsOnDevice : public testing::Test {
protected:
    void SetUp() override {
        static const std::string why = why_no_gpu();
        if (!why.empty()) GTEST_SKIP() << why;
    }
};

DType storage_of(ir::Type type) {
    constexpr DType kTypes[] = {DType::f32, DType::f64, DType::i32, DType::i64, DType::boolean};
    return kTypes[static_cast<int>(type)];
}

constexpr int kQueries = 37, kKeys = 141;

/// mask = "op(a[q, k], b[q, k], c[q, k]) is what it should be", evaluated on the device: masks
/// are emitted without approximations, so that the tables' promises hold as they stand.
struct OpCase {
    std::string name;
    ir::Function function = ir::make_function(ir::Role::mask_mod);
    Captures captures;
    std::vector<std::unique_ptr<std::byte[]>> memory;

    template <class T>
    int add_buffer(ir::Builder& builder, ir::Type type, const T& bits_of) {
        const DType dtype = storage_of(type);
        const auto size = static_cast<std::size_t>(size_of(dtype));
        memory.push_back(std::make_unique<std::byte[]>(kQueries * kKeys * size));
        for (std::size_t i = 0; i < std::size_t{kQueries} * kKeys; ++i) {
            const std::uint64_t bits = bits_of(i);
            std::memcpy(memory.back().get() + i * size, &bits, size);
        }
        captures.buffers.push_back(
            TensorView::dense(memory.back().get(), dtype, {kQueries, kKeys}));
        return builder.add_buffer(dtype, 2);
    }
};

std::uint64_t bits_of_real(double x, ir::Type type) {
    return type == ir::Type::f32 ? std::bit_cast<std::uint32_t>(static_cast<float>(x))
                                 : std::bit_cast<std::uint64_t>(x);
}

// What the interpreter gives for the value `result` of `f`, at all positions.
ir::Column column_of(ir::Function f, ir::Value result, const Captures& captures,
                     ir::Precision precision) {
    f.results = {{result, -1, {}}};
    std::vector<std::int32_t> q, k;
    for (int i = 0; i < kQueries * kKeys; ++i) {
        q.push_back(i / kKeys);
        k.push_back(i % kKeys);
    }
    ir::Positions positions;
    positions.count = kQueries * kKeys;
    positions.q = q.data();
    positions.k = k.data();
    return ir::Interpreter(f, captures, precision).run(positions).front();
}

std::unique_ptr<OpCase> make_case(Random& random, ir::Op op, ir::Type type, ir::Type target) {
    const ir::OpInfo& row = ir::info(op);
    auto c = std::make_unique<OpCase>();
    c->name = std::string(row.name) + " of " + ir::name_of(type) + " to " + ir::name_of(target);
    ir::Function& f = c->function;
    ir::Builder builder(f);
    std::vector<ir::Type> types(static_cast<std::size_t>(row.arity), type);
    if (row.signature == ir::Signature::select) types[0] = ir::Type::boolean;
    std::vector<ir::Value> args;
    const ir::Value here[] = {f.q(), f.k()};
    for (const ir::Type t : types) {
        const int buffer =
            c->add_buffer(builder, t, [&](std::size_t) { return random_bits(random, t); });
        // Operands of the tile, the row, the column or the element: each has code of its own.
        const ir::Value zero = builder.constant_int(0);
        const int kind = static_cast<int>(between(random, 0, 5));
        const ir::Value index[] = {kind == 1 || kind == 3 ? zero : f.q(),
                                   kind == 2 || kind == 3 ? zero : f.k()};
        args.push_back(builder.load(buffer, index));
    }
    const ir::Value result = builder.emit(op, args, target);
    const ir::Type made = builder.type(result);
    const ir::Column typed = column_of(f, result, c->captures, ir::Precision::typed);
    const auto loaded = [&](ir::Type t, const auto& bits) {
        return builder.load(c->add_buffer(builder, t, bits), here);
    };
    if (!ir::is_float(made)) {
        const ir::Value want = loaded(
            made, [&](std::size_t i) { return static_cast<std::uint64_t>(typed.integer[i]); });
        f.results.push_back({made == ir::Type::boolean
                                 ? builder.emit(ir::Op::logical_not,
                                                {builder.emit(ir::Op::logical_xor, {result, want})})
                                 : builder.emit(ir::Op::eq, {result, want}),
                             -1,
                             {}});
        return c;
    }
    // Equal with its sign, or both NaN, or within the ulps that the row allows.
    const double ulp = made == ir::Type::f32 ? row.ulp_f32 : 4 * row.ulp_f32;
    const ir::Column oracle = column_of(f, result, c->captures, ir::Precision::oracle);
    const ir::Column& exact = ulp > 0 && made == ir::Type::f32 ? oracle : typed;
    const auto one_ulp = [&](double x) {
        int exponent;
        std::frexp(x, &exponent);
        return made == ir::Type::f32 ? std::ldexp(1.0, std::max(exponent - 24, -149))
                                     : std::ldexp(1.0, std::max(exponent - 53, -1074));
    };
    const ir::Value want =
        loaded(made, [&](std::size_t i) { return bits_of_real(typed.real[i], made); });
    const auto near = [&](double sign) {
        return loaded(made, [&, sign](std::size_t i) {
            const double x = exact.real[i];
            // A rounding of the bound itself is allowed.
            return bits_of_real(std::isfinite(x) ? x + sign * (ulp + 1) * one_ulp(x) : x, made);
        });
    };
    const ir::Value one = builder.constant_float(1, made);
    const auto inverse = [&](ir::Value v) { return builder.emit(ir::Op::div, {one, v}); };
    const auto nan = [&](ir::Value v) { return builder.emit(ir::Op::ne, {v, v}); };
    ir::Value good = builder.emit(ir::Op::logical_and,
                                  {builder.emit(ir::Op::eq, {result, want}),
                                   builder.emit(ir::Op::eq, {inverse(result), inverse(want)})});
    if (ulp > 0) {
        const ir::Value within =
            builder.emit(ir::Op::logical_and, {builder.emit(ir::Op::ge, {result, near(-1)}),
                                               builder.emit(ir::Op::le, {result, near(1)})});
        good = builder.emit(ir::Op::logical_or, {good, within});
    }
    const ir::Value both = builder.emit(ir::Op::logical_and, {nan(result), nan(want)});
    f.results.push_back({builder.emit(ir::Op::logical_or, {good, both}), -1, {}});
    return c;
}

TEST_F(FunctionsOnDevice, OpsAgreeWithTheInterpreter) {
    Random random = generator(31);
    std::vector<std::unique_ptr<OpCase>> cases;
    constexpr ir::Type kTypes[] = {ir::Type::f32, ir::Type::f64, ir::Type::i32, ir::Type::i64,
                                   ir::Type::boolean};
    for (int i = ir::kFirstTableOp; i < ir::op_count(); ++i) {
        const auto op = static_cast<ir::Op>(i);
        for (const ir::Type type : kTypes) {
            if (!ir::accepts(ir::info(op).signature, type)) continue;
            for (const ir::Type target : kTypes) {
                if (op == ir::Op::cast ? target == type : target != ir::Type::f32) continue;
                cases.push_back(make_case(random, op, type, target));
            }
        }
    }
    const Grid grid{1, 1, kQueries, kKeys};
    const std::vector<float> scores(static_cast<std::size_t>(grid.count()), 1.0f);
    std::vector<Evaluation> evaluations;
    for (const auto& c : cases) evaluations.push_back({&c->function, &c->captures});
    const auto keep = evaluate_on_device(evaluations, grid, scores, true);
    for (std::size_t n = 0; n < cases.size(); ++n) {
        int shown = 0;
        for (std::size_t i = 0; i < scores.size() && shown < 3; ++i) {
            if (keep[n][i] == 1) continue;
            ++shown;
            std::string operands;
            for (const TensorView& view : cases[n]->captures.buffers) {
                const std::int64_t at[] = {static_cast<std::int64_t>(i) / kKeys,
                                           static_cast<std::int64_t>(i) % kKeys};
                char text[40];
                std::snprintf(text, sizeof text, " %.17g", ir::read_real(view, at));
                operands += text;
            }
            ADD_FAILURE() << cases[n]->name << " is not as expected at " << i / kKeys << ", "
                          << i % kKeys
                          << "; operands unless at column or row 0, result, bounds:" << operands;
        }
    }
}

std::vector<float> random_scores(Random& random, const Grid& grid, bool ordinary) {
    std::vector<float> scores;
    for (std::int64_t i = 0; i < grid.count(); ++i) {
        scores.push_back(random_value<float>(random, ordinary));
    }
    return scores;
}

RandomCase random_case(Random& random, const RandomOptions& options) {
    RandomCase c = random_function(random, options);
    for (ScalarValue& scalar : c.captures.scalars) {  // on CUDA below 2^61
        scalar.integer = scalar.integer >> 3;
    }
    return c;
}

TEST_F(FunctionsOnDevice, RandomMasksAgreeBitForBit) {
    Random random = generator(32);
    const int functions = long_run() ? 2000 : 160;
    for (const bool assume : {false, true}) {
        std::vector<RandomCase> cases;
        std::vector<Evaluation> evaluations;
        for (int i = 0; i < functions; ++i) {
            RandomOptions options;
            options.role = ir::Role::mask_mod;
            options.instructions = static_cast<int>(between(random, 3, 30));
            options.max_ulp = 0;
            cases.push_back(random_case(random, options));
        }
        for (const RandomCase& c : cases) evaluations.push_back({&c.function, &c.captures});
        const Grid grid{2, 2, 131, 150};
        const std::vector<float> scores(static_cast<std::size_t>(grid.count()), 1.0f);
        const auto got = evaluate_on_device(evaluations, grid, scores, assume);
        for (int n = 0; n < functions; ++n) {
            const auto want = interpreted(evaluations[n], grid, scores, false);
            for (std::size_t i = 0; i < want.size(); ++i) {
                if (got[n][i] == static_cast<float>(want[i])) continue;
                ADD_FAILURE() << "at element " << i << " of [2, 2, 131, 150], assumptions "
                              << assume << ": got " << got[n][i] << ", expected " << want[i] << "\n"
                              << ir::print(*evaluations[n].function);
                break;
            }
        }
    }
}

// Scores may be computed in another order and with approximate functions: where the interpreter
// itself moves by less than 1e-4 between float and double, the device must be near. A comparison or
// rounding that tips over is rare; a wrong index or operand moves most elements.
TEST_F(FunctionsOnDevice, RandomScoresAreNear) {
    Random random = generator(33);
    const int functions = long_run() ? 1000 : 120;
    std::vector<RandomCase> cases;
    std::vector<Evaluation> evaluations;
    for (int i = 0; i < functions; ++i) {
        RandomOptions options;
        options.instructions = static_cast<int>(between(random, 2, 12));
        options.ordinary = true;
        options.f64 = chance(random, 30);
        cases.push_back(random_case(random, options));
        cases.back().function.results.resize(1);
    }
    for (const RandomCase& c : cases) evaluations.push_back({&c.function, &c.captures});
    const Grid grid{2, 2, 131, 150};
    const std::vector<float> scores = random_scores(random, grid, true);
    const auto got = evaluate_on_device(evaluations, grid, scores, true);
    int compared = 0;
    for (int n = 0; n < functions; ++n) {
        const auto typed = interpreted(evaluations[n], grid, scores, false);
        const auto oracle = interpreted(evaluations[n], grid, scores, true);
        std::int64_t stable = 0, off = 0;
        std::string first;
        for (std::size_t i = 0; i < typed.size(); ++i) {
            const double size = 1 + std::fabs(oracle[i]);
            if (!(std::fabs(typed[i] - oracle[i]) < 1e-4 * size) || size > 1e30) continue;
            ++stable;
            if (std::fabs(got[n][i] - oracle[i]) <= 2e-3 * size) continue;
            if (off++ == 0) {
                first = " at " + std::to_string(i) + ": got " + std::to_string(got[n][i]) +
                        ", expected " + std::to_string(oracle[i]);
            }
        }
        compared += stable > 0;
        EXPECT_LE(off * 50, stable) << off << " of " << stable << first << "\n"
                                    << ir::print(*evaluations[n].function);
    }
    EXPECT_GT(compared * 2, functions) << "too few functions have finite, stable values";
}

}  // namespace
}  // namespace flexion::test
