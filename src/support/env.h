// SPDX-License-Identifier: Apache-2.0
// The settings of the process, from env.def: read from the environment once, changed by
// set_option().
#pragma once

#include <cstdint>
#include <string>

#include <flexion/options.h>

namespace flexion {

namespace setting_kind {
using text = std::string;
using choice = std::string;
using integer = std::int64_t;
using bytes = std::int64_t;
using flag = bool;
}  // namespace setting_kind

struct Settings {
#define FLEXION_SETTING(kind, name, initial, ...) setting_kind::kind name = initial;
#include "support/env.def"
#undef FLEXION_SETTING
};

/// The settings of this moment; one atomic load. The reference stays valid for the whole process,
/// set_option() makes a new object. UserError when a variable of the environment has a bad value.
const Settings& settings();

}  // namespace flexion
