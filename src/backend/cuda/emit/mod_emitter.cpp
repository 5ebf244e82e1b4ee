// SPDX-License-Identifier: Apache-2.0
// Puts the two functions into Mod.
#include "backend/cuda/emit/mod_emitter.h"

#include "backend/cuda/emit/function_emitter.h"
#include "backend/cuda/emit/text.h"

namespace flexion::cuda {
namespace {

int count_loads(const ir::Function& f) {
    int loads = 0;
    for (const ir::Inst& inst : f.insts) loads += inst.op == ir::Op::load;
    return loads;
}

// `before` the loop over groups of eight columns, and `last` in it.
std::string hook(const char* name, const char* more, const FunctionText& f,
                 const std::string& before, const std::string& last) {
    std::string text =
        cat("    FX_DEVICE void ", name,
            "(float (&s)[kBlockKv / 2], const ForwardParams& p, const Captures& captures,\n"
            "                         int first_key, u32 staged",
            more, ") const {\n");
    if (!f.loop.empty() || !last.empty()) {
        text += cat("        const int key = first_key + column;\n", f.call, before,
                    "#pragma unroll\n"
                    "        for (int j = 0; j < kBlockKv / 8; ++j) {\n",
                    f.begin, f.loop, last, f.end, "        }\n");
    }
    return text + "    }\n";
}

}  // namespace

int capture_words(const plan::Problem& problem, const plan::Mods& mods) {
    int words = 0;
    if (mods.score) words = capture_words_of(*mods.score, words).end;
    if (problem.masked && mods.mask) words = capture_words_of(*mods.mask, words).end;
    return words;
}

ModSource emit_mods(const plan::Problem& problem, const plan::Mods& mods) {
    ModSource source;
    int words = 0, loads = 0;
    FunctionText score, mask;
    StagedBytes& staged = source.staged;
    ir::Function identity = ir::make_function(ir::Role::score_mod);
    identity.results = {{0, -1, {}}};
    const ir::Function& score_mod = mods.score ? *mods.score : identity;
    {
        const CaptureWords captures = capture_words_of(score_mod, words);
        FunctionEmitter emitter(score_mod, captures, problem.assumptions, loads, staged,
                                problem.dtype);
        score = emitter.score(problem.general_scale);
        words = captures.end;
        loads += count_loads(score_mod);
    }
    const bool masked = problem.masked && mods.mask != nullptr;
    if (masked) {
        const CaptureWords captures = capture_words_of(*mods.mask, words);
        FunctionEmitter emitter(*mods.mask, captures, problem.assumptions, loads, staged,
                                problem.dtype);
        mask = emitter.mask();
        words = captures.end;
    }
    source.light = !staged.any() && score.loop.find("fx_load") == std::string::npos;

    std::string select;
    for (int e = 0; e < 2; ++e) {
        select += cat("            const bool exists_", e, " = 8 * j + ", e, " < keys_left;\n");
        for (int r = 0; r < 2; ++r) {
            const std::string element = cat("s[4 * j + ", 2 * r + e, "]");
            select +=
                cat("            ", element, " = exists_", e, masked ? cat(" & keep_", e, r) : "",
                    " ? ", element, " : FX_MINUS_INF;\n");
        }
    }
    std::string& text = source.text;
    text = cat("struct Captures {\n    u64 word[", words > 0 ? words : 1, "];\n};\n\n");
    text += cat("constexpr bool kStaged = ", staged.any() ? "true" : "false",
                ";\nconstexpr int kStagedBytes =\n    ", staged.per_column, " * kBlockKv + ",
                staged.per_distance, " * (64 * kWarpgroups + kBlockKv);\n\n");
    text +=
        "/// The mods at a thread's part of a tile: rows q and q + 8, columns key + 8 j + e.\n"
        "struct Mod {\n"
        "    float unit;     // 2^(x * unit) is the exponential of the score\n"
        "    float natural;  // x * natural is the score, but for the row term\n"
        "    int column, distance;\n";
    text += cat("    static constexpr bool kLowScores = ", score.low_scores ? "true" : "false",
                ", kOneOffset = ", score.one_offset ? "true" : "false", ";\n");
    text += score.members + mask.members;
    text +=
        "\n    FX_DEVICE Mod(const ForwardParams& p, const Captures& captures, int b, int h, int "
        "q,\n"
        "                  int q_tile, int row_in_tile, int first_column) {\n"
        "        const int q0 = fx_min(q, p.q_len - 1), q1 = fx_min(q + 8, p.q_len - 1);\n"
        "        column = first_column;\n"
        "        distance = first_column - row_in_tile + 64 * kWarpgroups - 1;\n";
    text += score.tile + score.rows + mask.tile + mask.rows;
    text += cat("        natural = ", score.natural, ";\n        unit = ", score.unit, ";\n",
                score.assign, mask.assign, "    }\n");
    text += cat("    FX_DEVICE float row_term(int r) const { return ",
                score.row_term ? "r == 0 ? row_term_0 : row_term_1" : "0.0f", "; }\n");
    text += hook("score", "", score, "", score.scores);
    text += hook("exponents", ",\n                             float away_0, float away_1", score,
                 score.exponents_call, score.exponents);
    text += hook("mask", "", mask, "        const int keys_left = p.kv_len - key;\n", select);
    text +=
        "    /// Fills a slot of shared memory; `thread` counts the 96 stagers.\n"
        "    static FX_DEVICE void stage(const ForwardParams& p, const Captures& captures, int b, "
        "int h,\n"
        "                                int q_tile, int first_key, bool masked, u32 slot, int "
        "thread) {\n";
    text += score.stage;
    if (!mask.stage.empty()) text += cat("        if (!masked) return;\n", mask.stage);
    text += "    }\n};\n";
    return source;
}

}  // namespace flexion::cuda
