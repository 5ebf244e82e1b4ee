// SPDX-License-Identifier: Apache-2.0
// The processor time of this thread: what compilation is measured in, whatever else the machine
// does.
#pragma once

#include <ctime>

namespace flexion {

/// Milliseconds of CPU time that the calling thread has used.
inline double thread_cpu_ms() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

}  // namespace flexion
