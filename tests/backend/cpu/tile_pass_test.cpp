// SPDX-License-Identifier: Apache-2.0
// The tile pass against double precision: mods, maps, formats, tails, edges.
#include <flexion/masks.h>
#include <flexion/scores.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "backend/cpu/tile_run.h"
#include "plan/assumptions.h"

namespace flexion::test {
namespace {

/// Captures that outlive the mods which read them.
struct Tables {
    std::vector<float> slopes, relative, bias;
    std::vector<std::int32_t> documents;
    Tables() : slopes(8), relative(400), bias(300 * 300), documents(300) {
        for (int i = 0; i < 8; ++i) slopes[i] = std::ldexp(1.f, -i - 1);
        for (std::size_t i = 0; i < relative.size(); ++i) relative[i] = 0.01f * (i % 97) - 0.3f;
        for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = 0.02f * (i % 113) - 1;
        for (int i = 0; i < 300; ++i) documents[i] = i / 37;
    }
};
const Tables& tables() {
    static const Tables t;
    return t;
}

struct NamedMods {
    const char* name;
    OwnedMods (*make)();
};
OwnedMods none() { return {}; }
OwnedMods causal() { return {{}, masks::causal()}; }
OwnedMods alibi() {
    return {scores::alibi(buffer(TensorView::dense(tables().slopes.data(), DType::f32, {8}))), {}};
}
OwnedMods softcap_window() { return {scores::softcap(20), masks::sliding_window(40)}; }
OwnedMods documents() {
    return {{},
            masks::causal() & masks::document(buffer(TensorView::dense(tables().documents.data(),
                                                                       DType::i32, {300})))};
}
OwnedMods relative() {
    return {scores::relative(buffer(TensorView::dense(tables().relative.data(), DType::f32, {400})),
                             200),
            {}};
}
OwnedMods dense_bias() {
    const Buffer bias = buffer(TensorView::dense(tables().bias.data(), DType::f32, {300, 300}));
    return {score_mod([bias](Expr s, Expr, Expr, Expr q, Expr k) { return s + bias(q, k); }), {}};
}
constexpr NamedMods kMods[] = {{"none", none},
                               {"causal", causal},
                               {"alibi", alibi},
                               {"softcap_window", softcap_window},
                               {"documents", documents},
                               {"relative", relative},
                               {"dense_bias", dense_bias}};

bool close(double got, double want, double relative, double absolute) {
    if (std::isnan(want) || std::isinf(want)) return got == want || (got != got && want != want);
    return std::fabs(got - want) <= relative * std::fabs(want) + absolute;
}

void expect_close(const TileResult& got, const TileResult& want, double tolerance) {
    for (std::size_t lane = 0; lane < want.m.size(); ++lane) {
        EXPECT_TRUE(close(got.m[lane], want.m[lane], 1e-6, tolerance * 0.1))
            << "m of lane " << lane << ": " << got.m[lane] << " for " << want.m[lane];
        EXPECT_TRUE(close(got.l[lane], want.l[lane], tolerance, 0))
            << "l of lane " << lane << ": " << got.l[lane] << " for " << want.l[lane];
        EXPECT_TRUE(close(got.alpha[lane], want.alpha[lane], tolerance, 1e-30))
            << "alpha of lane " << lane << ": " << got.alpha[lane] << " for " << want.alpha[lane];
        ASSERT_EQ(got.p[lane].size(), want.p[lane].size());
        for (std::size_t i = 0; i < want.p[lane].size(); ++i) {
            ASSERT_TRUE(close(got.p[lane][i], want.p[lane][i], tolerance, 1e-30))
                << "lane " << lane << " key " << i << ": " << got.p[lane][i] << " for "
                << want.p[lane][i];
        }
    }
}

TEST(TilePass, ModsMapsAndFormatsAgreeWithDouble) {
    for (const cpu::Isa isa : runnable_isas()) {
        for (const NamedMods& named : kMods) {
            for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
                for (const int variant : {0, 1, 2, 3}) {
                    const bool stream = (variant & 1) != 0, assume = (variant & 2) != 0;
                    SCOPED_TRACE(isa_name(isa) + " " + named.name + " " + name_of(dtype) +
                                 (stream ? " stream" : " panel") + (assume ? " assuming" : ""));
                    const OwnedMods owned = named.make();
                    const bool f64 = dtype == DType::f64;
                    const plan::Mods mods = owned.mods(f64);
                    TileRun run;
                    run.isa = isa;
                    run.problem.dtype = dtype;
                    run.problem.masked = mods.mask != nullptr;
                    run.problem.few_queries = stream;
                    run.b = 1;
                    run.h = 3;
                    run.q0 = 70;
                    run.lanes = stream ? 1 : cpu::lanes_per_panel(isa) / (f64 ? 2 : 1);
                    run.tiles = {{0, 64}, {64, 37}, {101, 1}, {102, 12}};
                    if (assume) {
                        const plan::AssumptionChecker checker(mods.score, mods.mask);
                        run.problem.assumptions = checker.bits(mods, {2, 4, 128, 114});
                    }
                    for (int tail = 0; tail < 2 && !(stream && tail); ++tail) {
                        if (tail) run.lanes = std::max(1, run.lanes - 3);
                        const bool coarse =
                            !stream && dtype == DType::bf16 && isa == cpu::Isa::avx512_bf16;
                        expect_close(run_compiled(run, mods, plain_score),
                                     run_expected(run, mods, plain_score),
                                     f64      ? 1e-12
                                     : coarse ? 5e-3
                                              : 1e-5);
                    }
                }
            }
        }
    }
}

// ---- values at the edges: rows without a score, infinities, NaN, the lowest finite value ----
OwnedMods nothing_left() {
    return {{}, mask_mod([](Expr, Expr, Expr q, Expr k) { return k > q + 1000; })};
}
OwnedMods nothing_left_at_first() {
    return {{}, mask_mod([](Expr, Expr, Expr q, Expr k) { return (k >= 64) & ((q & 1) == 0); })};
}
OwnedMods where_key(double value, bool every_key) {
    return {score_mod([=](Expr s, Expr, Expr, Expr q, Expr k) {
                const Expr odd = (q & 1) == 1;
                return where(every_key ? odd : odd & (k == 66), Expr(value), s);
            }),
            {}};
}
OwnedMods some_minus_infinity() { return where_key(-HUGE_VAL, false); }
OwnedMods only_minus_infinity() { return where_key(-HUGE_VAL, true); }
OwnedMods some_infinity() { return where_key(HUGE_VAL, false); }
OwnedMods some_nan() { return where_key(std::nan(""), false); }
OwnedMods only_nan() { return where_key(std::nan(""), true); }
OwnedMods some_lowest() { return where_key(-3.4028234663852886e38, false); }
OwnedMods only_lowest() { return where_key(-3.4028234663852886e38, true); }
OwnedMods only_highest() { return where_key(3.4028234663852886e38, true); }
/// Maxima too large for the product with log2 e to be exact enough, in some lanes.
OwnedMods only_far() { return where_key(-1e9, true); }
OwnedMods some_far_above() { return where_key(1e7, false); }
/// What is masked does not reach anything, whatever it is.
OwnedMods masked_nan() {
    return {score_mod([](Expr s, Expr, Expr, Expr q, Expr k) {
                return where(k > q, Expr(std::nan("")), s);
            }),
            masks::causal()};
}
constexpr NamedMods kEdges[] = {{"nothing_left", nothing_left},
                                {"nothing_left_at_first", nothing_left_at_first},
                                {"some_minus_infinity", some_minus_infinity},
                                {"only_minus_infinity", only_minus_infinity},
                                {"some_infinity", some_infinity},
                                {"some_nan", some_nan},
                                {"only_nan", only_nan},
                                {"some_lowest", some_lowest},
                                {"only_lowest", only_lowest},
                                {"only_highest", only_highest},
                                {"only_far", only_far},
                                {"some_far_above", some_far_above},
                                {"masked_nan", masked_nan}};

TEST(TilePass, EdgeValuesBehaveAsInDouble) {
    for (const cpu::Isa isa : runnable_isas()) {
        for (const NamedMods& named : kEdges) {
            for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
                for (const bool stream : {false, true}) {
                    SCOPED_TRACE(isa_name(isa) + " " + named.name + " " + name_of(dtype) +
                                 (stream ? " stream" : " panel"));
                    const OwnedMods owned = named.make();
                    const bool f64 = dtype == DType::f64;
                    const plan::Mods mods = owned.mods(f64);
                    TileRun run;
                    run.isa = isa;
                    run.problem.dtype = dtype;
                    run.problem.masked = mods.mask != nullptr;
                    run.problem.few_queries = stream;
                    run.q0 = 71;
                    run.lanes = stream ? 1 : cpu::lanes_per_panel(isa) / (f64 ? 2 : 1);
                    run.tiles = {{0, 64}, {64, 5}};
                    const bool coarse =
                        !stream && dtype == DType::bf16 && isa == cpu::Isa::avx512_bf16;
                    expect_close(run_compiled(run, mods, plain_score),
                                 run_expected(run, mods, plain_score),
                                 f64      ? 1e-12
                                 : coarse ? 5e-3
                                          : 1e-5);
                }
            }
        }
    }
}

}  // namespace
}  // namespace flexion::test
