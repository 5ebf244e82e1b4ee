// SPDX-License-Identifier: Apache-2.0
// From runs of blocks to runs of tiles, without ever looking at single blocks.
#include "backend/cuda/launch/tiles.h"

#include <algorithm>

namespace flexion::cuda {
namespace {

/// Keys [begin, end) that are all in blocks of the same kind in every row of blocks looked at.
struct Segment {
    std::int64_t begin, end;
    bool full;
};

// What a band of queries that touches the rows [first, last] of blocks sees.
void collect_segments(const BlockMask& mask, std::int64_t b, std::int64_t h, std::int64_t first,
                      std::int64_t last, std::vector<Segment>& segments) {
    struct Event {
        std::int64_t at;
        int listed, full;  // change of the number of rows
    };
    const std::int64_t size = mask.block_size().kv;
    std::vector<Event> events;
    const bool all_full = !mask.mask_mod();  // the lists are the mask
    for (std::int64_t row = first; row <= last; ++row) {
        for (const BlockRun& run : mask.row(b, h, row)) {
            const std::int64_t end = std::min(run.end() * size, mask.kv_len());
            const int full = all_full || run.full() ? 1 : 0;
            events.push_back({run.begin() * size, 1, full});
            events.push_back({end, -1, -full});
        }
    }
    std::sort(events.begin(), events.end(),
              [](const Event& x, const Event& y) { return x.at < y.at; });
    const std::int64_t rows = last - first + 1;
    std::int64_t listed = 0, full = 0;
    segments.clear();
    for (std::size_t i = 0; i < events.size();) {
        const std::int64_t at = events[i].at;
        for (; i < events.size() && events[i].at == at; ++i) {
            listed += events[i].listed;
            full += events[i].full;
        }
        if (listed == 0 || i == events.size()) continue;
        const std::int64_t end = events[i].at;
        const bool whole = full == rows;
        if (!segments.empty() && segments.back().end == at && segments.back().full == whole) {
            segments.back().end = end;
        } else {
            segments.push_back({at, end, whole});
        }
    }
}

}  // namespace

TileLists make_tile_lists(const BlockMask& mask, const Schedule& schedule) {
    const std::int64_t tile_q = schedule.block_q(), tile_kv = schedule.block_kv;
    const BlockSize block = mask.block_size();
    TileLists lists;
    const std::int64_t tiles = (mask.q_len() + tile_q - 1) / tile_q;
    std::vector<Segment> segments;
    std::vector<TileRun> partial, full;
    for (std::int64_t b = 0; b < mask.B(); ++b) {
        for (std::int64_t h = 0; h < mask.H(); ++h) {
            const std::size_t begin = lists.rows.size();
            for (std::int64_t m = 0; m < tiles; ++m) {
                const std::int64_t q_end = std::min((m + 1) * tile_q, mask.q_len());
                collect_segments(mask, b, h, m * tile_q / block.q, (q_end - 1) / block.q, segments);
                partial.clear();
                full.clear();
                const auto add = [](std::vector<TileRun>& runs, std::int64_t from,
                                    std::int64_t to) {
                    if (from >= to) return;
                    if (!runs.empty() && runs.back().end >= from) {
                        runs.back().end = std::max(runs.back().end, static_cast<int>(to));
                    } else {
                        runs.push_back({static_cast<int>(from), static_cast<int>(to)});
                    }
                };
                for (const Segment& s : segments) {
                    const std::int64_t from = s.begin / tile_kv;
                    const std::int64_t to = (s.end + tile_kv - 1) / tile_kv;
                    const std::int64_t whole_from = (s.begin + tile_kv - 1) / tile_kv;
                    const std::int64_t whole_to = s.end / tile_kv;
                    if (s.full && whole_from < whole_to) {
                        add(partial, from, whole_from);
                        add(full, whole_from, whole_to);
                        add(partial, whole_to, to);
                    } else {
                        add(partial, from, to);
                    }
                }
                const auto count = [](const std::vector<TileRun>& runs) {
                    int sum = 0;
                    for (const TileRun& run : runs) sum += run.end - run.begin;
                    return sum;
                };
                lists.rows.push_back({static_cast<int>(m), static_cast<int>(lists.runs.size()),
                                      count(partial), count(full)});
                lists.visited += lists.rows.back().partial + lists.rows.back().full;
                lists.runs.insert(lists.runs.end(), partial.begin(), partial.end());
                lists.runs.insert(lists.runs.end(), full.begin(), full.end());
            }
            std::stable_sort(lists.rows.begin() + static_cast<std::ptrdiff_t>(begin),
                             lists.rows.end(), [](const TileRow& x, const TileRow& y) {
                                 return x.partial + x.full > y.partial + y.full;
                             });
        }
    }
    lists.runs.push_back({0, 0});  // the producer reads one run ahead
    lists.runs.push_back({0, 0});
    return lists;
}

}  // namespace flexion::cuda
