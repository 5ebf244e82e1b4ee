// SPDX-License-Identifier: Apache-2.0
// flexion._C.Traced: mods as IR text, with their captures.
#include <nanobind/stl/string.h>

#include "errors.h"
#include "ir/text.h"
#include "mask_core.h"

namespace flexion::python {
namespace {

nb::list captured_of(const TracedMod& mod) {
    nb::list list;
    for (const Input& input : mod.captured) list.append(input.object);
    return list;
}

nb::list scalars_of(const TracedMod& mod) {
    nb::list list;
    for (const nb::object& scalar : mod.scalars) list.append(scalar);
    return list;
}

/// A Traced object was perhaps made from outlines; what runs needs memory.
TracedMod readable(const TracedMod& mod) {
    if (mod.readable) return mod;
    std::vector<Input> captured;
    for (const Input& input : mod.captured) {
        captured.push_back(read_tensor(input.object, "a captured tensor"));
    }
    return with_captured(mod, std::move(captured));
}

}  // namespace

TracedMod mask_mod_from(nb::handle object) {
    if (!nb::isinstance<TracedMod>(object)) return trace_mask_mod(object, Reading::memory);
    const TracedMod& mod = *nb::inst_ptr<TracedMod>(object);
    if (!mod.mask) fail<UserError>("flexion: got a traced score_mod; expected a mask_mod");
    return readable(mod);
}

TracedMod score_mod_from(nb::handle object, bool f64) {
    if (!nb::isinstance<TracedMod>(object)) return trace_score_mod(object, f64, Reading::memory);
    const TracedMod& mod = *nb::inst_ptr<TracedMod>(object);
    if (!mod.score) fail<UserError>("flexion: got a traced mask_mod; expected a score_mod");
    return readable(mod);
}

void add_traced(nb::module_& m) {
    nb::class_<TracedMod>(m, "Traced")
        .def_prop_ro("text", [](const TracedMod& mod) { return ir::print(mod.function()); })
        .def_prop_ro("captured", captured_of)
        .def_prop_ro("scalars", scalars_of)
        .def_prop_ro("hash", &TracedMod::hash)
        .def("same_structure",
             [](const TracedMod& mod, const TracedMod& other) {
                 return ir::same_structure(mod.function(), other.function());
             })
        .def("__repr__", [](const TracedMod& mod) { return ir::print(mod.function()); });
    m.def(
        "trace_score_mod",
        [](nb::handle mod, bool f64) { return trace_score_mod(mod, f64, Reading::outlines); },
        nb::arg("score_mod"), nb::arg("f64") = false);
    m.def(
        "trace_mask_mod", [](nb::handle mod) { return trace_mask_mod(mod, Reading::outlines); },
        nb::arg("mask_mod"));
}

}  // namespace flexion::python
