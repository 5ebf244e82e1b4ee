// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/kernels/peak.h"

#include "backend/cpu/kernels/micro/kernels.h"
#include "support/os/cpu_time.h"

namespace flexion::cpu {

double peak_flops(Isa isa, DType dtype, double milliseconds) {
    const IsaKernels& kernels = kernels_of(isa);
    const bool dot = dtype == DType::bf16 && kernels.bf16_dot_loop != nullptr;
    const auto loop = dot ? kernels.bf16_dot_loop : kernels.fma_loop;
    // 12 instructions a round, two a cycle, at 3 GHz: 2 ns.
    const std::int64_t loops = static_cast<std::int64_t>(milliseconds * 0.5e6);
    const double start = thread_cpu_ms();
    const double operations = loop(loops);
    const double rate = operations / ((thread_cpu_ms() - start) * 1e-3);
    return dtype == DType::f64 ? rate / 2 : rate;
}

float sum_bytes(Isa isa, const void* data, std::int64_t bytes) {
    return kernels_of(isa).sum_words(data, bytes);
}

}  // namespace flexion::cpu
