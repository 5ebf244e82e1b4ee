// SPDX-License-Identifier: Apache-2.0
// What the back end supports, its sources and its loaded kernels; launches are in launch.cpp.
#include "backend/cuda/cuda_backend.h"

#include "backend/cuda/emit/emit.h"
#include "backend/cuda/launch/captures.h"
#include "backend/cuda/listed_mask.h"
#include "backend/cuda/nvrtc.h"
#include "support/fail.h"
#include "support/hash.h"

namespace flexion::cuda {

thread_local bool CaptureGuard::capturing_ = false;

namespace {

void refuse_in_capture(const char* what, const std::string& kernel) {
    if (!CaptureGuard::active()) return;
    fail<DeviceError>(
        "flexion::attention: kernel {} would have to be {} while a CUDA graph is being captured; "
        "call prepare(...) with the same arguments before the capture",
        kernel, what);
}

}  // namespace

CudaKernel::CudaKernel(const Header& header, std::span<const char> cubin, const std::string& name)
    : header_(header), name_(name) {
    const Driver& cuda = driver();
    const std::string what = formatted("loading kernel {} ({})", name, dump_hint(name));
    check(cuda.library_load(&library_, cubin.data(), nullptr, nullptr, 0, nullptr, nullptr, 0),
          what.c_str());
    check(cuda.library_kernel(&kernel_, library_, kKernelName), what.c_str());
    int devices = 0;
    check(cuda.device_count(&devices), "cuDeviceGetCount");
    for (int i = 0; i < devices; ++i) {
        DeviceId device = 0;
        int major = 0;
        check(cuda.device_get(&device, i), "cuDeviceGet");
        check(cuda.device_attribute(&major, kComputeMajor, device), "cuDeviceGetAttribute");
        if (major != 9) continue;
        check(cuda.kernel_set_attribute(kMaxDynamicShared, header.shared_bytes, kernel_, device),
              what.c_str());
    }
    // With lazy loading the first launch would load the code, which a capture forbids.
    ContextHandle context = nullptr;
    if (cuda.context_current(&context) == 0 && context != nullptr) {
        void* function = nullptr;
        check(cuda.kernel_function(&function, kernel_), what.c_str());
    }
}

CudaKernel::~CudaKernel() {
    const Driver* const cuda = find_driver();
    if (library_ && cuda && !kept_.load(std::memory_order_relaxed)) cuda->library_unload(library_);
}

backend::Support CudaBackend::supports(const plan::Problem& problem, const plan::Mods& mods) const {
    using backend::Support;
    if (problem.direction != plan::Direction::forward) {
        return {false,
                formatted("got the {} direction; CUDA kernels compute the forward pass alone: "
                          "use back end cpu or reference",
                          problem.direction == plan::Direction::mask_leaf ? "mask" : "backward")};
    }
    if (problem.dtype != DType::bf16 && problem.dtype != DType::f16) {
        return {false, formatted("got {}; expected bf16 or f16 queries, keys and values",
                                 name_of(problem.dtype))};
    }
    const auto fits = [](int d) { return d >= 16 && d <= 256 && d % 16 == 0; };
    if (!fits(problem.head_dim) || !fits(problem.v_head_dim)) {
        return {false, formatted("got head dims {} and {}; expected 8 to 256, multiples of 8",
                                 problem.head_dim, problem.v_head_dim)};
    }
    const plan::Mods evaluated = evaluated_mods(problem, mods);
    if (const int words = capture_words(problem, evaluated); words > kMaxCaptureWords) {
        return {false, formatted("the mods capture {} words of pointers, extents, strides and "
                                 "scalars; at most {} fit a launch",
                                 words, kMaxCaptureWords)};
    }
    const KernelOptions wanted{problem.block_q, problem.block_kv, problem.query_buffers};
    if (wanted == KernelOptions{}) return {};
    const int q = wanted.block_q, kv = wanted.block_kv, buffers = wanted.query_buffers;
    const bool known = (q == 0 || (q % 64 == 0 && q <= 192)) &&
                       (kv == 0 || (kv % 16 == 0 && kv >= 32 && kv <= 192)) && buffers <= 2;
    if (!known) {
        return {false, formatted("kernel_options ask for block_q {}, block_kv {} and query_buffers "
                                 "{}; expected 64, 128 or 192, a multiple of 16 from 32 to 192, "
                                 "and 1 or 2; 0 leaves the choice open",
                                 q, kv, buffers)};
    }
    const ModSource mod = emit_mods(problem, evaluated);
    if (ladder(problem.head_dim, problem.v_head_dim, mod.staged, mod.light, false, wanted)
            .empty()) {
        const Schedule least{q != 0 ? q / 64 : 2, kv != 0 ? kv : 32, buffers != 0 ? buffers : 1};
        return {false,
                formatted("kernel_options ask for block_q {}, block_kv {} and query_buffers {}, "
                          "which take {} bytes of shared memory; a Hopper GPU has {}; ask for a "
                          "smaller block_kv or fewer query_buffers",
                          q, kv, buffers,
                          shared_bytes(least, problem.head_dim, problem.v_head_dim, mod.staged),
                          kMaxSharedBytes)};
    }
    return {};
}

backend::Source CudaBackend::emit(const plan::Problem& problem, const plan::Mods& mods) const {
    backend::Source source;
    source.text = emit_forward(problem, mods).text;
    const Nvrtc* nvrtc = Nvrtc::find();
    source.target = "cuda:sm_90a";
    source.flags = formatted("nvrtc {} {}", nvrtc ? nvrtc->version() : "none", compile_flags());
    source.name = formatted("cuda_forward_{}_d{}_{:016x}", name_of(problem.dtype), problem.head_dim,
                            hash64(source.text));
    return source;
}

backend::Binary CudaBackend::compile(const backend::Source& source) const {
    refuse_in_capture("compiled", source.name);
    return compile_best(source);
}

std::unique_ptr<backend::Kernel> CudaBackend::load(const backend::Source& source,
                                                   const backend::Binary& binary) const {
    refuse_in_capture("loaded", source.name);
    return std::make_unique<CudaKernel>(header_of(binary), cubin_of(binary), source.name);
}

std::unique_ptr<backend::Backend> make_backend() { return std::make_unique<CudaBackend>(); }

}  // namespace flexion::cuda
