// SPDX-License-Identifier: Apache-2.0
// Does in 32 bits what was written in 64: captured lengths and windows are 64-bit scalars, and one
// of them would otherwise make every comparison of a tile 64 bits wide.
#include "passes/passes.h"
#include "passes/simplify/rewriter.h"

namespace flexion::passes {
namespace {

using ir::Inst;
using ir::Op;
using ir::Type;
using ir::Value;

constexpr Interval kNarrow = everything(Type::i32);

bool fits(const Interval& x) { return x.lo >= kNarrow.lo && x.hi <= kNarrow.hi; }

/// The value of `v` in 32 bits: what it widens, a constant, or a cast where `v` fits and is needed
/// less often than the op, which depends on `all`.
std::optional<Value> narrowed(Rewriter& rewriter, Value v, std::uint8_t all) {
    const Inst& inst = rewriter.inst(v);
    if (inst.op == Op::cast && rewriter.type(inst.args[0]) == Type::i32) return inst.args[0];
    if (!fits(rewriter.range(v))) return {};
    if (inst.op == Op::constant) return rewriter.whole(rewriter.range(v).lo, Type::i32);
    if (rewriter.depends(v) == all) return {};
    return rewriter.cast(v, Type::i32);
}

std::uint8_t depends_of(const Rewriter& rewriter, const Inst& inst) {
    std::uint8_t all = 0;
    for (int i = 0; i < inst.count; ++i) all |= rewriter.depends(inst.args[i]);
    return all;
}

/// Ops on widened operands whose result fits: no wrap in 32 bits either.
std::optional<Value> narrow_arithmetic(Rewriter& rewriter, const Inst& inst) {
    switch (inst.op) {
        case Op::add:
        case Op::sub:
        case Op::mul:
        case Op::neg:
        case Op::abs:
        case Op::min:
        case Op::max:
        case Op::clamp:
        case Op::floordiv:
        case Op::truncdiv:
        case Op::mod:
        case Op::rem:
        case Op::bit_and:
        case Op::bit_or:
        case Op::bit_xor:
        case Op::bit_not:
        case Op::select:
            break;
        default:
            return {};
    }
    const auto range = [&](Value v) { return rewriter.range(v); };
    if (!fits(apply_rule(inst, Type::i64, range))) return {};
    Inst narrow = inst;
    narrow.type = Type::i32;
    for (int i = 0; i < inst.count; ++i) {
        if (rewriter.type(inst.args[i]) == Type::boolean) continue;
        const auto arg = narrowed(rewriter, inst.args[i], depends_of(rewriter, inst));
        if (!arg) return {};
        narrow.args[i] = *arg;
    }
    return rewriter.cast(rewriter.add(narrow), Type::i64);
}

/// x op y with x widened: y, saturated to 32 bits, compares with x as y did but where x can be the
/// end that y was saturated to; those cases get a condition on y alone.
Value compare_saturated(Rewriter& rewriter, Op op, Value x, Value y) {
    const Value lowest = rewriter.whole(kNarrow.lo, Type::i64);
    const Value highest = rewriter.whole(kNarrow.hi, Type::i64);
    const Value bound =
        rewriter.cast(rewriter.add(Op::clamp, {y, lowest, highest}, Type::i64), Type::i32);
    const auto test = [&](Op o, Value a, Value b) {
        return rewriter.add(o, {a, b}, Type::boolean);
    };
    Value result = test(op, x, bound);
    const bool may_be_lowest = rewriter.range(x).lo == kNarrow.lo;
    const bool may_be_highest = rewriter.range(x).hi == kNarrow.hi;
    // False outcomes of y's side are joined by `and`, true ones by `or`.
    if (may_be_lowest) {
        if (op == Op::le || op == Op::eq)
            result = test(Op::logical_and, result, test(Op::ge, y, lowest));
        if (op == Op::gt || op == Op::ne)
            result = test(Op::logical_or, result, test(Op::lt, y, lowest));
    }
    if (may_be_highest) {
        if (op == Op::ge || op == Op::eq)
            result = test(Op::logical_and, result, test(Op::le, y, highest));
        if (op == Op::lt || op == Op::ne)
            result = test(Op::logical_or, result, test(Op::gt, y, highest));
    }
    return result;
}

std::optional<Value> narrow_comparison(Rewriter& rewriter, const Inst& inst) {
    Op op = inst.op, mirror = inst.op;
    switch (inst.op) {
        case Op::eq:
        case Op::ne:
            break;
        case Op::lt:
            mirror = Op::gt;
            break;
        case Op::le:
            mirror = Op::ge;
            break;
        case Op::gt:
            mirror = Op::lt;
            break;
        case Op::ge:
            mirror = Op::le;
            break;
        default:
            return {};
    }
    const std::uint8_t all = depends_of(rewriter, inst);
    const auto x = narrowed(rewriter, inst.args[0], all);
    const auto y = narrowed(rewriter, inst.args[1], all);
    if (x && y) return rewriter.add(op, {*x, *y}, Type::boolean);
    if (!x && !y) return {};
    const Value narrow = x ? *x : *y, wide = x ? inst.args[1] : inst.args[0];
    if (!x) op = mirror;
    if (rewriter.is_constant(narrow)) return {};
    if (fits(rewriter.range(wide)))
        return rewriter.add(op, {narrow, rewriter.cast(wide, Type::i32)}, Type::boolean);
    // Worth it where the saturation is done less often than the comparison.
    if (rewriter.depends(wide) == all) return {};
    return compare_saturated(rewriter, op, narrow, wide);
}

}  // namespace

std::optional<Value> narrow(Rewriter& rewriter, const Inst& inst) {
    if (rewriter.type(inst.args[inst.count - 1]) != Type::i64) return {};
    if (inst.type == Type::boolean) return narrow_comparison(rewriter, inst);
    if (inst.type == Type::i64) return narrow_arithmetic(rewriter, inst);
    return {};
}

}  // namespace flexion::passes
