// SPDX-License-Identifier: Apache-2.0
// Emitted text of a few kernels, as it is kept in golden/. FLEXION_UPDATE_GOLDEN=1 writes the files
// anew; the difference is then for a reader to judge.
#include <flexion/masks.h>
#include <flexion/scores.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "backend/cpu/codegen/emit.h"
#include "backend/cpu/tile_run.h"
#include "passes/passes.h"
#include "plan/assumptions.h"
#include "plan/buffer_gradients.h"

namespace flexion::test {
namespace {

struct GoldenCase {
    const char* name;
    cpu::Isa isa;
    plan::Problem problem;
    OwnedMods mods;
    bool assume = true;
};

std::vector<GoldenCase> cases() {
    static const std::vector<float> slopes(8), bias(256 * 256);
    static const std::vector<std::int32_t> documents(256);
    const Buffer slope = buffer(TensorView::dense(slopes.data(), DType::f32, {8}));
    const Buffer table = buffer(TensorView::dense(bias.data(), DType::f32, {256, 256}));
    const Buffer document = buffer(TensorView::dense(documents.data(), DType::i32, {256}));
    plan::Problem plain, masked, leaf, stream, pairs, backward, backward_pairs;
    masked.masked = true;
    leaf.direction = plan::Direction::mask_leaf;
    stream.few_queries = true;
    pairs.dtype = DType::bf16;
    backward.direction = plan::Direction::backward;
    backward.wants_p = backward.wants_ds = true;
    backward_pairs = backward;
    backward_pairs.dtype = DType::bf16;
    return {
        {"none_avx2", cpu::Isa::avx2, plain, {}},
        {"none_bf16_avx512", cpu::Isa::avx512_bf16, pairs, {}},
        {"alibi_causal_avx2", cpu::Isa::avx2, masked, {scores::alibi(slope), masks::causal()}},
        {"softcap_portable", cpu::Isa::portable, plain, {scores::softcap(20), {}}},
        {"bias_avx2",
         cpu::Isa::avx2,
         plain,
         {score_mod([table](Expr s, Expr, Expr, Expr q, Expr k) { return s + table(q, k); }), {}}},
        {"bias_clamped_stream_avx2",
         cpu::Isa::avx2,
         stream,
         {score_mod([table](Expr s, Expr, Expr, Expr q, Expr k) { return s + table(q, k); }), {}},
         false},
        {"backward_none_bf16_avx512", cpu::Isa::avx512_bf16, backward_pairs, {}},
        {"backward_alibi_avx2", cpu::Isa::avx2, backward, {scores::alibi(slope), {}}},
        {"document_leaf_avx2",
         cpu::Isa::avx2,
         leaf,
         {{}, masks::causal() & masks::document(document)}}};
}

TEST(Golden, EmittedTextIsAsKept) {
#if defined(__clang__)
    GTEST_SKIP() << "operands are emitted in the order in which gcc evaluates them";
#endif
    const bool update = std::getenv("FLEXION_UPDATE_GOLDEN") != nullptr;
    for (const GoldenCase& c : cases()) {
        plan::Mods mods = c.mods.mods(false);
        ir::Function score, mask;
        const bool backward = c.problem.direction == plan::Direction::backward;
        const std::vector<int> buffers = {0};
        if (mods.score)
            mods.score = &(score = backward ? plan::Derivative(*mods.score, buffers).function
                                            : passes::simplify(*mods.score));
        if (mods.mask) mods.mask = &(mask = passes::simplify(*mods.mask));
        plan::Problem problem = c.problem;
        if (c.assume) {
            const plan::AssumptionChecker checker(mods.score, mods.mask);
            problem.assumptions = checker.bits(mods, {1, 8, 256, 256});
        }
        const backend::Source source = cpu::emit(problem, mods, c.isa);
        const std::string text = "; " + source.name + " for " + source.target + "\n" + source.text;
        const std::string path = std::string(FLEXION_GOLDEN_DIR "/") + c.name + ".ll";
        if (update) {
            std::ofstream(path) << text;
            continue;
        }
        std::ifstream file(path);
        ASSERT_TRUE(file) << path << " is missing: run this test with FLEXION_UPDATE_GOLDEN=1";
        std::stringstream kept;
        kept << file.rdbuf();
        EXPECT_EQ(kept.str(), text)
            << path << ": if this is meant, run with FLEXION_UPDATE_GOLDEN=1";
    }
}

}  // namespace
}  // namespace flexion::test
