// SPDX-License-Identifier: Apache-2.0
// Names, target and text of a kernel.
#include "backend/cpu/codegen/emit.h"

#include "backend/cpu/codegen/passes.h"
#include "support/fail.h"

namespace flexion::cpu {
namespace {

// The external symbol, too. It does not name the mods: equal structure gives equal text.
std::string kernel_name(const plan::Problem& problem) {
    if (problem.direction == plan::Direction::mask_leaf) return kMaskPass;
    if (problem.direction == plan::Direction::backward)
        return formatted("{}_{}{}", kBackwardPassPrefix, flexion::name_of(problem.dtype),
                         problem.masked ? "_masked" : "");
    return formatted("tile_{}_{}{}", problem.few_queries ? "stream" : "panel",
                     flexion::name_of(problem.dtype), problem.masked ? "_masked" : "");
}

}  // namespace

bool has_mask_pass(std::string_view name) {
    return name.ends_with("_masked") && !name.starts_with("tile_stream");
}

backend::Source emit(const plan::Problem& problem, const plan::Mods& mods, Isa isa) {
    ModuleText module(isa);
    const bool leaf = problem.direction == plan::Direction::mask_leaf;
    invariant(!(leaf || problem.masked) || mods.mask, "a masked kernel has a mask_mod");
    const IsaTraits& t = traits_of(isa);
    backend::Source source;
    source.name = kernel_name(problem);
    source.target = formatted("cpu:{} {} {} {}", name_of(isa), t.triple, t.cpu, t.features);
    const auto emit_pass = leaf                                             ? emit_mask_pass
                           : problem.direction == plan::Direction::backward ? emit_backward_pass
                                                                            : emit_tile_pass;
    std::string functions = emit_pass(module, source.name, problem, mods);
    if (has_mask_pass(source.name)) functions += emit_mask_pass(module, kMaskPass, problem, mods);
    source.text = module.text(functions);
    return source;
}

}  // namespace flexion::cpu
