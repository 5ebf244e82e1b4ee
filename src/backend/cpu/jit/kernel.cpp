// SPDX-License-Identifier: Apache-2.0
// Code memory and entry point of a kernel.
#include "backend/cpu/jit/kernel.h"

#include "backend/cpu/codegen/emit.h"
#include "backend/cpu/jit/loader.h"
#include "backend/cpu/jit/vector_functions.h"

namespace flexion::cpu {
namespace {

class LoadedKernel final : public TileKernel {
public:
    LoadedKernel(LoadedCode code, const std::string& name, Isa isa) : code_(std::move(code)) {
        auto* entry = const_cast<void*>(code_.entry);
        if (name.starts_with(kMaskPassPrefix)) {
            mask = reinterpret_cast<MaskPass>(entry);
        } else if (name.starts_with(kBackwardPassPrefix)) {
            backward = reinterpret_cast<BackwardPass>(entry);
        } else {
            tile = reinterpret_cast<TilePass>(entry);
        }
        vector_functions = &cpu::vector_functions(isa);
    }

private:
    LoadedCode code_;
};

}  // namespace

std::unique_ptr<TileKernel> load_kernel(const backend::Source& source,
                                        const backend::Binary& object, Isa isa) {
    return std::make_unique<LoadedKernel>(load_object(object, source.name, source.name),
                                          source.name, isa);
}

}  // namespace flexion::cpu
