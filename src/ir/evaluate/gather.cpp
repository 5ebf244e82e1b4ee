// SPDX-License-Identifier: Apache-2.0
// Element access of strided views of any dtype.
#include "ir/evaluate/gather.h"

#include <algorithm>
#include <cstring>

#include "ir/evaluate.h"
#include "ir/interpret.h"
#include "support/dtype.h"
#include "support/fail.h"

namespace flexion::ir {
namespace {

/// How an element lies in memory, and its value.
template <class T>
struct Plain {
    using Memory = T;
    static T value(T memory) { return memory; }
};
struct Bfloat16 {
    using Memory = std::uint16_t;
    static float value(std::uint16_t memory) { return bf16_to_float(memory); }
};
struct Float16 {
    using Memory = std::uint16_t;
    static float value(std::uint16_t memory) { return f16_to_float(memory); }
};
struct Bool {
    using Memory = std::uint8_t;
    static bool value(std::uint8_t memory) { return memory != 0; }
};

template <class F>
void with_element(DType dtype, F&& f) {
    switch (dtype) {
        case DType::f32:
            return f(Plain<float>{});
        case DType::f64:
            return f(Plain<double>{});
        case DType::bf16:
            return f(Bfloat16{});
        case DType::f16:
            return f(Float16{});
        case DType::i64:
            return f(Plain<std::int64_t>{});
        case DType::i32:
            return f(Plain<std::int32_t>{});
        case DType::i16:
            return f(Plain<std::int16_t>{});
        case DType::i8:
            return f(Plain<std::int8_t>{});
        case DType::u8:
            return f(Plain<std::uint8_t>{});
        case DType::boolean:
            return f(Bool{});
    }
}

template <class Out>
Out read_one(const TensorView& view, std::span<const std::int64_t> indices, Type as) {
    invariant(static_cast<int>(indices.size()) == view.rank, "one index for each dimension");
    std::int64_t offset = 0;
    for (int dim = 0; dim < view.rank; ++dim) {
        add_offsets(view, dim, Type::i64, &indices[dim], &offset, 1);
    }
    Out value{};
    read_elements(view, &offset, as, &value, 1);
    return value;
}

}  // namespace

void add_offsets(const TensorView& view, int dim, Type type, const void* indices,
                 std::int64_t* offsets, std::int64_t n) {
    const std::int64_t extent = view.shape[dim];
    const std::int64_t stride = view.strides[dim];
    if (extent <= 0) return;  // read_elements gives 0 whatever the offset
    with_type(type, [&]<class T>(std::type_identity<T>) {
        const T* const from = static_cast<const T*>(indices);
        for (std::int64_t i = 0; i < n; ++i) {
            auto index = static_cast<std::int64_t>(from[i]);
            index += index < 0 ? extent : 0;
            offsets[i] += std::clamp<std::int64_t>(index, 0, extent - 1) * stride;
        }
    });
}

void read_elements(const TensorView& view, const std::int64_t* offsets, Type as, void* out,
                   std::int64_t n) {
    bool empty = false;
    for (int i = 0; i < view.rank; ++i) empty |= view.shape[i] <= 0;
    with_type(as, [&]<class T>(std::type_identity<T>) {
        T* const to = static_cast<T*>(out);
        if (empty) {
            std::fill_n(to, n, T{});
            return;
        }
        with_element(view.dtype, [&]<class Element>(Element) {
            using Memory = typename Element::Memory;
            const char* const base = static_cast<const char*>(view.data);
            for (std::int64_t i = 0; i < n; ++i) {
                Memory memory;  // copied: a captured array need not be aligned
                std::memcpy(&memory, base + offsets[i] * std::int64_t{sizeof memory},
                            sizeof memory);
                to[i] = static_cast<T>(Element::value(memory));
            }
        });
    });
}

double read_real(const TensorView& view, std::span<const std::int64_t> indices) {
    return read_one<double>(view, indices, Type::f64);
}

std::int64_t read_integer(const TensorView& view, std::span<const std::int64_t> indices) {
    invariant(!is_float(loaded_type(view.dtype)), "read_integer reads integers and bools");
    return read_one<std::int64_t>(view, indices, Type::i64);
}

}  // namespace flexion::ir
