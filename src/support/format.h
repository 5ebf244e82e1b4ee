// SPDX-License-Identifier: Apache-2.0
// Text from format strings that are checked at compile time, in the syntax of {fmt}. The library
// itself is compiled in one place, format.cpp; nobody includes <fmt/format.h>.
#pragma once

#include <fmt/core.h>

#include <string>

namespace flexion {

namespace detail {
void append_vformat(std::string* out, fmt::string_view text, fmt::format_args args);
}

/// Appends to `*out`.
template <class... T>
void append_format(std::string* out, fmt::format_string<T...> text, T&&... args) {
    detail::append_vformat(out, text, fmt::make_format_args(args...));
}

template <class... T>
std::string formatted(fmt::format_string<T...> text, T&&... args) {
    std::string out;
    detail::append_vformat(&out, text, fmt::make_format_args(args...));
    return out;
}

}  // namespace flexion
