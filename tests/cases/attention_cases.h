// SPDX-License-Identifier: Apache-2.0
// The one list of attention cases that every back end runs against the reference.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <flexion/block_mask.h>
#include <flexion/tensor.h>

#include "cases/host_tensor.h"

namespace flexion::test {

struct AttentionCase {
    DType dtype = DType::f32;
    std::int64_t B = 1, Hq = 1, Hkv = 0, Sq = 1, Skv = 0, D = 16, Dv = 0;  ///< 0: as q's
    bool broadcast_kv = false;                                             ///< Bkv = 1
    std::string score = "none", mask = "none";                             ///< names in mods.h
    BlockSize block = {};
    Layout layout = Layout::dense;
    double scale = 0;
    bool in_short_list = false;

    std::int64_t kv_batch() const { return broadcast_kv ? 1 : B; }
    std::int64_t kv_heads() const { return Hkv ? Hkv : Hq; }
    std::int64_t kv_len() const { return Skv ? Skv : Sq; }
    std::int64_t v_head_dim() const { return Dv ? Dv : D; }
    /// Letters, digits and _ only.
    std::string name() const;
};
/// What GoogleTest prints.
inline void PrintTo(const AttentionCase& c, std::ostream* out) { *out << c.name(); }

/// Every case; names are unique.
const std::vector<AttentionCase>& attention_cases();
/// Those for builds with sanitizers, which have every mod and layout, and the others.
std::vector<AttentionCase> short_attention_cases();
std::vector<AttentionCase> long_attention_cases();

}  // namespace flexion::test
