// SPDX-License-Identifier: Apache-2.0
// Builds linear forms through sums, differences, products with constants and integer casts.
#include "passes/linear_form.h"

#include <algorithm>
#include <bit>

namespace flexion::passes {

using ir::Op;

std::optional<LinearForm> combine(const LinearForm& x, std::int64_t a, const LinearForm& y,
                                  std::int64_t b) {
    bool wraps = false;
    auto weighted = [&](std::int64_t u, std::int64_t v) {
        std::int64_t au = 0, bv = 0, sum = 0;
        wraps |= __builtin_mul_overflow(a, u, &au);
        wraps |= __builtin_mul_overflow(b, v, &bv);
        wraps |= __builtin_add_overflow(au, bv, &sum);
        return sum;
    };
    LinearForm form;
    form.constant = weighted(x.constant, y.constant);
    auto i = x.terms.begin();
    auto j = y.terms.begin();
    while (i != x.terms.end() || j != y.terms.end()) {
        const bool from_x = i != x.terms.end() && (j == y.terms.end() || i->atom <= j->atom);
        const bool from_y = j != y.terms.end() && (i == x.terms.end() || j->atom <= i->atom);
        const ir::Value atom = from_x ? i->atom : j->atom;
        const std::int64_t c =
            weighted(from_x ? (i++)->coefficient : 0, from_y ? (j++)->coefficient : 0);
        if (c) form.terms.push_back({atom, c});
    }
    if (wraps) return {};
    return form;
}

std::int64_t integer_of(const ir::Inst& constant) {
    return constant.type == ir::Type::i32 ? static_cast<std::int32_t>(constant.bits)
                                          : static_cast<std::int64_t>(constant.bits);
}

double real_of(const ir::Inst& constant) {
    if (constant.type == ir::Type::f32)
        return std::bit_cast<float>(static_cast<std::uint32_t>(constant.bits));
    return std::bit_cast<double>(constant.bits);
}

namespace {

// The other operand of a min or max with a value that is the same at all positions.
std::optional<ir::Value> clamped_by_uniform(const ir::Function& f, const ir::Inst& inst,
                                            const std::vector<LinearForm>& forms) {
    const auto is_uniform = [&](ir::Value value) {
        return std::ranges::all_of(forms[value].terms, [&](const LinearForm::Term& term) {
            const ir::Inst& atom = f.insts[term.atom];
            return atom.op == Op::parameter && atom.index >= f.builtin_parameters();
        });
    };
    if (is_uniform(inst.args[1])) return inst.args[0];
    if (is_uniform(inst.args[0])) return inst.args[1];
    return {};
}

}  // namespace

std::vector<LinearForm> linear_forms(const ir::Function& f, bool past_clamps) {
    std::vector<LinearForm> forms(f.insts.size());
    const LinearForm zero;
    auto derive = [&](const ir::Inst& inst) -> std::optional<LinearForm> {
        auto arg = [&](int i) -> const LinearForm& { return forms[inst.args[i]]; };
        switch (inst.op) {
            case Op::constant:
                return LinearForm{{}, integer_of(inst)};
            case Op::add:
                return combine(arg(0), 1, arg(1), 1);
            case Op::sub:
                return combine(arg(0), 1, arg(1), -1);
            case Op::neg:
                return combine(arg(0), -1, zero, 0);
            case Op::cast:
                if (!ir::is_integer(f.insts[inst.args[0]].type)) return {};
                return arg(0);
            case Op::mul:
                if (auto c = arg(1).as_constant()) return combine(arg(0), *c, zero, 0);
                if (auto c = arg(0).as_constant()) return combine(arg(1), *c, zero, 0);
                return {};
            case Op::shl: {
                const auto c = arg(1).as_constant();
                if (!c || *c < 0 || *c > (inst.type == ir::Type::i32 ? 30 : 62)) return {};
                return combine(arg(0), std::int64_t{1} << *c, zero, 0);
            }
            case Op::min:
            case Op::max: {
                const auto clamped =
                    past_clamps ? clamped_by_uniform(f, inst, forms) : std::nullopt;
                if (!clamped) return {};
                return forms[*clamped];
            }
            default:
                return {};
        }
    };
    for (ir::Value v = 0; v < f.insts.size(); ++v) {
        if (!ir::is_integer(f.insts[v].type)) continue;
        forms[v] = derive(f.insts[v]).value_or(LinearForm{{{v, 1}}, 0});
    }
    return forms;
}

}  // namespace flexion::passes
