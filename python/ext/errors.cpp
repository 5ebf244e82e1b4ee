// SPDX-License-Identifier: Apache-2.0
// The types of flexion/error.h as Python exceptions.
#include "errors.h"

#include "trace/literals.h"

namespace flexion::python {
namespace {

// Borrowed from the module, which outlives every call.
struct Types {
    PyObject *error, *user, *unsupported, *compile, *device, *internal, *trace, *attribute;
};
Types g_types{};

PyObject* add(nb::module_& m, const char* name, std::initializer_list<PyObject*> bases,
              const char* doc) {
    nb::object tuple = nb::steal(PyTuple_New(static_cast<Py_ssize_t>(bases.size())));
    Py_ssize_t i = 0;
    for (PyObject* base : bases) PyTuple_SetItem(tuple.ptr(), i++, Py_NewRef(base));
    const std::string full = std::string("flexion.") + name;
    nb::object type = nb::steal(PyErr_NewExceptionWithDoc(full.c_str(), doc, tuple.ptr(), nullptr));
    if (!type.is_valid()) throw nb::python_error();
    m.attr(name) = type;
    return type.ptr();
}

PyObject* type_for(const std::exception& error) {
    if (dynamic_cast<const TraceAttributeFailure*>(&error)) return g_types.attribute;
    if (dynamic_cast<const TraceFailure*>(&error)) return g_types.trace;
    if (dynamic_cast<const UserError*>(&error)) return g_types.user;
    if (dynamic_cast<const Unsupported*>(&error)) return g_types.unsupported;
    if (dynamic_cast<const CompileError*>(&error)) return g_types.compile;
    if (dynamic_cast<const DeviceError*>(&error)) return g_types.device;
    if (dynamic_cast<const InternalError*>(&error)) return g_types.internal;
    if (dynamic_cast<const std::bad_alloc*>(&error)) return PyExc_MemoryError;
    return PyExc_RuntimeError;
}

std::string place(PyFrameObject* frame, PyCodeObject* code) {
    nb::object name =
        nb::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(code), "co_filename"));
    return formatted("{}:{}: ", nb::cast<std::string>(name), PyFrame_GetLineNumber(frame));
}

}  // namespace

std::string user_place() {
    std::string result;
    for_each_frame([&](PyFrameObject* frame, PyCodeObject* code) {
        if (origin_of(code) != Origin::user) return true;
        result = place(frame, code);
        return false;
    });
    return result;
}

std::string place_of(const nb::python_error& error) {
    nb::object at = nb::borrow(error.traceback());
    if (!at.is_valid() || at.is_none()) return "";
    while (!at.attr("tb_next").is_none()) at = at.attr("tb_next");
    return formatted(
        "{}:{}: ", nb::cast<std::string>(at.attr("tb_frame").attr("f_code").attr("co_filename")),
        nb::cast<int>(at.attr("tb_lineno")));
}

void set_python_error(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (nb::python_error& e) {
        e.restore();
    } catch (const nb::builtin_exception& e) {
        PyErr_SetString(PyExc_TypeError, e.what());
    } catch (const std::exception& e) {
        PyErr_SetString(type_for(e), e.what());
    } catch (...) {
        PyErr_SetString(PyExc_RuntimeError, "flexion: an exception of unknown type");
    }
}

void add_errors(nb::module_& m) {
    Types& t = g_types;
    t.error = add(m, "Error", {PyExc_Exception}, "Base of all errors of Flexion.");
    t.user = add(m, "UserError", {t.error, PyExc_ValueError},
                 "The call is wrong: shapes, dtypes, names, options, IR text.");
    t.unsupported = add(m, "Unsupported", {t.error, PyExc_NotImplementedError},
                        "Meaningful, but not for this build, back end or machine.");
    t.compile =
        add(m, "CompileError", {t.error, PyExc_RuntimeError}, "The compiler refused a kernel.");
    t.device = add(m, "DeviceError", {t.error, PyExc_RuntimeError},
                   "The operating system or the device failed.");
    t.internal =
        add(m, "InternalError", {t.error, PyExc_RuntimeError}, "A bug in Flexion; please report.");
    t.trace = add(m, "TraceError", {t.user, PyExc_TypeError},
                  "A mod cannot be traced; the message begins with its file and line.");
    t.attribute = add(m, "TraceAttributeError", {t.trace, PyExc_AttributeError},
                      "A mod asks a traced value for what it does not have.");
    nb::register_exception_translator([](const std::exception_ptr& error, void*) {
        try {
            std::rethrow_exception(error);
        } catch (const Error& e) {
            PyErr_SetString(type_for(e), e.what());
        }
    });
}

}  // namespace flexion::python
