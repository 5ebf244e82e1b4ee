// SPDX-License-Identifier: Apache-2.0
// The subcommands: each adds itself to the application and runs when chosen. Results go to stdout,
// logs to stderr.
#pragma once

namespace CLI {
class App;
}

namespace flexion::cli {

void add_info(CLI::App& app);
void add_run(CLI::App& app);
void add_mask(CLI::App& app);
void add_emit(CLI::App& app);
void add_bench(CLI::App& app);
void add_cache(CLI::App& app);
void add_check(CLI::App& app);

}  // namespace flexion::cli
