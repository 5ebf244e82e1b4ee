// SPDX-License-Identifier: Apache-2.0
// What a call on CUDA tensors costs the host: the median over batches of calls that the device's
// queue can hold, kernel and tensor maps known. `gpu_host_time`, on a machine with a Hopper GPU.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include <flexion/flexion.h>

#include "backend/cuda/driver.h"

namespace {

using namespace flexion;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kB = 1, kH = 2, kS = 256, kD = 128;
constexpr int kBatch = 200, kBatches = 50;

TensorView device_tensor(DType dtype, std::initializer_list<std::int64_t> shape) {
    TensorView view = TensorView::dense(nullptr, dtype, shape).on(Device::cuda);
    cuda::Address address = 0;
    const auto bytes = static_cast<std::size_t>(view.numel() * size_of(dtype));
    cuda::check(cuda::driver().allocate(&address, bytes), "cuMemAlloc");
    cuda::check(cuda::driver().fill32(address, 0, bytes / 4), "cuMemsetD32");
    view.data = reinterpret_cast<void*>(address);
    return view;
}

template <class Call>
double microseconds(const Call& call) {
    std::vector<double> times;
    for (int batch = 0; batch < kBatches; ++batch) {
        cuda::check(cuda::driver().synchronize(), "cuCtxSynchronize");
        const auto begin = Clock::now();
        for (int i = 0; i < kBatch; ++i) call(i);
        times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count() /
                        kBatch);
    }
    cuda::check(cuda::driver().synchronize(), "cuCtxSynchronize");
    std::nth_element(times.begin(), times.begin() + kBatches / 2, times.end());
    return times[kBatches / 2];
}

}  // namespace

int main() {
    std::string why;
    if (!cuda::find_driver(&why)) {
        std::printf("no CUDA driver: %s\n", why.c_str());
        return 1;
    }
    cuda::ContextHandle context = nullptr;
    cuda::check(cuda::driver().primary_retain(&context, 0), "cuDevicePrimaryCtxRetain");
    cuda::check(cuda::driver().context_set(context), "cuCtxSetCurrent");
    const TensorView q = device_tensor(DType::bf16, {kB, kH, kS, kD});
    const TensorView k = device_tensor(DType::bf16, {kB, kH, kS, kD});
    const TensorView v = device_tensor(DType::bf16, {kB, kH, kS, kD});
    const TensorView out = device_tensor(DType::bf16, {kB, kH, kS, kD});
    const TensorView slopes = device_tensor(DType::f32, {kH});
    AttentionOptions plain, masked;
    masked.score_mod = scores::alibi(buffer(slopes));
    masked.block_mask = create_block_mask(masks::causal(), {}, {}, kS, kS);
    attention(q, k, v, out, plain);
    attention(q, k, v, out, masked);
    const double bare = microseconds([&](int) { attention(q, k, v, out, plain); });
    const double full = microseconds([&](int) { attention(q, k, v, out, masked); });
    // Lengths in turn, more than the cache of maps holds: two maps of four are encoded anew.
    TensorView part = q, part_out = out;
    const double fresh = microseconds([&](int i) {
        part.shape[2] = part_out.shape[2] = 1 + i;
        attention(part, k, v, part_out, plain);
    });
    std::printf(
        "host time of a call, us: no mods %.2f; ALiBi and a causal mask %.2f; new lengths "
        "%.2f\n",
        bare, full, fresh);
    return 0;
}
