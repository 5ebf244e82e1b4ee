// SPDX-License-Identifier: Apache-2.0
// flexion._C: what the Python package is made on.
#include <flexion/attention.h>
#include <flexion/options.h>
#include <flexion/version.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "call.h"
#include "errors.h"
#include "mask_core.h"
#include "trace/buffer.h"
#include "trace/functions/table.h"
#include "trace/literals.h"
#include "trace/values.h"

namespace flexion::python {
namespace {

nb::dict cache_counters() {
    const CacheInfo info = cache_info();
    nb::dict d;
    d["memory_entries"] = info.memory_entries;
    d["memory_hits"] = info.memory_hits;
    d["memory_misses"] = info.memory_misses;
    d["disk_hits"] = info.disk_hits;
    d["disk_misses"] = info.disk_misses;
    d["compiled"] = info.compiled;
    return d;
}

nb::list option_list() {
    nb::list list;
    for (const OptionInfo& each : flexion::options()) {
        nb::dict d;
        d["name"] = each.name;
        d["variable"] = each.variable;
        d["help"] = each.help;
        d["value"] = each.value;
        d["set"] = each.set;
        list.append(d);
    }
    return list;
}

void add_process(nb::module_& m) {
    m.attr("__version__") = flexion::version();
    m.def("cache_info", cache_counters);
    m.def(
        "set_option",
        [](const std::string& name, const std::string& value) { flexion::set_option(name, value); },
        nb::arg("name"), nb::arg("value"));
    m.def("option", [](const std::string& name) { return flexion::option(name); }, nb::arg("name"));
    m.def("options", option_list);
    // What is kept of torch goes when the interpreter clears its modules, not after it.
    nb::module_::import_("atexit").attr("register")(nb::cpp_function([] {
        forget_functions();
        forget_masks();
        forget_autograd();
        unload_torch();
    }));
}

}  // namespace
}  // namespace flexion::python

NB_MODULE(_C, m) {
    using namespace flexion::python;
    init_literals();
    add_errors(m);
    add_functions(m);
    add_values(m);
    add_buffer(m);
    add_traced(m);
    add_mask_core(m);
    add_call(m);
    add_attend(m);
    add_record(m);
    add_process(m);
}
