// SPDX-License-Identifier: Apache-2.0
// The mask pass on rectangles of any size against the interpreter.
#include <flexion/masks.h>
#include <gtest/gtest.h>

#include "backend/cpu/tile_run.h"
#include "backend/cpu/values.h"
#include "random_function.h"

namespace flexion::test {
namespace {

unsigned expected(const ir::Function& f, const Captures& captures, const Rectangle& at) {
    unsigned some = 0, all = 2;
    const ir::Column column = interpreted(f, captures, at, {})[0];
    for (const std::int64_t keep : column.integer) {
        if (keep != 0)
            some = 1;
        else
            all = 0;
    }
    return some | all;
}

/// `score`: the mask pass of a forward kernel with that score_mod, whose captures come first.
void check(const ir::Function& f, const Captures& captures, const Rectangle& at, cpu::Isa isa,
           bool assume, const ScoreMod* score = nullptr) {
    plan::Mods mods;
    if (score != nullptr) {
        mods.score = &score->function();
        mods.score_captures = &score->captures();
    }
    mods.mask = &f;
    mods.mask_captures = &captures;
    plan::Problem problem;
    problem.direction = score ? plan::Direction::forward : plan::Direction::mask_leaf;
    problem.masked = score != nullptr;
    if (assume) problem.assumptions = assumption_bits(f, captures, at);
    const auto kernel = compiled(problem, mods, isa);
    ASSERT_EQ(kernel->tile != nullptr, score != nullptr);
    std::vector<cpu::Word> words(cpu::capture_words(mods));
    cpu::pack_captures(mods, kernel->vector_functions, words.data());
    // All of the rectangle, and pieces of it: a piece is often decided where the whole is not.
    for (int piece = 0; piece < 12; ++piece) {
        Rectangle part = at;
        if (piece > 0) {
            part.q0 += piece * 5 % at.queries;
            part.k0 += piece * 7 % at.keys;
            part.queries = std::min(at.q0 + at.queries - part.q0, 1 + piece * 3 % 11);
            part.keys = std::min(at.k0 + at.keys - part.k0, 1 + piece * 5 % 9);
        }
        cpu::TileArgs args{};
        args.b = part.b;
        args.h = part.h;
        args.q0 = part.q0;
        args.k0 = part.k0;
        args.rows = part.keys;
        args.lanes = part.queries;
        ASSERT_EQ(kernel->mask(&args, words.data()), expected(f, captures, part))
            << isa_name(isa) << " q " << part.q0 << "+" << part.queries << " k " << part.k0 << "+"
            << part.keys << "\n"
            << ir::print(f);
    }
}

TEST(MaskPass, AgreesWithTheInterpreterOnKnownMasks) {
    std::vector<std::int32_t> documents(400);
    for (int i = 0; i < 400; ++i) documents[i] = i / 50;
    std::vector<std::uint8_t> dense(400 * 400);
    for (int i = 0; i < 400 * 400; ++i) dense[i] = i / 400 / 64 == i % 400 / 64;
    const Buffer document = buffer(TensorView::dense(documents.data(), DType::i32, {400}));
    const Buffer table = buffer(TensorView::dense(dense.data(), DType::boolean, {400, 400}));
    const MaskMod all[] = {
        masks::causal(),
        masks::sliding_window(30),
        masks::causal() & masks::document(document),
        mask_mod([](Expr, Expr, Expr q, Expr) { return q > 100; }),
        mask_mod([](Expr, Expr, Expr, Expr k) { return k > 100; }),
        mask_mod([](Expr b, Expr h, Expr, Expr) { return b == h; }),
        mask_mod([table](Expr, Expr, Expr q, Expr k) { return to_bool(table(q, k)); })};
    std::vector<float> slopes(8, 0.5f);
    const Buffer slope = buffer(TensorView::dense(slopes.data(), DType::f32, {8}));
    const ScoreMod score = score_mod([slope](Expr s, Expr, Expr h, Expr q, Expr k) {
        return s + slope(h) * to_float(k - q) * scalar(2.0);
    });
    for (const cpu::Isa isa : runnable_isas()) {
        for (const MaskMod& mask : all) {
            check(mask.function(), mask.captures(), {1, 2, 90, 40, 131, 77}, isa, false, &score);
            for (const bool assume : {false, true}) {
                for (const Rectangle& at :
                     {Rectangle{1, 1, 64, 64, 128, 128}, Rectangle{1, 2, 90, 40, 131, 77},
                      Rectangle{0, 0, 0, 0, 1, 1}})
                    check(mask.function(), mask.captures(), at, isa, assume);
            }
        }
    }
}

TEST(MaskPass, AgreesWithTheInterpreterOnRandomMasks) {
    for (const cpu::Isa isa : runnable_isas()) {
        Random random = generator(300 + static_cast<std::uint64_t>(isa));
        for (int i = 0; i < 150 && !HasFatalFailure(); ++i) {
            RandomOptions options;
            options.role = ir::Role::mask_mod;
            options.max_ulp = 0;
            options.instructions = 12;
            const RandomCase c = random_function(random, options);
            Rectangle at;
            at.b = static_cast<std::int32_t>(between(random, 0, 3));
            at.h = static_cast<std::int32_t>(between(random, 0, 3));
            at.q0 = static_cast<std::int32_t>(between(random, 0, 20));
            at.k0 = static_cast<std::int32_t>(between(random, 0, 20));
            at.queries = static_cast<int>(between(random, 1, 90));
            at.keys = static_cast<int>(between(random, 1, 40));
            check(c.function, c.captures, at, isa, chance(random, 50));
        }
    }
}

}  // namespace
}  // namespace flexion::test
