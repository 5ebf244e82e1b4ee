// SPDX-License-Identifier: Apache-2.0
// LLVM, behind three functions: nothing else in the project sees it.
#pragma once

#include <string>

#include "backend/backend.h"

namespace flexion::cpu {

/// The relocatable object of source.text, made for the machine that source.target names: "cpu:NAME
/// TRIPLE CPU FEATURES". CompileError, naming the kernel, when LLVM refuses the text or gives up.
/// Thread-safe.
backend::Binary compile_object(const backend::Source& source);

/// The same as assembly text, for people.
std::string compile_assembly(const backend::Source& source);

/// "LLVM 19.1.7".
std::string llvm_version();

}  // namespace flexion::cpu
