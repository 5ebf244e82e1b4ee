// SPDX-License-Identifier: Apache-2.0
// What operators mean on operands of unequal types: the rules of compiled torch.
#include <cstdlib>
#include <limits>

#include <flexion/error.h>

#include "ir/builder.h"
#include "support/fail.h"

namespace flexion::ir {
namespace {

/// bool < integer < floating point.
int category(Type type) { return type == Type::boolean ? 0 : is_integer(type) ? 1 : 2; }

int category(const Operand& number) {
    switch (number.kind) {
        case Operand::Kind::flag:
            return 0;
        case Operand::Kind::integer:
            return 1;
        default:
            return 2;
    }
}

bool fits_i32(std::int64_t value) {
    return value >= std::numeric_limits<std::int32_t>::min() &&
           value <= std::numeric_limits<std::int32_t>::max();
}

/// Products of i32 by literals up to this stay i32: positions then have 25 bits, 33 million.
constexpr std::int64_t kSmallFactor = 64;

bool is_small(const Operand& operand) {
    return operand.kind != Operand::Kind::value && operand.kind != Operand::Kind::real &&
           operand.integer >= -kSmallFactor && operand.integer <= kSmallFactor;
}

/// The op on bools that an op on numbers becomes when all its operands are bools, as in torch.
std::optional<Op> op_on_bools(Op op) {
    switch (op) {
        case Op::add:
        case Op::max:
        case Op::bit_or:
            return Op::logical_or;
        case Op::mul:
        case Op::min:
        case Op::bit_and:
            return Op::logical_and;
        case Op::bit_xor:
            return Op::logical_xor;
        case Op::bit_not:
            return Op::logical_not;
        default:
            return std::nullopt;
    }
}

bool is_rounding(Op op) {
    return op == Op::floor || op == Op::ceil || op == Op::round || op == Op::trunc;
}

}  // namespace

Operand Operand::of_integer(std::int64_t number) {
    Operand operand(kNoValue);
    operand.kind = Kind::integer;
    operand.integer = number;
    return operand;
}

Operand Operand::of_real(double number) {
    Operand operand(kNoValue);
    operand.kind = Kind::real;
    operand.real = number;
    return operand;
}

Operand Operand::of_flag(bool flag) {
    Operand operand(kNoValue);
    operand.kind = Kind::flag;
    operand.integer = flag ? 1 : 0;
    return operand;
}

/// Values decide; among them the highest category and in it the widest type. A number raises the
/// category only, and i32 to i64 where it does not fit.
Type Builder::common_type(std::span<const Operand> operands) const {
    int highest = 0;
    bool wide = false;
    bool large = false;
    int highest_value = -1;
    for (const Operand& operand : operands) {
        if (operand.kind == Operand::Kind::value) {
            const Type t = type(operand.id);
            if (category(t) > highest_value) wide = false;
            highest_value = std::max(highest_value, category(t));
            if (category(t) == highest_value) wide |= t == Type::i64 || t == Type::f64;
            highest = std::max(highest, category(t));
        } else {
            highest = std::max(highest, category(operand));
            large |= operand.kind == Operand::Kind::integer && !fits_i32(operand.integer);
        }
    }
    const bool from_values = highest == highest_value;
    switch (highest) {
        case 0:
            return Type::boolean;
        case 1:
            return large || (from_values && wide) ? Type::i64 : Type::i32;
        default:
            return from_values ? (wide ? Type::f64 : Type::f32) : float_type();
    }
}

Value Builder::materialize(const Operand& operand) {
    switch (operand.kind) {
        case Operand::Kind::value:
            return operand.id;
        case Operand::Kind::flag:
            return constant_bool(operand.integer != 0);
        case Operand::Kind::integer:
            return constant_int(operand.integer, fits_i32(operand.integer) ? Type::i32 : Type::i64);
        case Operand::Kind::real:
            return constant_float(operand.real, float_type());
    }
    return kNoValue;
}

Value Builder::coerce(const Operand& operand, Type to) {
    if (operand.kind == Operand::Kind::value) return cast(operand.id, to);
    if (is_float(to)) {
        const bool real = operand.kind == Operand::Kind::real;
        return constant_float(real ? operand.real : static_cast<double>(operand.integer), to);
    }
    if (is_integer(to) && operand.kind != Operand::Kind::real) {
        return constant_int(operand.integer, to);
    }
    return cast(materialize(operand), to);
}

Value Builder::apply(Op op, std::span<const Operand> operands) {
    const OpInfo& row = info(op);
    if (static_cast<int>(operands.size()) != row.arity || op == Op::cast) {
        flexion::fail<InternalError>("Builder::apply: wrong operands of {}", row.name);
    }
    std::span<const Operand> typed = operands;
    if (op == Op::select) typed = operands.subspan(1);
    Type common = common_type(typed);
    const auto refuse = [&](const char* expected) {
        flexion::fail<UserError>("flexion: {} does not take {}; {}", row.name, name_of(common),
                                 expected);
    };
    std::array<Value, 3> values{};
    const auto emit_as = [&](Op as, Type to) {
        for (std::size_t i = 0; i < operands.size(); ++i) values[i] = coerce(operands[i], to);
        return emit(as, {values.data(), operands.size()});
    };

    if (common == Type::boolean) {
        if (op == Op::sub) refuse("use ^ or & ~ on bools, or cast with to_i32");
        if (const auto logical = op_on_bools(op)) return emit_as(*logical, Type::boolean);
    }
    switch (row.signature) {
        case Signature::number:
        case Signature::compare:
            if (common == Type::boolean) common = Type::i32;
            if (op == Op::mul && common == Type::i32 && !is_small(operands[0]) &&
                !is_small(operands[1])) {
                common = Type::i64;
            }
            return emit_as(op, common);
        case Signature::real:
            if (is_rounding(op) && !is_float(common)) return coerce(operands[0], common);
            if (op == Op::fma && !is_float(common)) {
                return apply(Op::add, {apply(Op::mul, {operands[0], operands[1]}), operands[2]});
            }
            return emit_as(op, is_float(common) ? common : float_type());
        case Signature::whole:
            if (is_float(common)) refuse("expected integers or bools");
            return emit_as(op, common == Type::boolean ? Type::i32 : common);
        case Signature::equality:
            return emit_as(op, common);
        case Signature::logical:
            if (common != Type::boolean) refuse("expected bools: write a comparison, or to_bool");
            return emit_as(op, common);
        case Signature::select: {
            const Value condition = materialize(operands[0]);
            if (type(condition) != Type::boolean) {
                flexion::fail<UserError>(
                    "flexion::where: the condition is {}; expected a bool: "
                    "write a comparison, or to_bool",
                    name_of(type(condition)));
            }
            const Value yes = coerce(operands[1], common);
            return emit(op, {condition, yes, coerce(operands[2], common)});
        }
        case Signature::classify:
            if (!is_float(common)) return constant_bool(false);
            return emit_as(op, common);
        case Signature::cast:
            break;
    }
    throw InternalError("Builder::apply: no such signature");
}

}  // namespace flexion::ir
