// SPDX-License-Identifier: Apache-2.0
// A program of somebody else: attention with a score_mod and a mask_mod, checked by hand, and an
// error caught across the library's border.
#include <flexion/flexion.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace fx = flexion;

int main() {
    constexpr std::int64_t kHeads = 2, kLength = 3, kDim = 4;
    // Queries of zeros: the scores are those of the mod alone, and uniform keys are averaged.
    std::vector<float> q(kHeads * kLength * kDim), k(q.size(), 1.f), v(q.size()), out(q.size());
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i / kDim % kLength);
    const auto tensor = [&](std::vector<float>& data) {
        return fx::TensorView::dense(data.data(), fx::DType::f32, {1, kHeads, kLength, kDim});
    };
    const auto mod = fx::score_mod(
        [](fx::Expr s, fx::Expr, fx::Expr h, fx::Expr, fx::Expr k) { return s + h * k; });
    const auto causal =
        fx::mask_mod([](fx::Expr, fx::Expr, fx::Expr q, fx::Expr k) { return q >= k; });
    const fx::BlockMask mask = fx::create_block_mask(causal, {}, {}, kLength, kLength, {16, 16});
    fx::attention(tensor(q), tensor(k), tensor(v), tensor(out),
                  {.score_mod = mod, .block_mask = mask});
    for (int h = 0; h < kHeads; ++h) {
        for (int row = 0; row < kLength; ++row) {
            double sum = 0, weights = 0;
            for (int column = 0; column <= row; ++column) {
                sum += std::exp(h * column) * column;
                weights += std::exp(h * column);
            }
            const double got = out[static_cast<std::size_t>((h * kLength + row) * kDim)];
            if (!(std::abs(got - sum / weights) < 1e-5)) {
                std::printf("head %d row %d: %g, not %g\n", h, row, got, sum / weights);
                return 1;
            }
        }
    }
    try {
        fx::set_option("no_such_option", "");
        return 1;
    } catch (const fx::UserError& error) {
        if (std::string(error.what()).find("no_such_option") == std::string::npos) return 1;
    }
    if (std::string(fx::version()) != FLEXION_VERSION) return 1;
    std::printf("flexion %s\n", fx::version());
    return 0;
}
