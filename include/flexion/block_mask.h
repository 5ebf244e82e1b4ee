// SPDX-License-Identifier: Apache-2.0
// Which blocks of the score matrix a mask leaves empty, fills, or cuts. The sparse structure that
// every kernel iterates over; see "FlexAttention", section 3.2, for the format it extends.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <flexion/export.h>
#include <flexion/expr.h>
#include <flexion/tensor.h>

namespace FLEXION_PUBLIC flexion {

struct BlockSize {
    std::int64_t q = 128;
    std::int64_t kv = 128;
    bool operator==(const BlockSize&) const = default;
};

/// A run of neighbouring key/value blocks [begin, end) of one row of blocks, all full or all
/// partial. Eight bytes, so that the runs of a mask stay small: the flag is the top bit of the
/// first word.
class BlockRun {
public:
    BlockRun() = default;
    /// 0 <= begin < end.
    constexpr BlockRun(std::int32_t begin, std::int32_t end, bool full)
        : begin_and_full_(static_cast<std::uint32_t>(begin) | (full ? kFull : 0u)), end_(end) {}
    constexpr std::int32_t begin() const {
        return static_cast<std::int32_t>(begin_and_full_ & ~kFull);
    }
    constexpr std::int32_t end() const { return end_; }
    constexpr std::int32_t count() const { return end_ - begin(); }
    /// Every element of every block is real and true: no mask is needed there.
    constexpr bool full() const { return (begin_and_full_ & kFull) != 0; }
    bool operator==(const BlockRun&) const = default;

private:
    static constexpr std::uint32_t kFull = 0x8000'0000u;
    std::uint32_t begin_and_full_ = 0;
    std::int32_t end_ = 0;
};
static_assert(sizeof(BlockRun) == 8);

/// Torch's tables: per row of blocks the number of listed blocks and their indices (the listed ones
/// ascending, then the others ascending). Shapes [B, H, rows] and [B, H, rows, cols], row-major.
struct BlockTable {
    std::int64_t B = 0, H = 0, rows = 0, cols = 0;
    std::vector<std::int32_t> num_blocks;
    std::vector<std::int32_t> indices;
};

/// An immutable block mask; cheap to copy. B and H are 1 where the mask is broadcast.
class BlockMask {
public:
    BlockMask() = default;
    explicit operator bool() const { return rep_ != nullptr; }

    std::int64_t B() const;
    std::int64_t H() const;
    std::int64_t q_len() const;
    std::int64_t kv_len() const;
    BlockSize block_size() const;
    std::int64_t q_blocks() const;   ///< ceil(q_len / block_size.q)
    std::int64_t kv_blocks() const;  ///< ceil(kv_len / block_size.kv)
    /// The mask_mod that is evaluated inside partial blocks; empty when the lists are the mask.
    const MaskMod& mask_mod() const;

    /// The runs of one row of blocks, ascending and disjoint; b < B(), h < H(), row < q_blocks().
    std::span<const BlockRun> row(std::int64_t b, std::int64_t h, std::int64_t row) const;
    /// Number of blocks in row's runs (full and partial).
    std::int64_t blocks_in_row(std::int64_t b, std::int64_t h, std::int64_t row) const;
    bool has_partial_blocks() const;
    /// True when the mask_mod reads b (h) although the mask was built for one b (h) only: it must
    /// not be used with more. Never true of a mask from tables, whose lists are the user's word.
    bool broadcasts_read_b() const;
    bool broadcasts_read_h() const;

    // Torch's tables, made from the runs at each call. `full` chooses the list.
    BlockTable kv_table(bool full) const;  ///< kv_num_blocks, kv_indices / full_kv_*
    BlockTable q_table(bool full) const;   ///< q_num_blocks, q_indices / full_q_*: transposed

    /// Percentage of the q_len x kv_len elements in no listed block; may be negative when ragged.
    double sparsity() const;
    /// Block-level matrix [B, H, q_blocks, kv_blocks]: 1 where a block is listed.
    std::vector<std::uint8_t> to_dense() const;
    /// Torch's picture: two glyphs a cell, U+2588 listed, space empty, U+2591 mixed after
    /// down-sampling to `grid` rows and columns (-1: full resolution); at most `limit` pictures.
    std::string to_string(int grid_rows = 20, int grid_cols = 20, int limit = 4) const;
    /// What Python's str() of torch's mask is: shape, sparsity and the pictures of to_string().
    std::string str() const;
    /// One picture of (b, h): empty, partial, full; proved by intervals or evaluated.
    std::string to_svg(std::int64_t b = 0, std::int64_t h = 0) const;

    /// The upper left corner for shorter lengths, as torch's _adjust; blocks that the new lengths
    /// cut become partial. UserError when a length grows.
    BlockMask adjust(std::int64_t q_len, std::int64_t kv_len) const;
    /// The batches, heads and rows of blocks with these indices, in that order, repeats allowed
    /// (absent: all), as torch's indexing. The result has no mask_mod, whose b, h and q would mean
    /// something else there: the lists are the mask until with_mask_mod. Its q_len defaults to as
    /// many whole blocks as rows are named. UserError when an index leaves its range or q_len does
    /// not need that number of rows.
    using Selection = std::optional<std::span<const std::int64_t>>;
    BlockMask select(Selection b, Selection h, Selection rows,
                     std::optional<std::int64_t> q_len = {}) const;
    /// The same structure under another mask_mod.
    BlockMask with_mask_mod(MaskMod mask_mod) const;
    /// Bytes held by the runs.
    std::int64_t bytes() const;
    /// Blocks decided by intervals alone, and blocks evaluated element by element at creation; 0
    /// and 0 of a mask from tables. Counted once where the mask_mod does not read b or h.
    std::int64_t blocks_proved() const;
    std::int64_t blocks_evaluated() const;

    /// From torch's tables. `full` may be absent. Without a mask_mod, listed blocks are the mask.
    /// Lengths default to rows * block_size.q and to partial.cols * block_size.kv; cols may be less
    /// than the blocks of keys when kv_len is given. The mask_mod must be true all over a block in
    /// `full`; one that the lengths cut becomes partial. UserError when tables disagree, list a
    /// block twice, or indices leave their range.
    static BlockMask from_kv_blocks(const BlockTable& partial, const BlockTable* full,
                                    BlockSize block_size, MaskMod mask_mod,
                                    std::optional<std::int64_t> q_len = {},
                                    std::optional<std::int64_t> kv_len = {});

    struct Rep;
    explicit BlockMask(std::shared_ptr<const Rep> rep) : rep_(std::move(rep)) {}
    const Rep& rep() const { return *rep_; }

private:
    std::shared_ptr<const Rep> rep_;
};

/// Decides every block of mask_mod: a quadtree over interval arithmetic proves most of them, the
/// undecided blocks are evaluated exactly. B, H empty: broadcast (stored as 1). Captured contents
/// and scalars are those of this moment; the mask_mod stays live and reads its buffers at each
/// call. UserError when q_len or kv_len is negative or a block size is not positive.
BlockMask create_block_mask(const MaskMod& mask_mod, std::optional<std::int64_t> B,
                            std::optional<std::int64_t> H, std::int64_t q_len, std::int64_t kv_len,
                            BlockSize block_size = {});

/// The intersection (union) of two masks of equal lengths and block size; B and H broadcast. A
/// block that is partial in both stays partial under both mask_mods. UserError when shapes disagree
/// or one mask reads b (h) without B (H) and the other has it. Unsupported: a union with a mask
/// from tables that leaves out blocks in which its mask_mod may be true, where no mask_mod
/// describes the result.
BlockMask operator&(const BlockMask& a, const BlockMask& b);
BlockMask operator|(const BlockMask& a, const BlockMask& b);

/// mask_mod as a dense [B, H, q_len, kv_len] array of 0 and 1.
std::vector<std::uint8_t> create_mask(const MaskMod& mask_mod, std::int64_t B, std::int64_t H,
                                      std::int64_t q_len, std::int64_t kv_len);

}  // namespace flexion
