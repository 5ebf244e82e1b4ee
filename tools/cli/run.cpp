// SPDX-License-Identifier: Apache-2.0
// flexion run FILE.npz: attention on arrays from disk.
#include <cstdio>

#include <CLI/CLI.hpp>

#include <flexion/attention.h>

#include "cli/commands.h"
#include "cli/npz.h"
#include "cli/spec.h"
#include "support/fail.h"

namespace flexion::cli {
namespace {

struct RunOptions {
    std::string file, out = "out.npz", score, mask, backend;
    std::vector<std::string> numbers;
    double scale = 0;
    int threads = 0;
};

/// q, k and v have rank 4, or 3 for a batch of one.
TensorView batched(const std::map<std::string, Array>& arrays, const char* name,
                   const std::string& path) {
    const auto found = arrays.find(name);
    if (found == arrays.end()) fail<UserError>("flexion run: {} has no array '{}'", path, name);
    TensorView view = found->second.view;
    if (view.rank == 3) {
        const TensorView flat = view;
        view.rank = 4;
        view.shape = {1, flat.shape[0], flat.shape[1], flat.shape[2]};
        view.strides = {flat.numel(), flat.strides[0], flat.strides[1], flat.strides[2]};
    }
    if (view.rank != 4) {
        fail<UserError>("flexion run: '{}' has rank {}; expected [B, H, S, D] or [H, S, D]", name,
                        view.rank);
    }
    return view;
}

void run(const RunOptions& options) {
    const std::map<std::string, Array> arrays = read_npz(options.file);
    const TensorView q = batched(arrays, "q", options.file), k = batched(arrays, "k", options.file),
                     v = batched(arrays, "v", options.file);
    SpecScope scope(q.shape[1], q.shape[2], k.shape[2]);
    for (const auto& [name, array] : arrays) scope.arrays.emplace(name, array.view);
    for (const std::string& setting : options.numbers) {
        const std::size_t equals = setting.find('=');
        char* end = nullptr;
        const double value =
            equals == std::string::npos ? 0 : std::strtod(setting.c_str() + equals + 1, &end);
        if (!end || *end || end == setting.c_str() + equals + 1) {
            fail<UserError>("flexion run: --set {}; expected NAME=NUMBER", setting);
        }
        scope.numbers.emplace(setting.substr(0, equals), value);
    }

    AttentionOptions attention_options;
    attention_options.score_mod = score_from_spec(options.score, scope);
    if (const MaskMod mask_mod = mask_from_spec(options.mask, scope)) {
        attention_options.block_mask =
            create_block_mask(mask_mod, q.shape[0], q.shape[1], q.shape[2], k.shape[2]);
    }
    const bool f64 = q.dtype == DType::f64;
    std::vector<char> out_bytes(static_cast<std::size_t>(q.shape[0] * q.shape[1] * q.shape[2] *
                                                         v.shape[3] * size_of(q.dtype)));
    std::vector<double> lse_memory(static_cast<std::size_t>(q.shape[0] * q.shape[1] * q.shape[2]));
    const TensorView out = TensorView::dense(out_bytes.data(), q.dtype,
                                             {q.shape[0], q.shape[1], q.shape[2], v.shape[3]});
    LaunchInfo info;
    attention_options.lse = TensorView::dense(lse_memory.data(), f64 ? DType::f64 : DType::f32,
                                              {q.shape[0], q.shape[1], q.shape[2]});
    attention_options.scale = options.scale;
    attention_options.threads = options.threads;
    attention_options.backend = options.backend;
    attention_options.info = &info;
    attention(q, k, v, out, attention_options);
    write_npz(options.out, {{"out", out}, {"lse", attention_options.lse}});
    std::printf(
        "%s: out [%lld, %lld, %lld, %lld] %s and lse, by %s %s on %d threads, compiled in %.1f "
        "ms\n",
        options.out.c_str(), static_cast<long long>(out.shape[0]),
        static_cast<long long>(out.shape[1]), static_cast<long long>(out.shape[2]),
        static_cast<long long>(out.shape[3]), name_of(out.dtype), info.backend.c_str(),
        info.isa.c_str(), info.threads, info.compile_ms);
}

}  // namespace

void add_run(CLI::App& app) {
    auto options = std::make_shared<RunOptions>();
    CLI::App* command =
        app.add_subcommand("run", "Attention on the arrays q, k, v of an .npz file");
    command->add_option("file", options->file, "FILE.npz; its other arrays bind buffers by name")
        ->required();
    command->add_option("--out", options->out, "where out and lse go")->capture_default_str();
    command->add_option("--score", options->score, "SPEC or FILE.flex");
    command->add_option("--mask", options->mask, "SPEC or FILE.flex");
    command->add_option("--set", options->numbers, "NAME=NUMBER: a scalar of a .flex file");
    command->add_option("--scale", options->scale, "factor of the scores; 1 / sqrt(D) when absent");
    command->add_option("--threads", options->threads, "0: all");
    command->add_option("--backend", options->backend, "cpu or reference");
    command->callback([options] { run(*options); });
}

}  // namespace flexion::cli
