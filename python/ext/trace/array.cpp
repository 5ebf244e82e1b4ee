// SPDX-License-Identifier: Apache-2.0
// Shapes of small arrays.
#include "trace/array.h"

#include <algorithm>

#include "errors.h"

namespace flexion::python {

std::int64_t dimension(std::int64_t dim, std::size_t rank) {
    const auto count = static_cast<std::int64_t>(rank);
    if (dim < -count || dim >= count) {
        trace_fail("dimension {} of an array of {} dimensions", dim, count);
    }
    return dim < 0 ? dim + count : dim;
}

Shape broadcast(const Shape& a, const Shape& b) {
    const Shape& longer = a.size() >= b.size() ? a : b;
    const Shape& shorter = a.size() >= b.size() ? b : a;
    Shape result = longer;
    for (std::size_t i = 0; i < shorter.size(); ++i) {
        std::int64_t& extent = result[longer.size() - shorter.size() + i];
        if (extent == shorter[i] || shorter[i] == 1) continue;
        if (extent != 1) {
            trace_fail("arrays of {} and {} values along one dimension do not broadcast", extent,
                       shorter[i]);
        }
        extent = shorter[i];
    }
    return result;
}

const Expr& element(const Array& array, const Shape& shape, std::int64_t flat) {
    std::int64_t index = 0, stride = 1;
    for (std::size_t i = 1; i <= shape.size(); ++i) {
        const std::int64_t extent = shape[shape.size() - i];
        if (i <= array.shape.size()) {
            const std::int64_t own = array.shape[array.shape.size() - i];
            if (own != 1) index += (flat % extent) * stride;
            stride *= own;
        }
        flat /= std::max<std::int64_t>(extent, 1);
    }
    return array.elements[static_cast<std::size_t>(index)];
}

}  // namespace flexion::python
