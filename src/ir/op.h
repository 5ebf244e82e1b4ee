// SPDX-License-Identifier: Apache-2.0
// What the table of ops says of an op, for code that handles them all alike.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "ir/function.h"

namespace flexion::ir {

/// Which operand types an op takes, and what it gives.
enum class Signature : std::uint8_t {
    number,    ///< T.. -> T, T any of f32 f64 i32 i64
    real,      ///< T.. -> T, T f32 or f64
    whole,     ///< T.. -> T, T i32 or i64
    compare,   ///< T, T -> bool, T a number
    equality,  ///< T, T -> bool, T a number or bool
    logical,   ///< bool.. -> bool
    select,    ///< bool, T, T -> T, T any
    cast,      ///< any -> Inst::type
    classify,  ///< f32 or f64 -> bool
};

/// Whether an op of this signature takes operands of type `t` (select: as its last two).
constexpr bool accepts(Signature signature, Type t) {
    switch (signature) {
        case Signature::number:
        case Signature::compare:
            return t != Type::boolean;
        case Signature::real:
        case Signature::classify:
            return is_float(t);
        case Signature::whole:
            return is_integer(t);
        case Signature::logical:
            return t == Type::boolean;
        case Signature::equality:
        case Signature::select:
        case Signature::cast:
            return true;
    }
    return false;
}

/// For messages: "two equal types out of f32, f64, i32, i64", ...
const char* describe(Signature signature);

struct OpInfo {
    const char* name;
    int arity;  ///< operands; load: 0..6, from the buffer's rank
    Signature signature;
    const char* llvm_float;  ///< LLVM IR over the placeholders of ops.def; nullptr: no float form
    const char* llvm_int;    ///< the same for integers and bool
    const char* cuda;        ///< CUDA C++ over $r $0 $1 $2; functions of the device prelude
    double
        ulp_f32;  ///< largest error of compiled f32 code in ulp against exact; 0: correctly rounded
};

const OpInfo& info(Op op);
std::optional<Op> find_op(std::string_view name);  ///< table ops only
inline constexpr int kFirstTableOp = 3;
int op_count();  ///< all of Op, the structural ones included

/// The result type of `op` on `args`, or nullopt when the signature refuses them (cast: `target`).
std::optional<Type> result_type(Op op, std::span<const Type> args, Type target = Type::f32);

}  // namespace flexion::ir
