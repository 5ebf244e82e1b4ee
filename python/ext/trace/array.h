// SPDX-License-Identifier: Apache-2.0
// Small arrays of traced values, element by element: what is left of a captured tensor when some of
// its dimensions are indexed.
#pragma once

#include <cstdint>
#include <vector>

#include <flexion/expr.h>

namespace flexion::python {

using Shape = std::vector<std::int64_t>;

/// Most elements that are unrolled: a reduction over a head of 64 still is a kernel.
inline constexpr std::int64_t kMostElements = 64;

inline std::int64_t count_of(const Shape& shape) {
    std::int64_t count = 1;
    for (const std::int64_t extent : shape) count *= extent;
    return count;
}

/// Row-major; count_of(shape) elements.
struct Array {
    Shape shape;
    std::vector<Expr> elements;
};

/// A dimension of 0 <= dim < rank from one that may count from the end; TraceFailure.
std::int64_t dimension(std::int64_t dim, std::size_t rank);
/// TraceFailure where shapes do not broadcast.
Shape broadcast(const Shape& a, const Shape& b);
/// The element of `array` that stands at `flat` of the broadcast shape.
const Expr& element(const Array& array, const Shape& shape, std::int64_t flat);

/// The array without dimension `dim`, whose slices are handed to f as vectors.
template <class F>
Array along(const Array& array, std::int64_t dim, bool keep, F&& f) {
    std::int64_t inner = 1, outer = 1;
    const std::int64_t extent = array.shape[static_cast<std::size_t>(dim)];
    for (std::size_t i = 0; i < array.shape.size(); ++i) {
        (static_cast<std::int64_t>(i) < dim ? outer : inner) *=
            static_cast<std::int64_t>(i) == dim ? 1 : array.shape[i];
    }
    Array result{array.shape, {}};
    if (keep) {
        result.shape[static_cast<std::size_t>(dim)] = 1;
    } else {
        result.shape.erase(result.shape.begin() + dim);
    }
    for (std::int64_t o = 0; o < outer; ++o) {
        for (std::int64_t i = 0; i < inner; ++i) {
            std::vector<Expr> slice;
            for (std::int64_t e = 0; e < extent; ++e) {
                slice.push_back(
                    array.elements[static_cast<std::size_t>((o * extent + e) * inner + i)]);
            }
            result.elements.push_back(f(slice));
        }
    }
    return result;
}

}  // namespace flexion::python
