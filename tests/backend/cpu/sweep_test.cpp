// SPDX-License-Identifier: Apache-2.0
// Unary functions of f32 over their inputs, in emitted code, against double: all 2^32 with
// FLEXION_TEST_LONG=1, else every 4099th (under sanitizers every 40990th). Prints the largest error
// of each.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>

#include "backend/cpu/tile_run.h"
#include "backend/cpu/values.h"
#include "ir/builder.h"
#include "ir/op.h"
#include "seed.h"

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

std::vector<ir::Op> unary_functions() {
    std::vector<ir::Op> ops;
    for (int i = ir::kFirstTableOp; i < ir::op_count(); ++i) {
        const auto op = static_cast<ir::Op>(i);
        if (ir::info(op).signature == ir::Signature::real && ir::info(op).arity == 1)
            ops.push_back(op);
    }
    return ops;
}

/// One case an op, so that ctest sweeps several at once.
class Sweep : public ::testing::TestWithParam<ir::Op> {};

TEST_P(Sweep, KeepsTheUlpOfTheRow) {
    const ir::Op op = GetParam();
    const ir::OpInfo& row = ir::info(op);
    constexpr int kChunk = 1 << 16;
    const std::uint64_t step = long_run() ? 1 : 4099 * 2000 / scaled(2000),
                        total = std::uint64_t{1} << 32;
    const ir::Function function = applied(op);
    const Rectangle at{.queries = 1, .keys = kChunk};
    std::vector<float> x(kChunk);
    Captures captures;
    captures.buffers.push_back(TensorView::dense(x.data(), DType::f32, {kChunk}));
    const std::vector<double> score(kChunk);
    const CompiledValues::Item item{&function, assumption_bits(function, captures, at), true};
    struct Swept {
        cpu::Isa isa;
        CompiledValues values;
        double worst = 0;
        float at = 0;
    };
    std::vector<Swept> sweeps;
    for (const cpu::Isa isa : runnable_isas())
        sweeps.push_back({isa, CompiledValues({item}, isa, cpu::TileMap::stream)});
    for (std::uint64_t bits = 0; bits < total; bits += kChunk * step) {
        for (int i = 0; i < kChunk; ++i)
            x[i] = std::bit_cast<float>(static_cast<std::uint32_t>(bits + i * step));
        const ir::Column want =
            interpreted(function, captures, at, score, ir::Precision::oracle)[0];
        for (Swept& s : sweeps) {
            const ir::Column got = s.values.run(0, captures, at, score)[0];
            for (int i = 0; i < kChunk; ++i) {
                const double error = ulp_error(static_cast<float>(got.real[i]), want.real[i]);
                if (!(error <= s.worst)) s.worst = error, s.at = x[i];
            }
        }
    }
    for (const Swept& s : sweeps) {
        std::printf("%-11s %-8s %.3f ulp at %a\n", isa_name(s.isa).c_str(), row.name, s.worst,
                    static_cast<double>(s.at));
        EXPECT_LE(s.worst, row.ulp_f32 == 0 ? 0.5 : row.ulp_f32)
            << isa_name(s.isa) << " " << row.name << " of " << s.at;
    }
}

INSTANTIATE_TEST_SUITE_P(Unary, Sweep, ::testing::ValuesIn(unary_functions()),
                         [](const auto& each) { return std::string(ir::info(each.param).name); });

}  // namespace
}  // namespace flexion::test
