// SPDX-License-Identifier: Apache-2.0
// The table of ops as data, and the rules of operand types.
#include "ir/op.h"

#include <array>

#include <flexion/error.h>

namespace flexion::ir {
namespace {

constexpr OpInfo kOps[] = {
    {"parameter", 0, Signature::number, nullptr, nullptr, nullptr, 0},
    {"constant", 0, Signature::number, nullptr, nullptr, nullptr, 0},
    {"load", 0, Signature::number, nullptr, nullptr, nullptr, 0},
#define FLEXION_OP(name, arity, signature, ulp, eval, llvm_float, llvm_int, cuda, ...) \
    {#name, arity, Signature::signature, llvm_float, llvm_int, cuda, ulp},
#include "ir/ops.def"
#undef FLEXION_OP
};

}  // namespace

const char* name_of(Type type) {
    constexpr const char* kNames[] = {"f32", "f64", "i32", "i64", "bool"};
    return kNames[static_cast<int>(type)];
}

Type loaded_type(DType dtype) {
    switch (dtype) {
        case DType::f32:
        case DType::bf16:
        case DType::f16:
            return Type::f32;
        case DType::f64:
            return Type::f64;
        case DType::i64:
            return Type::i64;
        case DType::i32:
        case DType::i16:
        case DType::i8:
        case DType::u8:
            return Type::i32;
        case DType::boolean:
            return Type::boolean;
    }
    throw InternalError("loaded_type: no such dtype");
}

const char* describe(Signature signature) {
    switch (signature) {
        case Signature::number:
        case Signature::compare:
            return "operands of one type out of f32, f64, i32, i64";
        case Signature::real:
        case Signature::classify:
            return "operands of one type out of f32, f64";
        case Signature::whole:
            return "operands of one type out of i32, i64";
        case Signature::equality:
            return "operands of one type";
        case Signature::logical:
            return "bools";
        case Signature::select:
            return "a bool and two operands of one type";
        case Signature::cast:
            return "one operand";
    }
    return "";
}

int op_count() { return static_cast<int>(std::size(kOps)); }

const OpInfo& info(Op op) { return kOps[static_cast<int>(op)]; }

std::optional<Op> find_op(std::string_view name) {
    for (int i = kFirstTableOp; i < op_count(); ++i) {
        if (name == kOps[i].name) return static_cast<Op>(i);
    }
    return std::nullopt;
}

std::optional<Type> result_type(Op op, std::span<const Type> args, Type target) {
    const OpInfo& row = info(op);
    if (static_cast<int>(op) < kFirstTableOp || static_cast<int>(args.size()) != row.arity) {
        return std::nullopt;
    }
    const Type operand = args.back();
    if (!accepts(row.signature, operand)) return std::nullopt;
    for (std::size_t i = 0; i < args.size(); ++i) {
        const bool condition = row.signature == Signature::select && i == 0;
        if (args[i] != (condition ? Type::boolean : operand)) return std::nullopt;
    }
    switch (row.signature) {
        case Signature::compare:
        case Signature::equality:
        case Signature::logical:
        case Signature::classify:
            return Type::boolean;
        case Signature::cast:
            return target;
        default:
            return operand;
    }
}

}  // namespace flexion::ir
