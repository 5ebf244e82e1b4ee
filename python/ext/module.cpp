// SPDX-License-Identifier: Apache-2.0
// flexion._C: what the Python package is made on.
#include <nanobind/nanobind.h>

#include <flexion/attention.h>
#include <flexion/version.h>

namespace nb = nanobind;

NB_MODULE(_C, m) {
    m.attr("__version__") = flexion::version();
    m.def("cache_info", [] {
        const flexion::CacheInfo info = flexion::cache_info();
        nb::dict d;
        d["memory_entries"] = info.memory_entries;
        d["memory_hits"] = info.memory_hits;
        d["memory_misses"] = info.memory_misses;
        d["disk_hits"] = info.disk_hits;
        d["disk_misses"] = info.disk_misses;
        d["compiled"] = info.compiled;
        return d;
    });
}
