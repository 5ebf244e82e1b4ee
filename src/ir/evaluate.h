// SPDX-License-Identifier: Apache-2.0
// The eval column at work: one op over arrays, or over the bits of constants.
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>

#include "ir/function.h"

namespace flexion::ir {

/// Calls f(std::type_identity<T>{}) with the C++ type that holds values of `type`.
template <class F>
constexpr auto with_type(Type type, F&& f) {
    switch (type) {
        case Type::f32:
            return f(std::type_identity<float>{});
        case Type::f64:
            return f(std::type_identity<double>{});
        case Type::i32:
            return f(std::type_identity<std::int32_t>{});
        case Type::i64:
            return f(std::type_identity<std::int64_t>{});
        case Type::boolean:
            break;
    }
    return f(std::type_identity<bool>{});
}

/// out[i] = op(x[i], y[i], z[i]) for i in [0, n); `out` overlaps no operand. Operands that the op
/// does not have are null.
using ArrayKernel = void (*)(void* out, const void* x, const void* y, const void* z,
                             std::int64_t n);

/// The kernel of a table op on operands of this type (select: of its last operand); `target` is the
/// result of a cast. Null where the signature refuses the type.
ArrayKernel array_kernel(Op op, Type operand, Type target);

/// The value of a table op on constants, as the interpreter in `typed` precision computes it:
/// bits as in Inst::bits. `operand` and `target` as in array_kernel.
std::uint64_t evaluate(Op op, Type operand, Type target, std::span<const std::uint64_t> bits);

}  // namespace flexion::ir
