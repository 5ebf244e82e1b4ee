// SPDX-License-Identifier: Apache-2.0
// flexion cache path|list|clear|prune: the kernels on disk.
#include <cstdio>
#include <ctime>

#include <CLI/CLI.hpp>

#include "api/context.h"
#include "cli/commands.h"

namespace flexion::cli {
namespace {

void list() {
    std::int64_t total = 0;
    const auto entries = default_context().disk().list();
    for (const backend::DiskCache::Entry& entry : entries) {
        char when[32] = "";
        const auto seconds = static_cast<std::time_t>(entry.last_used);
        std::strftime(when, sizeof when, "%Y-%m-%d %H:%M", std::localtime(&seconds));
        std::printf("%-16s %9lld  %-24s %s\n", when, static_cast<long long>(entry.bytes),
                    entry.target.c_str(), entry.name.c_str());
        total += entry.bytes;
    }
    std::printf("%zu kernels, %lld bytes\n", entries.size(), static_cast<long long>(total));
}

void prune(std::int64_t bytes) {
    std::printf("%lld kernels removed\n",
                static_cast<long long>(default_context().disk().prune(bytes)));
}

}  // namespace

void add_cache(CLI::App& app) {
    CLI::App* command = app.add_subcommand("cache", "The kernels kept on disk");
    command->require_subcommand(1);
    command->add_subcommand("path", "Print the folder")->callback([] {
        std::printf("%s\n", default_context().disk().directory().c_str());
    });
    command->add_subcommand("list", "List the kernels, most recently used first")->callback(list);
    command->add_subcommand("clear", "Remove all kernels")->callback([] { prune(0); });
    auto bytes = std::make_shared<std::uint64_t>();
    CLI::App* to = command->add_subcommand("prune", "Remove the least recently used kernels");
    to->add_option("--size", *bytes, "bytes to keep, with K, M or G")
        ->required()
        ->transform(CLI::AsSizeValue(false));
    to->callback([bytes] { prune(static_cast<std::int64_t>(*bytes)); });
}

}  // namespace flexion::cli
