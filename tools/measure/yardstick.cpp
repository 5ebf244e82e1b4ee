// SPDX-License-Identifier: Apache-2.0
#include "measure/yardstick.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <string_view>

#include "backend/cpu/kernels/peak.h"
#include "support/fail.h"
#include "support/os/cpu_time.h"

namespace flexion::measure {
namespace {

cpu::Isa isa_of(std::string_view name) {
    if (const std::optional<cpu::Isa> isa = cpu::find_isa(name)) return *isa;
    fail<InternalError>("flexion::measure: no instruction set '{}'", name);
}

}  // namespace

double Clock::now() const {
    if (one_thread_) return thread_cpu_ms() * 1e-3;
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

double peak_flops(ThreadPool& pool, int threads, const char* isa, DType dtype) {
    const cpu::Isa set = isa_of(isa);
    if (threads == 1) return cpu::peak_flops(set, dtype);
    std::vector<double> rates(static_cast<std::size_t>(threads));
    pool.run(threads, threads, [&](std::int64_t task, int) {
        rates[static_cast<std::size_t>(task)] = cpu::peak_flops(set, dtype);
    });
    return std::accumulate(rates.begin(), rates.end(), 0.0);
}

double read_seconds(ThreadPool& pool, int threads, const char* isa, const TensorView& bytes) {
    constexpr std::int64_t kLine = 1024;  // sum_bytes takes multiples of it
    const cpu::Isa set = isa_of(isa);
    const Clock clock(threads);
    const char* data = static_cast<const char*>(bytes.data);
    const std::int64_t lines = bytes.numel() * size_of(bytes.dtype) / kLine;
    std::vector<float> sums(static_cast<std::size_t>(threads));
    const auto body = [&](std::int64_t task, int) {
        const std::int64_t begin = lines * task / threads, end = lines * (task + 1) / threads;
        sums[static_cast<std::size_t>(task)] =
            cpu::sum_bytes(set, data + begin * kLine, (end - begin) * kLine);
    };
    const double start = clock.now();
    if (threads == 1) {
        body(0, 0);
    } else {
        pool.run(threads, threads, body);
    }
    const double seconds = clock.now() - start;
    // The sums are used, so that no compiler drops the reads.
    volatile float sink = std::accumulate(sums.begin(), sums.end(), 0.0f);
    static_cast<void>(sink);
    return seconds;
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

}  // namespace flexion::measure
