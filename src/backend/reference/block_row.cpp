// SPDX-License-Identifier: Apache-2.0
// Walks the lists of a block mask, and evaluates scores and the mask_mod.
#include "backend/reference/block_row.h"

#include <algorithm>
#include <limits>

#include "backend/reference/elements.h"

namespace flexion::reference {

std::vector<double> read_row(const TensorView& view, std::int64_t b, std::int64_t h,
                             std::int64_t i) {
    std::vector<double> row(static_cast<std::size_t>(view.shape[3]));
    const std::int64_t start = row_offset(view, b, h, i);
    for (std::int64_t d = 0; d < view.shape[3]; ++d) {
        row[d] = read_element(view, start + d * view.strides[3]);
    }
    return row;
}

BlockRow::BlockRow(const plan::LaunchArgs& args, std::int64_t b, std::int64_t h, std::int64_t row,
                   const char* where)
    : args_(args),
      b_(b),
      h_(h),
      first_(row * rows_per_block(args)),
      last_(std::min(first_ + rows_per_block(args), args.q_len())) {
    visit(row);
    if (args.mods.mask) {
        mask_mod_.emplace(*args.mods.mask, *args.mods.mask_captures, ir::Precision::oracle,
                          checked_for(where));
    }
    key_columns_.resize(count() * static_cast<std::size_t>(args.head_dim()));
    values_.reserve(count());
    for (std::size_t j = 0; j < count(); ++j) {
        const std::vector<double> key = read_row(args.k, kv_batch(), kv_head(), keys_[j]);
        for (std::size_t d = 0; d < key.size(); ++d) key_columns_[d * count() + j] = key[d];
        values_.push_back(read_row(args.v, kv_batch(), kv_head(), keys_[j]));
    }
}

void BlockRow::visit(std::int64_t row) {
    const auto add = [&](std::int64_t begin, std::int64_t end, bool partial) {
        for (std::int64_t k = begin; k < std::min(end, args_.kv_len()); ++k) {
            keys_.push_back(static_cast<std::int32_t>(k));
            partial_.push_back(partial);
        }
    };
    const BlockMask* mask = args_.block_mask;
    if (!mask) return add(0, args_.kv_len(), false);
    const std::int64_t size = mask->block_size().kv;
    for (const BlockRun& run : mask->row(mask->B() == 1 ? 0 : b_, mask->H() == 1 ? 0 : h_, row)) {
        add(run.begin() * size, run.end() * size, !run.full());
    }
}

std::vector<double> BlockRow::key(std::size_t j) const {
    std::vector<double> key(static_cast<std::size_t>(args_.head_dim()));
    for (std::size_t d = 0; d < key.size(); ++d) key[d] = key_columns_[d * count() + j];
    return key;
}

std::vector<double> BlockRow::products(std::int64_t q) const {
    std::vector<double> scores(count(), 0.0);
    const std::vector<double> query = read_row(args_.q, b_, h_, q);
    for (std::size_t d = 0; d < query.size(); ++d) {
        for (std::size_t j = 0; j < count(); ++j)
            scores[j] += query[d] * key_columns_[d * count() + j];
    }
    for (double& s : scores) s *= args_.scale;
    return scores;
}

ir::Positions BlockRow::positions(std::int64_t q, const std::vector<double>& scores) const {
    ir::Positions positions;
    positions.count = static_cast<std::int64_t>(count());
    positions.score = scores.data();
    positions.k = keys_.data();
    positions.b_all = static_cast<std::int32_t>(b_);
    positions.h_all = static_cast<std::int32_t>(h_);
    positions.q_all = static_cast<std::int32_t>(q);
    return positions;
}

void BlockRow::mask(std::int64_t q, std::vector<double>& scores) {
    if (!mask_mod_ || count() == 0) return;
    const std::vector<std::int64_t>& keep = mask_mod_->run(positions(q, scores)).front().integer;
    for (std::size_t j = 0; j < count(); ++j) {
        if (partial_[j] && !keep[j]) scores[j] = -std::numeric_limits<double>::infinity();
    }
}

}  // namespace flexion::reference
