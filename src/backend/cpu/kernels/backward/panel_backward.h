// SPDX-License-Identifier: Apache-2.0
// One task of the backward pass: chunks of keys in turn, and for each all tiles of queries that
// visit it (Dao, "FlashAttention-2", 2023, algorithm 2, with the scores transposed).
#pragma once

#include "backend/cpu/kernels/backward/buffer_sums.h"
#include "backend/cpu/kernels/backward/split.h"
#include "backend/cpu/kernels/call.h"

namespace flexion::cpu {

/// What the tasks of a call share, read only but for what each task alone writes: d_k, d_v, the dQ
/// of its group, its copy of the buffers' gradients.
struct BackwardCall {
    const plan::BackwardArgs& args;
    TensorView d_out;  ///< with data: rows of zeros where the loss has none
    const PanelKernels& panel;
    const BackwardKernels& kernels;
    const Tiling& tiling;
    const Split& split;
    const Passes& passes;
    const BufferSums& buffers;
    const char* statistics;  ///< per head and panel: lse, then delta, of its lanes
    char* d_q;               ///< per group, head and panel: [head_dim][lanes]
    char* touched;           ///< per group, head and panel: 1 where that has been written

    bool wants_p() const { return args.d_v.data != nullptr; }
    bool wants_ds() const { return args.d_q.data != nullptr || args.d_k.data != nullptr; }
    bool wants_g() const { return wants_ds() || !buffers.empty(); }
    std::int64_t lane_bytes() const { return std::int64_t{panel.lanes} * panel.scalar_bytes; }
    std::int64_t d_q_panel_bytes() const { return args.call.head_dim() * lane_bytes(); }
    /// Index of a panel over batch and heads, and over groups.
    std::int64_t panel_index(std::int64_t b, std::int64_t h, std::int64_t p) const {
        return (b * args.call.q_heads() + h) * tiling.panels() + p;
    }
    std::int64_t all_panels() const {
        return args.call.batch() * args.call.q_heads() * tiling.panels();
    }
};

inline constexpr int kPieceKeys = 128;   ///< rows of the tiles S and dP: both stay in L1
inline constexpr int kTileQueries = 64;  ///< steps of the products dV and dK
inline constexpr int kPanelsAtOnce = 2;  ///< that share what S and dP read of K and V
/// Columns of Q or dO that share what dK or dV read of dS or P: they stay in L1.
inline constexpr std::size_t kColumnBytes = 16 << 10;
inline constexpr int kMostPanels = 16;  ///< of a tile: f64 panels of 4 lanes

class PanelBackward {
public:
    explicit PanelBackward(const BackwardCall& call);
    std::size_t scratch_bytes() const { return scratch_bytes_; }
    void run(const Split::Task& task) const;

private:
    struct State;
    /// Keys of a chunk [first, first + rows) in one state.
    struct KeyPiece {
        int first, rows;
        bool partial;
    };
    /// Where a panel's tiles are: P and dS from `row` on, S and dP those of its turn.
    struct TilePlace {
        int place;  ///< of the panel among those of its tile
        int turn;   ///< among the panels whose scores were made together
        int row;
    };

    void chunk(State& state, std::int64_t pair) const;
    void stage(State& state) const;
    void head(State& state, std::int64_t b, std::int64_t h) const;
    void look_ahead(State& state, std::int64_t first, std::int64_t end) const;
    void tile(State& state, const Piece& queries, std::int64_t panel, int count) const;
    void pack(State& state, std::int64_t panel, int count) const;
    void keys(State& state, const Piece& queries, std::int64_t panel, int count,
              const KeyPiece& piece) const;
    TileArgs tile_args(const State& state, std::int64_t panel, const KeyPiece& piece) const;
    Passes::Span scores(const State& state, std::int64_t panel, int place, int count,
                        const KeyPiece& piece) const;
    void panel(State& state, const Piece& queries, std::int64_t panel, int place, int turn,
               const KeyPiece& piece, const Passes::Span& span) const;
    void pass(State& state, const Piece& queries, const TileArgs& args, const TilePlace& at,
              std::int64_t index, bool partial, BackwardTile& tile) const;
    void add_d_q(State& state, std::int64_t index, const KeyPiece& piece,
                 const BackwardTile& tile) const;
    void clear_rows(State& state, int place, int begin, int end) const;
    void add_columns(State& state, std::size_t rows_at, std::size_t columns_at, std::size_t sums_at,
                     int columns, int count, const KeyPiece& piece) const;
    void write(const State& state) const;

    const BackwardCall& call_;
    int depth_, width_, depth_steps_, width_steps_, depth_columns_, width_columns_;
    int tile_panels_;
    std::int64_t group_;
    bool pairs_, stage_keys_, stage_values_;
    std::int64_t key_stride_, value_stride_, pair_stride_, row_stride_;
    std::size_t lane_bytes_, query_bytes_, d_out_bytes_, in_row_bytes_, tile_bytes_;
    std::size_t queries_at_, d_outs_at_, query_columns_at_, d_out_columns_at_, s_at_, dp_at_,
        pairs_at_, p_rows_at_, ds_rows_at_, keys_at_, values_at_, key_pairs_at_, odd_pairs_at_,
        d_k_at_, d_v_at_, gather_values_at_, gather_offsets_at_, gather_scratch_at_;
    std::size_t scratch_bytes_;
};

}  // namespace flexion::cpu
