// SPDX-License-Identifier: Apache-2.0
// Every row of the simplifier's table, evaluated on all special values of every type it takes.
#include <flexion/error.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "ir/builder.h"
#include "ir/interpret.h"
#include "ir/op.h"
#include "ir/text.h"
#include "passes/passes.h"
#include "passes/simplify/pattern.h"
#include "passes/special_values.h"
#include "seed.h"

namespace flexion::passes {
namespace {

using ir::Op;
using ir::Type;
using ir::Value;

DType dtype_of(Type type) {
    switch (type) {
        case Type::f32:
            return DType::f32;
        case Type::f64:
            return DType::f64;
        case Type::i32:
            return DType::i32;
        case Type::i64:
            return DType::i64;
        case Type::boolean:
            break;
    }
    return DType::boolean;
}

void names_in(const Pattern& p, std::set<char>& names) {
    if (p.kind == Pattern::Kind::variable) names.insert(p.name);
    for (const Pattern& arg : p.args) names_in(arg, names);
}

/// Types for a rule's variables: x, y, z, c, d are of `values`, the inner one of two casts and
/// casts of bools go to `through`, an outer cast to `target`.
struct Types {
    Type values, through, target;
};

/// Variables are loads from buffers at index k; c and d are constants.
struct Trial {
    const Rule& rule;
    Types types;
    std::map<char, std::uint64_t> constants;

    Type type_of(char name) const {
        return name == 'p' || name == 'r' ? Type::boolean : types.values;
    }

    ir::Function make(const Pattern& pattern, const std::set<char>& names) const {
        ir::Function f = ir::make_function(ir::Role::score_mod);
        ir::Builder build(f);
        for (char name : names) {
            if (!constants.count(name)) build.add_buffer(dtype_of(type_of(name)), 1, {name});
        }
        f.results.push_back({value(build, pattern, types.target), -1, {}});
        return f;
    }

private:
    static bool reads_values(const Pattern& p) {
        std::set<char> names;
        names_in(p, names);
        return names.count('x') + names.count('y') + names.count('z') + names.count('c') > 0;
    }
    Value value(ir::Builder& build, const Pattern& p, Type expected) const {
        switch (p.kind) {
            case Pattern::Kind::variable: {
                const auto at = constants.find(p.name);
                if (at != constants.end()) return build.constant_bits(at->second, types.values);
                const auto& buffers = build.function().buffers;
                int buffer = 0;
                while (buffers[buffer].name[0] != p.name) ++buffer;
                const Value k[] = {build.function().k()};
                return build.load(buffer, k);
            }
            case Pattern::Kind::literal:
                return build.constant_bits(p.bits(expected), expected);
            case Pattern::Kind::exponent:
                return build.constant_int(std::countr_zero(constants.at(p.args[0].name)),
                                          types.values);
            case Pattern::Kind::op:
                break;
        }
        std::vector<Value> args;
        const ir::Signature signature = ir::info(p.op).signature;
        for (std::size_t i = 0; i < p.args.size(); ++i) {
            Type operand = expected;
            if (signature == ir::Signature::compare || signature == ir::Signature::equality ||
                signature == ir::Signature::classify)
                operand = reads_values(p) ? types.values : types.through;
            if (signature == ir::Signature::cast) operand = types.through;
            if (signature == ir::Signature::select && i == 0) operand = Type::boolean;
            if (signature == ir::Signature::logical) operand = Type::boolean;
            args.push_back(value(build, p.args[i], operand));
        }
        return build.emit(p.op, args, expected);
    }
};

bool same(const ir::Column& x, const ir::Column& y, std::size_t i) {
    if (!ir::is_float(x.type)) return x.integer[i] == y.integer[i];
    const double a = x.real[i], b = y.real[i];
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    return a == b && std::signbit(a) == std::signbit(b);
}

class Rules : public testing::TestWithParam<int> {
protected:
    /// All combinations of special values, or a sample of them.
    static std::vector<std::map<char, std::uint64_t>> combinations(const Trial& trial,
                                                                   const std::set<char>& names,
                                                                   std::mt19937_64& random) {
        const auto most =
            static_cast<std::size_t>(test::scaled(trial.constants.empty() ? 1500 : 100));
        std::vector<std::map<char, std::uint64_t>> all = {{}};
        for (char name : names) {
            if (trial.constants.count(name)) continue;
            std::vector<std::map<char, std::uint64_t>> longer;
            for (const auto& some : all) {
                for (std::uint64_t bits : test::special_bits(trial.type_of(name))) {
                    longer.push_back(some);
                    longer.back()[name] = bits;
                }
            }
            std::shuffle(longer.begin(), longer.end(), random);
            if (longer.size() > most) longer.resize(most);
            all = std::move(longer);
        }
        return all;
    }

    static Match match_of(const Trial& trial, const std::map<char, std::uint64_t>& values) {
        Match match;
        match.result = trial.types.target;
        match('y').type = trial.types.through;  // of a cast between casts
        auto all = values;
        all.insert(trial.constants.begin(), trial.constants.end());
        for (const auto& [name, bits] : all) {
            Match::Slot& slot = match(name);
            slot.type = trial.type_of(name);
            slot.range = interval_of({.op = Op::constant, .type = slot.type, .bits = bits});
            if (!ir::is_float(slot.type)) continue;
            const double x = test::real_from(slot.type, bits);
            slot.integral = std::isnan(x) || x == std::trunc(x);
        }
        return match;
    }
};

TEST_P(Rules, BothSidesAgree) {
    const Rule& rule = simplification_rules()[GetParam()];
    const Pattern from = parse_pattern(rule.from), to = parse_pattern(rule.to);
    std::set<char> names;
    names_in(from, names);
    auto random = test::generator(GetParam());
    std::size_t compared = 0;

    const auto run = [&](const Trial& trial) {
        std::optional<ir::Function> left, right;
        try {
            left = trial.make(from, names);
            right = trial.make(to, names);
        } catch (const UserError&) {
            return;  // not of these types
        }
        const ir::Inst& root = left->insts[left->results[0].value];
        if (!contains(rule.domain, left->insts[root.args[root.count - 1]].type)) return;
        if (right->insts[right->results[0].value].type != root.type) return;

        std::vector<std::map<char, std::uint64_t>> values;
        for (auto& v : combinations(trial, names, random)) {
            if (!rule.when || rule.when(match_of(trial, v))) values.push_back(std::move(v));
        }
        if (values.empty()) return;
        Captures captures;
        std::vector<std::vector<std::byte>> memory;
        const auto count = static_cast<std::int64_t>(values.size());
        for (const auto& buffer : left->buffers) {
            const std::int64_t size = size_of(buffer.dtype);
            memory.emplace_back(count * size);
            for (std::int64_t i = 0; i < count; ++i)
                std::memcpy(&memory.back()[i * size], &values[i].at(buffer.name[0]), size);
            captures.buffers.push_back(
                TensorView::dense(memory.back().data(), buffer.dtype, {count}));
        }
        std::vector<std::int32_t> keys(count);
        for (std::int32_t i = 0; i < count; ++i) keys[i] = i;
        ir::Positions positions{.count = count, .k = keys.data()};
        ir::Interpreter a(*left, captures, ir::Precision::typed);
        ir::Interpreter b(*right, captures, ir::Precision::typed);
        const ir::Function simple = simplify(*left);
        ir::Interpreter c(simple, captures, ir::Precision::typed);
        const auto &x = a.run(positions)[0], &y = b.run(positions)[0], &z = c.run(positions)[0];
        for (std::int64_t i = 0; i < count; ++i) {
            ASSERT_TRUE(same(x, y, i)) << rule.from << " -> " << rule.to << " on "
                                       << ir::name_of(trial.types.values) << " at " << i << "\n"
                                       << ir::print(*left) << ir::print(*right);
            ASSERT_TRUE(same(x, z, i)) << ir::print(*left) << ir::print(simple);
        }
        compared += values.size();
        if (!rule.when) {
            EXPECT_TRUE(ir::same_structure(simple, simplify(*right)))
                << rule.from << " -> " << rule.to << " was not applied\n"
                << ir::print(simple);
        }
    };

    for (Type values : test::kTypes) {
        const auto pool = test::special_bits(values);
        const auto constants = [&](char name) {
            return names.count(name) ? pool : std::vector<std::uint64_t>{0};
        };
        for (Type through : test::kTypes) {
            for (Type target : test::kTypes) {
                // Types that the rule does not speak of are tried once.
                const bool casts = rule.from.find("cast") != std::string_view::npos;
                if (!casts && (through != values || (target != values && target != Type::boolean)))
                    continue;
                int tried = 0;
                for (std::uint64_t c : constants('c')) {
                    for (std::uint64_t d : constants('d')) {
                        if (names.count('d') && tried++ % 13 != 0) continue;
                        Trial trial{rule, {values, through, target}, {}};
                        if (names.count('c')) trial.constants['c'] = c;
                        if (names.count('d')) trial.constants['d'] = d;
                        run(trial);
                        if (HasFatalFailure()) return;
                    }
                }
            }
        }
    }
    EXPECT_GT(compared, 0u) << rule.from;
}

INSTANTIATE_TEST_SUITE_P(Table, Rules,
                         testing::Range(0, static_cast<int>(simplification_rules().size())));

}  // namespace
}  // namespace flexion::passes
