// SPDX-License-Identifier: Apache-2.0
// The simplifier's rules as a table: what is rewritten to what, and when.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "ir/function.h"
#include "passes/interval/interval.h"

namespace flexion::passes {

/// What a rule's variables stand for. x, y, z: any value; p, r: bools; c, d: constants.
struct Match {
    struct Slot {
        ir::Value value = ir::kNoValue;
        ir::Type type{};
        Interval range{};
        bool integral = false;  ///< a float that is a whole number, infinite or NaN
    };
    static constexpr std::string_view kNames = "xyzprcd";
    ir::Type result{};  ///< of the matched value
    std::array<Slot, kNames.size()> slots{};
    Slot& operator()(char name) { return slots[kNames.find(name)]; }
    const Slot& operator()(char name) const { return slots[kNames.find(name)]; }
};

/// Which types the last operand of `from` may have for the rule to hold.
enum class Domain : std::uint8_t { whole, real, f32, number, boolean, any };
bool contains(Domain domain, ir::Type type);

/// Patterns are applications of ops to patterns, variables and literals, which match bit for bit
/// ("-0" is not "0"). `y: pattern` names what the pattern matches. Operands of commutative ops
/// match in both orders. In `to`, ops on constants fold, literals take the type of what stands
/// beside them, and `exponent(c)` is the exponent of a power of two.
struct Rule {
    Domain domain;
    std::string_view from, to;
    bool (*when)(const Match&) = nullptr;
};
std::span<const Rule> simplification_rules();

/// Operands may change places (NaN payloads aside); fma: its first two.
bool is_commutative(ir::Op op);

}  // namespace flexion::passes
