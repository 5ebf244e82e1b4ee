// SPDX-License-Identifier: Apache-2.0
// Literals and patterns.
#include "backend/cuda/emit/text.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>

namespace flexion::cuda {

const char* type_name(ir::Type type) {
    switch (type) {
        case ir::Type::f32:
            return "float";
        case ir::Type::f64:
            return "double";
        case ir::Type::i32:
            return "int";
        case ir::Type::i64:
            return "i64";
        case ir::Type::boolean:
            return "bool";
    }
    return "";
}

std::string literal(const ir::Inst& constant) {
    char text[64];
    const std::uint64_t bits = constant.bits;
    switch (constant.type) {
        case ir::Type::boolean:
            return bits != 0 ? "true" : "false";
        case ir::Type::i32: {
            const auto x = static_cast<std::int32_t>(static_cast<std::uint32_t>(bits));
            if (x == std::numeric_limits<std::int32_t>::min()) return "(-2147483647 - 1)";
            return x < 0 ? cat("(", x, ")") : cat(x);
        }
        case ir::Type::i64:
            std::snprintf(text, sizeof text, "static_cast<i64>(0x%llxull)",
                          static_cast<unsigned long long>(bits));
            return text;
        case ir::Type::f32: {
            const float x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
            if (!std::isfinite(x)) {
                std::snprintf(text, sizeof text, "__uint_as_float(0x%08xu)",
                              static_cast<unsigned>(bits));
                return text;
            }
            std::snprintf(text, sizeof text, "%.9g", static_cast<double>(x));
            std::string digits = text;
            if (digits.find_first_of(".e") == std::string::npos) digits += ".0";
            digits += "f";
            return std::signbit(x) ? "(" + digits + ")" : digits;
        }
        case ir::Type::f64:
            std::snprintf(text, sizeof text, "__longlong_as_double(0x%016llxll)",
                          static_cast<unsigned long long>(bits));
            return text;
    }
    return "";
}

std::string substitute(const char* pattern, const char* result, const std::string (&args)[3]) {
    std::string text;
    for (const char* c = pattern; *c != '\0'; ++c) {
        if (*c != '$') {
            text += *c;
        } else if (*++c == 'r') {
            text += result;
        } else {
            text += args[*c - '0'];
        }
    }
    return text;
}

}  // namespace flexion::cuda
