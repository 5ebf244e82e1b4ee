// SPDX-License-Identifier: Apache-2.0
// An index is a list of items. Those that torch itself can apply (slices, None) are applied to the
// real tensor, which gives a view; integers, traced values and 0-dim tensors fill the slots of a
// gather, which is a load when no slot is left.
#include "trace/gather.h"

#include <array>
#include <vector>

#include "errors.h"
#include "trace/lift.h"
#include "trace/trace.h"
#include "trace/values.h"

namespace flexion::python {
namespace {

using Items = std::vector<nb::object>;

/// What torch raises.
[[noreturn]] void index_fail(std::int64_t index, std::int64_t extent) {
    PyErr_Format(PyExc_IndexError, "%sindex %lld is out of bounds for a dimension of size %lld",
                 user_place().c_str(), static_cast<long long>(index),
                 static_cast<long long>(extent));
    throw nb::python_error();
}

bool is_full_slice(nb::handle item) {
    if (!PySlice_Check(item.ptr())) return false;
    return item.attr("start").is_none() && item.attr("stop").is_none() &&
           item.attr("step").is_none();
}

/// Slices that cut, and None.
bool needs_view(nb::handle item) {
    return item.is_none() || (PySlice_Check(item.ptr()) && !is_full_slice(item));
}

Items items_of(PyObject* index) {
    Items items;
    if (PyTuple_Check(index) || PyList_Check(index)) {
        for (nb::handle item : nb::handle(index)) items.push_back(nb::borrow(item));
    } else {
        items.push_back(nb::borrow(index));
    }
    return items;
}

/// Every dimension has its item: an ellipsis, and what is missing at the end, are full slices.
void complete(Items& items, std::size_t rank) {
    std::size_t consumed = 0, ellipses = 0;
    for (const nb::object& item : items) {
        if (item.ptr() == Py_Ellipsis) {
            ++ellipses;
        } else if (!item.is_none()) {
            ++consumed;
        }
    }
    if (consumed > rank) {
        trace_fail("{} indices for a tensor of {} dimensions", consumed, rank);
    }
    if (ellipses > 1) trace_fail("an index may have one ellipsis");
    const nb::object full = nb::steal(PySlice_New(nullptr, nullptr, nullptr));
    Items result;
    for (const nb::object& item : items) {
        if (item.ptr() == Py_Ellipsis) {
            result.insert(result.end(), rank - consumed, full);
            consumed = rank;
        } else {
            result.push_back(item);
        }
    }
    result.insert(result.end(), rank - consumed, full);
    items = std::move(result);
}

/// The view of a real tensor that slices and None make, with full slices in the place of all other
/// items; `items` are then those of the view.
nb::object view_of(nb::handle tensor, Items& items) {
    nb::list real;
    Items left;
    const nb::object full = nb::steal(PySlice_New(nullptr, nullptr, nullptr));
    for (const nb::object& item : items) {
        real.append(needs_view(item) ? item : full);
        left.push_back(needs_view(item) ? full : item);
    }
    items = std::move(left);
    return nb::handle(tensor)[nb::tuple(real)];
}

Part part_from(nb::handle base) {
    Part part;
    part.tensor = nb::borrow(base);
    const Input& input = Trace::current().capture(base);
    part.slots.resize(static_cast<std::size_t>(input.view.rank));
    part.shape.assign(input.view.shape.begin(), input.view.shape.begin() + input.view.rank);
    return part;
}

/// A value that indexes a dimension of this extent (0: not known).
Expr index_value(nb::handle item, std::int64_t extent) {
    const Expr index = lift_scalar(item.ptr(), "an index");
    if (index.kind() == Expr::Kind::flag) trace_fail("a tensor is indexed by a bool");
    if (index.kind() == Expr::Kind::real) {
        trace_fail("a tensor is indexed by a float; expected an integer: use .long()");
    }
    if (index.kind() == Expr::Kind::integer && extent > 0 &&
        (index.integer() < -extent || index.integer() >= extent)) {
        index_fail(index.integer(), extent);
    }
    if (index.kind() == Expr::Kind::value) {
        const ir::Type type = Trace::current().type_of(index);
        if (ir::is_float(type)) {
            trace_fail("a tensor is indexed by a float; expected an integer: use .long()");
        }
        if (type == ir::Type::boolean) {
            trace_fail("a tensor is indexed by a bool; write torch.where(condition, ...)");
        }
    }
    return index;
}

PyObject* finish(Part part) {
    if (!part.shape.empty()) return wrap(std::move(part)).release().ptr();
    std::vector<Expr> indices;
    for (const auto& slot : part.slots) indices.push_back(*slot);
    return wrap(Trace::current().load(part.tensor, indices)).release().ptr();
}

/// One array of indices among the items: its elements are gathers of their own.
PyObject* gather_array(PyObject* base, const Items& items, std::size_t place) {
    const Array indices = lift_array(items[place].ptr());
    if (indices.shape.size() != 1) {
        trace_fail("an index array of {} dimensions; expected one", indices.shape.size());
    }
    Array result{{}, {}};
    for (const Expr& each : indices.elements) {
        nb::list with;
        for (std::size_t i = 0; i < items.size(); ++i) {
            with.append(i == place ? nb::object(wrap(each)) : items[i]);
        }
        const Array row = lift_array(nb::steal(gather(base, nb::tuple(with).ptr())).ptr());
        if (result.elements.empty()) result.shape = row.shape;
        result.elements.insert(result.elements.end(), row.elements.begin(), row.elements.end());
    }
    if (!result.shape.empty() && place != 0) {
        trace_fail("an index array behind a free dimension; index the free dimensions first");
    }
    result.shape.insert(result.shape.begin(), static_cast<std::int64_t>(indices.elements.size()));
    return wrap(std::move(result)).release().ptr();
}

bool is_index_array(nb::handle item) {
    if (Part* part = part_of(item)) return !part->shape.empty();
    if (value_of(item) || PyLong_Check(item.ptr()) || PySlice_Check(item.ptr())) return false;
    return is_array(item) && Trace::current().capture(item).view.rank > 0;
}

/// An array that was computed, indexed by integers and slices.
PyObject* index_elements(const Array& array, const Items& items) {
    // The positions of the kept elements, dimension by dimension.
    std::vector<std::int64_t> kept{0};
    Shape shape;
    for (std::size_t d = 0; d < array.shape.size(); ++d) {
        const std::int64_t extent = array.shape[d];
        std::vector<std::int64_t> chosen;
        if (PySlice_Check(items[d].ptr())) {
            Py_ssize_t begin, end, step;
            if (PySlice_Unpack(items[d].ptr(), &begin, &end, &step) < 0) throw nb::python_error();
            const Py_ssize_t count = PySlice_AdjustIndices(extent, &begin, &end, step);
            for (Py_ssize_t i = 0; i < count; ++i) chosen.push_back(begin + i * step);
            shape.push_back(count);
        } else if (PyLong_Check(items[d].ptr())) {
            const auto index = nb::cast<std::int64_t>(items[d]);
            if (index < -extent || index >= extent) index_fail(index, extent);
            chosen.push_back(index < 0 ? index + extent : index);
        } else {
            trace_fail(
                "an array that the mod computed is indexed by something else than integers and "
                "slices; index the captured tensor instead");
        }
        std::vector<std::int64_t> next;
        for (const std::int64_t at : kept) {
            for (const std::int64_t index : chosen) next.push_back(at * extent + index);
        }
        kept = std::move(next);
    }
    Array result{shape, {}};
    for (const std::int64_t at : kept) {
        result.elements.push_back(array.elements[static_cast<std::size_t>(at)]);
    }
    return wrap(std::move(result)).release().ptr();
}

/// The usual case, without lists: a Value for each dimension of a tensor. Null: not that.
PyObject* gather_values(PyObject* base, PyObject* index) {
    if (value_of(base) || part_of(base)) return nullptr;
    PyObject* const* items = &index;
    Py_ssize_t count = 1;
    if (PyTuple_CheckExact(index)) {
        count = PyTuple_GET_SIZE(index);
        items = count > 0 ? &PyTuple_GET_ITEM(index, 0) : nullptr;
    }
    Trace& trace = Trace::current();
    if (count != trace.capture(base).view.rank) return nullptr;
    std::array<Expr, kMaxRank> indices{0, 0, 0, 0, 0, 0};
    for (Py_ssize_t i = 0; i < count; ++i) {
        const Value* value = value_of(items[i]);
        if (!value || trace.type_of(value->expr) == ir::Type::boolean) return nullptr;
        indices[i] = value->expr;
    }
    return wrap(trace.load(base, {indices.data(), static_cast<std::size_t>(count)}))
        .release()
        .ptr();
}

}  // namespace

PyObject* gather(PyObject* base, PyObject* index) {
    if (PyObject* loaded = gather_values(base, index)) return loaded;
    Items items = items_of(index);
    if (value_of(base)) {
        for (const nb::object& item : items) {
            if (item.ptr() != Py_Ellipsis) {
                trace_fail("a value of a mod has no dimensions that could be indexed");
            }
        }
        return Py_NewRef(base);
    }
    Part* known = part_of(base);
    if (known && !known->tensor.is_valid()) {
        complete(items, known->shape.size());
        return index_elements(*known->array, items);
    }
    Part part =
        known ? Part{known->tensor, known->slots, known->shape, std::nullopt} : part_from(base);
    complete(items, part.shape.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (is_index_array(items[i])) return gather_array(base, items, i);
    }
    for (const nb::object& item : items) {
        if (!needs_view(item)) continue;
        if (known) {
            const Array& array = known->elements();
            return index_elements(array, items);
        }
        part = part_from(view_of(base, items));
        break;
    }
    Shape free;
    std::size_t next = 0, dim = 0;
    for (auto& slot : part.slots) {
        if (slot) continue;
        const nb::object& item = items[next++];
        const std::int64_t extent = part.shape[dim++];
        if (is_full_slice(item)) {
            free.push_back(extent);
        } else {
            slot = index_value(item, extent);
        }
    }
    part.shape = std::move(free);
    return finish(std::move(part));
}

PyObject* gather_along(PyObject* base, std::int64_t dim, PyObject* index) {
    Part* known = part_of(base);
    const std::size_t rank =
        known ? known->shape.size()
              : static_cast<std::size_t>(Trace::current().capture(base).view.rank);
    nb::list items;
    const nb::object full = nb::steal(PySlice_New(nullptr, nullptr, nullptr));
    for (std::int64_t i = dimension(dim, rank); i > 0; --i) items.append(full);
    items.append(nb::handle(index));
    return gather(base, nb::tuple(items).ptr());
}

}  // namespace flexion::python
