// SPDX-License-Identifier: Apache-2.0
// Dependence sets and affine forms.
#include <flexion/expr.h>
#include <gtest/gtest.h>

#include <set>

#include "passes/passes.h"

namespace flexion::passes {
namespace {

/// Facts about the value that a score_mod loads from.
Affine index_of(const ScoreMod& mod, std::uint8_t& depends) {
    const ir::Function& f = mod.function();
    const Facts facts = uniformity(f);
    for (const ir::Inst& inst : f.insts) {
        if (inst.op != ir::Op::load) continue;
        depends = facts.depends[inst.args[0]];
        return facts.affine[inst.args[0]];
    }
    return {};
}

TEST(Uniformity, AffineIndices) {
    const float data[8] = {};
    const Buffer table = buffer(TensorView::dense(data, DType::f32, {8}));
    const Scalar offset = scalar(5);
    std::uint8_t depends = 0;
    Affine a = index_of(score_mod([&](Expr s, Expr, Expr, Expr q, Expr k) {
                            return s + table[3 * (q - k) + offset + 7 - q];
                        }),
                        depends);
    EXPECT_TRUE(a.known);
    EXPECT_EQ(depends, kOnQ | kOnK);
    EXPECT_EQ(a.q, 2);
    EXPECT_EQ(a.k, -3);
    EXPECT_EQ(a.b, 0);
    EXPECT_EQ(a.constant, 7);
    EXPECT_EQ(a.scalars, std::vector<std::int64_t>{1});

    a = index_of(
        score_mod([&](Expr s, Expr b, Expr h, Expr, Expr) { return s + table[(h << 3) - -b]; }),
        depends);
    EXPECT_EQ(depends, kOnB | kOnH);
    EXPECT_EQ(a.h, 8);
    EXPECT_EQ(a.b, 1);

    a = index_of(score_mod([&](Expr s, Expr, Expr, Expr q, Expr k) { return s + table[q * k]; }),
                 depends);
    EXPECT_FALSE(a.known);
    EXPECT_EQ(depends, kOnQ | kOnK);
}

TEST(Uniformity, DependenceGoesThroughLoads) {
    const std::int32_t documents[8] = {};
    const Buffer document = buffer(TensorView::dense(documents, DType::i32, {8}));
    const MaskMod mask =
        mask_mod([&](Expr, Expr, Expr q, Expr k) { return document[q] == document[k]; });
    const ir::Function& f = mask.function();
    const Facts facts = uniformity(f);
    std::set<int> seen;
    for (ir::Value v = 0; v < f.insts.size(); ++v) {
        if (f.insts[v].op != ir::Op::load) continue;
        EXPECT_FALSE(facts.affine[v].known);
        seen.insert(facts.depends[v]);
    }
    EXPECT_EQ(seen, (std::set<int>{kOnQ, kOnK}));
    EXPECT_EQ(facts.depends[f.results[0].value], kOnQ | kOnK);
}

TEST(Uniformity, ScoresAndConstants) {
    const ScoreMod mod = score_mod([](Expr s, Expr, Expr, Expr, Expr) { return tanh(s) * 2; });
    const Facts facts = uniformity(mod.function());
    EXPECT_EQ(facts.depends[mod.function().results[0].value], kOnScore);
    for (ir::Value v = 0; v < mod.function().insts.size(); ++v) {
        if (mod.function().insts[v].op != ir::Op::constant) continue;
        EXPECT_EQ(facts.depends[v], 0);
    }
}

}  // namespace
}  // namespace flexion::passes
