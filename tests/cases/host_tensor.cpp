// SPDX-License-Identifier: Apache-2.0
// Memory of test tensors.
#include "cases/host_tensor.h"

#include <cstring>
#include <stdexcept>

#include "backend/reference/elements.h"

namespace flexion::test {
namespace {

bool is_float(DType dtype) { return dtype <= DType::f16; }

template <class Call>
auto as_integer_type(DType dtype, Call call) {
    switch (dtype) {
        case DType::i64:
            return call(std::int64_t{});
        case DType::i32:
            return call(std::int32_t{});
        case DType::i16:
            return call(std::int16_t{});
        case DType::i8:
            return call(std::int8_t{});
        case DType::u8:
        case DType::boolean:
            return call(std::uint8_t{});
        default:
            throw std::logic_error("not an integer dtype");
    }
}

}  // namespace

HostTensor::HostTensor(DType dtype, const std::vector<std::int64_t>& shape, Layout layout) {
    view_.dtype = dtype;
    view_.rank = static_cast<int>(shape.size());
    std::vector<std::int64_t> memory = shape;  // extents in memory, in view order
    std::vector<int> order;                    // view dimensions from the slowest
    for (int i = 0; i < view_.rank; ++i) {
        view_.shape[i] = shape[i];
        order.push_back(i);
    }
    if (layout == Layout::bshd) order = {0, 2, 1, 3};
    if (layout == Layout::transposed) order = {0, 1, 3, 2};
    if (layout == Layout::sliced) {
        memory[2] += 3;
        memory[3] += 5;
    }
    std::int64_t elements = 1;
    for (int i = view_.rank - 1; i >= 0; --i) {
        view_.strides[order[i]] = elements;
        elements *= memory[order[i]];
    }
    // All bits set: NaN in every float format, -1 in every integer one.
    memory_.assign(static_cast<std::size_t>(elements * size_of(dtype) / 8 + 1), ~std::uint64_t{0});
    const std::int64_t first =
        layout == Layout::sliced ? view_.strides[2] + 2 * view_.strides[3] : 0;
    view_.data = reinterpret_cast<char*>(memory_.data()) + first * size_of(dtype);
}

std::int64_t HostTensor::offset(std::int64_t i) const {
    std::int64_t offset = 0;
    for (int d = view_.rank - 1; d >= 0; --d) {
        offset += i % view_.shape[d] * view_.strides[d];
        i /= view_.shape[d];
    }
    return offset;
}

double HostTensor::get(std::int64_t i) const { return reference::read_element(view_, offset(i)); }

void HostTensor::set(std::int64_t i, double value) {
    reference::write_element(view_, offset(i), value);
}

std::int64_t HostTensor::get_integer(std::int64_t i) const {
    return as_integer_type(view_.dtype, [&](auto type) {
        return static_cast<std::int64_t>(static_cast<const decltype(type)*>(view_.data)[offset(i)]);
    });
}

void HostTensor::set_integer(std::int64_t i, std::int64_t value) {
    as_integer_type(view_.dtype, [&](auto type) {
        static_cast<decltype(type)*>(view_.data)[offset(i)] = static_cast<decltype(type)>(value);
    });
}

void HostTensor::fill_normal(std::mt19937_64& random, double deviation) {
    std::normal_distribution<double> normal(0, deviation);
    for (std::int64_t i = 0; i < view_.numel(); ++i) set(i, normal(random));
}

void HostTensor::fill_integers(std::mt19937_64& random, std::int64_t low, std::int64_t high) {
    std::uniform_int_distribution<std::int64_t> uniform(low, high);
    for (std::int64_t i = 0; i < view_.numel(); ++i) {
        const std::int64_t value = uniform(random);
        is_float(view_.dtype) ? set(i, static_cast<double>(value)) : set_integer(i, value);
    }
}

bool HostTensor::surroundings_intact() const {
    std::vector<std::uint64_t> expected(memory_.size(), ~std::uint64_t{0});
    const std::int64_t size = size_of(view_.dtype);
    const char* const begin = reinterpret_cast<const char*>(memory_.data());
    const std::int64_t first = static_cast<const char*>(view_.data) - begin;
    for (std::int64_t i = 0; i < view_.numel(); ++i) {
        const std::int64_t at = first + offset(i) * size;
        std::memcpy(reinterpret_cast<char*>(expected.data()) + at, begin + at,
                    static_cast<std::size_t>(size));
    }
    return expected == memory_;
}

}  // namespace flexion::test
