// SPDX-License-Identifier: Apache-2.0
// The CPU as a back end: the verbs of backend.h on emitted LLVM IR and ahead-of-time kernels.
#pragma once

#include "backend/backend.h"
#include "backend/cpu/tile_abi.h"

namespace flexion::cpu {

/// Thread-safe; emits for the instruction set that it was made with.
class CpuBackend final : public backend::Backend {
public:
    explicit CpuBackend(Isa isa = detect_isa()) : isa_(isa) {}
    Isa isa() const { return isa_; }

    const char* name() const override { return "cpu"; }
    backend::Support supports(const plan::Problem& problem, const plan::Mods& mods) const override;
    backend::Source emit(const plan::Problem& problem, const plan::Mods& mods) const override;
    backend::Binary compile(const backend::Source& source) const override;
    /// A TileKernel (tile_kernel.h).
    std::unique_ptr<backend::Kernel> load(const backend::Source& source,
                                          const backend::Binary& binary) const override;
    void launch(const plan::LaunchArgs& args, backend::KernelProvider& kernels) const override;
    void launch_backward(const plan::BackwardArgs& args,
                         backend::KernelProvider& kernels) const override;

private:
    Isa isa_;
};

/// The CPU with the best instruction set of this machine (backend/backends.def).
std::unique_ptr<backend::Backend> make_backend();

}  // namespace flexion::cpu
