// SPDX-License-Identifier: Apache-2.0
#include "mask/cases.h"

#include <flexion/masks.h>

#include "seed.h"

namespace flexion::test {

using I = std::int64_t;

CaseData::CaseData(std::mt19937_64& random) {
    std::int32_t number = 0;
    for (I i = 0; i < kLength; ++i) {
        number += between(random, 0, 60) == 0;
        document.push_back(number);
        shuffled.push_back(between(random, -3, 3));
        flags.push_back(between(random, 0, 99) == 0);
    }
    for (I i = 0; i < 4; ++i) {
        windows.push_back(static_cast<std::int32_t>(between(random, 0, 300)));
        offsets.push_back(static_cast<std::int32_t>(between(random, -200, 200)));
        slopes.push_back(static_cast<float>(between(random, 1, 8)) / 8);
    }
    for (I i = 0; i < 4 * kLength; ++i) {
        table.push_back(static_cast<std::int16_t>(i % kLength / 200 + between(random, 0, 1)));
    }
}

std::vector<MaskCase> mask_cases(const CaseData& data) {
    constexpr I n = CaseData::kLength;
    const Buffer document = buffer(TensorView::dense(data.document.data(), DType::i32, {n}));
    const Buffer shuffled = buffer(TensorView::dense(data.shuffled.data(), DType::i64, {n}));
    const Buffer flags = buffer(TensorView::dense(data.flags.data(), DType::boolean, {n}));
    const Buffer windows = buffer(TensorView::dense(data.windows.data(), DType::i32, {4}));
    const Buffer offsets = buffer(TensorView::dense(data.offsets.data(), DType::i32, {4}));
    const Buffer table = buffer(TensorView::dense(data.table.data(), DType::i16, {4, n}));
    const Buffer slopes = buffer(TensorView::dense(data.slopes.data(), DType::f32, {4}));
    const CaseData* d = &data;

    std::vector<MaskCase> cases;
    const auto add = [&](const char* name, MaskMod mod, Predicate predicate) {
        cases.push_back({name, std::move(mod), std::move(predicate)});
    };
    add("causal", masks::causal(), [](I, I, I q, I k) { return q >= k; });
    add("anti-causal", mask_mod([](Expr, Expr, Expr q, Expr k) { return q < k; }),
        [](I, I, I q, I k) { return q < k; });
    add("window", masks::sliding_window(70), [](I, I, I q, I k) { return q >= k && q - k <= 70; });
    add("prefix", masks::prefix(333), [](I, I, I q, I k) { return k < 333 || q >= k; });
    add("document", masks::document(document),
        [d](I, I, I q, I k) { return d->document[q] == d->document[k]; });
    add("document & causal", masks::document(document) & masks::causal(),
        [d](I, I, I q, I k) { return q >= k && d->document[q] == d->document[k]; });
    add("not document", ~masks::document(document),
        [d](I, I, I q, I k) { return d->document[q] != d->document[k]; });
    add("shuffled",
        mask_mod([shuffled](Expr, Expr, Expr q, Expr k) { return shuffled[q] + shuffled[k] > 4; }),
        [d](I, I, I q, I k) { return d->shuffled[q] + d->shuffled[k] > 4; });
    add("flags | window", masks::sliding_window(40) | mask_mod([flags](Expr, Expr, Expr q, Expr k) {
                              return flags[q] | flags[k];
                          }),
        [d](I, I, I q, I k) {
            return (q >= k && q - k <= 40) || d->flags[q] != 0 || d->flags[k] != 0;
        });
    add("dilated", mask_mod([](Expr, Expr, Expr q, Expr k) { return (q - k) % 3 == 0; }),
        [](I, I, I q, I k) { return (q - k) % 3 == 0; });
    add("hash", mask_mod([](Expr, Expr, Expr q, Expr k) {
            return ((q * 7919 + k * 104729) ^ (q >> 3)) % 64 == 5;
        }),
        [](I, I, I q, I k) { return ((q * 7919 + k * 104729) ^ (q >> 3)) % 64 == 5; });
    add("blocks of 100",
        mask_mod([](Expr, Expr, Expr q, Expr k) { return floordiv(q, 100) == floordiv(k, 100); }),
        [](I, I, I q, I k) { return q / 100 == k / 100; });
    add("real",
        mask_mod([](Expr, Expr, Expr q, Expr k) { return to_float(q) * 0.5 + 3.0 > to_float(k); }),
        [](I, I, I q, I k) { return 0.5 * static_cast<double>(q) + 3 > static_cast<double>(k); });
    add("all", mask_mod([](Expr, Expr, Expr q, Expr) { return q >= 0; }),
        [](I, I, I, I) { return true; });
    add("none", mask_mod([](Expr, Expr, Expr q, Expr k) { return (q < k) & (q > k); }),
        [](I, I, I, I) { return false; });
    add("one element", mask_mod([](Expr, Expr, Expr q, Expr k) { return (q == 3) & (k == 2); }),
        [](I, I, I q, I k) { return q == 3 && k == 2; });
    add("by batch",
        mask_mod([offsets](Expr b, Expr, Expr q, Expr k) { return q + offsets[b] >= k; }),
        [d](I b, I, I q, I k) { return q + d->offsets[b] >= k; });
    add("by head",
        mask_mod([windows](Expr, Expr h, Expr q, Expr k) { return abs(q - k) <= windows[h]; }),
        [d](I, I h, I q, I k) { return std::abs(q - k) <= d->windows[h]; });
    add("by batch and head", mask_mod([table, slopes](Expr b, Expr h, Expr q, Expr k) {
            return (table[b][q] == table[b][k]) & (slopes[h] * to_float(q) >= to_float(k));
        }),
        [d](I b, I h, I q, I k) {
            return d->table[b * n + q] == d->table[b * n + k] &&
                   d->slopes[h] * static_cast<float>(q) >= static_cast<float>(k);
        });
    return cases;
}

}  // namespace flexion::test
