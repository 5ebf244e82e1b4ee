// SPDX-License-Identifier: Apache-2.0
// From a row of ops.def to instructions: the row's own text, or the function that it names.
#include "backend/cpu/codegen/library/ops.h"

#include <algorithm>
#include <string_view>

#include "support/fail.h"

namespace flexion::cpu {
namespace {

using ir::Op;

Val emit_power(Code& c, const Val& x, const Val& y) {
    if (x.ty.elem == Elem::f64) {
        const Val args[] = {x, y};
        return call_library(c, VectorFunction::pow, args);
    }
    const Val wide[] = {c.convert("fpext", x, Elem::f64), c.convert("fpext", y, Elem::f64)};
    return c.convert("fptrunc", call_library(c, VectorFunction::narrow_pow, wide), Elem::f32);
}

// The functions @fx.NAME that rows call.
Val call_prelude(Code& c, Op op, std::span<const Val> a, ir::Type type) {
    const Elem elem = a[0].ty.elem;
    const bool f32 = elem == Elem::f32;
    switch (op) {
        case Op::floordiv:
            return emit_floordiv(c, a[0], a[1]);
        case Op::truncdiv:
            return emit_truncdiv(c, a[0], a[1]);
        case Op::mod:
            return emit_mod(c, a[0], a[1]);
        case Op::rem:
            return emit_rem(c, a[0], a[1]);
        case Op::min:
            return c.intrinsic("minimum", {a[0], a[1]});
        case Op::max:
            return c.intrinsic("maximum", {a[0], a[1]});
        case Op::clamp:
            if (is_float(elem))
                return c.intrinsic("minimum", {c.intrinsic("maximum", {a[0], a[1]}), a[2]});
            return c.smin(c.smax(a[0], a[1]), a[2]);
        case Op::pow:
            return is_float(elem) ? emit_power(c, a[0], a[1]) : emit_integer_power(c, a[0], a[1]);
        case Op::fma:
            return emit_fma(c, a[0], a[1], a[2]);
        case Op::exp:
            return f32 ? emit_exp(c, a[0]) : call_library(c, VectorFunction::exp, a);
        case Op::exp2:
            return f32 ? emit_exp2(c, a[0]) : call_library(c, VectorFunction::exp2, a);
        case Op::log:
            return f32 ? emit_log(c, a[0]) : call_library(c, VectorFunction::log, a);
        case Op::log2:
            return f32 ? emit_log2(c, a[0]) : call_library(c, VectorFunction::log2, a);
        case Op::tanh:
            return f32 ? emit_tanh(c, a[0]) : call_library(c, VectorFunction::tanh, a);
        case Op::sigmoid:
            if (f32) return emit_sigmoid(c, a[0]);
            {
                const Val negated = c.fneg(a[0]);
                const Val e = call_library(c, VectorFunction::exp, {&negated, 1});
                return c.fdiv(Code::real(elem, 1), c.fadd(e, Code::real(elem, 1)));
            }
        case Op::rsqrt:
            return c.fdiv(Code::real(elem, 1), c.intrinsic("sqrt", {a[0]}));
        case Op::expm1:
            return call_library(c, VectorFunction::expm1, a);
        case Op::log1p:
            return f32 ? emit_log1p(c, a[0]) : call_library(c, VectorFunction::log1p, a);
        case Op::sin:
            return call_library(c, VectorFunction::sin, a);
        case Op::cos:
            return call_library(c, VectorFunction::cos, a);
        case Op::erf:
            return call_library(c, VectorFunction::erf, a);
        case Op::floor:
            return emit_floor(c, a[0]);
        case Op::ceil:
            return emit_ceil(c, a[0]);
        case Op::round:
            return emit_round(c, a[0]);
        case Op::trunc:
            return emit_trunc(c, a[0]);
        case Op::isinf:
            return c.compare("fcmp oeq", c.intrinsic("fabs", {a[0]}),
                             Code::real(elem, __builtin_inf()));
        case Op::bit_not:
            return c.xor_(a[0], Code::integer(elem, -1));
        case Op::shl: {
            const Val width = Code::integer(elem, 8 * bytes_of(elem));
            return c.select(c.compare("icmp ult", a[1], width), c.binary("shl", a[0], a[1]),
                            Code::integer(elem, 0));
        }
        case Op::shr: {
            const Val last = Code::integer(elem, 8 * bytes_of(elem) - 1);
            return c.binary("ashr", a[0], c.intrinsic("umin", {a[1], last}));
        }
        case Op::cast:
            return emit_cast(c, a[0], elem_of(type));
        default:
            fail<InternalError>("flexion: the CPU emitter has no code for op {}",
                                ir::info(op).name);
    }
}

// The row's text with its placeholders filled in (see ops.def); operands have equal lanes.
Val instantiate(Code& c, std::string_view row, std::span<const Val> args, Ty result) {
    std::string text;
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (row[i] != '$') {
            text += row[i];
            continue;
        }
        const char what = row[++i];
        if (what >= '0' && what <= '2') {
            text += c.operand(args[what - '0'], args[what - '0'].ty.lanes);
        } else if (what == 't') {
            text += name_of(args.back().ty);
        } else if (what == 's') {
            text += suffix_of(args.back().ty);
        } else {
            text += what == 'r' ? name_of(result) : suffix_of(result);
        }
    }
    return c.assign(result, text);
}

}  // namespace

Val emit_op(Code& c, Op op, std::span<const Val> args, ir::Type type, bool exact) {
    if (op == Op::select) return c.select(args[0], args[1], args[2]);
    const ir::OpInfo& row = ir::info(op);
    std::string_view text = is_float(args.back().ty.elem) ? row.llvm_float : row.llvm_int;
    if (text.find("@fx.") != std::string_view::npos) return call_prelude(c, op, args, type);
    int lanes = 1;
    for (const Val& v : args) lanes = std::max(lanes, v.ty.lanes);
    std::vector<Val> equal;
    for (const Val& v : args) equal.push_back(c.splat(v, lanes));
    std::string fused;
    if (!exact && (op == Op::add || op == Op::sub || op == Op::mul) && text[0] == 'f') {
        fused = std::string(text.substr(0, 4)) + " contract" + std::string(text.substr(4));
        text = fused;
    }
    return instantiate(c, text, equal, {elem_of(type), lanes});
}

}  // namespace flexion::cpu
