// SPDX-License-Identifier: Apache-2.0
// How the queries of a head are cut into panels and tiles: by the problem alone, never by the
// number of threads.
#pragma once

#include <algorithm>
#include <cstdint>

namespace flexion::cpu {

/// Queries [q0, q0 + lanes) of one panel.
struct Panel {
    std::int64_t q0;
    int lanes;
};

/// Panels never straddle rows of blocks, unless those have fewer queries than a panel has lanes.
/// A tile is a task: up to max_panels panels that share the keys and values they stage.
class Tiling {
public:
    Tiling() = default;
    /// q_len, block_q, lanes, max_panels >= 1.
    Tiling(std::int64_t q_len, std::int64_t block_q, int lanes, int max_panels)
        : q_len_(q_len),
          lanes_(lanes),
          max_(max_panels),
          unit_q_(block_q >= lanes ? std::min(block_q, q_len) : lanes),
          unit_panels_(ceil_div(unit_q_, lanes)) {
        const std::int64_t units = q_len / unit_q_;
        const std::int64_t rest = ceil_div(q_len - units * unit_q_, lanes);
        panels_ = units * unit_panels_ + rest;
        if (unit_panels_ <= max_) {
            tile_panels_ = max_ / unit_panels_ * unit_panels_;
            tiles_ = ceil_div(panels_, tile_panels_);
        } else {
            unit_tiles_ = ceil_div(unit_panels_, max_);
            tiles_ = units * unit_tiles_ + ceil_div(rest, max_);
        }
    }

    std::int64_t tiles() const { return tiles_; }
    /// The first panel of a tile; tile == tiles(): the number of panels.
    std::int64_t first_panel(std::int64_t tile) const {
        if (tile >= tiles_) return panels_;
        if (unit_tiles_ == 0) return tile * tile_panels_;
        const std::int64_t unit = tile / unit_tiles_, i = tile % unit_tiles_;
        const std::int64_t first = unit * unit_panels_;
        const std::int64_t n = std::min(unit_panels_, panels_ - first);  // of a last ragged unit
        return first + i * n / ceil_div(n, max_);
    }
    Panel panel(std::int64_t index) const {
        const std::int64_t begin = index / unit_panels_ * unit_q_;
        const std::int64_t q0 = begin + index % unit_panels_ * lanes_;
        const std::int64_t end = std::min(begin + unit_q_, q_len_);
        return {q0, static_cast<int>(std::min<std::int64_t>(lanes_, end - q0))};
    }
    std::int64_t panels() const { return panels_; }
    /// The panel that query q lies in.
    std::int64_t panel_of(std::int64_t q) const {
        return q / unit_q_ * unit_panels_ + q % unit_q_ / lanes_;
    }
    /// Panels of the largest tile.
    std::int64_t most_panels() const {
        return std::min(panels_, unit_tiles_ == 0 ? tile_panels_ : std::int64_t{max_});
    }

private:
    static std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

    std::int64_t q_len_ = 0, lanes_ = 1, max_ = 1;
    std::int64_t unit_q_ = 1, unit_panels_ = 1;  // of a row of blocks
    std::int64_t panels_ = 0, tiles_ = 0;
    std::int64_t tile_panels_ = 0;  // where a tile holds whole units
    std::int64_t unit_tiles_ = 0;   // where a unit holds several tiles; else 0
};

}  // namespace flexion::cpu
