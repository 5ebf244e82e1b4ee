// SPDX-License-Identifier: Apache-2.0
// A function under construction in which every new value is simplified as it is appended.
#pragma once

#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "ir/function.h"
#include "passes/interval/interval.h"
#include "passes/simplify/pattern.h"

namespace flexion::passes {

class Rewriter {
public:
    /// Starts with f's parameters and buffers.
    explicit Rewriter(const ir::Function& f);

    /// The value of `inst`, whose operands are values of this function: an existing one, a
    /// constant, what a rule makes of it, or a new instruction.
    ir::Value add(ir::Inst inst);
    ir::Value add(ir::Op op, std::initializer_list<ir::Value> args, ir::Type type);
    ir::Value constant(std::uint64_t bits, ir::Type type);
    ir::Value whole(std::int64_t value, ir::Type type);
    ir::Value cast(ir::Value v, ir::Type type);

    ir::Function& function() { return f_; }
    const ir::Inst& inst(ir::Value v) const { return f_.insts[v]; }
    ir::Type type(ir::Value v) const { return f_.insts[v].type; }
    bool is_constant(ir::Value v) const { return inst(v).op == ir::Op::constant; }
    const Interval& range(ir::Value v) const { return known_[v].range; }
    /// Depends bits of passes.h.
    std::uint8_t depends(ir::Value v) const { return known_[v].depends; }

private:
    struct Known {
        Interval range{};
        std::uint64_t hash = 0;
        std::uint32_t depth = 0;
        std::uint8_t depends = 0;
    };
    struct Hash {
        std::size_t operator()(const ir::Inst& inst) const;
    };
    using Goals = std::vector<std::pair<const Pattern*, ir::Value>>;

    Known know(const ir::Inst& inst) const;
    bool goes_before(ir::Value a, ir::Value b) const;
    void order(ir::Inst& inst) const;
    std::optional<ir::Value> fold(const ir::Inst& inst);
    std::optional<ir::Value> apply_rules(const ir::Inst& inst);
    bool solve(Goals& goals, Match& match, const Rule& rule) const;
    bool bind(char name, ir::Value v, Match& match) const;
    bool integral(ir::Value v) const;
    ir::Value build(const Pattern& p, const Match& match, ir::Type type);
    std::optional<ir::Type> type_beside(const Pattern& p, const Match& match) const;

    ir::Function f_;
    std::vector<Known> known_;
    std::unordered_map<ir::Inst, ir::Value, Hash> numbers_;
};

/// 64-bit arithmetic and comparisons whose operands fit 32 bits, in 32 bits (narrow.cpp). Nullopt
/// where nothing can be narrowed.
std::optional<ir::Value> narrow(Rewriter& rewriter, const ir::Inst& inst);

}  // namespace flexion::passes
