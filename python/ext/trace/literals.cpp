// SPDX-License-Identifier: Apache-2.0
// Facts about code objects, kept in the slot that CPython has for them: found in a few nanoseconds,
// gone with the code object.
#include "trace/literals.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "errors.h"

#if PY_VERSION_HEX < 0x030C0000
#define FLEXION_CODE_EXTRA(name) _Py##name
#else
#define FLEXION_CODE_EXTRA(name) PyUnstable_##name
#endif

namespace flexion::python {
namespace {

Py_ssize_t g_slot = -1;

struct CodeFacts {
    Origin origin = Origin::user;
    std::vector<std::int64_t> integers;
    std::vector<std::uint64_t> reals;  // bits: -0.0 is not 0.0
};

/// The folder of a loaded package with a separator at its end; "" where it is not loaded.
std::string folder_of(const char* package) {
    nb::object module = nb::steal(PyImport_GetModule(nb::str(package).ptr()));
    if (!module.is_valid() || !nb::hasattr(module, "__path__")) {
        PyErr_Clear();
        return "";
    }
    nb::object path = module.attr("__path__")[0];
    return nb::cast<std::string>(path) + "/";
}

void collect(PyObject* constant, CodeFacts& facts) {
    if (PyFloat_CheckExact(constant)) {
        facts.reals.push_back(std::bit_cast<std::uint64_t>(PyFloat_AS_DOUBLE(constant)));
    } else if (PyLong_CheckExact(constant)) {
        int overflow = 0;
        const long long value = PyLong_AsLongLongAndOverflow(constant, &overflow);
        if (overflow == 0) facts.integers.push_back(value);
    } else if (PyTuple_CheckExact(constant)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(constant); ++i) {
            collect(PyTuple_GET_ITEM(constant, i), facts);
        }
    }
}

CodeFacts* facts_from(PyCodeObject* code) {
    auto* facts = new CodeFacts;
    nb::handle object(reinterpret_cast<PyObject*>(code));
    const auto file = nb::cast<std::string>(object.attr("co_filename"));
    const auto lies_in = [&](const std::string& folder) {
        return !folder.empty() && file.starts_with(folder);
    };
    facts->origin = lies_in(folder_of("torch"))     ? Origin::torch
                    : lies_in(folder_of("flexion")) ? Origin::flexion
                                                    : Origin::user;
    collect(nb::object(object.attr("co_consts")).ptr(), *facts);
#if PY_VERSION_HEX >= 0x030E0000
    // Small integers are no longer among the constants.
    for (nb::handle instruction : nb::module_::import_("dis").attr("get_instructions")(object)) {
        if (nb::cast<std::string>(instruction.attr("opname")) == "LOAD_SMALL_INT") {
            collect(nb::object(instruction.attr("argval")).ptr(), *facts);
        }
    }
#endif
    return facts;
}

const CodeFacts& facts_of(PyCodeObject* code) {
    auto* object = reinterpret_cast<PyObject*>(code);
    void* known = nullptr;
    if (FLEXION_CODE_EXTRA(Code_GetExtra)(object, g_slot, &known) != 0) throw nb::python_error();
    if (!known) {
        known = facts_from(code);
        if (FLEXION_CODE_EXTRA(Code_SetExtra)(object, g_slot, known) != 0) throw nb::python_error();
    }
    return *static_cast<CodeFacts*>(known);
}

template <class T>
bool contains(const std::vector<T>& list, T a, T b) {
    for (const T& each : list) {
        if (each == a || each == b) return true;
    }
    return false;
}

bool contains(const CodeFacts& facts, PyObject* number) {
    if (PyFloat_Check(number)) {
        const double value = PyFloat_AsDouble(number);
        return contains(facts.reals, std::bit_cast<std::uint64_t>(value),
                        std::bit_cast<std::uint64_t>(-value));
    }
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (overflow != 0) return false;
    const auto negated = static_cast<std::int64_t>(-static_cast<std::uint64_t>(value));
    return contains(facts.integers, static_cast<std::int64_t>(value), negated);
}

}  // namespace

void init_literals() {
    if (g_slot >= 0) return;
    g_slot = FLEXION_CODE_EXTRA(Eval_RequestCodeExtraIndex)(
        [](void* facts) { delete static_cast<CodeFacts*>(facts); });
    if (g_slot < 0) throw std::runtime_error("flexion: no slot is left in Python's code objects");
}

Origin origin_of(PyCodeObject* code) { return facts_of(code).origin; }

bool is_literal(PyObject* number) {
    if (PyFloat_Check(number) && !std::isfinite(PyFloat_AsDouble(number))) return true;
    bool found = false;
    for_each_frame([&](PyFrameObject*, PyCodeObject* code) {
        const CodeFacts& facts = facts_of(code);
        if (facts.origin == Origin::torch) return true;
        found = contains(facts, number);
        return false;
    });
    return found;
}

}  // namespace flexion::python
