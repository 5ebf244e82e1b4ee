// SPDX-License-Identifier: Apache-2.0
// One row of blocks of one (batch, head): the keys that its queries visit, read into doubles.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ir/interpret.h"
#include "plan/launch.h"
#include "support/env.h"

namespace flexion::reference {

/// Queries of a row of blocks; without a block mask any number serves.
inline std::int64_t rows_per_block(const plan::LaunchArgs& args) {
    return args.block_mask ? args.block_mask->block_size().q : 128;
}

/// For interpreters: in debug mode an index out of range is an error of the public function
/// `where`.
inline const char* checked_for(const char* where) { return settings().debug ? where : nullptr; }

/// Row `i` of the matrix (b, h) of a rank-4 tensor.
std::vector<double> read_row(const TensorView& view, std::int64_t b, std::int64_t h,
                             std::int64_t i);

/// Offset of row `i` of the matrix (b, h); rank 3: of its element.
inline std::int64_t row_offset(const TensorView& view, std::int64_t b, std::int64_t h,
                               std::int64_t i) {
    return b * view.strides[0] + h * view.strides[1] + i * view.strides[2];
}

class BlockRow {
public:
    /// `where`: the public function that is called.
    BlockRow(const plan::LaunchArgs& args, std::int64_t b, std::int64_t h, std::int64_t row,
             const char* where);

    std::int64_t b() const { return b_; }
    std::int64_t h() const { return h_; }
    std::int64_t kv_batch() const { return args_.k.shape[0] == 1 ? 0 : b_; }
    std::int64_t kv_head() const { return h_ / (args_.q_heads() / args_.kv_heads()); }
    /// Queries [first, last).
    std::int64_t first() const { return first_; }
    std::int64_t last() const { return last_; }

    /// The visited keys, ascending; `j` below counts them.
    const std::vector<std::int32_t>& keys() const { return keys_; }
    std::size_t count() const { return keys_.size(); }
    std::vector<double> key(std::size_t j) const;
    const std::vector<double>& value(std::size_t j) const { return values_[j]; }

    /// scale * q.k of query `q` with every visited key.
    std::vector<double> products(std::int64_t q) const;
    /// Where mods are evaluated for query `q`: at every visited key. `scores` must stay.
    ir::Positions positions(std::int64_t q, const std::vector<double>& scores) const;
    /// Sets the scores that the mask_mod drops to -inf.
    void mask(std::int64_t q, std::vector<double>& scores);

private:
    void visit(std::int64_t row);

    const plan::LaunchArgs& args_;
    const std::int64_t b_, h_, first_, last_;
    std::vector<std::int32_t> keys_;
    std::vector<bool> partial_;        // whether the mask_mod decides about a key
    std::vector<double> key_columns_;  // [head_dim][visited], so that a row of scores is one sweep
    std::vector<std::vector<double>> values_;  // [visited][v_head_dim]
    std::optional<ir::Interpreter> mask_mod_;
};

}  // namespace flexion::reference
