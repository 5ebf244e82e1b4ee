// SPDX-License-Identifier: Apache-2.0
// Numbers, tensors and parts of tensors as traced values.
#include "trace/lift.h"

#include <array>

#include "errors.h"
#include "trace/buffer.h"
#include "trace/trace.h"
#include "trace/values.h"

namespace flexion::python {
namespace {

/// A whole tensor as the gather that indexes nothing.
Part whole(nb::handle tensor) {
    const Input& input = Trace::current().capture(tensor);
    Part part;
    part.tensor = nb::borrow(tensor);
    part.slots.resize(static_cast<std::size_t>(input.view.rank));
    part.shape.assign(input.view.shape.begin(), input.view.shape.begin() + input.view.rank);
    return part;
}

bool is_symbolic(PyObject* object) {
    const Torch* torch = loaded_torch();
    return torch && (nb::isinstance(nb::handle(object), torch->sym_int) ||
                     nb::isinstance(nb::handle(object), torch->sym_float));
}

Lifted lift_other(PyObject* object) {
    if (Part* part = part_of(object)) {
        const Array& array = part->elements();
        if (array.shape.empty()) return {array.elements[0], std::nullopt};
        return {0, array};
    }
    const Torch* torch = loaded_torch();
    if ((torch && torch->is_tensor(object)) || buffer_of(object)) {
        Trace& trace = Trace::current();
        if (trace.capture(object).view.rank == 0) return {trace.load(object, {}), std::nullopt};
        Part part = whole(object);
        return {0, part.elements()};
    }
    if (PyLong_Check(object) || PyFloat_Check(object)) {
        return {Trace::current().number(object, false), std::nullopt};
    }
    if (is_symbolic(object)) return {Trace::current().number(object, true), std::nullopt};
    if (PyObject_HasAttrString(object, "dtype") && PyObject_HasAttrString(object, "item")) {
        nb::object shape = nb::getattr(nb::handle(object), "shape", nb::none());
        if (!shape.is_none() && nb::len(shape) == 0) {  // a scalar of NumPy, whose value may change
            nb::object number = nb::handle(object).attr("item")();
            if (nb::isinstance<nb::bool_>(number)) {
                return {Expr(nb::cast<bool>(number)), std::nullopt};
            }
            return {Trace::current().number(number, true), std::nullopt};
        }
    }
    if (is_array(object)) {
        Part part = whole(object);
        return {0, part.elements()};
    }
    trace_fail(
        "a value of type {} cannot take part in a mod; expected numbers, tensors and the mod's own "
        "values",
        nb::cast<std::string>(nb::str(nb::handle(object).type().attr("__name__"))));
}

bool lift_quickly(PyObject* object, Expr* out) {
    if (const Value* value = value_of(object)) {
        *out = value->expr;
    } else if (PyFloat_CheckExact(object) || PyLong_CheckExact(object)) {
        *out = Trace::current().number(object, false);
    } else if (PyBool_Check(object)) {
        *out = Expr(object == Py_True);
    } else {
        return false;
    }
    return true;
}

constexpr std::size_t kMostOperands = 4;

}  // namespace

Lifted lift(PyObject* object) {
    Lifted lifted;
    return lift_quickly(object, &lifted.scalar) ? lifted : lift_other(object);
}

Expr lift_scalar(PyObject* object, const char* what) {
    const Lifted lifted = lift(object);
    if (lifted.array) {
        trace_fail("{} is an array of {} values; expected one value", what,
                   lifted.array->elements.size());
    }
    return lifted.scalar;
}

Array lift_array(PyObject* object) {
    Lifted lifted = lift(object);
    if (lifted.array) return std::move(*lifted.array);
    return {{}, {lifted.scalar}};
}

PyObject* elementwise(Elementwise f, std::span<PyObject* const> operands, unsigned given) {
    std::array<Expr, kMostOperands> scalars{0, 0, 0, 0};
    std::array<std::optional<Array>, kMostOperands> arrays;
    const std::size_t count = operands.size();
    bool any = false;
    for (std::size_t i = 0; i < count; ++i) {
        if (!operands[i] || lift_quickly(operands[i], &scalars[i])) continue;
        Lifted lifted = lift_other(operands[i]);
        scalars[i] = lifted.scalar;
        arrays[i] = std::move(lifted.array);
        any |= arrays[i].has_value();
    }
    if (!any) return wrap(f(scalars.data(), given)).release().ptr();
    Array result;
    for (const auto& array : arrays) {
        if (array) result.shape = broadcast(result.shape, array->shape);
    }
    const std::int64_t elements = count_of(result.shape);
    if (elements > kMostElements) {
        trace_fail("an array of {} values is computed; up to {} are unrolled", elements,
                   kMostElements);
    }
    for (std::int64_t flat = 0; flat < elements; ++flat) {
        for (std::size_t i = 0; i < count; ++i) {
            if (arrays[i]) scalars[i] = element(*arrays[i], result.shape, flat);
        }
        result.elements.push_back(f(scalars.data(), given));
    }
    return wrap(std::move(result)).release().ptr();
}

}  // namespace flexion::python
