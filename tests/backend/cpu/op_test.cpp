// SPDX-License-Identifier: Apache-2.0
// Every op of the table as emitted code, on every type it takes, for every instruction set of this
// machine and both maps, over pairs of special and random operands, against the interpreter.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "backend/cpu/tile_run.h"
#include "backend/cpu/values.h"
#include "ir/builder.h"
#include "ir/op.h"
#include "random_function.h"

namespace flexion::test {
namespace {

constexpr int kQueries = 37, kKeys = 41;

DType storage_of(ir::Type type) {
    constexpr DType kTypes[] = {DType::f32, DType::f64, DType::i32, DType::i64, DType::boolean};
    return kTypes[static_cast<int>(type)];
}

/// op(a[q, k], b[q, k], c[q, k]), or of what is uniform or the same along an axis.
struct OpCase {
    std::string name;
    ir::Op op;
    ir::Function function;
    Captures captures;
    std::vector<std::unique_ptr<std::byte[]>> memory;
};

TensorView operand(Random& random, ir::Type type, std::unique_ptr<std::byte[]>* memory) {
    const DType dtype = storage_of(type);
    const std::size_t size = static_cast<std::size_t>(size_of(dtype));
    *memory = std::make_unique<std::byte[]>(kQueries * kKeys * size);
    for (std::size_t i = 0; i < std::size_t{kQueries} * kKeys; ++i) {
        const std::uint64_t bits = random_bits(random, type);
        std::memcpy(memory->get() + i * size, &bits, size);
    }
    return TensorView::dense(memory->get(), dtype, {kQueries, kKeys});
}

std::unique_ptr<OpCase> make_case(Random& random, ir::Op op, ir::Type type, ir::Type target) {
    const ir::OpInfo& row = ir::info(op);
    auto c = std::make_unique<OpCase>();
    c->op = op;
    c->name = std::string(row.name) + " of " + ir::name_of(type) + " to " + ir::name_of(target);
    // The result decides the role: a mask for bool, else a score whose result type does not matter.
    c->function = ir::make_function(ir::Role::score_mod);
    ir::Builder builder(c->function);
    std::vector<ir::Type> types(static_cast<std::size_t>(row.arity), type);
    if (row.signature == ir::Signature::select) types[0] = ir::Type::boolean;
    for (const ir::Type t : types) {
        builder.add_buffer(storage_of(t), 2);
        c->memory.emplace_back();
        c->captures.buffers.push_back(operand(random, t, &c->memory.back()));
    }
    std::vector<ir::Value> args;
    for (int i = 0; i < row.arity; ++i) {
        // Operands that are scalars, and ones that change along one axis alone.
        const ir::Value zero = builder.constant_int(0);
        const int kind = static_cast<int>(between(random, 0, 5));
        const ir::Value index[] = {kind == 1 || kind == 3 ? zero : c->function.q(),
                                   kind == 2 || kind == 3 ? zero : c->function.k()};
        args.push_back(builder.load(i, index));
    }
    const ir::Value result = builder.emit(op, args, target);
    c->function.results.push_back({result, -1, {}});
    return c;
}

std::vector<std::unique_ptr<OpCase>> all_cases(Random& random) {
    std::vector<std::unique_ptr<OpCase>> cases;
    constexpr ir::Type kTypes[] = {ir::Type::f32, ir::Type::f64, ir::Type::i32, ir::Type::i64,
                                   ir::Type::boolean};
    for (int i = ir::kFirstTableOp; i < ir::op_count(); ++i) {
        const auto op = static_cast<ir::Op>(i);
        for (const ir::Type type : kTypes) {
            if (!ir::accepts(ir::info(op).signature, type)) continue;
            if (op != ir::Op::cast) {
                for (int again = 0; again < 2; ++again)
                    cases.push_back(make_case(random, op, type, ir::Type::f32));
                continue;
            }
            for (const ir::Type target : kTypes)
                if (target != type) cases.push_back(make_case(random, op, type, target));
        }
    }
    return cases;
}

void expect_equal(const OpCase& c, const ir::Column& got, const ir::Column& typed,
                  const ir::Column& oracle) {
    ASSERT_EQ(got.type, typed.type);
    const double ulp = ir::info(c.op).ulp_f32;
    int shown = 0;
    for (std::size_t i = 0; i < std::size_t{kQueries} * kKeys && shown < 3; ++i) {
        bool equal;
        double show_got = 0, show_want = 0;
        if (!ir::is_float(got.type)) {
            equal = got.integer[i] == typed.integer[i];
            show_got = static_cast<double>(got.integer[i]);
            show_want = static_cast<double>(typed.integer[i]);
        } else {
            const double x = got.real[i], y = typed.real[i];
            show_got = x, show_want = y;
            equal =
                (std::isnan(x) && std::isnan(y)) || (x == y && std::signbit(x) == std::signbit(y));
            if (!equal && ulp > 0) {
                equal = got.type == ir::Type::f32
                            ? ulp_error(static_cast<float>(x), oracle.real[i]) <= ulp
                            : std::fabs(x - y) <= ulp * 0x1p-51 * std::fabs(y) + 1e-320;
            }
        }
        if (equal) continue;
        ++shown;
        std::vector<double> operands;
        std::string text;
        for (const TensorView& view : c.captures.buffers) {
            const std::int64_t at[] = {static_cast<std::int64_t>(i) / kKeys,
                                       static_cast<std::int64_t>(i) % kKeys};
            text += " " + std::to_string(ir::read_real(view, at));
        }
        ADD_FAILURE() << c.name << " at " << i / kKeys << "," << i % kKeys
                      << " of (unless constant)" << text << ": got " << show_got << ", expected "
                      << show_want;
    }
}

TEST(EmittedOps, AgreeWithTheInterpreter) {
    Random random = generator(11);
    const auto cases = all_cases(random);
    const Rectangle at{.queries = kQueries, .keys = kKeys};
    std::vector<double> score;
    for (int i = 0; i < kQueries * kKeys; ++i) score.push_back(random_value<float>(random));
    for (const cpu::Isa isa : runnable_isas()) {
        for (const cpu::TileMap map : {cpu::TileMap::panel, cpu::TileMap::stream}) {
            for (const bool f64 : {false, true}) {
                SCOPED_TRACE(isa_name(isa) + (map == cpu::TileMap::panel ? " panel" : " stream") +
                             (f64 ? " f64 problem" : ""));
                std::vector<CompiledValues::Item> items;
                for (const auto& c : cases) {
                    items.push_back({&c->function,
                                     f64 ? 0 : assumption_bits(c->function, c->captures, at),
                                     true});
                }
                const CompiledValues values(items, isa, map, f64);
                for (std::size_t i = 0; i < cases.size(); ++i) {
                    const OpCase& c = *cases[i];
                    expect_equal(
                        c, values.run(i, c.captures, at, score)[0],
                        interpreted(c.function, c.captures, at, score)[0],
                        interpreted(c.function, c.captures, at, score, ir::Precision::oracle)[0]);
                }
            }
        }
    }
}

}  // namespace
}  // namespace flexion::test
