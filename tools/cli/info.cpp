// SPDX-License-Identifier: Apache-2.0
// flexion info: what this build and this machine have.
#include <cstdio>

#include <CLI/CLI.hpp>

#include <flexion/options.h>
#include <flexion/version.h>

#include "api/context.h"
#include "cli/commands.h"
#include "cli/spec.h"
#include "support/os/available_cpus.h"
#ifdef FLEXION_WITH_CPU
#include "backend/cpu/tile_abi.h"
#endif

namespace flexion::cli {
namespace {

void names(const char* title, const std::vector<SpecName>& rows) {
    std::printf("%s\n", title);
    for (const SpecName& row : rows)
        std::printf("  %-14s %s\n", row.usage.c_str(), row.help.c_str());
}

void info() {
    std::printf("flexion %s\n", FLEXION_VERSION);
    for (const auto& backend : default_context().backends())
        std::printf("  back end %s\n", backend->name());
#ifdef FLEXION_WITH_CPU
    std::printf("  instruction sets:");
    for (const cpu::Isa isa : cpu::kIsas) {
        if (cpu::has_isa(isa)) std::printf(" %s", cpu::name_of(isa));
    }
    std::printf("; in use: %s\n", cpu::name_of(cpu::detect_isa()));
#endif
    std::printf("  threads: %d\n", available_cpus());
    const std::string& folder = default_context().disk().directory();
    std::printf("  cache: %s\n", folder.empty() ? "none" : folder.c_str());
    std::printf("options (variable, value, meaning; * set)\n");
    for (const OptionInfo& option : options()) {
        std::printf("  %c %-22s %-12s %s\n", option.set ? '*' : ' ', option.variable.c_str(),
                    option.value.empty() ? "-" : option.value.c_str(), option.help.c_str());
    }
    names("scores", score_names());
    names("masks", mask_names());
}

}  // namespace

void add_info(CLI::App& app) {
    app.add_subcommand("info", "Back ends, instruction sets, cache, options, names for SPEC")
        ->callback(info);
}

}  // namespace flexion::cli
