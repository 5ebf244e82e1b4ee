// SPDX-License-Identifier: Apache-2.0
// What each value depends on, and which integers are affine in the position and the scalars.
#include "passes/linear_form.h"
#include "passes/passes.h"

namespace flexion::passes {
namespace {

using ir::Inst;
using ir::Op;

/// Position of a parameter in (score, b, h, q, k, scalars...).
int position_of(const ir::Function& f, const Inst& parameter) {
    return parameter.index + 5 - f.builtin_parameters();
}

Affine affine_of(const ir::Function& f, const LinearForm& form) {
    Affine affine;
    affine.scalars.resize(f.scalar_count());
    affine.constant = form.constant;
    for (const auto& [atom, coefficient] : form.terms) {
        const Inst& inst = f.insts[atom];
        if (inst.op != Op::parameter) return {};
        const int p = position_of(f, inst);
        std::int64_t* const slots[] = {nullptr, &affine.b, &affine.h, &affine.q, &affine.k};
        (p >= 5 ? affine.scalars[p - 5] : *slots[p]) = coefficient;
    }
    affine.known = true;
    return affine;
}

}  // namespace

Facts uniformity(const ir::Function& f) {
    const std::vector<LinearForm> forms = linear_forms(f), past_clamps = linear_forms(f, true);
    Facts facts;
    facts.depends.reserve(f.insts.size());
    facts.affine.reserve(f.insts.size());
    facts.unclamped.reserve(f.insts.size());
    for (ir::Value v = 0; v < f.insts.size(); ++v) {
        const Inst& inst = f.insts[v];
        std::uint8_t depends = 0;
        for (int i = 0; i < inst.count; ++i) depends |= facts.depends[inst.args[i]];
        if (inst.op == Op::parameter && position_of(f, inst) < 5)
            depends = static_cast<std::uint8_t>(1 << position_of(f, inst));
        facts.depends.push_back(depends);
        const bool integer = ir::is_integer(inst.type);
        facts.affine.push_back(integer ? affine_of(f, forms[v]) : Affine{});
        facts.unclamped.push_back(integer ? affine_of(f, past_clamps[v]) : Affine{});
    }
    return facts;
}

}  // namespace flexion::passes
