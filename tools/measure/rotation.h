// SPDX-License-Identifier: Apache-2.0
// A call timed in rotation with what the machine can do at that moment.
#pragma once

#include <vector>

#include "measure/tensor.h"
#include "measure/yardstick.h"

namespace flexion::measure {

/// What a call does at least, and on what.
struct Work {
    DType dtype = DType::f32;
    const char* isa = "";
    int threads = 1;
    double operations = 0;   ///< floating-point operations
    std::int64_t bytes = 0;  ///< read from memory; 0: bound by arithmetic, not compared to reading
};

/// Medians over the rounds; `fraction` is the median of the rounds' own fractions of the peak.
struct Timing {
    double seconds = 0, flops = 0, peak = 0, fraction = 0;
    double bytes_per_second = 0, read_bytes_per_second = 0;
};

/// Times `call` for about `budget` seconds, at least 7 rounds, each between two measurements of the
/// peak and beside reading as many bytes.
template <class Call>
Timing in_rotation(ThreadPool& pool, const Work& work, double budget, const Call& call) {
    const Clock clock(work.threads);
    Tensor same_bytes(DType::u8, {work.bytes});
    const auto peak_now = [&] { return peak_flops(pool, work.threads, work.isa, work.dtype); };
    std::vector<double> seconds, peaks, fractions, reads;
    call();  // warm
    double spent = 0;
    constexpr std::size_t kFewest = 7, kMost = 1001;
    while (seconds.size() < kFewest || (spent < budget && seconds.size() < kMost)) {
        const double before = peak_now();
        const double start = clock.now();
        call();
        const double took = clock.now() - start;
        const double peak = (before + peak_now()) / 2;
        spent += took;
        seconds.push_back(took);
        peaks.push_back(peak);
        fractions.push_back(work.operations / took / peak);
        if (work.bytes) {
            reads.push_back(read_seconds(pool, work.threads, work.isa, same_bytes.view()));
        }
    }
    Timing t{.seconds = median(seconds), .peak = median(peaks), .fraction = median(fractions)};
    t.flops = work.operations / t.seconds;
    if (work.bytes) {
        t.bytes_per_second = static_cast<double>(work.bytes) / t.seconds;
        t.read_bytes_per_second = static_cast<double>(work.bytes) / median(reads);
    }
    return t;
}

}  // namespace flexion::measure
