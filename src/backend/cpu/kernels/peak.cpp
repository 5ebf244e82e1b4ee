// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/kernels/peak.h"

#include <ctime>

#include "backend/cpu/kernels/micro/kernels.h"

namespace flexion::cpu {

double thread_seconds() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double peak_flops(Isa isa, DType dtype, double milliseconds) {
    const IsaKernels& kernels = kernels_of(isa);
    const bool dot = dtype == DType::bf16 && kernels.bf16_dot_loop != nullptr;
    const auto loop = dot ? kernels.bf16_dot_loop : kernels.fma_loop;
    // 12 instructions a round, two a cycle, at 3 GHz: 2 ns.
    const std::int64_t loops = static_cast<std::int64_t>(milliseconds * 0.5e6);
    const double start = thread_seconds();
    const double operations = loop(loops);
    const double rate = operations / (thread_seconds() - start);
    return dtype == DType::f64 ? rate / 2 : rate;
}

float sum_bytes(Isa isa, const void* data, std::int64_t bytes) {
    return kernels_of(isa).sum_words(data, bytes);
}

}  // namespace flexion::cpu
