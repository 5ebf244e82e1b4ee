// SPDX-License-Identifier: Apache-2.0
// Small text helpers of the CUDA emitter.
#pragma once

#include <sstream>
#include <string>

#include "ir/function.h"

namespace flexion::cuda {

/// Its arguments written one after the other.
template <class... T>
std::string cat(const T&... parts) {
    std::ostringstream out;
    out.imbue(std::locale::classic());
    (out << ... << parts);
    return out.str();
}

/// C++ name of a type in device code.
const char* type_name(ir::Type type);
/// A constant, exactly.
std::string literal(const ir::Inst& constant);
/// The pattern of an op (OpInfo::cuda) with its operands and result type filled in.
std::string substitute(const char* pattern, const char* result, const std::string (&args)[3]);

}  // namespace flexion::cuda
