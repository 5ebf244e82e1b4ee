// SPDX-License-Identifier: Apache-2.0
// Appends values: canonical operands, folding, the rule table, value numbering.
#include "passes/simplify/rewriter.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <tuple>

#include "ir/evaluate.h"
#include "ir/op.h"
#include "passes/interval/ranges.h"
#include "passes/linear_form.h"
#include "passes/passes.h"

namespace flexion::passes {
namespace {

using ir::Inst;
using ir::Op;
using ir::Type;
using ir::Value;

/// wyhash's mixing step. Order of operands rests on it, so it is the same in every process.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    __extension__ typedef unsigned __int128 Wide;
    const Wide product = Wide{a ^ 0x9e3779b97f4a7c15u} * (b ^ 0xbf58476d1ce4e5b9u);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}
std::uint64_t head(const Inst& inst) {
    return static_cast<std::uint64_t>(inst.op) | static_cast<std::uint64_t>(inst.type) << 8 |
           static_cast<std::uint64_t>(inst.count) << 16 |
           static_cast<std::uint64_t>(inst.index) << 32;
}

/// The comparison with its operands exchanged.
std::optional<Op> mirrored(Op op) {
    switch (op) {
        case Op::lt:
            return Op::gt;
        case Op::gt:
            return Op::lt;
        case Op::le:
            return Op::ge;
        case Op::ge:
            return Op::le;
        default:
            return {};
    }
}

}  // namespace

std::size_t Rewriter::Hash::operator()(const Inst& inst) const {
    std::uint64_t hash = mix(head(inst), inst.bits);
    for (int i = 0; i < inst.count; ++i) hash = mix(hash, inst.args[i]);
    return hash;
}

Rewriter::Rewriter(const ir::Function& f) {
    f_.role = f.role;
    f_.name = f.name;
    f_.parameters = f.parameters;
    f_.buffers = f.buffers;
    for (std::size_t p = 0; p < f.parameters.size(); ++p) {
        f_.insts.push_back(f.insts[p]);
        known_.push_back(know(f_.insts.back()));
    }
}

Value Rewriter::constant(std::uint64_t bits, Type type) {
    return add({.op = Op::constant, .type = type, .bits = bits});
}
Value Rewriter::whole(std::int64_t value, Type type) {
    const auto bits = static_cast<std::uint64_t>(value);
    return constant(type == Type::i32 ? static_cast<std::uint32_t>(bits) : bits, type);
}
Value Rewriter::add(Op op, std::initializer_list<Value> args, Type type) {
    Inst inst{.op = op, .type = type, .count = static_cast<std::uint8_t>(args.size())};
    std::copy(args.begin(), args.end(), inst.args.begin());
    return add(inst);
}
Value Rewriter::cast(Value v, Type to) { return type(v) == to ? v : add(Op::cast, {v}, to); }

Value Rewriter::add(Inst inst) {
    const bool table = static_cast<int>(inst.op) >= ir::kFirstTableOp;
    if (table) {
        if (inst.op == Op::cast && type(inst.args[0]) == inst.type) return inst.args[0];
        order(inst);
        if (const auto known = numbers_.find(inst); known != numbers_.end()) return known->second;
        if (const auto value = fold(inst)) return *value;
        if (const auto value = apply_rules(inst)) return *value;
        if (const auto value = narrow(*this, inst)) return *value;
    } else if (inst.op == Op::load) {
        // A widened index reads the same element.
        for (int i = 0; i < inst.count; ++i) {
            const Inst& index = this->inst(inst.args[i]);
            if (index.op == Op::cast && type(index.args[0]) == Type::i32)
                inst.args[i] = index.args[0];
        }
    }
    const auto [at, fresh] = numbers_.try_emplace(inst, static_cast<Value>(f_.insts.size()));
    if (!fresh) return at->second;
    const Known known = know(inst);
    // An integer of one possible value, whatever the position.
    if (table && !ir::is_float(inst.type) && known.range.lo == known.range.hi) {
        numbers_.erase(at);
        return inst.type == Type::boolean ? constant(known.range.lo != 0, inst.type)
                                          : whole(known.range.lo, inst.type);
    }
    f_.insts.push_back(inst);
    known_.push_back(known);
    return at->second;
}

Rewriter::Known Rewriter::know(const Inst& inst) const {
    Known known;
    known.hash = mix(head(inst), inst.bits);
    for (int i = 0; i < inst.count; ++i) {
        const Known& arg = known_[inst.args[i]];
        known.hash = mix(known.hash, arg.hash);
        known.depth = std::max(known.depth, arg.depth + 1);
        known.depends |= arg.depends;
    }
    const int position = inst.index + 5 - f_.builtin_parameters();
    switch (inst.op) {
        case Op::parameter:
            known.hash = inst.index;
            if (position < 5) known.depends = static_cast<std::uint8_t>(1 << position);
            known.range = position > 0 && position < 5 ? kPositions : everything(inst.type);
            break;
        case Op::constant:
            known.range = interval_of(inst);
            break;
        case Op::load:
            known.range = range_of(f_.buffers[inst.index].dtype);
            break;
        default:
            known.range = apply_rule(inst, type(inst.args[inst.count - 1]),
                                     [&](Value v) { return known_[v].range; });
    }
    return known;
}

/// Parameters by number, then shallow before deep, constants last; independent of the order in
/// which the values were written.
bool Rewriter::goes_before(Value a, Value b) const {
    const auto key = [&](Value v) {
        return std::tuple(is_constant(v), known_[v].depth, known_[v].hash);
    };
    return key(a) < key(b);
}
void Rewriter::order(Inst& inst) const {
    const auto swapped = mirrored(inst.op);
    if (!swapped && !is_commutative(inst.op)) return;
    if (!goes_before(inst.args[1], inst.args[0])) return;
    std::swap(inst.args[0], inst.args[1]);
    if (swapped) inst.op = *swapped;
}

std::optional<Value> Rewriter::fold(const Inst& inst) {
    std::array<std::uint64_t, 3> bits{};
    for (int i = 0; i < inst.count; ++i) {
        if (!is_constant(inst.args[i])) return {};
        bits[i] = this->inst(inst.args[i]).bits;
    }
    const Type operand = type(inst.args[inst.count - 1]);
    const std::span<const std::uint64_t> used(bits.data(), inst.count);
    return constant(ir::evaluate(inst.op, operand, inst.type, used), inst.type);
}

// ---- rules --------------------------------------------------------------------------------------

bool Rewriter::integral(Value v) const {
    const Inst& inst = this->inst(v);
    switch (inst.op) {
        case Op::floor:
        case Op::ceil:
        case Op::round:
        case Op::trunc:
            return true;
        case Op::cast:
            return !ir::is_float(type(inst.args[0]));
        default:
            return false;
    }
}

bool Rewriter::bind(char name, Value v, Match& match) const {
    Match::Slot& slot = match(name);
    if (slot.value != ir::kNoValue) return slot.value == v;
    if ((name == 'c' || name == 'd') && !is_constant(v)) return false;
    if ((name == 'p' || name == 'r') && type(v) != Type::boolean) return false;
    slot = {v, type(v), range(v), integral(v)};
    return true;
}

/// Matches all goals, trying both orders of commutative operands.
bool Rewriter::solve(Goals& goals, Match& match, const Rule& rule) const {
    if (goals.empty()) return !rule.when || rule.when(match);
    const auto [pattern, value] = goals.back();
    goals.pop_back();
    const Match before = match;
    const Inst& inst = this->inst(value);
    bool found = pattern->name == 0 || bind(pattern->name, value, match);
    if (pattern->kind == Pattern::Kind::variable) {
        found = found && solve(goals, match, rule);
    } else if (pattern->kind == Pattern::Kind::literal) {
        found = is_constant(value) && inst.bits == pattern->bits(inst.type) &&
                solve(goals, match, rule);
    } else if (found) {
        found = inst.op == pattern->op;
        const std::size_t size = goals.size();
        const auto attempt = [&](bool swap) {
            for (int i = 0; i < inst.count; ++i) {
                const int from = swap && i < 2 ? 1 - i : i;
                goals.push_back({&pattern->args[i], inst.args[from]});
            }
            if (solve(goals, match, rule)) return true;
            goals.resize(size);
            match = before;
            if (pattern->name != 0) bind(pattern->name, value, match);
            return false;
        };
        found = found && (attempt(false) || (is_commutative(inst.op) && attempt(true)));
    }
    if (found) return true;
    goals.push_back({pattern, value});
    match = before;
    return false;
}

std::optional<Value> Rewriter::apply_rules(const Inst& inst) {
    const Type operand = type(inst.args[inst.count - 1]);
    for (const ParsedRule& parsed : rules_for(inst.op)) {
        if (!contains(parsed.rule->domain, operand)) continue;
        const bool both = is_commutative(inst.op);
        for (int swap = 0; swap <= (both ? 1 : 0); ++swap) {
            Match match;
            match.result = inst.type;
            Goals goals;
            for (int i = 0; i < inst.count; ++i)
                goals.push_back({&parsed.from.args[i], inst.args[swap && i < 2 ? 1 - i : i]});
            if (solve(goals, match, *parsed.rule)) return build(parsed.to, match, inst.type);
        }
    }
    return {};
}

/// The type of the nearest variable of which a literal or an op's operands take theirs.
std::optional<Type> Rewriter::type_beside(const Pattern& p, const Match& match) const {
    if (p.kind == Pattern::Kind::variable) return match(p.name).type;
    if (p.kind != Pattern::Kind::op || p.op == Op::cast) return {};
    for (auto arg = p.args.rbegin(); arg != p.args.rend(); ++arg) {
        if (const auto found = type_beside(*arg, match)) return found;
    }
    return {};
}

Value Rewriter::build(const Pattern& p, const Match& match, Type expected) {
    if (p.kind == Pattern::Kind::variable) return match(p.name).value;
    if (p.kind == Pattern::Kind::literal) return constant(p.bits(expected), expected);
    if (p.kind == Pattern::Kind::exponent) {
        const Value c = match(p.args[0].name).value;
        return whole(std::countr_zero(inst(c).bits), type(c));
    }
    Inst made{.op = p.op, .count = static_cast<std::uint8_t>(p.args.size())};
    std::array<Type, 3> types{};
    const Type operands = type_beside(p, match).value_or(expected);
    for (int i = 0; i < made.count; ++i) {
        made.args[i] = build(p.args[i], match, operands);
        types[i] = type(made.args[i]);
    }
    made.type = *ir::result_type(p.op, {types.data(), made.count}, expected);
    return add(made);
}

}  // namespace flexion::passes
