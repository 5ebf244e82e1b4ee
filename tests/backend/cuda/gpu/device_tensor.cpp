// SPDX-License-Identifier: Apache-2.0
// Copies between host and device.
#include "device_tensor.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <flexion/flexion.h>

#include "backend/cuda/driver.h"
#include "ir/text.h"

namespace flexion::test {
namespace {}  // namespace

void use_some_context() {
    const cuda::Driver& cuda = cuda::driver();
    cuda::ContextHandle context = nullptr;
    cuda::check(cuda.context_current(&context), "cuCtxGetCurrent");
    if (context) return;
    cuda::check(cuda.primary_retain(&context, 0), "cuDevicePrimaryCtxRetain");
    cuda::check(cuda.context_set(context), "cuCtxSetCurrent");
}

Captures on_device(const Captures& host, std::deque<DeviceTensor>& memory) {
    Captures captures = host;
    for (TensorView& buffer : captures.buffers) buffer = memory.emplace_back(buffer).view();
    return captures;
}

DeviceTensor::DeviceTensor(const TensorView& host) : host_(host), view_(host) {
    use_some_context();
    std::int64_t last = 0;
    for (int i = 0; i < host.rank && host.numel() > 0; ++i) {
        const std::int64_t reach = (host.shape[i] - 1) * host.strides[i];
        (reach < 0 ? first_ : last) += reach;
    }
    const std::int64_t size = size_of(host.dtype);
    bytes_ = static_cast<std::size_t>((last - first_ + 1) * size);
    memory_ = cuda::Memory(bytes_);
    if (host.numel() > 0) {
        cuda::check(
            cuda::driver().copy_in(memory_.address(),
                                   static_cast<const char*>(host.data) + first_ * size, bytes_),
            "cuMemcpyHtoD");
    }
    view_.data = reinterpret_cast<char*>(memory_.address()) - first_ * size;
    view_.device = Device::cuda;
}

void DeviceTensor::read_back() const {
    cuda::check(
        cuda::driver().copy_out(static_cast<char*>(host_.data) + first_ * size_of(host_.dtype),
                                memory_.address(), bytes_),
        "cuMemcpyDtoH");
}

std::string why_no_gpu() {
    std::string why;
    if (!cuda::find_driver(&why)) return "no CUDA driver: " + why;
    int devices = 0;
    if (cuda::driver().device_count(&devices) != 0 || devices == 0) return "no CUDA device";
    use_some_context();
    if (!cuda::current_device().is_hopper()) {
        return cuda::current_device().description() + " is no Hopper GPU";
    }
    return "";
}

DeviceMods::DeviceMods(const ScoreMod& score, const BlockMask& mask) {
    if (score) {
        score_mod =
            ScoreMod::from_text(ir::print(score.function()), on_device(score.captures(), memory));
    }
    block_mask = mask;
    if (mask && mask.mask_mod()) {
        block_mask = mask.with_mask_mod(MaskMod::from_text(
            ir::print(mask.mask_mod().function()), on_device(mask.mask_mod().captures(), memory)));
    }
}

Outputs run_on_device(const CaseInputs& inputs, const KernelOptions& kernel_options) {
    const AttentionCase& c = inputs.shape;
    Outputs got{HostTensor(c.dtype, {c.B, c.Hq, c.Sq, c.v_head_dim()}, c.layout),
                HostTensor(DType::f32, {c.B, c.Hq, c.Sq}),
                HostTensor(DType::f32, {c.B, c.Hq, c.Sq})};
    const DeviceMods mods(inputs.score_mod, inputs.block_mask);
    const DeviceTensor q(inputs.q.view()), k(inputs.k.view()), v(inputs.v.view());
    const DeviceTensor out(got.out.view()), lse(got.lse.view()), max(got.max_scores.view());
    AttentionOptions options{.score_mod = mods.score_mod,
                             .block_mask = mods.block_mask,
                             .scale = c.scale,
                             .lse = lse.view(),
                             .max_scores = max.view(),
                             .kernel_options = kernel_options};
    const auto run = [&] {
        attention(q.view(), k.view(), v.view(), out.view(), options);
        cuda::check(cuda::driver().synchronize(), "cuCtxSynchronize");
        out.read_back();
        lse.read_back();
    };
    // Maxima that are asked for make every tile exact; without them references lag.
    run();
    max.read_back();
    std::vector<double> exact;
    for (std::int64_t i = 0; i < got.out.view().numel(); ++i) exact.push_back(got.out.get(i));
    options.max_scores = {};
    run();
    double norm = 0, difference = 0;
    for (std::int64_t i = 0; i < got.out.view().numel(); ++i) {
        const double x = exact[static_cast<std::size_t>(i)], y = got.out.get(i);
        EXPECT_EQ(std::isnan(x), std::isnan(y)) << "at " << i;
        if (std::isnan(x) || std::isnan(y) || std::isinf(x)) continue;
        norm += x * x;
        difference += (x - y) * (x - y);
    }
    EXPECT_LE(difference, 1e-4 * norm) << "exact and lagged maxima differ";
    return got;
}

}  // namespace flexion::test
