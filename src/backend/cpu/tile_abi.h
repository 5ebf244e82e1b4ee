// SPDX-License-Identifier: Apache-2.0
// The boundary between ahead-of-time micro-kernels and the compiled tile pass. Any change here
// raises kTileAbi, which is part of every disk key.
//
// The tile pass turns a tile of raw scores q.k into P, in place or into 16-bit pairs, keeping the
// online softmax's running maximum and sum (Dao, "FlashAttention-2", 2023, algorithm 1):
//   x = where(mask, score_mod(s * scale), -inf);  m' = max(m, x);  alpha = e^(m - m')
//   P = e^(x - m');  l = l * alpha + sum P
// Two maps of positions to the tile:
//   panel   lanes are queries, rows are keys: s[row][lane], lanes_per_panel lanes a row; one state
//           (m, l, alpha) per lane. For prefill.
//   stream  lanes are keys, rows are (head, query) pairs: s[row][key], one call a row; m, l, alpha
//           are single values. For decode.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace flexion::cpu {

inline constexpr int kTileAbi = 6;

/// Where a tile lies in (b, h, q, k), the logical coordinates that mods see.
struct TileArgs {
    /// What raw scores are multiplied by (f64 problems: scale64). The forward pass of the panel map
    /// does not read it but for pairs: there the queries were.
    float scale;
    std::int32_t b;
    std::int32_t h;
    std::int32_t q0;     ///< panel: query of lane 0; stream: the query
    std::int32_t k0;     ///< key of row 0 (panel) or lane 0 (stream)
    std::int32_t rows;   ///< keys in this tile, >= 1. panel: exactly so many rows are touched
    std::int32_t lanes;  ///< panel: queries in this panel, 1..lanes_per_panel; gathers of lanes
                         ///< past it must not leave the buffer, their results are ignored
    std::int32_t pad;
    double scale64;
};

/// Captured buffers and scalars as 64-bit words, in this order (pack_captures in tile_kernel.h):
///   word 0                  the table of vector functions (VectorFunctions*); its layout counts,
///   too then for the score_mod, if any, and after it for the mask_mod, if any: per buffer, rank r:
///   data pointer, r extents, r strides (elements) per scalar:             the value in its IR type
///   (f32 and i32 in the low half)
using Word = std::uint64_t;

/// s: panel [rows][lanes_per_panel], stream [rows rounded up to lanes_per_panel]; f32 (f64
/// problems: double), 64-byte aligned. p: equal to s, P in place, but for the panel map of
/// PFormat::bf16_pairs: [ceil(rows/2)][lanes_per_panel] words, low half row 2i, high half row 2i+1
/// (0 past the end). Elements of s past `rows` (stream) may hold anything; those of P are 0. m, l,
/// alpha: lanes_per_panel floats (doubles), or one. m starts at -inf and l at 0.
using TilePass = void (*)(void* s, void* p, void* m, void* l, void* alpha, const TileArgs* args,
                          const Word* captures);

/// Mask only: bit 0 some element of rows x lanes is true, bit 1 all are; q0, lanes (any count >= 1)
/// are the queries, k0, rows the keys.
using MaskPass = std::uint32_t (*)(const TileArgs* args, const Word* captures);

/// What a backward pass reads and writes besides its two tiles; panel map. Rows of P and dS lie
/// `row_stride` bytes apart, so that the panels of one tile of queries can be side by side. Scalars
/// of rows: the problem's dtype where PFormat is bf16_pairs, else those of the tiles.
struct BackwardTile {
    const void* lse;    ///< per lane; +inf: no score of this lane counts (P and dS are exactly 0)
    const void* delta;  ///< per lane: sum of out * d_out, minus d_lse
    void* p;            ///< [rows] of lanes: P; Problem::wants_p
    void* ds;           ///< [rows] of lanes: dS; Problem::wants_ds
    std::int64_t row_stride;    ///< bytes
    void* ds_panel;             ///< wants_ds, bf16_pairs: dS once more, in pairs like P's
    void* values;               ///< per gather: [rows][lanes]: g * (d score / d element)
    std::int64_t value_bytes;   ///< from one gather's values to the next one's
    std::int32_t* offsets;      ///< per gather: up to [rows][lanes] elements
    std::int64_t offset_bytes;  ///< from one gather's offsets to the next one's
};

/// s: scores q.k, dp: d_out.v, both [rows][lanes_per_panel], 64-byte aligned. dp is not read unless
/// wants_ds or a gather needs it. dS is the gradient of q.k without the factor `scale`. Offsets are
/// those of a contiguous copy of the gather's buffer, of fewer than 2^31 elements, by GatherSum
/// (tile_kernel.h): all [1], rows [lanes], lanes [rows], distances and scattered [rows][lanes],
/// else none.
using BackwardPass = void (*)(const void* s, const void* dp, const BackwardTile* tile,
                              const TileArgs* args, const Word* captures);

enum class TileMap : std::uint8_t { panel, stream };
/// bf16_pairs: bf16 problems on avx512_bf16, panel map only (decode is bound by memory and keeps
/// f32).
enum class PFormat : std::uint8_t { f32, bf16_pairs, f64 };

/// What fixes the shape of a compiled tile pass besides the mods.
enum class Isa : std::uint8_t { portable, avx2, avx512, avx512_bf16 };
inline constexpr Isa kIsas[] = {Isa::portable, Isa::avx2, Isa::avx512, Isa::avx512_bf16};
const char* name_of(Isa isa);
/// The one that name_of() calls `name`.
std::optional<Isa> find_isa(std::string_view name);
/// f32 lanes of a panel: 32 for both AVX-512 forms, 16 for AVX2, 8 for portable; f64: half of it.
constexpr int lanes_per_panel(Isa isa) {
    return isa >= Isa::avx512 ? 32 : isa == Isa::avx2 ? 16 : 8;
}
constexpr int vector_lanes(Isa isa) { return lanes_per_panel(isa) / 2; }

/// Whether this build has its kernels.
bool is_built(Isa isa);
/// Whether this machine and this build have it.
bool has_isa(Isa isa);
/// The best one that this machine and this build have, or the one forced by FLEXION_CPU_ISA;
/// Unsupported when they lack that.
Isa detect_isa();

}  // namespace flexion::cpu
