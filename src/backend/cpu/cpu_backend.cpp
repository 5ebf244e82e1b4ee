// SPDX-License-Identifier: Apache-2.0
// The verbs of the CPU.
#include "backend/cpu/cpu_backend.h"

#include "backend/cpu/codegen/emit.h"
#include "backend/cpu/jit/kernel.h"
#include "backend/cpu/jit/llvm.h"
#include "backend/cpu/kernels/backward/backward.h"
#include "backend/cpu/kernels/forward.h"
#include "support/format.h"

namespace flexion::cpu {
backend::Support CpuBackend::supports(const plan::Problem& problem, const plan::Mods&) const {
    switch (problem.dtype) {
        case DType::f32:
        case DType::f64:
        case DType::bf16:
        case DType::f16:
            return {};
        default:
            return {false,
                    formatted("queries, keys and values of {} have no kernel on the cpu; f32, "
                              "f64, bf16 and f16 have",
                              flexion::name_of(problem.dtype))};
    }
}

backend::Source CpuBackend::emit(const plan::Problem& problem, const plan::Mods& mods) const {
    backend::Source source = cpu::emit(problem, mods, isa_);
    source.flags = formatted("{}, tile abi {}", llvm_version(), kTileAbi);
    return source;
}

backend::Binary CpuBackend::compile(const backend::Source& source) const {
    return compile_object(source);
}

std::unique_ptr<backend::Kernel> CpuBackend::load(const backend::Source& source,
                                                  const backend::Binary& binary) const {
    return load_kernel(source, binary, isa_);
}

void CpuBackend::launch(const plan::LaunchArgs& args, backend::KernelProvider& kernels) const {
    forward(args, kernels, isa_);
}

void CpuBackend::launch_backward(const plan::BackwardArgs& args,
                                 backend::KernelProvider& kernels) const {
    backward(args, kernels, isa_);
}

std::unique_ptr<backend::Backend> make_backend() { return std::make_unique<CpuBackend>(); }

}  // namespace flexion::cpu
