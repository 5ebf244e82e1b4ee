// SPDX-License-Identifier: Apache-2.0
// Loops generated from the eval column, one for each op and type that its signature takes.
#include "ir/evaluate.h"

#include <cmath>
#include <cstring>

#include "ir/op.h"
#include "ir/semantics.h"
#include "support/fail.h"

namespace flexion::ir {
namespace {

#define FLEXION_OP(name, arity, signature, ulp, eval, ...)                                    \
    struct name##_row {                                                                       \
        static constexpr int kArity = arity;                                                  \
        static constexpr Signature kSignature = Signature::signature;                         \
        template <class To, class X, class T>                                                 \
        static auto apply([[maybe_unused]] X x, [[maybe_unused]] T y, [[maybe_unused]] T z) { \
            return eval;                                                                      \
        }                                                                                     \
    };
#include "ir/ops.def"
#undef FLEXION_OP

template <class Row, class To, class T>
void loop(void* out, const void* x, const void* y, const void* z, std::int64_t n) {
    using X = std::conditional_t<Row::kSignature == Signature::select, bool, T>;
    using Out = decltype(Row::template apply<To, X, T>(X{}, T{}, T{}));
    Out* const __restrict to = static_cast<Out*>(out);
    const X* const first = static_cast<const X*>(x);
    [[maybe_unused]] const T* const second = static_cast<const T*>(y);
    [[maybe_unused]] const T* const third = static_cast<const T*>(z);
    for (std::int64_t i = 0; i < n; ++i) {
        if constexpr (Row::kArity == 1) {
            to[i] = Row::template apply<To, X, T>(first[i], T{}, T{});
        } else if constexpr (Row::kArity == 2) {
            to[i] = Row::template apply<To, X, T>(first[i], second[i], T{});
        } else {
            to[i] = Row::template apply<To, X, T>(first[i], second[i], third[i]);
        }
    }
}

template <Signature signature, class T>
constexpr bool takes() {
    if constexpr (std::is_same_v<T, bool>) {
        return accepts(signature, Type::boolean);
    } else {
        return accepts(signature, std::is_floating_point_v<T> ? Type::f32 : Type::i32);
    }
}

template <class Row>
ArrayKernel kernel_of(Type operand, Type target) {
    return with_type(operand, [&]<class T>(std::type_identity<T>) -> ArrayKernel {
        if constexpr (!takes<Row::kSignature, T>()) {
            return nullptr;
        } else if constexpr (Row::kSignature == Signature::cast) {
            return with_type(target, []<class To>(std::type_identity<To>) -> ArrayKernel {
                return &loop<Row, To, T>;
            });
        } else {
            return &loop<Row, T, T>;
        }
    });
}

}  // namespace

ArrayKernel array_kernel(Op op, Type operand, Type target) {
    switch (op) {
#define FLEXION_OP(name, ...) \
    case Op::name:            \
        return kernel_of<name##_row>(operand, target);
#include "ir/ops.def"
#undef FLEXION_OP
        default:
            return nullptr;
    }
}

std::uint64_t evaluate(Op op, Type operand, Type target, std::span<const std::uint64_t> bits) {
    const ArrayKernel kernel = array_kernel(op, operand, target);
    invariant(bits.size() <= 3, "evaluate: table ops have at most 3 operands");
    invariant(kernel != nullptr, "evaluate: the op does not take this type");
    // Little-endian: the low bytes of a word are the narrower value. Copied to bytes, so that the
    // kernel may read them as any type.
    alignas(8) unsigned char cells[4][8] = {};
    for (std::size_t i = 0; i < bits.size(); ++i) std::memcpy(cells[i], &bits[i], 8);
    kernel(cells[3], cells[0], cells[1], cells[2], 1);
    std::uint64_t out = 0;
    std::memcpy(&out, cells[3], 8);
    return out;
}

}  // namespace flexion::ir
