// SPDX-License-Identifier: Apache-2.0
// Time and memory of making block masks of a million tokens; leaves are interpreted, so that the
// numbers hold no compilation.
//   mask_bench [tokens [threads]]
#include <malloc.h>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <new>
#include <random>
#include <vector>

#include <flexion/masks.h>

#include "mask/build.h"
#include "mask/transpose.h"

namespace {

/// Bytes that operator new has handed out, now and at most.
std::atomic<std::int64_t> live_bytes{0}, peak_bytes{0};

double milliseconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
}

/// Of all threads of this process.
double cpu_milliseconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

std::vector<std::int32_t> random_documents(std::int64_t tokens, int documents) {
    std::mt19937_64 random(1);
    std::vector<std::int64_t> starts;
    for (int i = 1; i < documents; ++i) {
        starts.push_back(std::uniform_int_distribution<std::int64_t>(1, tokens - 1)(random));
    }
    std::sort(starts.begin(), starts.end());
    std::vector<std::int32_t> document(tokens);
    auto next = starts.begin();
    std::int32_t number = 0;
    for (std::int64_t i = 0; i < tokens; ++i) {
        for (; next != starts.end() && *next == i; ++next) ++number;
        document[i] = number;
    }
    return document;
}

void measure(const char* name, const flexion::MaskMod& mod, std::int64_t tokens,
             const flexion::Executor& executor) {
    constexpr int kRuns = 15;
    std::vector<double> times, cpu_times;
    std::int64_t peak = 0;
    flexion::BlockMask mask;
    for (int run = 0; run < kRuns; ++run) {
        mask = {};
        const std::int64_t before = live_bytes;
        peak_bytes = before;
        const double cpu_start = cpu_milliseconds();
        const auto start = std::chrono::steady_clock::now();
        mask = flexion::mask::build(mod, {}, {}, tokens, tokens, {}, {}, executor);
        times.push_back(milliseconds_since(start));
        cpu_times.push_back(cpu_milliseconds() - cpu_start);
        peak = std::max(peak, peak_bytes - before);
    }
    std::sort(times.begin(), times.end());
    std::sort(cpu_times.begin(), cpu_times.end());
    const auto start = std::chrono::steady_clock::now();
    const flexion::mask::ColumnRuns columns = flexion::mask::transpose(mask);
    const double transpose_ms = milliseconds_since(start);
    std::printf(
        "%-18s %9.3f ms (least %.3f, cpu %.3f)  mask %8.1f KiB  peak %8.1f KiB  sparsity %7.3f %%  "
        "proved %lld  evaluated %lld  transpose %.3f ms %.1f KiB\n",
        name, times[kRuns / 2], times[0], cpu_times[kRuns / 2],
        static_cast<double>(mask.bytes()) / 1024, static_cast<double>(peak) / 1024, mask.sparsity(),
        static_cast<long long>(mask.blocks_proved()),
        static_cast<long long>(mask.blocks_evaluated()), transpose_ms,
        static_cast<double>(columns.rows.bytes()) / 1024);
}

}  // namespace

void* operator new(std::size_t size) {
    void* memory = std::malloc(size);
    if (memory == nullptr) throw std::bad_alloc();
    const std::int64_t live = live_bytes += static_cast<std::int64_t>(malloc_usable_size(memory));
    std::int64_t peak = peak_bytes;
    while (live > peak && !peak_bytes.compare_exchange_weak(peak, live)) {
    }
    return memory;
}
void operator delete(void* memory) noexcept {
    if (memory != nullptr) live_bytes -= static_cast<std::int64_t>(malloc_usable_size(memory));
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

int main(int argc, char** argv) {
    using namespace flexion;
    const std::int64_t tokens = argc > 1 ? std::atoll(argv[1]) : 1 << 20;
    ThreadPool pool(argc > 2 ? std::atoi(argv[2]) : 0);
    const Executor executor{&pool, nullptr, pool.size()};
    std::printf("%lld tokens, blocks of 128 x 128, %d threads\n", static_cast<long long>(tokens),
                pool.size());

    const std::vector<std::int32_t> ids = random_documents(tokens, 400);
    const Buffer document = buffer(TensorView::dense(ids.data(), DType::i32, {tokens}));
    measure("causal", masks::causal(), tokens, executor);
    measure("document", masks::document(document), tokens, executor);
    measure("document & causal", masks::document(document) & masks::causal(), tokens, executor);
    measure("window of 4096", masks::sliding_window(4096), tokens, executor);
    measure("sinks & window", masks::sink_window(4096), tokens, executor);
    measure("prefix", masks::prefix(tokens / 3), tokens, executor);
    measure("block diffusion", masks::block_diffusion(tokens / 2, 64), tokens, executor);
    measure("natten 1024 x 1024", masks::natten({1, 1024, 1024}, {1, 33, 33}), tokens, executor);
}
