// SPDX-License-Identifier: Apache-2.0
// The textual form of a function: parse(print(f)) == f, exactly. docs/ir.md is its grammar.
#pragma once

#include <string>
#include <string_view>

#include "ir/function.h"

namespace flexion::ir {

inline constexpr int kTextVersion = 1;

/// Canonical text; begins with "flexion.ir 1".
std::string print(const Function& f);

/// UserError that quotes the offending line and says what was expected. Verifies the result.
Function parse(std::string_view text);

/// UserError that quotes the printed instruction: types, arity, use before definition, roles,
/// ranks, results. `where` is the public function named in the message.
void verify(const Function& f, const char* where = "flexion::ir::verify");

}  // namespace flexion::ir
