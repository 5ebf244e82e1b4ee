// SPDX-License-Identifier: Apache-2.0
// What the machine can do, measured beside what is timed.
#pragma once

#include <cstdint>
#include <vector>

#include <flexion/tensor.h>

#include "support/os/thread_pool.h"

namespace flexion::measure {

/// Seconds: of CPU time where one thread works (other load on the machine does not count), else of
/// the wall clock.
class Clock {
public:
    explicit Clock(int threads) : one_thread_(threads == 1) {}
    double now() const;

private:
    bool one_thread_;
};

/// Floating-point operations a second that `threads` threads reach together, for `isa` by its name
/// and problems of `dtype`.
double peak_flops(ThreadPool& pool, int threads, const char* isa, DType dtype);

/// Seconds that `threads` threads need to sum the bytes of a dense tensor, split evenly among them.
double read_seconds(ThreadPool& pool, int threads, const char* isa, const TensorView& bytes);

double median(std::vector<double> values);

}  // namespace flexion::measure
