// SPDX-License-Identifier: Apache-2.0
// The flexion command. Exit status: 0 done, 1 failed, 2 wrong usage.
#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>

#include <flexion/version.h>

#include "cli/commands.h"

int main(int argc, char** argv) {
    CLI::App app("Attention variants, compiled: score_mod and mask_mod to one fused kernel.",
                 "flexion");
    app.set_version_flag("--version", FLEXION_VERSION);
    app.require_subcommand(1);
    namespace cli = flexion::cli;
    cli::add_info(app);
    cli::add_run(app);
    cli::add_mask(app);
#ifdef FLEXION_WITH_CPU
    cli::add_emit(app);
    cli::add_bench(app);
#endif
    cli::add_cache(app);
    cli::add_check(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "flexion: %s\n", error.what());
        return 1;
    }
    return 0;
}
