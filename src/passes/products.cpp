// SPDX-License-Identifier: Apache-2.0
// Flattens products into factors and divisors and multiplies them again.
#include "passes/products.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <tuple>

#include "ir/builder.h"
#include "passes/linear_form.h"
#include "passes/passes.h"

namespace flexion::passes {
namespace {

using ir::Inst;
using ir::Op;
using ir::Value;

bool is_product(const Inst& inst) {
    return ir::is_float(inst.type) &&
           (inst.op == Op::mul || inst.op == Op::div || inst.op == Op::neg);
}

class Products {
public:
    explicit Products(const ir::Function& f)
        : f_(f), facts_(uniformity(f)), uses_(f.insts.size()), kept_(f.insts.size()) {
        for (const Inst& inst : f.insts) {
            for (int i = 0; i < inst.count; ++i) ++uses_[inst.args[i]];
        }
        for (const ir::Result& result : f.results) {
            ++uses_[result.value];
            for (Value index : result.indices) ++uses_[index];
        }
        kept_[f.results[0].value] = true;
        for (Value v = f.results[0].value + 1; v-- > 0;) {
            for (int i = 0; i < f.insts[v].count && kept_[v]; ++i) kept_[f.insts[v].args[i]] = true;
        }
    }

    ir::Function run() {
        ir::Function g;
        g.role = f_.role;
        g.name = f_.name;
        g.parameters = f_.parameters;
        g.buffers = f_.buffers;
        ir::Builder build(g);
        std::vector<Value> copy(f_.insts.size());
        for (Value v = 0; v < f_.insts.size(); ++v) {
            Inst inst = f_.insts[v];
            if (is_product(inst) && !kept_[v]) {
                copy[v] = multiply(build, copy, v);
                continue;
            }
            if (inst.op == Op::add && !kept_[v] &&
                (is_zero(inst.args[0]) || is_zero(inst.args[1]))) {
                copy[v] = copy[inst.args[is_zero(inst.args[0]) ? 1 : 0]];
                continue;
            }
            for (int i = 0; i < inst.count; ++i) inst.args[i] = copy[inst.args[i]];
            g.insts.push_back(inst);
            copy[v] = static_cast<Value>(g.insts.size() - 1);
        }
        for (const ir::Result& result : f_.results) {
            ir::Result placed{copy[result.value], result.buffer, {}};
            for (Value index : result.indices) placed.indices.push_back(copy[index]);
            g.results.push_back(std::move(placed));
        }
        return g;
    }

private:
    struct Factors {
        double constant = 1;
        std::vector<Value> above, below;  ///< of the old function
    };

    bool is_zero(Value v) const {
        const Inst& inst = f_.insts[v];
        return inst.op == Op::constant && ir::is_float(inst.type) && real_of(inst) == 0;
    }

    /// Through nodes of which nothing else needs the value.
    Factors flatten(Value root) const {
        struct Node {
            Value v;
            bool inverse;
        };
        Factors factors;
        std::vector<Node> open = {{root, false}};
        while (!open.empty()) {
            const auto [v, inverse] = open.back();
            open.pop_back();
            const Inst& inst = f_.insts[v];
            if (v == root || (is_product(inst) && !kept_[v] && uses_[v] == 1)) {
                if (inst.op == Op::neg) factors.constant = -factors.constant;
                open.push_back({inst.args[0], inverse});
                if (inst.op != Op::neg)
                    open.push_back({inst.args[1], inverse != (inst.op == Op::div)});
            } else if (inst.op != Op::constant || !absorb(real_of(inst), inverse, factors)) {
                (inverse ? factors.below : factors.above).push_back(v);
            }
        }
        return factors;
    }

    /// False for divisors so extreme that their reciprocal need not be finite.
    static bool absorb(double c, bool inverse, Factors& factors) {
        if (inverse && !(std::fabs(c) > 1e-30 && std::fabs(c) < 1e30)) return false;
        factors.constant = inverse ? factors.constant / c : factors.constant * c;
        return true;
    }

    bool is_scalar(Value v) const {
        return f_.insts[v].op == Op::parameter && facts_.depends[v] == 0;
    }
    static bool take_out(std::vector<Value>& from, Value v) {
        const auto at = std::find(from.begin(), from.end(), v);
        if (at == from.end()) return false;
        from.erase(at);
        return true;
    }

    /// A scalar against itself as a divisor, or against a constant over it that the score has.
    void cancel(Factors& factors) const {
        std::erase_if(factors.below,
                      [&](Value v) { return is_scalar(v) && take_out(factors.above, v); });
        const std::vector<Value> candidates = factors.above;
        for (Value v : candidates) {
            const Inst& inst = f_.insts[v];
            if (inst.op != Op::div || f_.insts[inst.args[0]].op != Op::constant) continue;
            if (!is_scalar(inst.args[1]) || !take_out(factors.above, inst.args[1])) continue;
            take_out(factors.above, v);
            factors.constant *= real_of(f_.insts[inst.args[0]]);
        }
    }

    Value multiply(ir::Builder& build, const std::vector<Value>& copy, Value v) const {
        const ir::Type type = f_.insts[v].type;
        Factors factors = flatten(v);
        cancel(factors);
        const auto by_dependence = [this](Value a, Value b) {
            const auto key = [this](Value x) {
                const unsigned depends = facts_.depends[x];
                return std::tuple(std::popcount(depends), depends, x);
            };
            return key(a) < key(b);
        };
        std::sort(factors.above.begin(), factors.above.end(), by_dependence);
        std::sort(factors.below.begin(), factors.below.end(), by_dependence);
        const double c =
            type == ir::Type::f32 ? static_cast<float>(factors.constant) : factors.constant;
        Value product = build.constant_float(c, type);
        bool started = c != 1;
        for (Value factor : factors.above) {
            product = started ? build.emit(Op::mul, {product, copy[factor]}) : copy[factor];
            started = true;
        }
        for (Value divisor : factors.below) product = build.emit(Op::div, {product, copy[divisor]});
        return product;
    }

    const ir::Function& f_;
    Facts facts_;
    std::vector<int> uses_;
    std::vector<bool> kept_;  ///< needed by result 0
};

}  // namespace

ir::Function reassociate_products(const ir::Function& f) { return Products(f).run(); }

}  // namespace flexion::passes
