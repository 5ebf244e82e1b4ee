// SPDX-License-Identifier: Apache-2.0
// Unary functions of f32 over their inputs, in emitted code, against double: all 2^32 with
// FLEXION_TEST_LONG=1, else every 4099th. Prints the largest error of each.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "backend/cpu/tile_run.h"
#include "backend/cpu/values.h"
#include "ir/builder.h"
#include "ir/op.h"

namespace flexion::test {
namespace {

/// x[k] for 65536 bit patterns at a time.
ir::Function applied(ir::Op op) {
    ir::Function f = ir::make_function(ir::Role::score_mod);
    f.buffers.push_back({"x", DType::f32, 1});
    ir::Builder builder(f);
    const ir::Value index[] = {f.k()};
    const ir::Value x = builder.load(0, index);
    const ir::Value args[] = {x};
    f.results.push_back({builder.emit(op, args), -1, {}});
    return f;
}

TEST(Sweep, UnaryFunctionsKeepTheUlpOfTheirRow) {
    const bool all = std::getenv("FLEXION_TEST_LONG") != nullptr;
    constexpr int kChunk = 1 << 16;
    const std::uint64_t step = all ? 1 : 4099, total = std::uint64_t{1} << 32;
    std::vector<ir::Op> ops;
    std::vector<ir::Function> functions;
    for (int i = ir::kFirstTableOp; i < ir::op_count(); ++i) {
        const auto op = static_cast<ir::Op>(i);
        if (ir::info(op).signature == ir::Signature::real && ir::info(op).arity == 1)
            ops.push_back(op);
    }
    for (const ir::Op op : ops) functions.push_back(applied(op));
    const Rectangle at{.queries = 1, .keys = kChunk};
    std::vector<float> x(kChunk);
    Captures captures;
    captures.buffers.push_back(TensorView::dense(x.data(), DType::f32, {kChunk}));
    const std::vector<double> score(kChunk);
    std::vector<CompiledValues::Item> items;
    for (const ir::Function& f : functions)
        items.push_back({&f, assumption_bits(f, captures, at), true});
    struct Swept {
        cpu::Isa isa;
        CompiledValues values;
        std::vector<double> worst;
        std::vector<float> at;
    };
    std::vector<Swept> sweeps;
    for (const cpu::Isa isa : runnable_isas()) {
        sweeps.push_back({isa, CompiledValues(items, isa, cpu::TileMap::stream),
                          std::vector<double>(ops.size()), std::vector<float>(ops.size())});
    }
    for (std::uint64_t bits = 0; bits < total; bits += kChunk * step) {
        for (int i = 0; i < kChunk; ++i)
            x[i] = std::bit_cast<float>(static_cast<std::uint32_t>(bits + i * step));
        for (std::size_t o = 0; o < ops.size(); ++o) {
            const ir::Column want =
                interpreted(functions[o], captures, at, score, ir::Precision::oracle)[0];
            for (Swept& s : sweeps) {
                const ir::Column got = s.values.run(o, captures, at, score)[0];
                for (int i = 0; i < kChunk; ++i) {
                    const double error = ulp_error(static_cast<float>(got.real[i]), want.real[i]);
                    if (!(error <= s.worst[o])) s.worst[o] = error, s.at[o] = x[i];
                }
            }
        }
    }
    for (const Swept& s : sweeps) {
        for (std::size_t o = 0; o < ops.size(); ++o) {
            const ir::OpInfo& row = ir::info(ops[o]);
            std::printf("%-11s %-8s %.3f ulp at %a\n", isa_name(s.isa).c_str(), row.name,
                        s.worst[o], static_cast<double>(s.at[o]));
            EXPECT_LE(s.worst[o], row.ulp_f32 == 0 ? 0.5 : row.ulp_f32)
                << isa_name(s.isa) << " " << row.name << " of " << s.at[o];
        }
    }
}

}  // namespace
}  // namespace flexion::test
