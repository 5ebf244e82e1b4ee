// SPDX-License-Identifier: Apache-2.0
// Whose source a frame runs, and which numbers are written in it.
#pragma once

#include <nanobind/nanobind.h>

namespace flexion::python {

enum class Origin : unsigned char { user, torch, flexion };

/// By the file of the code object; remembered with it.
Origin origin_of(PyCodeObject* code);

/// Whether this int or float is written in the source of the innermost frame that is not torch's
/// (functions of torch call ours): an equal number of the same type, or its negation, is a literal
/// of the code. A literal becomes a constant of the kernel, any other number an argument.
/// Infinities and NaN, which cannot be written, count as literals.
bool is_literal(PyObject* number);

/// Calls f(frame, code) from the innermost frame outwards until it returns false.
template <class F>
void for_each_frame(F&& f) {
    PyFrameObject* frame = PyEval_GetFrame();
    Py_XINCREF(reinterpret_cast<PyObject*>(frame));
    while (frame) {
        PyCodeObject* code = PyFrame_GetCode(frame);
        const bool more = f(frame, code);
        Py_DECREF(reinterpret_cast<PyObject*>(code));
        PyFrameObject* back = more ? PyFrame_GetBack(frame) : nullptr;
        Py_DECREF(reinterpret_cast<PyObject*>(frame));
        frame = back;
    }
}

/// Makes the slot in which code objects carry what is known of them.
void init_literals();

}  // namespace flexion::python
