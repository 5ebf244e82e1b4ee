// SPDX-License-Identifier: Apache-2.0
// Gradients of random score mods under random masks, against the reference: 300 mods, or 5,000 with
// FLEXION_TEST_LONG=1.
#include <gtest/gtest.h>

#include <flexion/options.h>

#include "cases/check_backward.h"
#include "ir/text.h"
#include "seed.h"

namespace flexion::test {
namespace {

AttentionCase random_case(std::mt19937_64& random, int number) {
    const auto of = [&]<class T>(const std::vector<T>& values) {
        return values[static_cast<std::size_t>(
            between(random, 0, static_cast<std::int64_t>(values.size()) - 1))];
    };
    AttentionCase c;
    c.dtype = of(std::vector<DType>{DType::f32, DType::f32, DType::f64, DType::bf16, DType::f16});
    c.B = between(random, 1, 2);
    c.Hkv = between(random, 1, 2);
    c.Hq = c.Hkv * between(random, 1, 2);
    c.Sq = between(random, 1, 80);
    c.Skv = between(random, 1, 80);
    c.D = between(random, 1, 20);
    c.Dv = between(random, 1, 20);
    c.broadcast_kv = between(random, 0, 3) == 0;
    c.score = "random" + std::to_string(number);
    c.mask = of(mask_names());
    c.block = of(std::vector<BlockSize>{{128, 128}, {16, 32}, {48, 16}});
    c.layout = of(std::vector<Layout>{Layout::dense, Layout::bshd, Layout::sliced});
    return c;
}

TEST(BackwardRandom, GradientsAreTheReferences) {
    std::mt19937_64 random = generator(21);
    const int count = long_run() ? 5000 : 300;
    for (int i = 0; i < count; ++i) {
        const AttentionCase c = random_case(random, i);
        SCOPED_TRACE(c.name());
        const BackwardInputs inputs(c, {});
        // Chains of functions in f32, of f32 captures in an f64 problem too: what one loses, the
        // next may enlarge.
        constexpr double kFunctionError = 1e-4;
        compare_backward(inputs, run_backward(inputs, option("backend")), {}, kFunctionError);
        if (HasFailure()) {
            FAIL() << ir::print(inputs.forward.score_mod.function(c.dtype == DType::f64));
        }
    }
}

}  // namespace
}  // namespace flexion::test
