// SPDX-License-Identifier: Apache-2.0
// Whatever stands beside a traced value in an operation, as values.
#pragma once

#include <optional>
#include <span>

#include <nanobind/nanobind.h>

#include "trace/array.h"

namespace flexion::python {

struct Lifted {
    Expr scalar = 0;
    std::optional<Array> array;  ///< instead
};

/// A Value, SubTensor, number, 0-dim tensor (a load) or small tensor (its elements); TraceFailure
/// for what has no meaning in a mod.
Lifted lift(PyObject* object);
/// The same where an array has no meaning either; `what` names the argument.
Expr lift_scalar(PyObject* object, const char* what);
Array lift_array(PyObject* object);

/// f(values) on the operands, element by element where one is an array.
using Elementwise = Expr (*)(const Expr* operands, unsigned given);
PyObject* elementwise(Elementwise f, std::span<PyObject* const> operands, unsigned given);

}  // namespace flexion::python
