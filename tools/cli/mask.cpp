// SPDX-License-Identifier: Apache-2.0
// flexion mask SPEC -q N -k N: makes a block mask and tells what it is made of.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <fstream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <flexion/attention.h>
#include <flexion/block_mask.h>

#include "cli/commands.h"
#include "cli/spec.h"
#include "support/fail.h"

namespace flexion::cli {
namespace {

struct MaskOptions {
    std::string spec, svg;
    std::int64_t q_len = 0, kv_len = 0;
    std::vector<std::int64_t> block = {128};
    bool json = false;
    bool picture = false;
};

/// Bytes; the high-water mark of the process.
std::int64_t peak_memory() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return std::int64_t{usage.ru_maxrss} * 1024;
}

double milliseconds(std::chrono::steady_clock::duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

void run(const MaskOptions& options) {
    const std::int64_t kv_len = options.kv_len ? options.kv_len : options.q_len;
    const BlockSize block{options.block.front(), options.block.back()};
    SpecScope scope(1, options.q_len, kv_len);
    const MaskMod mask_mod = mask_from_spec(options.spec, scope);
    if (!mask_mod) fail<UserError>("flexion mask: the SPEC is empty; a mask is expected");

    // The first mask compiles the evaluator of its leaves and starts the threads; it is counted
    // apart.
    const auto cold = std::chrono::steady_clock::now();
    BlockMask mask = create_block_mask(mask_mod, {}, {}, options.q_len, kv_len, block);
    const auto warm = std::chrono::steady_clock::now();
    const std::int64_t before = peak_memory();
    mask = create_block_mask(mask_mod, {}, {}, options.q_len, kv_len, block);
    const auto end = std::chrono::steady_clock::now();

    std::int64_t full = 0, partial = 0;
    for (std::int64_t row = 0; row < mask.q_blocks(); ++row) {
        for (const BlockRun& run : mask.row(0, 0, row))
            (run.full() ? full : partial) += run.count();
    }
    const double first_ms = milliseconds(warm - cold), ms = milliseconds(end - warm);
    if (options.json) {
        std::printf("%s\n",
                    nlohmann::ordered_json{
                        {"mask", options.spec},
                        {"q_len", options.q_len},
                        {"kv_len", kv_len},
                        {"block", {block.q, block.kv}},
                        {"blocks", mask.q_blocks() * mask.kv_blocks()},
                        {"full", full},
                        {"partial", partial},
                        {"proved", mask.blocks_proved()},
                        {"evaluated", mask.blocks_evaluated()},
                        {"sparsity", mask.sparsity()},
                        {"ms", ms},
                        {"first_ms", first_ms},
                        {"mask_bytes", mask.bytes()},
                        {"extra_bytes", peak_memory() - before},
                        {"peak_bytes", peak_memory()},
                    }
                        .dump()
                        .c_str());
    } else {
        std::printf("%s on %lld x %lld, blocks %lld x %lld\n", options.spec.c_str(),
                    static_cast<long long>(options.q_len), static_cast<long long>(kv_len),
                    static_cast<long long>(block.q), static_cast<long long>(block.kv));
        std::printf("  %lld full, %lld partial of %lld blocks; sparsity %.2f %%\n",
                    static_cast<long long>(full), static_cast<long long>(partial),
                    static_cast<long long>(mask.q_blocks() * mask.kv_blocks()), mask.sparsity());
        std::printf("  %lld decided by intervals, %lld evaluated\n",
                    static_cast<long long>(mask.blocks_proved()),
                    static_cast<long long>(mask.blocks_evaluated()));
        std::printf("  %.2f ms (first time, with compilation and threads: %.2f ms)\n", ms,
                    first_ms);
        std::printf("  %.1f KiB kept, %.1f MiB peak of the process\n",
                    static_cast<double>(mask.bytes()) / 1024,
                    static_cast<double>(peak_memory()) / (1 << 20));
        if (options.picture) std::printf("%s\n", mask.to_string().c_str());
    }
    if (!options.svg.empty()) {
        std::ofstream file(options.svg);
        file << mask.to_svg();
        if (!file.flush()) fail<UserError>("flexion mask: cannot write {}", options.svg);
    }
}

}  // namespace

void add_mask(CLI::App& app) {
    auto options = std::make_shared<MaskOptions>();
    CLI::App* command =
        app.add_subcommand("mask", "Make a block mask; print its counts and picture");
    command->add_option("spec", options->spec, "such as causal&window:256")->required();
    command->add_option("-q,--q-len", options->q_len, "queries")
        ->required()
        ->check(CLI::NonNegativeNumber);
    command->add_option("-k,--kv-len", options->kv_len, "keys; as many as queries when absent")
        ->check(CLI::NonNegativeNumber);
    command->add_option("--block", options->block, "block size: N, or Q,KV")
        ->delimiter(',')
        ->expected(1, 2);
    command->add_option("--svg", options->svg, "write the picture to this file");
    command->add_flag("--picture", options->picture, "print the picture as text");
    command->add_flag("--json", options->json, "one JSON object instead of text");
    command->callback([options] { run(*options); });
}

}  // namespace flexion::cli
