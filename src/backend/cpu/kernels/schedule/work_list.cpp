// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/kernels/schedule/work_list.h"

#include <algorithm>

namespace flexion::cpu {

WorkList::WorkList(const plan::LaunchArgs& args, const Tiling& tiling, bool sorted)
    : tiles_(tiling.tiles()), batch_(args.batch()), heads_(args.q_heads()) {
    size_ = batch_ * heads_ * tiles_;
    if (args.block_mask == nullptr) {
        visits_ = {batch_ * heads_ * args.q_len() * args.kv_len(), true, false};
        return;
    }
    mask_b_ = args.block_mask->B();
    mask_h_ = args.block_mask->H();
    const std::int64_t count = mask_b_ * mask_h_ * tiles_;
    Entry* entries = sorted ? lease_.reserve<Entry>(static_cast<std::size_t>(count)) : nullptr;
    look_at(args, tiling, entries);
    if (entries == nullptr) return;
    std::sort(entries, entries + count, [](const Entry& a, const Entry& b) {
        return a.scores != b.scores ? a.scores > b.scores : a.index < b.index;
    });
    order_ = entries;
}

void WorkList::look_at(const plan::LaunchArgs& args, const Tiling& tiling, Entry* entries) {
    const BlockMask& mask = *args.block_mask;
    const BlockSize block = mask.block_size();
    const std::int64_t kv_len = args.kv_len(), q_len = args.q_len();
    const std::int64_t repeats = batch_ / mask_b_ * (heads_ / mask_h_);
    for (std::int64_t bh = 0; bh < mask_b_ * mask_h_; ++bh) {
        std::int64_t tile = -1, tile_end = 0;  // queries of the tile that a row's first query is in
        for (std::int64_t row = 0; row < mask.q_blocks(); ++row) {
            std::int64_t q = row * block.q;
            const std::int64_t q_end = std::min(q + block.q, q_len);
            std::int64_t keys = 0;
            for (const BlockRun& run : mask.row(bh / mask_h_, bh % mask_h_, row)) {
                const std::int64_t begin = run.begin() * block.kv;
                const std::int64_t end = std::min(run.end() * block.kv, kv_len);
                if (begin >= end) continue;
                keys += end - begin;
                (run.full() ? visits_.full : visits_.partial) = true;
            }
            visits_.scores += std::max<std::int64_t>(q_end - q, 0) * keys * repeats;
            while (entries != nullptr && q < q_end) {
                if (q >= tile_end) {
                    ++tile;
                    const std::int64_t next = tiling.first_panel(tile + 1);
                    tile_end = tile + 1 == tiles_ ? q_len : tiling.panel(next).q0;
                    entries[bh * tiles_ + tile] = {0, bh * tiles_ + tile};
                }
                const std::int64_t n = std::min(q_end, tile_end) - q;
                entries[bh * tiles_ + tile].scores += n * keys;
                q += n;
            }
        }
        // A mask made for fewer queries lists nothing for the others.
        for (++tile; entries != nullptr && tile < tiles_; ++tile)
            entries[bh * tiles_ + tile] = {0, bh * tiles_ + tile};
    }
}

Task WorkList::operator[](std::int64_t index) const {
    if (order_ == nullptr)
        return {index / tiles_ / heads_, index / tiles_ % heads_, index % tiles_};
    // Next to each other: the heads, then the batch, that share an entry of a broadcast mask.
    const std::int64_t same_b = batch_ / mask_b_, same_h = heads_ / mask_h_;
    const std::int64_t entry = order_[index / (same_b * same_h)].index;
    const std::int64_t repeat = index % (same_b * same_h);
    const std::int64_t bh = entry / tiles_;
    return {mask_b_ == 1 ? repeat / same_h : bh / mask_h_,
            mask_h_ == 1 ? repeat % same_h : bh % mask_h_, entry % tiles_};
}

}  // namespace flexion::cpu
