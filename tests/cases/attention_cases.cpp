// SPDX-License-Identifier: Apache-2.0
// The list: every mod, every mask, then shapes, dtypes and layouts, then what went wrong elsewhere.
#include "cases/attention_cases.h"

#include <set>
#include <stdexcept>

#include "cases/mods.h"
#include "support/format.h"

namespace flexion::test {
namespace {

constexpr DType kDtypes[] = {DType::f32, DType::bf16, DType::f16, DType::f64};

const char* name_of(Layout layout) {
    constexpr const char* kNames[] = {"dense", "bshd", "sliced", "transposed"};
    return kNames[static_cast<int>(layout)];
}

void add_mods(std::vector<AttentionCase>& cases) {
    for (const DType dtype : kDtypes) {
        for (const std::string& score : score_mod_names()) {
            cases.push_back({.dtype = dtype,
                             .B = 2,
                             .Hq = 4,
                             .Hkv = 2,
                             .Sq = 67,
                             .Skv = 83,
                             .D = 24,
                             .score = score,
                             .in_short_list = dtype == DType::f32});
            cases.push_back({.dtype = dtype,
                             .B = 1,
                             .Hq = 2,
                             .Sq = 150,
                             .D = 32,
                             .score = score,
                             .mask = "causal",
                             .block = {64, 32}});
        }
    }
}

void add_masks(std::vector<AttentionCase>& cases) {
    for (const std::string& mask : mask_names()) {
        cases.push_back({.B = 2,
                         .Hq = 2,
                         .Sq = 141,
                         .Skv = 103,
                         .D = 16,
                         .mask = mask,
                         .block = {32, 16},
                         .in_short_list = true});
        cases.push_back({.dtype = DType::bf16,
                         .B = 2,
                         .Hq = 6,
                         .Hkv = 2,
                         .Sq = 200,
                         .D = 64,
                         .score = "alibi",
                         .mask = mask});
        cases.push_back({.dtype = DType::f32,
                         .B = 1,
                         .Hq = 2,
                         .Sq = 300,
                         .Skv = 260,
                         .D = 20,
                         .score = "softcap",
                         .mask = mask,
                         .block = {128, 64}});
        // Few queries: the other map of positions to lanes.
        cases.push_back({.dtype = DType::f32,
                         .B = 2,
                         .Hq = 4,
                         .Hkv = 1,
                         .Sq = 1,
                         .Skv = 200,
                         .D = 32,
                         .score = "distance",
                         .mask = mask,
                         .block = {16, 16},
                         .in_short_list = true});
        cases.push_back({.dtype = DType::f16,
                         .B = 1,
                         .Hq = 3,
                         .Sq = 3,
                         .Skv = 131,
                         .D = 40,
                         .mask = mask,
                         .block = {64, 64}});
    }
}

void add_lengths(std::vector<AttentionCase>& cases) {
    constexpr std::int64_t kLengths[] = {1, 2, 4, 9, 31, 32, 33, 127, 128, 129, 521, 1023};
    for (const std::int64_t length : kLengths) {
        for (const DType dtype : kDtypes) {
            if (dtype == DType::f64 && length > 200) continue;
            cases.push_back({.dtype = dtype,
                             .Hq = 2,
                             .Sq = length,
                             .D = 64,
                             .mask = "causal",
                             .in_short_list = dtype == DType::bf16 && length < 200});
            cases.push_back({.dtype = dtype,
                             .Hq = 4,
                             .Hkv = 2,
                             .Sq = 1,
                             .Skv = length,
                             .D = 128,
                             .score = "softcap"});
            cases.push_back({.dtype = dtype, .Hq = 1, .Sq = length, .Skv = 77, .D = 32});
            cases.push_back({.dtype = dtype,
                             .Hq = 1,
                             .Sq = 45,
                             .Skv = length,
                             .D = 72,
                             .score = "alibi",
                             .mask = "causal_from_end",
                             .block = {16, 16}});
        }
    }
}

void add_head_dims(std::vector<AttentionCase>& cases) {
    constexpr std::int64_t kDims[] = {1,  2,  3,  7,  8,   15,  16,  17,  24,  33,
                                      64, 72, 94, 96, 121, 128, 192, 256, 511, 512};
    for (const std::int64_t D : kDims) {
        for (const DType dtype : kDtypes) {
            cases.push_back({.dtype = dtype,
                             .Hq = 2,
                             .Hkv = 1,
                             .Sq = 37,
                             .Skv = 70,
                             .D = D,
                             .mask = "window",
                             .block = {32, 32},
                             .in_short_list = dtype == DType::f32 && D < 130});
            cases.push_back({.dtype = dtype, .Hq = 2, .Sq = 1, .Skv = 90, .D = D});
        }
        cases.push_back({.Hq = 1, .Sq = 50, .D = D, .Dv = 513 - D});
        cases.push_back({.dtype = DType::bf16, .Hq = 1, .Sq = 50, .D = D, .Dv = 1 + D * 5 % 97});
        cases.push_back(
            {.dtype = DType::f16, .Hq = 1, .Sq = 2, .Skv = 50, .D = D, .Dv = 1 + D * 5 % 97});
    }
}

void add_layouts(std::vector<AttentionCase>& cases) {
    for (const Layout layout : {Layout::bshd, Layout::sliced, Layout::transposed}) {
        for (const DType dtype : kDtypes) {
            cases.push_back({.dtype = dtype,
                             .B = 2,
                             .Hq = 4,
                             .Hkv = 2,
                             .Sq = 130,
                             .Skv = 70,
                             .D = 40,
                             .Dv = 24,
                             .score = "bias",
                             .mask = "causal",
                             .block = {64, 64},
                             .layout = layout,
                             .in_short_list = dtype == DType::f32});
            cases.push_back({.dtype = dtype,
                             .B = 2,
                             .Hq = 4,
                             .Hkv = 2,
                             .Sq = 1,
                             .Skv = 70,
                             .D = 40,
                             .Dv = 24,
                             .layout = layout,
                             .in_short_list = dtype == DType::bf16});
        }
    }
}

void add_heads_and_batches(std::vector<AttentionCase>& cases) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
        for (const std::int64_t kv_heads : {1, 2, 3, 6}) {
            for (const std::int64_t length : {1, 65}) {
                cases.push_back({.dtype = dtype,
                                 .B = 3,
                                 .Hq = 6,
                                 .Hkv = kv_heads,
                                 .Sq = length,
                                 .Skv = 80,
                                 .D = 32,
                                 .broadcast_kv = true,
                                 .score = "head_gate",
                                 .mask = "batch_and_head",
                                 .block = {32, 32}});
            }
        }
    }
    // More heads than threads could ever be, of almost no work each.
    cases.push_back({.B = 2272, .Hq = 6, .Hkv = 3, .Sq = 2, .Skv = 3, .D = 4, .mask = "causal"});
    cases.push_back({.B = 40, .Hq = 16, .Sq = 72, .D = 8});
    // Enough heads for tiles of 256 queries, and rows long enough to be copied for them.
    cases.push_back({.B = 2, .Hq = 16, .Hkv = 1, .Sq = 270, .D = 128, .mask = "causal"});
}

void add_special(std::vector<AttentionCase>& cases) {
    for (const DType dtype : kDtypes) {
        // One key: the result is v exactly.
        cases.push_back({.dtype = dtype, .Hq = 2, .Sq = 1, .D = 16});
        cases.push_back({.dtype = dtype, .Hq = 2, .Sq = 40, .Skv = 1, .D = 16});
        cases.push_back({.dtype = dtype,
                         .Hq = 1,
                         .Sq = 60,
                         .D = 16,
                         .score = "rows_nan",
                         .mask = "some_rows",
                         .block = {16, 16},
                         .in_short_list = true});
        cases.push_back({.dtype = dtype,
                         .Hq = 1,
                         .Sq = 3,
                         .Skv = 60,
                         .D = 16,
                         .score = "rows_nan",
                         .mask = "table",
                         .block = {16, 16}});
        cases.push_back({.dtype = dtype,
                         .Hq = 1,
                         .Sq = 60,
                         .D = 16,
                         .score = "causal_inf",
                         .mask = "anticausal",
                         .block = {16, 16},
                         .in_short_list = true});
        cases.push_back({.dtype = dtype, .Hq = 2, .Sq = 90, .D = 16, .scale = -3});
        cases.push_back({.dtype = dtype, .Hq = 2, .Sq = 90, .D = 64, .scale = 4});
        cases.push_back({.dtype = dtype, .Hq = 2, .Sq = 2, .Skv = 90, .D = 64, .scale = 4});
        for (const BlockSize block : {BlockSize{16, 16}, BlockSize{48, 80}, BlockSize{256, 128},
                                      BlockSize{128, 256}, BlockSize{7, 3}}) {
            cases.push_back({.dtype = dtype,
                             .Hq = 1,
                             .Sq = 290,
                             .D = 16,
                             .score = "composed",
                             .mask = "document_causal",
                             .block = block});
        }
    }
}

}  // namespace

std::string AttentionCase::name() const {
    std::string text =
        formatted("{}_b{}_h{}x{}_q{}_k{}_d{}x{}_{}_{}_{}x{}", flexion::name_of(dtype), B, Hq,
                  kv_heads(), Sq, kv_len(), D, v_head_dim(), score, mask, block.q, block.kv);
    if (broadcast_kv) text += "_kv1";
    if (layout != Layout::dense) text += formatted("_{}", name_of(layout));
    if (scale != 0)
        text += scale < 0 ? formatted("_scale_m{}", -scale) : formatted("_scale_{}", scale);
    return text;
}

const std::vector<AttentionCase>& attention_cases() {
    static const std::vector<AttentionCase> cases = [] {
        std::vector<AttentionCase> all;
        for (const auto add : {add_mods, add_masks, add_lengths, add_head_dims, add_layouts,
                               add_heads_and_batches, add_special}) {
            add(all);
        }
        // Some lists meet in a case; it is kept once.
        std::set<std::string> names;
        std::erase_if(all, [&](const AttentionCase& c) { return !names.insert(c.name()).second; });
        return all;
    }();
    return cases;
}

std::vector<AttentionCase> short_attention_cases() {
    std::vector<AttentionCase> cases = attention_cases();
    std::erase_if(cases, [](const AttentionCase& c) { return !c.in_short_list; });
    return cases;
}

std::vector<AttentionCase> long_attention_cases() {
    std::vector<AttentionCase> cases = attention_cases();
    std::erase_if(cases, [](const AttentionCase& c) { return c.in_short_list; });
    return cases;
}

}  // namespace flexion::test
