// SPDX-License-Identifier: Apache-2.0
// The rules' texts as trees.
#pragma once

#include <string_view>
#include <vector>

#include "ir/function.h"
#include "passes/simplify/rules.h"

namespace flexion::passes {

struct Pattern {
    enum class Kind : std::uint8_t { op, variable, literal, exponent };
    Kind kind = Kind::variable;
    ir::Op op{};
    char name = 0;       ///< variable, or the label of an op; 0: none
    double literal = 0;  ///< true is 1
    std::vector<Pattern> args;

    /// The literal's bits in `type`.
    std::uint64_t bits(ir::Type type) const;
};

/// InternalError on a malformed text.
Pattern parse_pattern(std::string_view text);

struct ParsedRule {
    const Rule* rule;
    Pattern from, to;
};
/// The table's rules whose root is `op`, in order.
const std::vector<ParsedRule>& rules_for(ir::Op op);

}  // namespace flexion::passes
