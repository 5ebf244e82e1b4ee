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
        auto* entry = const_cast<void*>(code_.entries.front());
        if (name.starts_with(kMaskPass) || has_mask_pass(name))
            mask = reinterpret_cast<MaskPass>(const_cast<void*>(code_.entries.back()));
        if (name.starts_with(kBackwardPassPrefix))
            backward = reinterpret_cast<BackwardPass>(entry);
        else if (!name.starts_with(kMaskPass))
            tile = reinterpret_cast<TilePass>(entry);
        vector_functions = &cpu::vector_functions(isa);
    }

private:
    LoadedCode code_;
};

}  // namespace

std::unique_ptr<TileKernel> load_kernel(const backend::Source& source,
                                        const backend::Binary& object, Isa isa) {
    const std::string& name = source.name;
    return std::make_unique<LoadedKernel>(has_mask_pass(name)
                                              ? load_object(object, {name, kMaskPass}, name)
                                              : load_object(object, {name}, name),
                                          name, isa);
}

}  // namespace flexion::cpu
