// SPDX-License-Identifier: Apache-2.0
// Score mods and masks of the attention cases.
#include "cases/mods.h"

#include "cases/random_mods.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>

namespace flexion::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLowest = std::numeric_limits<float>::lowest();

using MakeScore = ScoreMod (*)(CapturedMemory&);

// What a user would write, and what the semantics call special.
const std::map<std::string, MakeScore>& score_mods() {
    static const std::map<std::string, MakeScore> table = {
        {"none", [](CapturedMemory&) { return ScoreMod(); }},
        {"alibi",
         [](CapturedMemory& m) { return scores::alibi(m.normal(DType::f32, {m.shape.Hq})); }},
        {"softcap", [](CapturedMemory&) { return scores::softcap(3); }},
        {"relative",
         [](CapturedMemory& m) {
             return scores::relative(m.normal(DType::f32, {2 * m.shape.Sq}), m.shape.Sq);
         }},
        {"twice",
         [](CapturedMemory&) {
             return score_mod([](Expr s, Expr, Expr, Expr, Expr) { return s * 2; });
         }},
        {"squared",
         [](CapturedMemory&) {
             return score_mod([](Expr s, Expr, Expr, Expr, Expr) { return s * s; });
         }},
        {"constant",  // does not read the score
         [](CapturedMemory&) {
             return score_mod([](Expr, Expr b, Expr h, Expr q, Expr k) {
                 return to_float((q * 3 + k + h + b) % 5);
             });
         }},
        {"causal_inf",
         [](CapturedMemory&) {
             return score_mod(
                 [](Expr s, Expr, Expr, Expr q, Expr k) { return where(q >= k, s, -kInfinity); });
         }},
        {"causal_lowest",  // finite: a row of nothing else is uniform
         [](CapturedMemory&) {
             return score_mod([](Expr s, Expr, Expr, Expr q, Expr k) {
                 return where((q >= k) & (q % 3 != 0), s, kLowest);
             });
         }},
        {"rows_inf",  // whole rows of -inf
         [](CapturedMemory&) {
             return score_mod(
                 [](Expr s, Expr, Expr, Expr q, Expr) { return where(q % 4 == 1, -kInfinity, s); });
         }},
        {"rows_nan",
         [](CapturedMemory&) {
             return score_mod([](Expr s, Expr, Expr, Expr q, Expr k) {
                 return where((q % 5 == 2) & (k % 7 == 3), std::nan(""), s);
             });
         }},
        {"rows_plus_inf",  // inf - inf: NaN, but for the maximum
         [](CapturedMemory&) {
             return score_mod([](Expr s, Expr, Expr, Expr q, Expr k) {
                 return where((q % 5 == 2) & (k % 7 == 3), kInfinity, s);
             });
         }},
        {"distance",
         [](CapturedMemory&) {
             return score_mod(
                 [](Expr s, Expr, Expr, Expr q, Expr k) { return s - abs(q - k) / 16; });
         }},
        {"head_gate",
         [](CapturedMemory& m) {
             const Buffer gate = m.normal(DType::bf16, {m.shape.B, m.shape.Hq});
             return score_mod([gate](Expr s, Expr b, Expr h, Expr, Expr) {
                 return s * sigmoid(gate(b, h)) + gate[b][h];
             });
         }},
        {"bias",
         [](CapturedMemory& m) {
             const Buffer bias = m.normal(DType::f32, {m.shape.Sq, m.shape.kv_len()});
             return score_mod(
                 [bias](Expr s, Expr, Expr, Expr q, Expr k) { return s + bias(q, k); });
         }},
        {"bias_f16",
         [](CapturedMemory& m) {
             const Buffer bias =
                 m.normal(DType::f16, {m.shape.B, m.shape.Hq, m.shape.Sq, m.shape.kv_len()});
             return score_mod(
                 [bias](Expr s, Expr b, Expr h, Expr q, Expr k) { return s + bias(b, h, q, k); });
         }},
        {"rows_and_columns",
         [](CapturedMemory& m) {
             const Buffer row = m.normal(DType::f32, {m.shape.Sq});
             const Buffer column = m.normal(DType::f64, {m.shape.kv_len()});
             return score_mod([row, column](Expr s, Expr, Expr, Expr q, Expr k) {
                 return s + row[q] - to_float(column[k] > 0);
             });
         }},
        {"chained",  // a gather whose index is gathered, and leaves the range
         [](CapturedMemory& m) {
             const Buffer index = m.integers(DType::i16, {m.shape.kv_len()}, -9, 9);
             const Buffer table = m.normal(DType::f32, {5});
             return score_mod(
                 [index, table](Expr s, Expr, Expr, Expr, Expr k) { return s + table[index[k]]; });
         }},
        {"zero_dim",
         [](CapturedMemory& m) {
             const Buffer temperature = m.normal(DType::f32, {});
             return score_mod([temperature](Expr s, Expr, Expr, Expr, Expr) {
                 return s * temperature.gather({});
             });
         }},
        {"scalars",
         [](CapturedMemory&) {
             const Scalar factor = scalar(0.75), shift = scalar(3);
             return score_mod([factor, shift](Expr s, Expr, Expr, Expr q, Expr k) {
                 return s * factor + (q - k) % shift;
             });
         }},
        {"functions",
         [](CapturedMemory&) {
             return score_mod([](Expr s, Expr, Expr, Expr q, Expr k) {
                 return sin(s) + cos(s * 2) + exp(-abs(s)) + log1p(abs(s)) + erf(s) + tanh(s) +
                        sqrt(abs(s)) + exp2(-abs(q - k) / 8) + log2(1 + to_float(abs(q - k)));
             });
         }},
        {"silu",
         [](CapturedMemory&) {
             return score_mod([](Expr s, Expr, Expr, Expr, Expr) { return s * sigmoid(s); });
         }},
        {"natten",
         [](CapturedMemory&) {
             return score_mod([](Expr s, Expr, Expr, Expr q, Expr k) {
                 const Expr dx = q / 8 - k / 8;
                 const Expr dy = q % 8 - k % 8;
                 return where((abs(floor(dx)) <= 3) & (abs(dy) <= 3), s, s - 4);
             });
         }},
        {"key_bias",
         [](CapturedMemory& m) {
             const Buffer bias = m.normal(DType::f32, {m.shape.kv_len()});
             return score_mod([bias](Expr s, Expr, Expr, Expr, Expr k) { return s + bias[k]; });
         }},
        {"query_gate",
         [](CapturedMemory& m) {
             const Buffer gate = m.normal(DType::f16, {m.shape.B, m.shape.Sq});
             return score_mod(
                 [gate](Expr s, Expr b, Expr, Expr q, Expr) { return s * gate(b, q); });
         }},
        {"head_diagonals",
         [](CapturedMemory& m) {
             const std::int64_t keys = m.shape.kv_len();
             const Buffer table = m.normal(DType::f32, {m.shape.Hq, m.shape.Sq + keys});
             return score_mod([table, keys](Expr s, Expr, Expr h, Expr q, Expr k) {
                 return s + table(h, q - k + keys);
             });
         }},
        {"buckets",  // a table by a function of the distance
         [](CapturedMemory& m) {
             const Buffer table = m.normal(DType::bf16, {6, m.shape.Hq});
             return score_mod([table](Expr s, Expr, Expr h, Expr q, Expr k) {
                 return s + table(to_i32(log2(to_float(1 + abs(q - k)))), h);
             });
         }},
        {"antidiagonals",
         [](CapturedMemory& m) {
             const Buffer table = m.normal(DType::f32, {m.shape.Sq + m.shape.kv_len()});
             return score_mod(
                 [table](Expr s, Expr, Expr, Expr q, Expr k) { return s * table[q + k]; });
         }},
        {"bias_bf16",  // shared by the batch
         [](CapturedMemory& m) {
             const Buffer bias = m.normal(DType::bf16, {m.shape.Hq, m.shape.Sq, m.shape.kv_len()});
             return score_mod(
                 [bias](Expr s, Expr, Expr h, Expr q, Expr k) { return s + bias(h, q, k); });
         }},
        {"bias_transposed",
         [](CapturedMemory& m) {
             const Buffer bias = m.normal(DType::f32, {m.shape.kv_len(), m.shape.B, m.shape.Sq});
             return score_mod(
                 [bias](Expr s, Expr b, Expr, Expr q, Expr k) { return s * bias(k, b, q); });
         }},
        {"bias_small",  // every index past the end reads the last element
         [](CapturedMemory& m) {
             const Buffer bias = m.normal(DType::f32, {20, 30});
             return score_mod(
                 [bias](Expr s, Expr, Expr, Expr q, Expr k) { return s + bias(q, k); });
         }},
        {"two_gathers",
         [](CapturedMemory& m) {
             const Buffer table = m.normal(DType::f32, {std::max(m.shape.Sq, m.shape.kv_len())});
             return score_mod([table](Expr s, Expr, Expr, Expr q, Expr k) {
                 return s * table[q] + table[k] * table[0];
             });
         }},
        {"document_pairs",
         [](CapturedMemory& m) {
             const Buffer document = m.documents(std::max(m.shape.Sq, m.shape.kv_len()), 5);
             const Buffer table = m.normal(DType::f32, {5, 5});
             return score_mod([document, table](Expr s, Expr, Expr, Expr q, Expr k) {
                 return s + table(document[q], document[k]);
             });
         }},
        {"masked_log",  // NaN, and an infinite derivative, where a causal mask drops the score
         [](CapturedMemory& m) {
             const Buffer slope = m.normal(DType::f32, {m.shape.Hq});
             return score_mod([slope](Expr s, Expr, Expr h, Expr q, Expr k) {
                 return s - slope[h] * sqrt(to_float(q - k)) + log(to_float(q - k + 1));
             });
         }},
        {"composed",
         [](CapturedMemory& m) {
             const ScoreMod inner =
                 compose(scores::softcap(20),
                         scores::relative(m.normal(DType::bf16, {2 * m.shape.Sq}), m.shape.Sq));
             return compose(scores::alibi(m.normal(DType::f32, {m.shape.Hq})), inner);
         }},
    };
    return table;
}

/// A mask_mod and whether the block mask is made per batch and per head.
struct MaskRow {
    MaskMod (*make)(CapturedMemory&);
    bool per_batch = false;
    bool per_head = false;
};

const std::map<std::string, MaskRow>& masks_by_name() {
    static const std::map<std::string, MaskRow> table = {
        {"none", {[](CapturedMemory&) { return MaskMod(); }}},
        {"causal", {[](CapturedMemory&) { return masks::causal(); }}},
        {"causal_from_end", {[](CapturedMemory& m) {
             const Scalar offset = scalar(m.shape.kv_len() - m.shape.Sq);
             return mask_mod([offset](Expr, Expr, Expr q, Expr k) { return q + offset >= k; });
         }}},
        {"anticausal", {[](CapturedMemory&) { return ~masks::causal(); }}},
        {"window", {[](CapturedMemory&) { return masks::sliding_window(37); }}},
        {"prefix", {[](CapturedMemory&) { return masks::prefix(50); }}},
        {"prefix_window",
         {[](CapturedMemory&) { return masks::prefix(20) | masks::sliding_window(9); }}},
        {"document", {[](CapturedMemory& m) {
             return masks::document(m.documents(std::max(m.shape.Sq, m.shape.kv_len()), 5));
         }}},
        {"document_causal", {[](CapturedMemory& m) {
             return masks::document(m.documents(std::max(m.shape.Sq, m.shape.kv_len()), 7)) &
                    masks::causal();
         }}},
        {"lengths",
         {.make =
              [](CapturedMemory& m) {
                  const Buffer length = m.integers(DType::i64, {m.shape.B}, 0, m.shape.kv_len());
                  return mask_mod([length](Expr b, Expr, Expr, Expr k) { return k < length[b]; });
              },
          .per_batch = true}},
        {"head_windows",
         {.make =
              [](CapturedMemory& m) {
                  const Buffer width = m.integers(DType::i32, {m.shape.Hq}, 0, 60);
                  return mask_mod(
                      [width](Expr, Expr h, Expr q, Expr k) { return abs(q - k) <= width[h]; });
              },
          .per_head = true}},
        {"batch_and_head",
         {.make =
              [](CapturedMemory&) {
                  return mask_mod(
                      [](Expr b, Expr h, Expr q, Expr k) { return (q + b) % 3 <= (k + h) % 4; });
              },
          .per_batch = true,
          .per_head = true}},
        {"some_rows",  // fully masked rows inside partial blocks
         {[](CapturedMemory&) {
             return mask_mod([](Expr, Expr, Expr q, Expr k) { return (q % 3 != 1) & (q >= k); });
         }}},
        {"late_rows",  // whole rows of blocks without a block
         {[](CapturedMemory&) {
             return mask_mod([](Expr, Expr, Expr q, Expr k) { return (q >= 40) & (k < 90); });
         }}},
        {"nothing", {[](CapturedMemory&) {
             return mask_mod([](Expr, Expr, Expr q, Expr) { return q < 0; });
         }}},
        {"dilated", {[](CapturedMemory&) {
             return mask_mod([](Expr, Expr, Expr q, Expr k) { return (q - k) % 3 == 0; });
         }}},
        {"table", {[](CapturedMemory& m) {
             const Buffer keep = m.integers(DType::boolean, {m.shape.Sq, m.shape.kv_len()}, 0, 1);
             return mask_mod([keep](Expr, Expr, Expr q, Expr k) { return keep(q, k); });
         }}},
    };
    return table;
}

// A random list of blocks without a mask_mod: the lists are the mask.
BlockMask listed_blocks(CapturedMemory& memory) {
    const AttentionCase& c = memory.shape;
    const BlockSize size = c.block;
    BlockTable table;
    table.B = c.B;
    table.H = c.Hq;
    table.rows = (c.Sq + size.q - 1) / size.q;
    table.cols = (c.kv_len() + size.kv - 1) / size.kv;
    for (std::int64_t row = 0; row < table.B * table.H * table.rows; ++row) {
        std::vector<std::int32_t> listed, others;
        for (std::int32_t i = 0; i < table.cols; ++i) {
            (memory.random() % 2 ? listed : others).push_back(i);
        }
        table.num_blocks.push_back(static_cast<std::int32_t>(listed.size()));
        table.indices.insert(table.indices.end(), listed.begin(), listed.end());
        table.indices.insert(table.indices.end(), others.begin(), others.end());
    }
    return BlockMask::from_kv_blocks(table, nullptr, size, {}, c.Sq, c.kv_len());
}

}  // namespace

Buffer CapturedMemory::normal(DType dtype, const std::vector<std::int64_t>& extents) {
    HostTensor& tensor = tensors_.emplace_back(dtype, extents);
    tensor.fill_normal(random);
    return buffer(tensor.view());
}

Buffer CapturedMemory::integers(DType dtype, const std::vector<std::int64_t>& extents,
                                std::int64_t low, std::int64_t high) {
    HostTensor& tensor = tensors_.emplace_back(dtype, extents);
    tensor.fill_integers(random, low, high);
    return buffer(tensor.view());
}

Buffer CapturedMemory::documents(std::int64_t length, int count) {
    std::vector<std::int64_t> starts;
    for (int i = 1; i < count; ++i) {
        starts.push_back(std::uniform_int_distribution<std::int64_t>(0, length)(random));
    }
    std::sort(starts.begin(), starts.end());
    HostTensor& tensor = tensors_.emplace_back(DType::i32, std::vector<std::int64_t>{length});
    for (std::int64_t i = 0; i < length; ++i) {
        tensor.set_integer(i, std::upper_bound(starts.begin(), starts.end(), i) - starts.begin());
    }
    return buffer(tensor.view());
}

ScoreMod make_score_mod(const std::string& name, CapturedMemory& memory) {
    if (name.starts_with("random")) return random_score_mod(memory);
    return score_mods().at(name)(memory);
}

BlockMask make_block_mask(const std::string& name, CapturedMemory& memory) {
    if (name == "none") return {};
    if (name == "listed_blocks") return listed_blocks(memory);
    const MaskRow& row = masks_by_name().at(name);
    const AttentionCase& c = memory.shape;
    const auto given = [](bool wanted, std::int64_t extent) {
        return wanted ? std::optional<std::int64_t>(extent) : std::nullopt;
    };
    return create_block_mask(row.make(memory), given(row.per_batch, c.B), given(row.per_head, c.Hq),
                             c.Sq, c.kv_len(), c.block);
}

std::vector<std::string> score_mod_names() {
    std::vector<std::string> names;
    for (const auto& [name, make] : score_mods()) names.push_back(name);
    return names;
}

std::vector<std::string> mask_names() {
    std::vector<std::string> names{"listed_blocks"};
    for (const auto& [name, row] : masks_by_name()) names.push_back(name);
    return names;
}

}  // namespace flexion::test
