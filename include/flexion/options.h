// SPDX-License-Identifier: Apache-2.0
// Options of the process. Each is also a variable of the environment, which is read once: the
// option `cache_dir` is FLEXION_CACHE_DIR. `flexion info` lists them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <flexion/export.h>

namespace FLEXION_PUBLIC flexion {

struct OptionInfo {
    std::string name;      ///< "cache_dir"
    std::string variable;  ///< "FLEXION_CACHE_DIR"
    std::string help;      ///< one line
    std::string value;     ///< the value in force
    bool set = false;      ///< by the environment or by set_option()
};
std::vector<OptionInfo> options();

/// Sets an option for calls that begin later. What is made once in a process (the pool's threads,
/// the folder of the cache) must be set before the first call that needs it. UserError when there
/// is no such option or the value does not fit. Thread-safe.
void set_option(std::string_view name, std::string_view value);
std::string option(std::string_view name);

}  // namespace flexion
