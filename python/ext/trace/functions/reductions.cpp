// SPDX-License-Identifier: Apache-2.0
// Rows that make one value of an array's, or an array of several values.
#include <cmath>

#include "errors.h"
#include "trace/functions/table.h"
#include "trace/trace.h"
#include "trace/values.h"

namespace flexion::python {
namespace {

using Fold = Expr (*)(const std::vector<Expr>& slice);

template <class F>
Expr fold(const std::vector<Expr>& slice, F&& f) {
    if (slice.empty()) trace_fail("a reduction over no values");
    Expr result = slice[0];
    for (std::size_t i = 1; i < slice.size(); ++i) result = f(result, slice[i]);
    return result;
}

/// Bools are summed as numbers.
Expr counted(const Expr& value) {
    const bool is_bool =
        value.kind() == Expr::Kind::flag ||
        (value.kind() == Expr::Kind::value && Trace::current().type_of(value) == ir::Type::boolean);
    return is_bool ? to_i32(value) : value;
}

Expr sum_of(const std::vector<Expr>& slice) {
    return fold(slice, [](const Expr& a, const Expr& b) { return counted(a) + counted(b); });
}
Expr max_of(const std::vector<Expr>& slice) {
    return fold(slice, [](const Expr& a, const Expr& b) { return flexion::max(a, b); });
}
Expr min_of(const std::vector<Expr>& slice) {
    return fold(slice, [](const Expr& a, const Expr& b) { return flexion::min(a, b); });
}

/// Over one dimension, a list of them, or all.
PyObject* reduce(Arguments& a, int dim_at, Fold f) {
    Array array = lift_array(a.at[0]);
    if (array.shape.empty()) return wrap(f(array.elements)).release().ptr();
    const bool keep = a.flag(dim_at + 1, false);
    std::vector<std::int64_t> dims;
    if (!a.given(dim_at)) {
        for (std::size_t i = 0; i < array.shape.size(); ++i) {
            dims.push_back(static_cast<std::int64_t>(i));
        }
    } else if (PySequence_Check(a.at[dim_at])) {
        for (nb::handle dim : nb::handle(a.at[dim_at])) {
            dims.push_back(dimension(nb::cast<std::int64_t>(dim), array.shape.size()));
        }
    } else {
        dims.push_back(dimension(a.integer(dim_at, 0), array.shape.size()));
    }
    std::sort(dims.begin(), dims.end());
    for (auto dim = dims.rbegin(); dim != dims.rend(); ++dim) array = along(array, *dim, keep, f);
    return wrap(std::move(array)).release().ptr();
}

/// torch.max and torch.min: of two operands, of all values, or along a dimension, where torch gives
/// indices too.
PyObject* extremum(Arguments& a, Fold f, Elementwise pairwise) {
    PyObject* other = a.at[3];
    const bool second_is_operand =
        a.given(1) && !PyLong_Check(a.at[1]) && !PySequence_Check(a.at[1]);
    if (!other && (second_is_operand || (a.given(1) && (value_of(a.at[1]) || part_of(a.at[1]))))) {
        other = a.at[1];
    }
    if (other) {
        PyObject* pair[] = {a.at[0], other};
        return elementwise(pairwise, pair, 3);
    }
    if (a.given(1)) {
        trace_fail(
            "max and min along a dimension give indices too, which a mod cannot have; use amax or "
            "amin");
    }
    return reduce(a, 1, f);
}

std::vector<Array> arrays_of(PyObject* tensors) {
    std::vector<Array> arrays;
    for (nb::handle each : nb::handle(tensors)) arrays.push_back(lift_array(each.ptr()));
    if (arrays.empty()) trace_fail("a list of no values");
    return arrays;
}

/// `arrays` one after the other along `dim`, which all of them have.
Array joined(const std::vector<Array>& arrays, std::int64_t dim) {
    Array result{arrays[0].shape, {}};
    const auto d = static_cast<std::size_t>(dim);
    result.shape[d] = 0;
    std::int64_t outer = 1;
    for (std::size_t i = 0; i < d; ++i) outer *= result.shape[i];
    for (const Array& array : arrays) {
        if (array.shape.size() != result.shape.size()) trace_fail("arrays of different ranks");
        result.shape[d] += array.shape[d];
    }
    for (std::int64_t o = 0; o < outer; ++o) {
        for (const Array& array : arrays) {
            const auto part = static_cast<std::int64_t>(array.elements.size()) / outer;
            result.elements.insert(result.elements.end(), array.elements.begin() + o * part,
                                   array.elements.begin() + (o + 1) * part);
        }
    }
    if (count_of(result.shape) > kMostElements ||
        count_of(result.shape) != static_cast<std::int64_t>(result.elements.size())) {
        trace_fail("arrays that do not fit together, or of more than {} values", kMostElements);
    }
    return result;
}

}  // namespace

namespace special {

PyObject* sum(Arguments& a) { return reduce(a, 1, sum_of); }
PyObject* prod(Arguments& a) {
    return reduce(a, 1, [](const std::vector<Expr>& slice) {
        return fold(slice, [](const Expr& x, const Expr& y) { return counted(x) * counted(y); });
    });
}
PyObject* mean(Arguments& a) {
    return reduce(a, 1, [](const std::vector<Expr>& slice) {
        return sum_of(slice) / static_cast<std::int64_t>(slice.size());
    });
}
PyObject* amax(Arguments& a) { return reduce(a, 1, max_of); }
PyObject* amin(Arguments& a) { return reduce(a, 1, min_of); }
PyObject* max(Arguments& a) {
    return extremum(a, max_of, [](const Expr* x, unsigned) { return flexion::max(x[0], x[1]); });
}
PyObject* min(Arguments& a) {
    return extremum(a, min_of, [](const Expr* x, unsigned) { return flexion::min(x[0], x[1]); });
}
PyObject* any(Arguments& a) {
    return reduce(a, 1, [](const std::vector<Expr>& slice) {
        return fold(slice, [](const Expr& x, const Expr& y) {
            return flexion::to_bool(x) | flexion::to_bool(y);
        });
    });
}
PyObject* all(Arguments& a) {
    return reduce(a, 1, [](const std::vector<Expr>& slice) {
        return fold(slice, [](const Expr& x, const Expr& y) {
            return flexion::to_bool(x) & flexion::to_bool(y);
        });
    });
}
PyObject* norm(Arguments& a) {
    if (a.given(1) && !nb::handle(a.at[1]).equal(nb::int_(2))) {
        trace_fail("a norm of order 2 is what a mod can compute");
    }
    return reduce(a, 2, [](const std::vector<Expr>& slice) {
        std::vector<Expr> squares;
        for (const Expr& x : slice) squares.push_back(x * x);
        return sqrt(sum_of(squares));
    });
}

PyObject* dot(Arguments& a) {
    const Array x = lift_array(a.at[0]), y = lift_array(a.at[1]);
    if (x.shape.size() != 1 || x.shape != y.shape) {
        trace_fail("dot() of arrays of {} and {} values; expected two vectors of one length",
                   x.elements.size(), y.elements.size());
    }
    std::vector<Expr> products;
    for (std::size_t i = 0; i < x.elements.size(); ++i) {
        products.push_back(x.elements[i] * y.elements[i]);
    }
    return wrap(sum_of(products)).release().ptr();
}

PyObject* stack(Arguments& a) {
    std::vector<Array> arrays = arrays_of(a.at[0]);
    const std::int64_t dim = dimension(a.integer(1, 0), arrays[0].shape.size() + 1);
    for (Array& array : arrays) array.shape.insert(array.shape.begin() + dim, 1);
    return wrap(joined(arrays, dim)).release().ptr();
}

PyObject* cat(Arguments& a) {
    const std::vector<Array> arrays = arrays_of(a.at[0]);
    if (arrays[0].shape.empty()) trace_fail("cat() of single values; use torch.stack");
    return wrap(joined(arrays, dimension(a.integer(1, 0), arrays[0].shape.size()))).release().ptr();
}

PyObject* unbind(Arguments& a) {
    const Array array = lift_array(a.at[0]);
    const std::int64_t dim = dimension(a.integer(1, 0), array.shape.size());
    nb::list parts;
    for (std::int64_t i = 0; i < array.shape[static_cast<std::size_t>(dim)]; ++i) {
        parts.append(wrap(along(array, dim, false, [i](const std::vector<Expr>& slice) {
            return slice[static_cast<std::size_t>(i)];
        })));
    }
    return nb::tuple(parts).release().ptr();
}

}  // namespace special
}  // namespace flexion::python
