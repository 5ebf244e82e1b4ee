// SPDX-License-Identifier: Apache-2.0
// Value and SubTensor: operators, attributes, and what a traced value refuses to be.
#include "trace/values.h"

#include <cstring>

#include "errors.h"
#include "host/tensors.h"
#include "trace/buffer.h"
#include "trace/functions/table.h"
#include "trace/gather.h"
#include "trace/lift.h"
#include "trace/trace.h"

namespace flexion::python {
namespace {

PyTypeObject* g_value_type = nullptr;  // borrowed from the module
PyTypeObject* g_part_type = nullptr;
PyObject* g_torch_function = nullptr;  // what both have as __torch_function__

template <Elementwise f>
PyObject* binary(PyObject* a, PyObject* b) {
    return guarded(
        [&] {
            PyObject* pair[] = {a, b};
            return elementwise(f, pair, 3);
        },
        static_cast<PyObject*>(nullptr));
}
template <Elementwise f>
PyObject* unary(PyObject* a) {
    return guarded([&] { return elementwise(f, std::span(&a, 1), 1); },
                   static_cast<PyObject*>(nullptr));
}

#define FLEXION_OPERATOR(name, formula)                   \
    Expr name(const Expr* a, unsigned) {                  \
        [[maybe_unused]] const Expr &x = a[0], &y = a[1]; \
        return formula;                                   \
    }
FLEXION_OPERATOR(add, x + y)
FLEXION_OPERATOR(subtract, x - y)
FLEXION_OPERATOR(multiply, x* y)
FLEXION_OPERATOR(divide, x / y)
FLEXION_OPERATOR(floor_divide, floordiv(x, y))
FLEXION_OPERATOR(remainder, x % y)
FLEXION_OPERATOR(power, pow(x, y))
FLEXION_OPERATOR(bit_and, x& y)
FLEXION_OPERATOR(bit_or, x | y)
FLEXION_OPERATOR(bit_xor, x ^ y)
FLEXION_OPERATOR(shift_left, x << y)
FLEXION_OPERATOR(shift_right, x >> y)
FLEXION_OPERATOR(negative, -x)
FLEXION_OPERATOR(invert, ~x)
FLEXION_OPERATOR(absolute, abs(x))
FLEXION_OPERATOR(less, x < y)
FLEXION_OPERATOR(less_equal, x <= y)
FLEXION_OPERATOR(equal, x == y)
FLEXION_OPERATOR(not_equal, x != y)
FLEXION_OPERATOR(greater, x > y)
FLEXION_OPERATOR(greater_equal, x >= y)
#undef FLEXION_OPERATOR

PyObject* power_slot(PyObject* a, PyObject* b, PyObject*) { return binary<power>(a, b); }
PyObject* same(PyObject* a) { return Py_NewRef(a); }

PyObject* compare(PyObject* a, PyObject* b, int op) {
    switch (op) {
        case Py_LT:
            return binary<less>(a, b);
        case Py_LE:
            return binary<less_equal>(a, b);
        case Py_EQ:
            return binary<equal>(a, b);
        case Py_NE:
            return binary<not_equal>(a, b);
        case Py_GT:
            return binary<greater>(a, b);
        default:
            return binary<greater_equal>(a, b);
    }
}

// ---- what a value is not ----

/// Raises TraceError in a function that Python calls.
template <class R>
R refuse(R failed, const char* message) {
    return guarded([&]() -> R { trace_fail("{}", message); }, failed);
}

int truth(PyObject*) {
    return refuse(-1,
                  "the truth of a traced value would decide Python's control flow (if, while, and, "
                  "or, not, min(), max(), a < b < c), but it is not known while the mod is traced; "
                  "write torch.where, torch.minimum, torch.maximum, & | ~");
}
PyObject* as_integer(PyObject*) {
    return refuse<PyObject*>(
        nullptr,
        "a traced value is used as a Python integer (range(), a list's index, a NumPy array's "
        "index, int()); index a tensor with it, or use torch operations");
}
PyObject* as_float(PyObject*) {
    return refuse<PyObject*>(nullptr,
                             "a traced value is used as a Python float (math.*, float()); use the "
                             "function of that name in torch");
}
PyObject* value_iterator(PyObject*) {
    return refuse<PyObject*>(nullptr, "a traced value is one number: it cannot be iterated over");
}
int store(PyObject*, PyObject*, PyObject*) {
    return refuse(-1, "a mod must not write: it has one result, which it returns");
}
int set_attribute(PyObject*, PyObject*, PyObject*) {
    return refuse(-1, "a mod must not write: traced values have no attributes that could be set");
}

// ---- attributes ----

DType dtype_of(ir::Type type) {
    constexpr DType kDtypes[] = {DType::f32, DType::f64, DType::i32, DType::i64, DType::boolean};
    return kDtypes[static_cast<int>(type)];
}

DType dtype_of(PyObject* self) {
    Trace& trace = Trace::current();
    if (const Value* value = value_of(self)) return dtype_of(trace.type_of(value->expr));
    Part& part = *part_of(self);
    if (part.tensor.is_valid()) {
        const ir::Type type = ir::loaded_type(trace.capture(part.tensor).view.dtype);
        return dtype_of(type == ir::Type::f64 ? trace.float_type() : type);
    }
    const Array& array = part.elements();
    if (array.elements.empty()) return DType::f32;
    return dtype_of(trace.type_of(array.elements[0]));
}

PyObject* get_dtype(PyObject* self, void*) {
    return guarded([&] { return dtype_object(dtype_of(self)).release().ptr(); },
                   static_cast<PyObject*>(nullptr));
}

PyObject* get_shape(PyObject* self, void*) {
    return guarded(
        [&]() -> PyObject* {
            nb::list extents;
            if (const Part* part = part_of(self)) {
                for (const std::int64_t extent : part->shape) extents.append(extent);
            }
            const Torch* torch = loaded_torch();
            if (torch) return torch->size(extents).release().ptr();
            return nb::tuple(extents).release().ptr();
        },
        static_cast<PyObject*>(nullptr));
}

PyObject* get_ndim(PyObject* self, void*) {
    const Part* part = part_of(self);
    return PyLong_FromSize_t(part ? part->shape.size() : 0);
}

PyObject* get_device(PyObject*, void*) {
    return guarded(
        []() -> PyObject* {
            const Torch* torch = loaded_torch();
            if (torch) return torch->module.attr("device")("cpu").release().ptr();
            return nb::str("cpu").release().ptr();
        },
        static_cast<PyObject*>(nullptr));
}

PyObject* get_false(PyObject*, void*) { Py_RETURN_FALSE; }
PyObject* get_self(PyObject* self, void*) { return Py_NewRef(self); }

PyGetSetDef g_attributes[] = {
    {"dtype", get_dtype, nullptr, nullptr, nullptr},
    {"shape", get_shape, nullptr, nullptr, nullptr},
    {"ndim", get_ndim, nullptr, nullptr, nullptr},
    {"device", get_device, nullptr, nullptr, nullptr},
    {"requires_grad", get_false, nullptr, nullptr, nullptr},
    {"is_cuda", get_false, nullptr, nullptr, nullptr},
    {"is_sparse", get_false, nullptr, nullptr, nullptr},
    {"data", get_self, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyObject* get_attribute(PyObject* self, PyObject* name) {
    PyObject* found = PyObject_GenericGetAttr(self, name);
    if (found || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
    const std::string text = nb::cast<std::string>(nb::handle(name));
    if (text.starts_with("__")) return nullptr;
    PyErr_Clear();
    return guarded(
        [&]() -> PyObject* {
            const char* why = text.ends_with('_') ? "writes in place, and a mod must not write"
                                                  : "has no meaning inside a mod";
            throw TraceAttributeFailure(formatted("{}'{}' {}", user_place(), text, why));
        },
        static_cast<PyObject*>(nullptr));
}

/// Torch asks every index four times for __torch_function__, by this slot where a type has it: the
/// other one would have a string made and looked up each time, 0.4 us a gather.
PyObject* get_attribute_by_chars(PyObject* self, char* name) {
    if (std::strcmp(name, "__torch_function__") == 0) return Py_NewRef(g_torch_function);
    PyObject* text = PyUnicode_InternFromString(name);
    if (!text) return nullptr;
    PyObject* found = get_attribute(self, text);
    Py_DECREF(text);
    return found;
}

PyObject* index(PyObject* self, PyObject* key) {
    return guarded([&] { return gather(self, key); }, static_cast<PyObject*>(nullptr));
}

Py_ssize_t part_length(PyObject* self) {
    const Part* part = part_of(self);
    return part->shape.empty() ? 1 : part->shape[0];
}

PyObject* part_iterator(PyObject* self) {
    return guarded(
        [&]() -> PyObject* {
            nb::list items;
            for (std::int64_t i = 0; i < part_of(self)->shape[0]; ++i) {
                // A constant, whatever the literals of the code are.
                items.append(nb::steal(gather(self, wrap(Expr(i)).ptr())));
            }
            return PyObject_GetIter(items.ptr());
        },
        static_cast<PyObject*>(nullptr));
}

PyObject* represent(PyObject* self) {
    return guarded(
        [&]() -> PyObject* {
            const Part* part = part_of(self);
            std::string text = part ? "SubTensor([" : "Value(";
            for (std::size_t i = 0; part && i < part->shape.size(); ++i) {
                append_format(&text, "{}{}", i == 0 ? "" : ", ", part->shape[i]);
            }
            if (part) text += "], ";
            text += flexion::name_of(dtype_of(self));
            return nb::str((text + ")").c_str()).release().ptr();
        },
        static_cast<PyObject*>(nullptr));
}

void free_value(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_Free(self);
    Py_DECREF(reinterpret_cast<PyObject*>(type));
}

void free_part(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    std::destroy_at(&reinterpret_cast<SubTensor*>(self)->part);
    PyObject_Free(self);
    Py_DECREF(reinterpret_cast<PyObject*>(type));
}

Py_hash_t hash(PyObject* self) {
    return static_cast<Py_hash_t>(reinterpret_cast<std::uintptr_t>(self) >> 4);
}

template <class F>
void* slot(F* function) {
    return reinterpret_cast<void*>(function);
}

/// `full_name` is a literal: types keep the pointer.
PyTypeObject* make_type(nb::module_& m, const char* full_name, int size,
                        std::vector<PyType_Slot> own) {
    std::vector<PyType_Slot> slots = {
        {Py_nb_add, slot(binary<add>)},
        {Py_nb_subtract, slot(binary<subtract>)},
        {Py_nb_multiply, slot(binary<multiply>)},
        {Py_nb_true_divide, slot(binary<divide>)},
        {Py_nb_floor_divide, slot(binary<floor_divide>)},
        {Py_nb_remainder, slot(binary<remainder>)},
        {Py_nb_power, slot(power_slot)},
        {Py_nb_and, slot(binary<bit_and>)},
        {Py_nb_or, slot(binary<bit_or>)},
        {Py_nb_xor, slot(binary<bit_xor>)},
        {Py_nb_lshift, slot(binary<shift_left>)},
        {Py_nb_rshift, slot(binary<shift_right>)},
        {Py_nb_negative, slot(unary<negative>)},
        {Py_nb_invert, slot(unary<invert>)},
        {Py_nb_absolute, slot(unary<absolute>)},
        {Py_nb_positive, slot(same)},
        {Py_nb_bool, slot(truth)},
        {Py_nb_index, slot(as_integer)},
        {Py_nb_int, slot(as_integer)},
        {Py_nb_float, slot(as_float)},
        {Py_tp_richcompare, slot(compare)},
        {Py_tp_hash, slot(hash)},
        {Py_tp_repr, slot(represent)},
        {Py_tp_getattro, slot(get_attribute)},
        {Py_tp_getattr, slot(get_attribute_by_chars)},
        {Py_tp_setattro, slot(set_attribute)},
        {Py_mp_subscript, slot(index)},
        {Py_mp_ass_subscript, slot(store)},
        {Py_tp_methods, method_table()},
        {Py_tp_getset, g_attributes},
    };
    slots.insert(slots.end(), own.begin(), own.end());
    slots.push_back({0, nullptr});
    PyType_Spec spec{};
    spec.name = full_name;
    spec.basicsize = size;
    spec.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION;
    spec.slots = slots.data();
    nb::object type = nb::steal(PyType_FromSpec(&spec));
    if (!type.is_valid()) throw nb::python_error();
    // NumPy's scalars and arrays then leave operators to us.
    type.attr("__array_ufunc__") = nb::none();
    m.attr(std::strrchr(full_name, '.') + 1) = type;
    return reinterpret_cast<PyTypeObject*>(type.ptr());
}

}  // namespace

const Array& Part::elements() {
    if (array) return *array;
    const std::int64_t count = count_of(shape);
    if (count > kMostElements) {
        trace_fail(
            "a part of a captured tensor with {} elements is used as a value; up to {} elements "
            "are unrolled: index its other dimensions too",
            count, kMostElements);
    }
    Array result{shape, {}};
    for (std::int64_t flat = 0; flat < count; ++flat) {
        std::vector<Expr> indices(slots.size(), 0);
        std::int64_t rest = flat;
        std::size_t dim = shape.size();
        for (std::size_t i = slots.size(); i-- > 0;) {
            if (slots[i]) {
                indices[i] = *slots[i];
            } else {
                --dim;
                indices[i] = Expr(rest % shape[dim]);
                rest /= shape[dim];
            }
        }
        result.elements.push_back(Trace::current().load(tensor, indices));
    }
    array = std::move(result);
    return *array;
}

const Value* value_of(nb::handle object) {
    return Py_TYPE(object.ptr()) == g_value_type ? reinterpret_cast<Value*>(object.ptr()) : nullptr;
}

Part* part_of(nb::handle object) {
    return Py_TYPE(object.ptr()) == g_part_type
               ? reinterpret_cast<SubTensor*>(object.ptr())->part.get()
               : nullptr;
}

nb::object wrap(const Expr& expr) {
    Expr typed = expr;
    if (expr.kind() != Expr::Kind::value) {
        Tracer& tracer = Trace::current().tracer();
        typed = tracer.wrap(tracer.value(expr, "flexion"));
    }
    Value* value = PyObject_New(Value, g_value_type);
    if (!value) throw nb::python_error();
    std::construct_at(&value->expr, typed);
    return nb::steal(reinterpret_cast<PyObject*>(value));
}

nb::object wrap(Part part) {
    SubTensor* result = PyObject_New(SubTensor, g_part_type);
    if (!result) throw nb::python_error();
    std::construct_at(&result->part, std::make_unique<Part>(std::move(part)));
    return nb::steal(reinterpret_cast<PyObject*>(result));
}

nb::object wrap(Array array) {
    if (array.shape.empty()) return wrap(array.elements.at(0));
    Part part;
    part.shape = array.shape;
    part.array = std::move(array);
    return wrap(std::move(part));
}

// Neither is a sequence: torch would ask every index for its length, and an answer that is an error
// costs 3 us.
void add_values(nb::module_& m) {
    g_value_type =
        make_type(m, "flexion._C.Value", sizeof(Value),
                  {{Py_tp_dealloc, slot(free_value)}, {Py_tp_iter, slot(value_iterator)}});
    g_part_type = make_type(m, "flexion._C.SubTensor", sizeof(SubTensor),
                            {{Py_tp_dealloc, slot(free_part)},
                             {Py_mp_length, slot(part_length)},
                             {Py_tp_iter, slot(part_iterator)}});
    g_torch_function = nb::object(m.attr("Value").attr("__torch_function__")).ptr();
}

}  // namespace flexion::python
