// SPDX-License-Identifier: Apache-2.0
// The one file that compiles {fmt}.
#define FMT_HEADER_ONLY
#include <fmt/format.h>

#include <iterator>
#include <string>

namespace flexion::detail {

// Not through support/format.h, which declares the same function for a {fmt} that is not inline.
void append_vformat(std::string* out, fmt::string_view text, fmt::format_args args);
void append_vformat(std::string* out, fmt::string_view text, fmt::format_args args) {
    fmt::vformat_to(std::back_inserter(*out), text, args);
}

}  // namespace flexion::detail
