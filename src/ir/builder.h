// SPDX-License-Identifier: Apache-2.0
// Appends instructions to a function: checks types, applies the promotion rules of the front ends.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "ir/function.h"
#include "ir/op.h"

namespace flexion::ir {

/// The one way to make functions, shared by Expr, by the Python proxies and by passes.
class Builder {
public:
    explicit Builder(Function& f) : f_(f) {}
    Function& function() { return f_; }
    Type type(Value v) const { return f_.insts[v].type; }

    Value constant_float(double value, Type type = Type::f32);
    Value constant_int(std::int64_t value, Type type = Type::i32);
    Value constant_bool(bool value);
    Value constant_bits(std::uint64_t bits, Type type);

    /// Appends `op` exactly; UserError when the operand types do not fit its signature.
    Value emit(Op op, std::span<const Value> args, Type target = Type::f32);
    Value emit(Op op, std::initializer_list<Value> args, Type target = Type::f32) {
        return emit(op, std::span<const Value>(args.begin(), args.size()), target);
    }
    Value cast(Value v, Type type);  ///< no instruction when the type is already right
    Value load(int buffer, std::span<const Value> indices);  ///< indices i32, i64 or bool

    /// Adds a run-time scalar argument (before any other instruction has been emitted, or moved
    /// there: values keep their ids only until finish()).
    int add_buffer(DType dtype, int rank, std::string name = {});

    /// Copies `callee` into this function: its built-in parameters, scalars and buffers are mapped
    /// to the given values and buffers. Returns the mapped results.
    std::vector<Value> inline_call(const Function& callee, std::span<const Value> parameters,
                                   std::span<const int> buffers);

private:
    Function& f_;
};

}  // namespace flexion::ir
