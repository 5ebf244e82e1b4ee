// SPDX-License-Identifier: Apache-2.0
// A mask as a list of steps over intervals: compiled once, run for every rectangle.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/interval/extrema.h"
#include "passes/interval/interval.h"
#include "passes/passes.h"

namespace flexion::passes {

using Register = std::uint32_t;

/// A linear form over registers, and the registers of widened values that must not have wrapped.
struct RegisterForm {
    std::uint32_t first_term, end_term;
    std::uint32_t first_guard, end_guard;
    std::int64_t constant;
};
struct RegisterTerm {
    Register atom;
    std::int64_t coefficient;
};

struct LoadStep {
    int table;  ///< index of the Extrema; -1: unknown contents
    ir::Type type;
    int rank;
    std::array<Register, kMaxRank> indices;
};

struct Step {
    enum class Kind : std::uint8_t {
        constant,  ///< payload: index of the interval
        form,      ///< payload: form; everything(type), marked wrapped, where it leaves the type
        member,    ///< payload: form, [set_first, set_end): is its value in the set?
        load,      ///< payload: load
        rule,      ///< of x, y, z
        conjunct,  ///< stop with all_false where x is false
        disjunct,  ///< stop with all_true where x is true
    };
    Kind kind;
    ir::Op op{};
    ir::Type type{};    ///< rule: of the last operand; form: of the value
    ir::Type result{};  ///< rule
    Register out = 0, x = 0, y = 0, z = 0;
    std::uint32_t payload = 0, set_first = 0, set_end = 0;
    IntervalRule rule = nullptr;
};

/// Registers 0 to 3 are b, h, q, k.
struct IntervalProgram {
    std::vector<Step> steps;
    std::vector<Interval> constants;
    std::vector<RegisterForm> forms;
    std::vector<RegisterTerm> terms;
    std::vector<Register> guards;
    std::vector<std::pair<std::int64_t, std::int64_t>> ranges;  ///< of sets
    std::vector<LoadStep> loads;
    std::vector<Extrema> tables;
    int registers = 4;

    /// A bool interval that holds every value of the mask on the box, whose positions are not
    /// negative.
    Interval run(const Box& box) const;
};

IntervalProgram compile_intervals(const ir::Function& mask, const Captures& captures);

}  // namespace flexion::passes
