// SPDX-License-Identifier: Apache-2.0
// The CUDA back end's six verbs.
#pragma once

#include <atomic>

#include "backend/backend.h"
#include "backend/cuda/cubin.h"
#include "backend/cuda/driver.h"

namespace flexion::cuda {

class CudaKernel final : public backend::Kernel {
public:
    CudaKernel(const Header& header, std::span<const char> cubin, const std::string& name);
    ~CudaKernel() override;
    CudaKernel(const CudaKernel&) = delete;
    CudaKernel& operator=(const CudaKernel&) = delete;

    const Header& header() const { return header_; }
    KernelHandle handle() const { return kernel_; }
    /// A graph may launch the kernel at any time from now on: it is never unloaded.
    void keep() const { kept_.store(true, std::memory_order_relaxed); }
    const std::string& name() const { return name_; }

private:
    Header header_;
    std::string name_;
    LibraryHandle library_ = nullptr;
    KernelHandle kernel_ = nullptr;
    mutable std::atomic<bool> kept_{false};
};

class CudaBackend final : public backend::Backend {
public:
    const char* name() const override { return "cuda"; }
    bool may_skip_mask() const override { return false; }
    backend::Support supports(const plan::Problem& problem, const plan::Mods& mods) const override;
    backend::Source emit(const plan::Problem& problem, const plan::Mods& mods) const override;
    backend::Binary compile(const backend::Source& source) const override;
    std::unique_ptr<backend::Kernel> load(const backend::Source& source,
                                          const backend::Binary& binary) const override;
    /// Asynchronous on args.stream. Allocates nothing once a mask's lists are on the device, so
    /// that it can be captured into a CUDA graph.
    void launch(const plan::LaunchArgs& args, backend::KernelProvider& kernels) const override;
};

/// While a thread captures a graph, compile() and load() refuse.
class CaptureGuard {
public:
    explicit CaptureGuard(bool capturing) : before_(capturing_) { capturing_ = capturing; }
    ~CaptureGuard() { capturing_ = before_; }
    static bool active() { return capturing_; }

private:
    static thread_local bool capturing_;
    bool before_;
};

}  // namespace flexion::cuda
