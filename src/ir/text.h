// SPDX-License-Identifier: Apache-2.0
// The textual form of a function: parse(print(f)) == f, exactly. docs/ir.md is its grammar.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ir/function.h"

namespace flexion::ir {

inline constexpr int kTextVersion = 1;

/// Longest text that parse accepts, and longest name.
inline constexpr std::size_t kMaxTextBytes = std::size_t{4} << 20;
inline constexpr std::size_t kMaxNameBytes = 128;

/// Canonical text; begins with "flexion.ir 1".
std::string print(const Function& f);

/// The line of one instruction, without indentation; takes malformed ones too.
std::string print_instruction(const Function& f, Value v);
/// The return line.
std::string print_results(const Function& f);

/// [A-Za-z_][A-Za-z0-9_]*, at most kMaxNameBytes: names of functions, parameters and buffers.
bool is_name(std::string_view text);

/// UserError that quotes the offending line and says what was expected. Verifies the result.
Function parse(std::string_view text);

/// UserError that quotes the printed instruction: types, arity, use before definition, roles,
/// ranks, results. `where` is the public function named in the message.
void verify(const Function& f, const char* where = "flexion::ir::verify");

}  // namespace flexion::ir
