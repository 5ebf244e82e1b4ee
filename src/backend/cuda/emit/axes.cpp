// SPDX-License-Identifier: Apache-2.0
// Axes from dependence sets and affine forms.
#include "backend/cuda/emit/axes.h"

#include <algorithm>
#include <cstdlib>

namespace flexion::cuda {
namespace {

__extension__ typedef __int128 Wide;

// Immediates that code adds to a form stay far below 2^30.
constexpr std::int64_t kMaxCoefficient = 1024;
constexpr int kLoadCost = 8;
constexpr int kFunctionCost = 8;

bool fits(const passes::Affine& form, ir::Type type, const ir::Function& f) {
    const std::int64_t lengths[] = {form.b, form.h, form.q, form.k};
    Wide low = form.constant, high = form.constant;
    const auto add = [&](std::int64_t coefficient, Wide from, Wide to) {
        low += coefficient * (coefficient < 0 ? to : from);
        high += coefficient * (coefficient < 0 ? from : to);
    };
    for (std::int64_t coefficient : lengths) add(coefficient, 0, kMaxLength);
    for (std::size_t i = 0; i < form.scalars.size(); ++i) {
        const bool wide = f.parameters[f.builtin_parameters() + i].type == ir::Type::i64;
        const Wide bound = wide ? Wide{kMaxScalar} : Wide{1} << 31;
        add(form.scalars[i], -bound, bound);
    }
    const Wide limit = Wide{1} << (type == ir::Type::i64 ? 63 : 31);
    return low >= -limit && high < limit;
}

bool combines_linearly(ir::Op op) {
    switch (op) {
        case ir::Op::parameter:
        case ir::Op::constant:
        case ir::Op::add:
        case ir::Op::sub:
        case ir::Op::mul:
        case ir::Op::neg:
        case ir::Op::cast:
            return true;
        default:
            return false;
    }
}

int own_cost(const ir::Inst& inst) {
    switch (inst.op) {
        case ir::Op::parameter:
        case ir::Op::constant:
            return 0;
        case ir::Op::load:
            return kLoadCost;
        case ir::Op::add:
        case ir::Op::sub:
        case ir::Op::mul:
        case ir::Op::neg:
        case ir::Op::abs:
        case ir::Op::min:
        case ir::Op::max:
        case ir::Op::fma:
        case ir::Op::cast:
        case ir::Op::select:
        case ir::Op::eq:
        case ir::Op::ne:
        case ir::Op::lt:
        case ir::Op::le:
        case ir::Op::gt:
        case ir::Op::ge:
        case ir::Op::logical_and:
        case ir::Op::logical_or:
        case ir::Op::logical_xor:
        case ir::Op::logical_not:
        case ir::Op::bit_and:
        case ir::Op::bit_or:
        case ir::Op::bit_xor:
        case ir::Op::bit_not:
            return inst.type == ir::Type::i64 || inst.type == ir::Type::f64 ? 2 : 1;
        case ir::Op::clamp:
            return 2;
        default:
            return kFunctionCost;
    }
}

}  // namespace

Axes find_axes(const ir::Function& f, const passes::Facts& facts) {
    const std::size_t count = f.insts.size();
    Axes axes;
    axes.axis.resize(count);
    axes.linear.resize(count);
    axes.cost.resize(count);
    axes.depends = facts.depends;
    for (ir::Value v = 0; v < count; ++v) {
        const ir::Inst& inst = f.insts[v];
        const passes::Affine& form = facts.affine[v];
        bool linear = ir::is_integer(inst.type) && form.known && combines_linearly(inst.op) &&
                      fits(form, inst.type, f) && std::abs(form.q) <= kMaxCoefficient &&
                      std::abs(form.k) <= kMaxCoefficient;
        for (int i = 0; i < inst.count; ++i) linear = linear && axes.linear[inst.args[i]];
        axes.linear[v] = linear;

        const bool on_q = (facts.depends[v] & passes::kOnQ) != 0;
        const bool on_k = (facts.depends[v] & passes::kOnK) != 0;
        Axis axis = Axis::element;
        if (axes.on_score(v)) {
            axis = Axis::element;
        } else if (!on_q && !on_k) {
            axis = Axis::uniform;
        } else if (!on_k) {
            axis = Axis::row;
        } else if (!on_q) {
            axis = Axis::column;
        } else if (linear && form.q == -form.k) {
            axis = Axis::diagonal;
        } else if (inst.count > 0) {
            bool only_distance = true;
            for (int i = 0; i < inst.count; ++i) {
                const Axis operand = axes.axis[inst.args[i]];
                only_distance &= operand == Axis::uniform || operand == Axis::diagonal;
            }
            axis = only_distance ? Axis::diagonal : Axis::element;
        }
        axes.axis[v] = axis;

        int cost = own_cost(inst);
        if (linear) {
            cost = std::min(cost, 1);
        } else {
            for (int i = 0; i < inst.count; ++i) {
                if (axes.axis[inst.args[i]] > Axis::row) cost += axes.cost[inst.args[i]];
            }
        }
        axes.cost[v] = axis == Axis::uniform ? 0 : cost;
    }
    return axes;
}

}  // namespace flexion::cuda
