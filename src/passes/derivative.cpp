// SPDX-License-Identifier: Apache-2.0
// Reverse mode: adjoints by the vjp column, swept from the result to score and loads.
#include <algorithm>
#include <optional>

#include <flexion/error.h>

#include "ir/builder.h"
#include "ir/op.h"
#include "ir/vjp.h"
#include "passes/linear_form.h"
#include "passes/passes.h"
#include "passes/products.h"

namespace flexion::passes {
namespace {

using ir::Inst;
using ir::Op;
using ir::Value;

/// d out / d value where `guard` is `when`, and 0 elsewhere. The zero is put in last: multiplied
/// into a branch that was not taken it would give NaN where that branch's derivative is infinite.
struct Adjoint {
    Value value = ir::kNoValue;
    Value guard = ir::kNoValue;  ///< kNoValue: everywhere
    bool when = true;
    bool clean = false;  ///< the value itself is 0 elsewhere

    bool everywhere() const { return guard == ir::kNoValue; }
};

class Reverse {
public:
    explicit Reverse(ir::Function f)
        : tracer_(std::move(f)), build_(tracer_.builder()), adjoints_(function().insts.size()) {}

    ir::Function run(std::span<const int> buffers) {
        const Value out = function().results[0].value;
        const ir::Type score_type = function().parameters[0].type;
        adjoints_[out] = Adjoint{build_.constant_float(1, score_type)};
        for (Value v = out + 1; v-- > 0;) {
            if (adjoints_[v] && static_cast<int>(inst(v).op) >= ir::kFirstTableOp) propagate(v);
        }
        std::vector<ir::Result> results = {{out, -1, {}}};
        results.push_back(
            {adjoints_[0] ? guarded(*adjoints_[0]) : build_.constant_float(0, score_type), -1, {}});
        for (Value v = 0; v <= out; ++v) {
            const Inst load = inst(v);
            if (load.op != Op::load || !adjoints_[v]) continue;
            if (std::find(buffers.begin(), buffers.end(), load.index) == buffers.end()) continue;
            results.push_back({guarded(*adjoints_[v]),
                               load.index,
                               {load.args.begin(), load.args.begin() + load.count}});
        }
        function().results = std::move(results);
        return tracer_.take_function();
    }

private:
    ir::Function& function() { return build_.function(); }
    const Inst& inst(Value v) { return function().insts[v]; }

    Value invert(Value v) { return build_.emit(Op::logical_not, {v}); }
    Value condition(const Adjoint& a) { return a.when ? a.guard : invert(a.guard); }
    Value zero_like(Value v) { return build_.constant_float(0, build_.type(v)); }
    Value guarded(const Adjoint& a) {
        if (a.everywhere() || a.clean) return a.value;
        const Value zero = zero_like(a.value);
        return a.when ? build_.emit(Op::select, {a.guard, a.value, zero})
                      : build_.emit(Op::select, {a.guard, zero, a.value});
    }

    bool is_zero(Value v) {
        return inst(v).op == Op::constant && ir::is_float(inst(v).type) && real_of(inst(v)) == 0;
    }
    /// Narrows the guard by the conditions of selects between the value and 0.
    void peel(Adjoint& a) {
        while (inst(a.value).op == Op::select) {
            const auto [test, yes, no] =
                std::tuple(inst(a.value).args[0], inst(a.value).args[1], inst(a.value).args[2]);
            if (!is_zero(yes) && !is_zero(no)) return;
            const bool when = is_zero(no);
            a.value = when ? yes : no;
            a.clean = false;
            if (a.everywhere()) {
                a.guard = test;
                a.when = when;
            } else if (a.guard != test || a.when != when) {
                a.guard = build_.emit(Op::logical_and, {condition(a), when ? test : invert(test)});
                a.when = true;
            }
        }
    }

    static bool same_guard(const Adjoint& a, const Adjoint& b) {
        return a.guard == b.guard && (a.everywhere() || a.when == b.when);
    }
    Adjoint sum(const Adjoint& a, const Adjoint& b) {
        if (same_guard(a, b)) return {build_.emit(Op::add, {a.value, b.value}), a.guard, a.when};
        if (a.guard == b.guard) {  // the two sides of one condition
            const Adjoint &yes = a.when ? a : b, &no = a.when ? b : a;
            return {build_.emit(Op::select, {a.guard, yes.value, no.value})};
        }
        Adjoint total{build_.emit(Op::add, {guarded(a), guarded(b)})};
        if (!a.everywhere() && !b.everywhere()) {
            total.guard = build_.emit(Op::logical_or, {condition(a), condition(b)});
            total.clean = true;
        }
        return total;
    }

    void give(Value v, int operand, Value contribution) {
        const Value to = inst(v).args[operand];
        if (!ir::is_float(build_.type(to))) return;
        Adjoint flowing = *adjoints_[v];
        flowing.clean = flowing.clean && contribution == flowing.value;
        flowing.value = contribution;
        peel(flowing);
        if (is_zero(flowing.value)) return;
        adjoints_[to] = adjoints_[to] ? sum(*adjoints_[to], flowing) : flowing;
    }

    void propagate(Value v) {
        const Inst at = inst(v);
        const bool reals = std::any_of(at.args.begin(), at.args.begin() + at.count,
                                       [&](Value arg) { return ir::is_float(build_.type(arg)); });
        if (!reals) return;
        const auto operand = [&](int i) {
            return tracer_.wrap(i < at.count ? at.args[i] : at.args[0]);
        };
        const Expr g = tracer_.wrap(adjoints_[v]->value), r = tracer_.wrap(v);
        const Expr x = operand(0), y = operand(1), z = operand(2);
        const auto pass = [&]<class... G>(const G&... gradients) {
            int i = 0;
            const auto one = [&]<class T>(const T& gradient) {
                if constexpr (std::is_same_v<T, Expr>)
                    give(v, i, tracer_.value(gradient, "flexion::passes::derivative"));
                ++i;
            };
            (one(gradients), ...);
        };
        static_cast<void>(g), static_cast<void>(r);
        static_cast<void>(x), static_cast<void>(y), static_cast<void>(z);
        switch (at.op) {
#define FLEXION_OP(name, arity, signature, ulp, eval, llvm_float, llvm_int, cuda, interval, ...) \
    case Op::name:                                                                               \
        pass(__VA_ARGS__);                                                                       \
        break;
#include "ir/ops.def"
#undef FLEXION_OP
            default:
                break;
        }
    }

    Tracer tracer_;
    ir::Builder& build_;
    std::vector<std::optional<Adjoint>> adjoints_;  ///< of the mod's own values
};

}  // namespace

ir::Function derivative(const ir::Function& score_mod, std::span<const int> buffers) {
    if (score_mod.role != ir::Role::score_mod)
        throw InternalError("derivative: expected a score_mod");
    for (int buffer : buffers) {
        if (!ir::is_float(ir::loaded_type(score_mod.buffers.at(buffer).dtype)))
            throw InternalError("derivative: expected buffers of floats");
    }
    ir::Function f = simplify(score_mod);
    f.results.resize(1);
    const ir::Function joint = simplify(Reverse(std::move(f)).run(buffers));
    return simplify(reassociate_products(joint));
}

}  // namespace flexion::passes
