// SPDX-License-Identifier: Apache-2.0
// Results do not depend on who computes them: any number of threads, a host's loop, several
// callers.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "backend/cpu/kernels/forward_case.h"
#include "seed.h"
#include "support/os/thread_pool.h"

namespace flexion::cpu::test {
namespace {

using flexion::test::between;
using flexion::test::generator;

/// Cases of both maps: dense, causal, ragged, grouped heads, split decode.
std::vector<Case> cases(std::mt19937_64& random) {
    std::vector<Case> list;
    for (DType dtype : {DType::f32, DType::bf16, DType::f64}) {
        list.push_back(
            {.dtype = dtype, .Hq = 2, .Hkv = 1, .Sq = 300, .Skv = 300, .D = 24, .Dv = 24});
        Case causal{.dtype = dtype, .Sq = 333, .Skv = 333, .D = 24, .Dv = 24};
        causal.mask = hand::Mask::causal;
        causal.block_mask = causal_mask({16, 64}, 333, 333);
        list.push_back(causal);
        Case sparse{
            .dtype = dtype, .B = 2, .Hq = 4, .Hkv = 2, .Sq = 100, .Skv = 200, .D = 24, .Dv = 24};
        sparse.mask = hand::Mask::speckled;
        sparse.block_mask = random_mask(random, 2, 4, {24, 40}, 100, 200);
        list.push_back(sparse);
        list.push_back(
            {.dtype = dtype, .Hq = 6, .Hkv = 2, .Sq = 1, .Skv = 4000, .D = 24, .Dv = 24});
    }
    return list;
}

bool same_bits(const Data& a, const Data& b) {
    return a.out.bytes == b.out.bytes && a.lse == b.lse && a.max == b.max;
}

TEST(Threads, ResultsAreBitwiseEqualForAnyNumber) {
    auto random = generator(41);
    for (Isa isa : runnable_isas())
        for (const Case& c : cases(random)) {
            Data one(c, random);
            forward_on(isa, one.args(c), c);
            for (int threads : {1, 2, 3, 7}) {
                ThreadPool pool(threads);
                Data many = one;
                for (std::vector<char>* bytes : {&many.out.bytes, &many.lse, &many.max})
                    std::fill(bytes->begin(), bytes->end(), '\x55');
                plan::LaunchArgs args = many.args(c);
                args.executor = {&pool, nullptr, threads};
                forward_on(isa, args, c);
                EXPECT_TRUE(same_bits(one, many))
                    << name_of(isa) << " " << c.to_string() << " " << threads << " threads";
            }
        }
}

TEST(Threads, AHostsLoopGivesTheSame) {
    auto random = generator(42);
    const HostParallelFor host = [](std::int64_t n, const std::function<void(std::int64_t)>& body) {
        std::vector<std::thread> threads;
        std::atomic<std::int64_t> next{0};
        for (int t = 0; t < 3; ++t)
            threads.emplace_back([&] {
                for (std::int64_t i; (i = next++) < n;) body(i);
            });
        for (std::thread& t : threads) t.join();
    };
    for (const Case& c : cases(random)) {
        Data data(c, random);
        plan::LaunchArgs args = data.args(c);
        args.executor = {nullptr, &host, 3};
        forward_on(runnable_isas().back(), args, c);
        expect_right(c, args);
    }
}

TEST(Threads, SeveralCallersAtOnce) {
    auto random = generator(43);
    ThreadPool pool(3);
    std::vector<Case> list = cases(random);
    std::vector<Data> alone;
    for (const Case& c : list) {
        alone.emplace_back(c, random);
        forward_on(runnable_isas().back(), alone.back().args(c), c);
    }
    std::atomic<int> wrong{0};
    const auto caller = [&](std::size_t start) {
        for (std::size_t i = 0; i < 60; ++i) {
            const std::size_t n = (start + i) % list.size();
            Data own = alone[n];
            std::fill(own.out.bytes.begin(), own.out.bytes.end(), '\0');
            plan::LaunchArgs args = own.args(list[n]);
            args.executor = {&pool, nullptr, 3};
            forward_on(runnable_isas().back(), args, list[n]);
            wrong += own.out.bytes != alone[n].out.bytes;
        }
    };
    std::thread other(caller, 3);
    caller(0);
    other.join();
    EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace flexion::cpu::test
