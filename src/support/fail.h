// SPDX-License-Identifier: Apache-2.0
// Throws the errors of flexion/error.h with a formatted message.
#pragma once

#include <source_location>
#include <string>
#include <utility>

#include <flexion/error.h>

#include "support/format.h"

namespace flexion {

/// fail<UserError>("flexion::attention: got Hq={} ...", hq). A message names the public function,
/// what came, what was expected and what to try.
template <class E, class... T>
[[noreturn]] void fail(fmt::format_string<T...> text, T&&... args) {
    throw E(formatted(text, std::forward<T>(args)...));
}

/// InternalError, with the place, when `condition` does not hold. For invariants, never for input.
inline void invariant(bool condition, const char* what,
                      std::source_location place = std::source_location::current()) {
    if (!condition) [[unlikely]] {
        fail<InternalError>("flexion: broken invariant: {} ({}:{}, {}); please report this", what,
                            place.file_name(), place.line(), place.function_name());
    }
}

}  // namespace flexion
