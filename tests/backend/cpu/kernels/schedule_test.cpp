// SPDX-License-Identifier: Apache-2.0
// How calls are cut into tasks, panels and pieces, against counting by hand.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "backend/cpu/kernels/forward_case.h"
#include "backend/cpu/kernels/schedule/tiling.h"
#include "backend/cpu/kernels/schedule/walk.h"
#include "backend/cpu/kernels/schedule/work_list.h"
#include "seed.h"

namespace flexion::cpu::test {
namespace {

using flexion::test::between;
using flexion::test::generator;

TEST(Tiling, CoversEveryQueryOnce) {
    auto random = generator(21);
    for (int i = 0; i < 3000; ++i) {
        const std::int64_t q_len = between(random, 1, 700);
        const std::int64_t block_q = i % 10 == 0 ? std::int64_t{1} << 30 : between(random, 1, 300);
        const int lanes = 1 << between(random, 1, 5);
        const int most = static_cast<int>(between(random, 1, 9));
        const Tiling tiling(q_len, block_q, lanes, most);
        std::int64_t next = 0;
        EXPECT_EQ(tiling.first_panel(0), 0);
        for (std::int64_t t = 0; t < tiling.tiles(); ++t) {
            const std::int64_t first = tiling.first_panel(t), last = tiling.first_panel(t + 1);
            EXPECT_LT(first, last);
            EXPECT_LE(last - first, tiling.most_panels());
            for (std::int64_t p = first; p < last; ++p) {
                const Panel panel = tiling.panel(p);
                EXPECT_EQ(panel.q0, next);
                EXPECT_GE(panel.lanes, 1);
                EXPECT_LE(panel.lanes, lanes);
                if (block_q >= lanes) {
                    EXPECT_EQ(panel.q0 / block_q, (panel.q0 + panel.lanes - 1) / block_q);
                }
                next = panel.q0 + panel.lanes;
            }
        }
        EXPECT_EQ(next, q_len);
        EXPECT_LE(tiling.most_panels(), most);
        if (HasFailure()) {
            ADD_FAILURE() << q_len << " " << block_q << " " << lanes << " " << most;
            break;
        }
    }
}

TEST(Walk, VisitsWhatTheRunsList) {
    auto random = generator(22);
    for (int i = 0; i < 2000; ++i) {
        const std::int64_t block = between(random, 1, 20), blocks = between(random, 1, 12);
        const std::int64_t kv_len = block * blocks - between(random, 0, block - 1);
        const int rows = static_cast<int>(between(random, 1, 5));
        std::vector<std::vector<BlockRun>> runs(static_cast<std::size_t>(rows));
        Walk walk;
        walk.start(block, kv_len);
        for (int r = 0; r < rows; ++r) {
            auto& row = runs[static_cast<std::size_t>(r)];
            for (std::int32_t at = 0; at < blocks;) {
                at += static_cast<std::int32_t>(between(random, 0, 2));
                const auto end = static_cast<std::int32_t>(
                    std::min<std::int64_t>(at + between(random, 1, 3), blocks));
                if (at < end) row.emplace_back(at, end, between(random, 0, 1) == 1);
                at = end;
            }
            walk.add(row, LaneSet{1} << r);
        }
        const auto at = [&](std::int64_t key, bool full) {
            LaneSet lanes = 0;
            for (int r = 0; r < rows; ++r)
                for (const BlockRun& run : runs[static_cast<std::size_t>(r)])
                    if (run.begin() * block <= key && key < run.end() * block && run.full() == full)
                        lanes |= LaneSet{1} << r;
            return lanes;
        };
        std::int64_t key = 0;
        for (;;) {
            if (between(random, 0, 1) == 0) walk.pass(key);
            const Piece piece = walk.next(key);
            const std::int64_t begin = piece.empty() ? kv_len : piece.begin;
            for (; key < begin; ++key) EXPECT_EQ(at(key, true) | at(key, false), 0u);
            if (piece.empty()) break;
            EXPECT_NE(piece.full | piece.partial, 0u);
            for (; key < piece.end; ++key) {
                EXPECT_EQ(at(key, true), piece.full);
                EXPECT_EQ(at(key, false), piece.partial);
            }
            EXPECT_LE(piece.end, kv_len);
        }
        if (HasFailure()) break;
    }
}

TEST(WorkList, HoldsEveryTaskOnceTheLongestFirst) {
    auto random = generator(23);
    for (int i = 0; i < 200; ++i) {
        Case c{.B = between(random, 1, 3),
               .Hq = between(random, 1, 4),
               .Sq = between(random, 1, 300),
               .Skv = between(random, 1, 300),
               .D = 1,
               .Dv = 1};
        if (i % 4 != 0)
            c.block_mask = random_mask(
                random, between(random, 0, 1) == 0 ? 1 : c.B, between(random, 0, 1) == 0 ? 1 : c.Hq,
                {between(random, 1, 60), between(random, 1, 60)}, c.Sq, c.Skv);
        Data data(c, random);
        const plan::LaunchArgs args = data.args(c);
        const std::int64_t block_q = c.block_mask ? c.block_mask.block_size().q : c.Sq;
        const std::int64_t block_kv = c.block_mask ? c.block_mask.block_size().kv : c.Skv;
        const Tiling tiling(c.Sq, block_q, 16, static_cast<int>(between(random, 1, 8)));
        std::int64_t total = 0;
        bool full = false, partial = false;
        const auto scores = [&](const Task& task) {
            std::int64_t sum = 0;
            for (std::int64_t p = tiling.first_panel(task.tile);
                 p < tiling.first_panel(task.tile + 1); ++p) {
                const Panel panel = tiling.panel(p);
                if (!c.block_mask) sum += panel.lanes * c.Skv, full = true;
                for (std::int64_t q = panel.q0; c.block_mask && q < panel.q0 + panel.lanes; ++q)
                    for (const BlockRun& run :
                         c.block_mask.row(c.block_mask.B() == 1 ? 0 : task.b,
                                          c.block_mask.H() == 1 ? 0 : task.h, q / block_q)) {
                        sum += std::min(run.end() * block_kv, c.Skv) - run.begin() * block_kv;
                        (run.full() ? full : partial) = true;
                    }
            }
            return sum;
        };
        for (bool sorted : {false, true}) {
            const WorkList work(args, tiling, sorted);
            std::set<std::array<std::int64_t, 3>> seen;
            std::int64_t before = std::numeric_limits<std::int64_t>::max();
            total = 0;
            for (std::int64_t t = 0; t < work.size(); ++t) {
                const Task task = work[t];
                seen.insert({task.b, task.h, task.tile});
                const std::int64_t now = scores(task);
                if (sorted && c.block_mask) {
                    EXPECT_LE(now, before);
                }
                before = now;
                total += now;
            }
            EXPECT_EQ(std::ssize(seen), c.B * c.Hq * tiling.tiles());
            EXPECT_EQ(work.size(), std::ssize(seen));
            EXPECT_EQ(work.visits().scores, total);
            EXPECT_EQ(work.visits().full, full);
            EXPECT_EQ(work.visits().partial, partial);
        }
        if (HasFailure()) break;
    }
}

}  // namespace
}  // namespace flexion::cpu::test
