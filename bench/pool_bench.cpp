// SPDX-License-Identifier: Apache-2.0
// What a parallel region costs beside its tasks.
#include <benchmark/benchmark.h>

#include <chrono>
#include <thread>

#include "support/os/thread_pool.h"

namespace flexion {
namespace {

/// Empty tasks; arguments: tasks, threads.
void empty_region(benchmark::State& state) {
    ThreadPool pool(static_cast<int>(state.range(1)));
    for (auto _ : state) {
        pool.run(state.range(0), 0, [](std::int64_t task, int) { benchmark::DoNotOptimize(task); });
    }
}
BENCHMARK(empty_region)->ArgsProduct({{1, 2, 32, 1024}, {1, 2}})->UseRealTime();

/// Two empty tasks when the workers have gone to sleep.
void region_after_idle(benchmark::State& state) {
    ThreadPool pool(2);
    for (auto _ : state) {
        state.PauseTiming();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        state.ResumeTiming();
        pool.run(2, 0, [](std::int64_t task, int) { benchmark::DoNotOptimize(task); });
    }
}
BENCHMARK(region_after_idle)->UseRealTime()->Iterations(50);

/// 64 tasks of 20 us on two threads: 640 us when nothing is lost.
void region_of_work(benchmark::State& state) {
    ThreadPool pool(2);
    for (auto _ : state) {
        pool.run(64, 0, [](std::int64_t, int) {
            const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(20);
            while (std::chrono::steady_clock::now() < end) {
            }
        });
    }
}
BENCHMARK(region_of_work)->UseRealTime();

}  // namespace
}  // namespace flexion

BENCHMARK_MAIN();
