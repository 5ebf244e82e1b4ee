// SPDX-License-Identifier: Apache-2.0
// flexion check FILE.flex: reads, verifies and describes a file of IR text.
#include <cstdio>
#include <fstream>
#include <sstream>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "ir/text.h"
#include "passes/passes.h"
#include "support/fail.h"

namespace flexion::cli {
namespace {

void check(const std::string& path) {
    std::ifstream file(path);
    if (!file) fail<UserError>("flexion check: cannot read {}", path);
    std::stringstream text;
    text << file.rdbuf();
    const ir::Function f = ir::parse(text.str());
    const ir::Function simple = passes::simplify(f);
    std::printf("%s: %s %s, %zu values (%zu simplified), %zu buffers, %d scalars\n", path.c_str(),
                f.role == ir::Role::mask_mod ? "mask_mod" : "score_mod", f.name.c_str(),
                f.insts.size(), simple.insts.size(), f.buffers.size(), f.scalar_count());
}

}  // namespace

void add_check(CLI::App& app) {
    auto path = std::make_shared<std::string>();
    CLI::App* command = app.add_subcommand("check", "Verify a file of IR text");
    command->add_option("file", *path, "FILE.flex")->required();
    command->callback([path] { check(*path); });
}

}  // namespace flexion::cli
