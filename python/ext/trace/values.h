// SPDX-License-Identifier: Apache-2.0
// The Python types that mods compute with: Value, one number, and SubTensor, a part of a captured
// tensor. C types: a mod makes a dozen of them at every call.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <flexion/expr.h>
#include <nanobind/nanobind.h>

#include "trace/array.h"

namespace flexion::python {

namespace nb = nanobind;

struct Value {
    PyObject_HEAD Expr expr;
};

/// Either a gather with indices missing, or an array that was computed.
struct Part {
    nb::object tensor;                       ///< the captured tensor, if it is a gather
    std::vector<std::optional<Expr>> slots;  ///< by dimension of the tensor; empty: still free
    Shape shape;                             ///< of what is free
    std::optional<Array> array;              ///< elements, once they were needed

    /// The elements, loaded at first use; TraceFailure beyond kMostElements.
    const Array& elements();
};

struct SubTensor {
    PyObject_HEAD std::unique_ptr<Part> part;
};

/// Null when the object is none.
const Value* value_of(nb::handle object);
Part* part_of(nb::handle object);

nb::object wrap(const Expr& expr);
nb::object wrap(Part part);
/// A Value for an array without dimensions.
nb::object wrap(Array array);

void add_values(nb::module_& m);

}  // namespace flexion::python
