// SPDX-License-Identifier: Apache-2.0
// Appends instructions to a function: checks types, applies the promotion rules of the front ends.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "ir/function.h"
#include "ir/op.h"

namespace flexion::ir {

/// An operand as front ends have it: a value, or a number that takes the type of what it meets.
struct Operand {
    enum class Kind : std::uint8_t { value, integer, real, flag };
    Kind kind = Kind::value;
    Value id = kNoValue;       ///< value
    std::int64_t integer = 0;  ///< integer; flag: 0 or 1
    double real = 0;           ///< real

    Operand(Value value) : id(value) {}  // NOLINT(google-explicit-constructor)
    static Operand of_integer(std::int64_t number);
    static Operand of_real(double number);
    static Operand of_flag(bool flag);
};

/// The one way to make functions, shared by Expr, by the Python proxies and by passes.
class Builder {
public:
    explicit Builder(Function& f) : f_(f) {}
    Function& function() { return f_; }
    Type type(Value v) const { return f_.insts[v].type; }
    /// f64 where scores are f64, else f32: what integers become when they meet reals.
    Type float_type() const;

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

    /// Appends `op` as a user means it (docs/ir.md, "Promotion"): operands are brought to a common
    /// type as compiled torch does, bit operations on bools become logical ones, and so on. May
    /// append several instructions. UserError names `op` and the types it cannot take.
    Value apply(Op op, std::span<const Operand> operands);
    Value apply(Op op, std::initializer_list<Operand> operands) {
        return apply(op, std::span<const Operand>(operands.begin(), operands.size()));
    }
    /// The operand as a value; numbers: i32 (i64 where it must), float_type(), bool.
    Value materialize(const Operand& operand);

    /// Appends a run-time scalar argument. Values keep their ids until finish() only.
    Value add_scalar(Type type, std::string name = {});
    int add_buffer(DType dtype, int rank, std::string name = {});
    /// Moves the parameters to the front and renumbers values. `also`: ids to translate as well.
    void finish(std::span<Value> also = {});

    /// Copies `callee` into this function: its built-in parameters, scalars and buffers are mapped
    /// to the given values (cast where types differ) and buffers. Returns the mapped results'
    /// values.
    std::vector<Value> inline_call(const Function& callee, std::span<const Value> parameters,
                                   std::span<const int> buffers);

private:
    Value append(Inst inst);
    Type common_type(std::span<const Operand> operands) const;
    Value coerce(const Operand& operand, Type type);

    Function& f_;
};

}  // namespace flexion::ir
