// SPDX-License-Identifier: Apache-2.0
// Rows that convert, create, index or only look at traced values.
#include <limits>

#include "errors.h"
#include "trace/functions/table.h"
#include "trace/gather.h"
#include "trace/trace.h"
#include "trace/values.h"

namespace flexion::python {
namespace {

Expr cast(const Expr& value, ir::Type type) {
    Tracer& tracer = Trace::current().tracer();
    return tracer.wrap(tracer.builder().cast(tracer.value(value, "flexion"), type));
}

/// Integers of 8 and 16 bits wrap, and are then carried in 32.
Expr wrapped(const Expr& value, int bits) {
    const Expr wide = cast(value, ir::Type::i32);
    return (wide << (32 - bits)) >> (32 - bits);
}

/// `value` as torch's dtype would hold it. Floats of 16 bits are carried in f32, and f64 is f32
/// where the problem is not f64, as scores are.
Expr converted(const Expr& value, DType dtype) {
    switch (dtype) {
        case DType::f32:
        case DType::f16:
        case DType::bf16:
            return cast(value, ir::Type::f32);
        case DType::f64:
            return cast(value, Trace::current().float_type());
        case DType::i64:
            return cast(value, ir::Type::i64);
        case DType::i32:
            return cast(value, ir::Type::i32);
        case DType::i16:
            return wrapped(value, 16);
        case DType::i8:
            return wrapped(value, 8);
        case DType::u8:
            return cast(value, ir::Type::i32) & 255;
        case DType::boolean:
            return cast(value, ir::Type::boolean);
    }
    return value;
}

template <DType dtype>
PyObject* convert(Arguments& a) {
    return elementwise([](const Expr* x, unsigned) { return converted(x[0], dtype); },
                       std::span(a.at, 1), 1);
}

PyObject* convert_to(PyObject* object, DType dtype) {
    Array array = lift_array(object);
    for (Expr& each : array.elements) each = converted(each, dtype);
    return wrap(std::move(array)).release().ptr();
}

DType required_dtype(PyObject* object) {
    const auto dtype = dtype_of(object);
    if (!dtype) {
        trace_fail("dtype {} has no meaning inside a mod",
                   nb::cast<std::string>(nb::str(nb::handle(object))));
    }
    return *dtype;
}

/// The dtype of a Value, SubTensor or tensor.
DType dtype_like(PyObject* object) {
    return required_dtype(nb::object(nb::handle(object).attr("dtype")).ptr());
}

/// One value of the given number, of the dtype given or that of `model`.
PyObject* filled(PyObject* fill, PyObject* dtype, PyObject* model) {
    const Expr value = lift_scalar(fill, "fill_value");
    if (dtype) return wrap(converted(value, required_dtype(dtype))).release().ptr();
    if (model) return wrap(converted(value, dtype_like(model))).release().ptr();
    return wrap(value).release().ptr();
}

nb::object number(int value) { return nb::int_(value); }

void require_scalar_shape(const std::vector<PyObject*>& shape) {
    for (PyObject* extents : shape) {
        if (PyLong_Check(extents)) {
            if (PyLong_AsLong(extents) == 1) continue;
        } else if (PySequence_Check(extents)) {
            bool ones = true;
            for (nb::handle extent : nb::handle(extents)) {
                ones &= nb::isinstance<nb::int_>(extent) && nb::cast<long>(extent) == 1;
            }
            if (ones) continue;
        }
        trace_fail("a mod makes single values: the size must be ()");
    }
}

}  // namespace

namespace special {

PyObject* same(Arguments& a) { return Py_NewRef(a.at[0]); }
PyObject* to_float(Arguments& a) { return convert<DType::f32>(a); }
PyObject* to_double(Arguments& a) { return convert<DType::f64>(a); }
PyObject* to_int(Arguments& a) { return convert<DType::i32>(a); }
PyObject* to_long(Arguments& a) { return convert<DType::i64>(a); }
PyObject* to_short(Arguments& a) { return convert<DType::i16>(a); }
PyObject* to_char(Arguments& a) { return convert<DType::i8>(a); }
PyObject* to_byte(Arguments& a) { return convert<DType::u8>(a); }
PyObject* to_bool(Arguments& a) { return convert<DType::boolean>(a); }

PyObject* to(Arguments& a) {
    PyObject* target = a.at[2];
    for (PyObject* each : a.rest) {
        if (dtype_of(each)) target = each;
        // Another tensor or value stands for its dtype; devices and flags say nothing here.
        if (value_of(each) || part_of(each) || is_array(each)) {
            return convert_to(a.at[0], dtype_like(each));
        }
    }
    return target ? convert_to(a.at[0], required_dtype(target)) : Py_NewRef(a.at[0]);
}

PyObject* type_as(Arguments& a) { return convert_to(a.at[0], dtype_like(a.at[1])); }

PyObject* zeros_like(Arguments& a) { return filled(number(0).ptr(), a.at[1], a.at[0]); }
PyObject* ones_like(Arguments& a) { return filled(number(1).ptr(), a.at[1], a.at[0]); }
PyObject* full_like(Arguments& a) { return filled(a.at[1], a.at[2], a.at[0]); }
PyObject* new_zeros(Arguments& a) {
    require_scalar_shape(a.rest);
    return filled(number(0).ptr(), a.at[2], a.at[0]);
}
PyObject* new_ones(Arguments& a) {
    require_scalar_shape(a.rest);
    return filled(number(1).ptr(), a.at[2], a.at[0]);
}
PyObject* new_full(Arguments& a) {
    require_scalar_shape({a.at[1]});
    return filled(a.at[2], a.at[3], a.at[0]);
}
PyObject* full(Arguments& a) {
    require_scalar_shape({a.at[0]});
    return filled(a.at[1], a.at[2], nullptr);
}

PyObject* getitem(Arguments& a) { return gather(a.at[0], a.at[1]); }
PyObject* index_select(Arguments& a) { return gather_along(a.at[0], a.integer(1, 0), a.at[2]); }
PyObject* embedding(Arguments& a) {
    // F.embedding(input, weight); the operator of the same name has them exchanged.
    const bool exchanged = value_of(a.at[1]) || part_of(a.at[1]);
    return exchanged ? gather(a.at[0], a.at[1]) : gather(a.at[1], a.at[0]);
}

PyObject* reshape(Arguments& a) {
    if (value_of(a.at[0])) {
        require_scalar_shape(a.rest);
        return Py_NewRef(a.at[0]);
    }
    Array array = lift_array(a.at[0]);
    Shape shape;
    std::int64_t known = 1;
    int open = -1;
    const auto add = [&](nb::handle extent) {
        shape.push_back(nb::cast<std::int64_t>(extent));
        if (shape.back() == -1) {
            open = static_cast<int>(shape.size()) - 1;
        } else {
            known *= shape.back();
        }
    };
    for (PyObject* each : a.rest) {
        if (PyLong_Check(each)) {
            add(each);
        } else {
            for (nb::handle extent : nb::handle(each)) add(extent);
        }
    }
    const auto count = static_cast<std::int64_t>(array.elements.size());
    if (a.rest.empty()) shape = {count};  // flatten
    if (open >= 0 && known > 0) shape[static_cast<std::size_t>(open)] = count / known;
    if (count_of(shape) != count) trace_fail("an array of {} values cannot be viewed so", count);
    array.shape = shape;
    return wrap(std::move(array)).release().ptr();
}

PyObject* squeeze(Arguments& a) {
    if (value_of(a.at[0])) return Py_NewRef(a.at[0]);
    Array array = lift_array(a.at[0]);
    if (a.given(1)) {
        const std::int64_t dim = dimension(a.integer(1, 0), array.shape.size());
        if (array.shape[static_cast<std::size_t>(dim)] == 1) {
            array.shape.erase(array.shape.begin() + dim);
        }
    } else {
        std::erase(array.shape, 1);
    }
    return wrap(std::move(array)).release().ptr();
}

PyObject* unsqueeze(Arguments& a) {
    Array array = lift_array(a.at[0]);
    const std::int64_t dim = dimension(a.integer(1, 0), array.shape.size() + 1);
    array.shape.insert(array.shape.begin() + dim, 1);
    return wrap(std::move(array)).release().ptr();
}

PyObject* numel(Arguments& a) {
    if (value_of(a.at[0])) return PyLong_FromLong(1);
    return PyLong_FromLongLong(count_of(part_of(a.at[0])->shape));
}
PyObject* dim(Arguments& a) {
    const Part* part = part_of(a.at[0]);
    return PyLong_FromSize_t(part ? part->shape.size() : 0);
}
PyObject* size(Arguments& a) {
    nb::object shape = nb::handle(a.at[0]).attr("shape");
    if (!a.given(1)) return shape.release().ptr();
    return nb::object(shape[a.integer(1, 0)]).release().ptr();
}

PyObject* item(Arguments&) {
    trace_fail(
        ".item(), .tolist() and .numpy() ask for the number itself, which is not known while the "
        "mod is traced; go on with the value: torch operations take it");
}

PyObject* clamp(Arguments& a) {
    PyObject* operands[] = {a.at[0], a.at[1], a.at[2]};
    if (a.at[1] && a.at[2]) {
        return elementwise([](const Expr* x, unsigned) { return flexion::clamp(x[0], x[1], x[2]); },
                           operands, 7);
    }
    PyObject* pair[] = {a.at[0], a.at[1] ? a.at[1] : a.at[2]};
    if (!pair[1]) return Py_NewRef(a.at[0]);
    return a.at[1] ? elementwise([](const Expr* x, unsigned) { return flexion::max(x[0], x[1]); },
                                 pair, 3)
                   : elementwise([](const Expr* x, unsigned) { return flexion::min(x[0], x[1]); },
                                 pair, 3);
}

PyObject* div(Arguments& a) {
    const std::string mode = a.text(2, "");
    const std::span<PyObject* const> pair(a.at, 2);
    if (mode == "floor") {
        return elementwise([](const Expr* x, unsigned) { return floordiv(x[0], x[1]); }, pair, 3);
    }
    if (mode == "trunc") {
        return elementwise([](const Expr* x, unsigned) { return truncdiv(x[0], x[1]); }, pair, 3);
    }
    if (!mode.empty()) trace_fail("rounding_mode '{}'; expected 'floor' or 'trunc'", mode);
    return elementwise([](const Expr* x, unsigned) { return x[0] / x[1]; }, pair, 3);
}

PyObject* gelu(Arguments& a) {
    const std::span<PyObject* const> x(a.at, 1);
    if (a.text(1, "none") == "tanh") {
        return elementwise(
            [](const Expr* e, unsigned) {
                // sqrt(2 / pi), and Hendrycks and Gimpel's cubic term.
                const Expr inner =
                    0.79788456080286535588 * (e[0] + 0.044715 * (e[0] * e[0] * e[0]));
                return 0.5 * e[0] * (1 + tanh(inner));
            },
            x, 1);
    }
    return elementwise(
        [](const Expr* e, unsigned) {
            return 0.5 * e[0] * (1 + erf(e[0] * 0.70710678118654752440));
        },
        x, 1);
}

}  // namespace special
}  // namespace flexion::python
