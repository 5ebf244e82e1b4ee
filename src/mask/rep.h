// SPDX-License-Identifier: Apache-2.0
// What a BlockMask holds.
#pragma once

#include <cstdint>

#include <flexion/block_mask.h>

#include "mask/runs.h"

namespace flexion::mask {

/// passes::Depends bits of a mask_mod's result; an empty one depends on nothing.
std::uint8_t dependence(const MaskMod& mask_mod);

}  // namespace flexion::mask

namespace flexion {

/// Immutable once a BlockMask holds it. Planes are the (b, h) that differ: a mask whose mod does
/// not read b keeps one plane for all b.
struct BlockMask::Rep {
    std::int64_t B = 1, H = 1;
    std::int64_t q_len = 0, kv_len = 0;
    BlockSize block_size;
    MaskMod mask_mod;

    std::int64_t plane_stride_b = 0, plane_stride_h = 0;  ///< in planes; 0: shared
    mask::RunRows listed;                                 ///< planes * q_blocks() rows
    mask::RunRows
        evaluated;  ///< blocks that intervals left undecided, whatever came out; never full()
    bool has_partial_blocks = false;

    bool from_tables = false;               ///< the lists are a user's word, nothing was proved
    bool reads_b = false, reads_h = false;  ///< see BlockMask::broadcasts_read_b
    /// The mask_mod is false in every block that is not listed.
    bool lists_cover_mod = false;

    std::int64_t q_blocks() const { return (q_len + block_size.q - 1) / block_size.q; }
    std::int64_t kv_blocks() const { return (kv_len + block_size.kv - 1) / block_size.kv; }
    /// Blocks of rows and of columns that lie inside the lengths as a whole.
    std::int64_t whole_q_blocks() const { return q_len / block_size.q; }
    std::int64_t whole_kv_blocks() const { return kv_len / block_size.kv; }

    std::int64_t planes() const {
        return (plane_stride_b > 0 ? B : 1) * (plane_stride_h > 0 ? H : 1);
    }
    std::int64_t plane(std::int64_t b, std::int64_t h) const {
        return b * plane_stride_b + h * plane_stride_h;
    }
    /// How many (b, h) share one plane.
    std::int64_t sharing() const { return B * H / planes(); }
    void note_partial_blocks();
    /// Sets the strides for planes in the order b, h.
    void set_planes(bool per_b, bool per_h) {
        plane_stride_h = per_h ? 1 : 0;
        plane_stride_b = per_b ? (per_h ? H : 1) : 0;
    }
};

}  // namespace flexion
