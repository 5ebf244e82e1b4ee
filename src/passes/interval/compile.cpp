// SPDX-License-Identifier: Apache-2.0
// Compiles a mask to interval steps: comparisons of linear forms become memberships in sets, those
// of one form under a common `and` or `or` a single one; the root stops at the first decided term.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "ir/builder.h"
#include "ir/interpret.h"
#include "passes/interval/integer_set.h"
#include "passes/interval/program.h"
#include "passes/interval/ranges.h"
#include "passes/linear_form.h"

namespace flexion::passes {
namespace {

using ir::Inst;
using ir::Op;
using ir::Type;
using ir::Value;

/// Larger buffers are not read through: tables of theirs would take as long as the mask itself.
constexpr std::int64_t kMaxElements = INT64_C(1) << 27;

/// Longer masks (after simplification) are not analysed, every box stays undecided: the compiler's
/// recursion goes as deep as the mask does.
constexpr std::size_t kMaxAnalysed = 1024;

/// A bool as the membership of a form in a set, or as a register.
struct Truth {
    bool is_set = false;
    LinearForm form;  ///< constant 0, first coefficient positive
    IntegerSet set;
    std::set<Value> guards;  ///< integers that must not have wrapped
    Register reg = 0;
    int cost = 0;  ///< loads to be read
};

class Compiler {
public:
    Compiler(const ir::Function& mask, const Captures& captures)
        : f_(specialize(mask, captures)),
          facts_(uniformity(f_)),
          forms_(linear_forms(f_)),
          register_of_(f_.insts.size(), kNone),
          load_of_(f_.insts.size()) {
        make_tables(captures);
        const auto load = [this](const Inst& inst) { return contents(inst); };
        ranges_ = value_ranges(f_, forms_, load, {});
    }

    IntervalProgram run() {
        if (f_.insts.size() > kMaxAnalysed) {
            program_.steps.push_back(
                {.kind = Step::Kind::conjunct, .x = constant(booleans(true, true))});
            return std::move(program_);
        }
        const Value root = f_.results[0].value;
        const Op op = f_.insts[root].op == Op::logical_or ? Op::logical_or : Op::logical_and;
        std::vector<Truth> terms = flatten(op, root);
        std::stable_sort(terms.begin(), terms.end(),
                         [](const Truth& a, const Truth& b) { return a.cost < b.cost; });
        for (const Truth& term : terms) {
            const auto kind = op == Op::logical_or ? Step::Kind::disjunct : Step::Kind::conjunct;
            program_.steps.push_back({.kind = kind, .x = materialize(term)});
        }
        return std::move(program_);
    }

private:
    static constexpr Register kNone = ~Register{0};

    /// Scalars and elements at constant indices become constants.
    static ir::Function specialize(const ir::Function& mask, const Captures& captures) {
        ir::Function g = ir::make_function(mask.role);
        g.buffers = mask.buffers;
        ir::Builder build(g);
        std::vector<Value> copy(mask.insts.size());
        const auto constant = [&](Type type, double real, std::int64_t integer) {
            return type == Type::boolean ? build.constant_bool(integer != 0)
                   : ir::is_float(type)  ? build.constant_float(real, type)
                                         : build.constant_int(integer, type);
        };
        for (Value v = 0; v < mask.insts.size(); ++v) {
            Inst inst = mask.insts[v];
            if (inst.op == Op::parameter) {
                const int scalar = inst.index - mask.builtin_parameters();
                if (scalar < 0) {
                    copy[v] = v;
                    continue;
                }
                const ScalarValue& s = captures.scalars[scalar];
                copy[v] = constant(
                    inst.type, s.is_integer ? static_cast<double>(s.integer) : s.real, s.integer);
                continue;
            }
            std::vector<std::int64_t> indices;
            for (int i = 0; i < inst.count; ++i) {
                inst.args[i] = copy[inst.args[i]];
                const Inst& arg = g.insts[inst.args[i]];
                if (arg.op == Op::constant) indices.push_back(integer_of(arg));
            }
            if (inst.op == Op::load && static_cast<int>(indices.size()) == inst.count) {
                const TensorView& view = captures.buffers[inst.index];
                copy[v] = ir::is_float(inst.type)
                              ? constant(inst.type, ir::read_real(view, indices), 0)
                              : constant(inst.type, 0, ir::read_integer(view, indices));
                continue;
            }
            g.insts.push_back(inst);
            copy[v] = static_cast<Value>(g.insts.size() - 1);
        }
        g.results.push_back({copy[mask.results[0].value], -1, {}});
        return simplify(g);
    }

    /// One table per buffer and pair of axes that vary with q or k.
    void make_tables(const Captures& captures) {
        std::map<std::array<int, 3>, int> known;
        for (const Inst& inst : f_.insts) {
            if (inst.op != Op::load) continue;
            const TensorView& view = captures.buffers[inst.index];
            LoadStep load{-1, inst.type, inst.count, {}};
            if (view.numel() > 0 && view.numel() <= kMaxElements) {
                std::vector<int> axes = {-1, -1};
                for (int axis = 0; axis < inst.count; ++axis) {
                    if (facts_.depends[inst.args[axis]] & (kOnQ | kOnK)) axes.push_back(axis);
                }
                const int row = axes[axes.size() - 2], column = axes.back();
                const auto [at, fresh] = known.try_emplace(
                    {inst.index, row, column}, static_cast<int>(program_.tables.size()));
                if (fresh) program_.tables.emplace_back(view, row, column);
                load.table = at->second;
            }
            if (view.numel() == 0) load.table = kEmpty;
            load_of_[&inst - f_.insts.data()] = program_.loads.size();
            program_.loads.push_back(load);
        }
    }
    static constexpr int kEmpty = -2;

    std::size_t load_number(const Inst& inst) const { return load_of_[&inst - f_.insts.data()]; }
    Interval contents(const Inst& inst) const {
        const int table = program_.loads[load_number(inst)].table;
        if (table == kEmpty) return integers(0, 0);
        if (table < 0 || ir::is_float(inst.type)) return everything(inst.type);
        return program_.tables[table].all();
    }

    // ---- steps ----
    Register emit(Step step) {
        step.out = static_cast<Register>(program_.registers++);
        program_.steps.push_back(step);
        return step.out;
    }

    Register value(Value v) {
        if (register_of_[v] == kNone) register_of_[v] = make(v);
        return register_of_[v];
    }
    Register make(Value v) {
        const Inst& inst = f_.insts[v];
        if (inst.op == Op::parameter) return inst.index;
        if (inst.op == Op::constant) return constant(interval_of(inst));
        if (inst.op == Op::load) return load(inst);
        if (inst.type == Type::boolean) return materialize(truth(v));
        if (ir::is_integer(inst.type) && !forms_[v].is_atom(v)) {
            std::set<Value> guards;
            if (!ranges_.exact[v]) widenings(v, guards);
            const std::uint32_t f = form(forms_[v], guards);
            return emit({.kind = Step::Kind::form, .type = inst.type, .payload = f});
        }
        return rule(inst);
    }
    Register rule(const Inst& inst) {
        std::array<Register, 3> args{};
        for (int i = 0; i < inst.count; ++i) args[i] = value(inst.args[i]);
        return rule(inst.op, f_.insts[inst.args[inst.count - 1]].type, inst.type, args);
    }
    Register rule(Op op, Type type, Type result, std::array<Register, 3> args) {
        return emit({.kind = Step::Kind::rule,
                     .op = op,
                     .type = type,
                     .result = result,
                     .x = args[0],
                     .y = args[1],
                     .z = args[2],
                     .rule = interval_rule(op)});
    }
    Register constant(const Interval& interval) {
        program_.constants.push_back(interval);
        return emit({.kind = Step::Kind::constant,
                     .payload = static_cast<std::uint32_t>(program_.constants.size() - 1)});
    }
    Register load(const Inst& inst) {
        const std::size_t number = load_number(inst);
        if (program_.loads[number].table == kEmpty)
            return constant(ir::is_float(inst.type) ? reals(0, 0) : integers(0, 0));
        for (int i = 0; i < inst.count; ++i)
            program_.loads[number].indices[i] = value(inst.args[i]);
        return emit({.kind = Step::Kind::load, .payload = static_cast<std::uint32_t>(number)});
    }

    /// The i32 values that `v` widens and that may have wrapped.
    void widenings(Value v, std::set<Value>& found) const {
        std::vector<Value> open = {v};
        std::set<Value> seen;
        while (!open.empty()) {
            const Inst& inst = f_.insts[open.back()];
            open.pop_back();
            for (int i = 0; i < inst.count; ++i) {
                const Value u = inst.args[i];
                if (forms_[u].is_atom(u) || !seen.insert(u).second) continue;
                const bool widens = inst.type == Type::i64 && f_.insts[u].type == Type::i32;
                if (!widens) open.push_back(u);
                if (widens && !ranges_.exact[u]) found.insert(u);
            }
        }
    }

    std::uint32_t form(const LinearForm& linear, const std::set<Value>& guards) {
        std::vector<RegisterTerm> terms;
        std::vector<Register> guarded;
        terms.reserve(linear.terms.size());
        guarded.reserve(guards.size());
        for (const auto& [atom, coefficient] : linear.terms)
            terms.push_back({value(atom), coefficient});
        for (Value g : guards) guarded.push_back(value(g));
        const auto append = [](auto& all, const auto& some) {
            const auto first = static_cast<std::uint32_t>(all.size());
            all.insert(all.end(), some.begin(), some.end());
            return first;
        };
        RegisterForm f{};
        f.first_term = append(program_.terms, terms);
        f.end_term = static_cast<std::uint32_t>(program_.terms.size());
        f.first_guard = append(program_.guards, guarded);
        f.end_guard = static_cast<std::uint32_t>(program_.guards.size());
        f.constant = linear.constant;
        program_.forms.push_back(f);
        return static_cast<std::uint32_t>(program_.forms.size() - 1);
    }

    Register materialize(const Truth& t) {
        if (!t.is_set) return t.reg;
        const std::uint32_t f = form(t.form, t.guards);
        const auto first = static_cast<std::uint32_t>(program_.ranges.size());
        const auto& ranges = t.set.ranges();
        program_.ranges.insert(program_.ranges.end(), ranges.begin(), ranges.end());
        const auto end = static_cast<std::uint32_t>(program_.ranges.size());
        return emit({.kind = Step::Kind::member, .payload = f, .set_first = first, .set_end = end});
    }

    // ---- bools ----
    int loads_under(Value v) const {
        std::vector<Value> open = {v};
        std::set<Value> seen;
        int loads = 0;
        while (!open.empty()) {
            const Inst& inst = f_.insts[open.back()];
            open.pop_back();
            loads += inst.op == Op::load;
            for (int i = 0; i < inst.count; ++i) {
                if (seen.insert(inst.args[i]).second) open.push_back(inst.args[i]);
            }
        }
        return loads;
    }

    /// x `op` y for a comparison of integers; nullopt where the difference has no form.
    std::optional<Truth> membership(Op op, const LinearForm& x, const LinearForm& y) const {
        auto difference = combine(x, 1, y, -1);
        if (!difference) return {};
        IntegerSet set = op == Op::lt || op == Op::ge   ? IntegerSet(INT64_MIN, -1)
                         : op == Op::le || op == Op::gt ? IntegerSet(INT64_MIN, 0)
                                                        : IntegerSet(0, 0);
        if (op == Op::ge || op == Op::gt || op == Op::ne) set = set.complement();
        Truth t;
        t.is_set = true;
        const bool flip = !difference->terms.empty() && difference->terms[0].coefficient < 0;
        const std::int64_t offset = difference->constant;
        difference->constant = 0;
        const auto normal = combine(*difference, flip ? -1 : 1, {}, 0);
        if (!normal) return {};
        t.form = *normal;
        t.set = set.mapped(flip ? -1 : 1, offset);
        return t;
    }

    Truth truth(Value v) {
        const auto at = truths_.find(v);
        if (at != truths_.end()) return at->second;
        Truth t = make_truth(v);
        t.cost = loads_under(v);
        return truths_.emplace(v, std::move(t)).first->second;
    }
    Truth make_truth(Value v) {
        const Inst& inst = f_.insts[v];
        const Value x = inst.args[0], y = inst.args[1];
        const bool whole = inst.count > 0 && ir::is_integer(f_.insts[x].type);
        std::optional<Truth> t;
        switch (inst.op) {
            case Op::eq:
            case Op::ne:
            case Op::lt:
            case Op::le:
            case Op::gt:
            case Op::ge:
                if (whole) t = membership(inst.op, forms_[x], forms_[y]);
                if (!t) break;
                if (!ranges_.exact[x]) t->guards.insert(x);
                if (!ranges_.exact[y]) t->guards.insert(y);
                return *t;
            case Op::cast:
                if (whole) t = membership(Op::ne, forms_[x], {});
                if (!t) break;
                if (!ranges_.exact[x]) t->guards.insert(x);
                return *t;
            case Op::logical_not: {
                Truth negated = truth(x);
                if (!negated.is_set) break;
                negated.set = negated.set.complement();
                return negated;
            }
            case Op::logical_and:
            case Op::logical_or: {
                const std::vector<Truth> terms = flatten(inst.op, v);
                if (terms.size() == 1) return terms[0];
                Truth all;
                all.reg = materialize(terms[0]);
                for (std::size_t i = 1; i < terms.size(); ++i) {
                    all.reg = rule(inst.op, Type::boolean, Type::boolean,
                                   {all.reg, materialize(terms[i]), 0});
                }
                return all;
            }
            default:
                break;
        }
        Truth plain;
        plain.reg = inst.op == Op::parameter || inst.op == Op::constant || inst.op == Op::load
                        ? value(v)
                        : rule(inst);
        return plain;
    }

    /// The terms of an `and` or `or` over any number of operands, memberships of one form merged.
    std::vector<Truth> flatten(Op op, Value root) {
        std::vector<Truth> terms;
        std::vector<Value> open = {root};
        std::set<Value> seen;
        while (!open.empty()) {
            const Value v = open.back();
            open.pop_back();
            if (!seen.insert(v).second) continue;
            if (f_.insts[v].op == op) {
                open.push_back(f_.insts[v].args[1]);
                open.push_back(f_.insts[v].args[0]);
                continue;
            }
            const Truth t = truth(v);
            const auto same = std::find_if(terms.begin(), terms.end(), [&](const Truth& other) {
                return t.is_set && other.is_set && other.form.terms == t.form.terms;
            });
            if (same == terms.end()) {
                terms.push_back(t);
                continue;
            }
            same->set =
                op == Op::logical_and ? same->set.intersected(t.set) : same->set.united(t.set);
            same->guards.insert(t.guards.begin(), t.guards.end());
        }
        return terms;
    }

    ir::Function f_;
    Facts facts_;
    std::vector<LinearForm> forms_;
    Ranges ranges_;
    std::vector<Register> register_of_;
    std::vector<std::size_t> load_of_;  ///< per value: index into the program's loads
    std::map<Value, Truth> truths_;
    IntervalProgram program_;
};

}  // namespace

IntervalProgram compile_intervals(const ir::Function& mask, const Captures& captures) {
    return Compiler(mask, captures).run();
}

}  // namespace flexion::passes
