// SPDX-License-Identifier: Apache-2.0
// Random functions as emitted code against the interpreter, bit for bit, 32 to a module.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "backend/cpu/tile_run.h"
#include "backend/cpu/values.h"
#include "random_function.h"

namespace flexion::test {
namespace {

constexpr int kModule = 32;

bool same(double x, double y) {
    if (std::isnan(x) || std::isnan(y)) return std::isnan(x) && std::isnan(y);
    return x == y && std::signbit(x) == std::signbit(y);
}

// Only ops that are correctly rounded, so that every bit must agree. Bools are also emitted without
// `exact`, where what they come from must be exact all the same.
void check_module(Random& random, cpu::Isa isa, cpu::TileMap map) {
    std::vector<RandomCase> cases;
    std::vector<CompiledValues::Item> items;
    Rectangle at;
    at.b = static_cast<std::int32_t>(between(random, 0, 2));
    at.h = static_cast<std::int32_t>(between(random, 0, 3));
    at.q0 = static_cast<std::int32_t>(between(random, 0, 9));
    at.k0 = static_cast<std::int32_t>(between(random, 0, 9));
    at.queries = static_cast<int>(between(random, 1, 40));
    at.keys = static_cast<int>(between(random, 1, 40));
    const bool f64 = chance(random, 25);
    for (int i = 0; i < kModule; ++i) {
        RandomOptions options;
        options.role = chance(random, 40) ? ir::Role::mask_mod : ir::Role::score_mod;
        options.score_type = f64 ? ir::Type::f64 : ir::Type::f32;
        options.instructions = static_cast<int>(between(random, 3, 30));
        options.max_ulp = 0;
        cases.push_back(random_function(random, options));
    }
    for (const RandomCase& c : cases) {
        const bool mask = c.function.role == ir::Role::mask_mod;
        const std::uint64_t bits =
            chance(random, 70) ? assumption_bits(c.function, c.captures, at) : 0;
        items.push_back({&c.function, bits, !mask || chance(random, 50)});
    }
    const CompiledValues values(items, isa, map, f64);
    std::vector<double> score;
    for (int i = 0; i < at.queries * at.keys; ++i) score.push_back(random_value<float>(random));
    for (int i = 0; i < kModule; ++i) {
        const RandomCase& c = cases[i];
        const auto got = values.run(i, c.captures, at, score);
        const auto want = interpreted(c.function, c.captures, at, score);
        ASSERT_EQ(got.size(), want.size());
        for (std::size_t r = 0; r < got.size(); ++r) {
            for (std::size_t p = 0; p < score.size(); ++p) {
                const bool real = ir::is_float(got[r].type);
                const bool equal = real ? same(got[r].real[p], want[r].real[p])
                                        : got[r].integer[p] == want[r].integer[p];
                ASSERT_TRUE(equal)
                    << isa_name(isa) << (map == cpu::TileMap::panel ? " panel" : " stream")
                    << " result " << r << " at q " << at.q0 + p / at.keys << " k "
                    << at.k0 + p % at.keys << " (assumptions " << items[i].assumptions << "): got "
                    << (real ? got[r].real[p] : static_cast<double>(got[r].integer[p]))
                    << ", expected "
                    << (real ? want[r].real[p] : static_cast<double>(want[r].integer[p])) << "\n"
                    << ir::print(c.function);
            }
        }
    }
}

TEST(RandomFunctions, CompiledEqualsInterpreted) {
    const int functions = scaled(2000);
    for (const cpu::Isa isa : runnable_isas()) {
        Random random = generator(100 + static_cast<int>(isa));
        for (int done = 0; done < functions && !HasFatalFailure(); done += kModule) {
            check_module(random, isa,
                         done / kModule % 2 == 0 ? cpu::TileMap::panel : cpu::TileMap::stream);
        }
    }
}

}  // namespace
}  // namespace flexion::test
