// SPDX-License-Identifier: Apache-2.0
// One case for each way in which a value can vary over a tile.
#include "emit_cases.h"

#include <limits>

#include "passes/passes.h"

namespace flexion::test {
namespace {

// Captures are never read here.
Buffer captured(DType dtype, int rank) {
    static double memory[1];
    TensorView view;
    view.data = memory;
    view.dtype = dtype;
    view.rank = rank;
    for (int i = 0; i < rank; ++i) view.shape[i] = view.strides[i] = 1;
    return buffer(view);
}

}  // namespace

const std::vector<EmitCase>& emit_cases() {
    static const std::vector<EmitCase> cases = [] {
        const MaskMod causal = masks::causal();
        const Buffer vector = captured(DType::f32, 1), table = captured(DType::f32, 2);
        std::vector<EmitCase> all;
        all.push_back({"none", {}, {}});
        all.push_back({"causal", {}, causal});
        all.push_back({"window", {}, masks::sliding_window(1024)});
        all.push_back({"prefix", {}, masks::prefix(1000)});
        all.push_back({"document", {}, masks::document(captured(DType::i32, 1)) & causal});
        all.push_back({"document_i64", {}, masks::document(captured(DType::i64, 1)), 0});
        all.push_back({"alibi", scores::alibi(vector), causal});
        all.push_back({"softcap", scores::softcap(30.0), causal});
        all.push_back({"relative", scores::relative(vector, 4096), causal});
        all.push_back({"kv_bias", score_mod([=](Expr s, Expr, Expr h, Expr, Expr k) {
                           return s + table[h][k];
                       }),
                       causal});
        all.push_back({"row_scale",
                       score_mod([=](Expr s, Expr, Expr, Expr q, Expr) { return s * vector[q]; }),
                       {}});
        all.push_back({"bias_2d",
                       score_mod([b = captured(DType::bf16, 3)](Expr s, Expr, Expr h, Expr q,
                                                                Expr k) { return s + b(h, q, k); }),
                       {}});
        all.push_back({"buckets",  // relative buckets as in T5: a function of the distance
                       score_mod([=](Expr s, Expr, Expr h, Expr q, Expr k) {
                           const Expr far = to_i32(log(to_float(max(q - k, 1))) * 8.0);
                           return s + table[h][clamp(far, 0, 31)];
                       }),
                       causal});
        all.push_back({"minus_inf",
                       score_mod([](Expr s, Expr, Expr, Expr q, Expr k) {
                           return where(q >= k, s, -std::numeric_limits<double>::infinity());
                       }),
                       {}});
        all.push_back(
            {"mixed",  // little can be shared
             score_mod([=](Expr s, Expr, Expr h, Expr q, Expr k) {
                 return where((q - k) % 3 == 0, s * vector[h], sigmoid(s) + to_float(q) * 0.25);
             }),
             mask_mod([](Expr, Expr h, Expr q, Expr k) {
                 return (floordiv(q, 64) == floordiv(k, 64)) | (k < 16) | ((q * k + h) % 5 == 0);
             }),
             0});
        return all;
    }();
    return cases;
}

EmitInputs::EmitInputs(const EmitCase& c) {
    problem.dtype = DType::bf16;
    problem.head_dim = problem.v_head_dim = 128;
    problem.masked = static_cast<bool>(c.mask);
    problem.assumptions = c.assumptions;
    if (c.score) {
        score = passes::simplify(c.score.function());
        mods.score = &score;
    }
    if (c.mask) {
        mask = passes::simplify(c.mask.function());
        mods.mask = &mask;
    }
}

}  // namespace flexion::test
