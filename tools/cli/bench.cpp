// SPDX-License-Identifier: Apache-2.0
// flexion bench: a problem timed in rotation with the machine's peak, its error against the
// reference.
#include <cstdio>
#include <functional>
#include <optional>
#include <random>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <flexion/attention.h>
#include <flexion/options.h>

#include "api/context.h"
#include "cli/commands.h"
#include "cli/spec.h"
#include "measure/backward.h"
#include "measure/error.h"
#include "measure/rotation.h"
#include "measure/tensor.h"
#include "support/dtype.h"
#include "support/fail.h"

namespace flexion::cli {
namespace {

using measure::Tensor;
using measure::Tensors;

struct BenchOptions {
    std::string backend = "cpu", direction = "forward", dtype = "f32", score, mask;
    std::int64_t head_dim = 64, v_head_dim = 0, seq = 2048, kv_seq = 0, heads = 4, kv_heads = 0,
                 batch = 1, block = 128;
    int threads = 0;
    double seconds = 2;
    bool json = false, error = true, buffer_gradients = false;
};

Tensors make_tensors(const BenchOptions& o, DType dtype) {
    std::mt19937_64 random(std::random_device{}());
    Tensors in{Tensor(dtype, {o.batch, o.heads, o.seq, o.head_dim}),
               Tensor(dtype, {o.batch, o.kv_heads, o.kv_seq, o.head_dim}),
               Tensor(dtype, {o.batch, o.kv_heads, o.kv_seq, o.v_head_dim}),
               Tensor(dtype, {o.batch, o.heads, o.seq, o.v_head_dim})};
    in.q.fill_normal(random), in.k.fill_normal(random), in.v.fill_normal(random);
    return in;
}

/// What is timed, in one direction or the other.
struct Timed {
    std::function<void(LaunchInfo*)> call;
    std::function<double(std::int64_t visited_scores)> operations;
    std::function<double()> error;
};

Timed forward(const Tensors& in, const AttentionOptions& options, const MaskMod& mask_mod) {
    return {.call =
                [&](LaunchInfo* info) {
                    AttentionOptions with_info = options;
                    with_info.info = info;
                    attention(in.q.view(), in.k.view(), in.v.view(), in.out.view(), with_info);
                },
            .operations =
                [&](std::int64_t visited) {
                    const auto dims = in.q.view().shape[3] + in.v.view().shape[3];
                    return 2.0 * static_cast<double>(visited) * static_cast<double>(dims);
                },
            .error = [&] { return measure::error_against_reference(in, options, mask_mod); }};
}

Timed backward(measure::BackwardProblem& problem) {
    return {.call = [&](LaunchInfo* info) { problem.call(info); },
            .operations = [&](std::int64_t visited) { return problem.operations(visited); },
            .error = [&] { return problem.error(); }};
}

void run(BenchOptions o) {
    o.kv_seq = o.kv_seq ? o.kv_seq : o.seq;
    o.kv_heads = o.kv_heads ? o.kv_heads : o.heads;
    o.v_head_dim = o.v_head_dim ? o.v_head_dim : o.head_dim;
    set_option("cache", "off");  // compile_ms is the cold one
    const DType dtype = *find_dtype(o.dtype);
    const Tensors in = make_tensors(o, dtype);
    SpecScope scope(o.heads, o.seq, o.kv_seq);
    const MaskMod mask_mod = mask_from_spec(o.mask, scope);
    AttentionOptions options;
    options.score_mod = score_from_spec(o.score, scope);
    if (mask_mod)
        options.block_mask =
            create_block_mask(mask_mod, {}, {}, o.seq, o.kv_seq, {o.block, o.block});
    options.threads = o.threads ? o.threads : default_context().pool().size();
    options.backend = o.backend;
    const bool is_forward = o.direction == "forward";
    std::optional<measure::BackwardProblem> problem;
    if (!is_forward) problem.emplace(in, options, mask_mod, o.buffer_gradients);
    const Timed timed = is_forward ? forward(in, options, mask_mod) : backward(*problem);
    LaunchInfo first;
    timed.call(&first);
    const bool few_queries = is_forward && o.seq * (o.heads / o.kv_heads) <= 16;
    const measure::Work work{
        .dtype = dtype,
        .isa = first.isa.c_str(),
        .threads = first.threads,
        .operations = timed.operations(first.visited_scores),
        .bytes = few_queries ? (in.k.view().numel() + in.v.view().numel()) * size_of(dtype) : 0};
    const measure::Timing t = measure::in_rotation(default_context().pool(), work, o.seconds,
                                                   [&] { timed.call(nullptr); });
    const double error = o.error ? timed.error() : 0;

    const auto named = [](const std::string& spec) { return spec.empty() ? "none" : spec; };
    if (o.json) {
        nlohmann::ordered_json line{
            {"backend", first.backend},
            {"direction", o.direction},
            {"dtype", o.dtype},
            {"head_dim", o.head_dim},
            {"v_head_dim", o.v_head_dim},
            {"batch", o.batch},
            {"heads", o.heads},
            {"kv_heads", o.kv_heads},
            {"seq", o.seq},
            {"kv_seq", o.kv_seq},
            {"score", named(o.score)},
            {"mask", named(o.mask)},
            {"threads", first.threads},
            {"isa", first.isa},
            {"ms", t.seconds * 1e3},
            {"gflops", t.flops * 1e-9},
            {"peak_gflops", t.peak * 1e-9},
            {"fraction_of_peak", t.fraction},
            {"compile_ms", first.compile_ms},
            {"scratch_bytes", first.scratch_bytes},
        };
        if (o.error) line["error"] = error;
        if (t.bytes_per_second > 0) {
            line["gbytes_per_s"] = t.bytes_per_second * 1e-9;
            line["read_gbytes_per_s"] = t.read_bytes_per_second * 1e-9;
            line["fraction_of_read"] = t.bytes_per_second / t.read_bytes_per_second;
        }
        std::printf("%s\n", line.dump().c_str());
        return;
    }
    std::printf("%s %s %s  B%lld H%lld/%lld S%lld/%lld D%lld  score %s  mask %s  %d threads, %s\n",
                first.backend.c_str(), o.direction.c_str(), o.dtype.c_str(),
                static_cast<long long>(o.batch), static_cast<long long>(o.heads),
                static_cast<long long>(o.kv_heads), static_cast<long long>(o.seq),
                static_cast<long long>(o.kv_seq), static_cast<long long>(o.head_dim),
                named(o.score).c_str(), named(o.mask).c_str(), first.threads, first.isa.c_str());
    std::printf(
        "  %.3f ms  %.1f of %.1f GFLOP/s, %.3f of peak  compiled in %.1f ms  scratch %.1f KiB\n",
        t.seconds * 1e3, t.flops * 1e-9, t.peak * 1e-9, t.fraction, first.compile_ms,
        static_cast<double>(first.scratch_bytes) / 1024);
    if (o.error) std::printf("  error %.2e\n", error);
    if (t.bytes_per_second > 0) {
        std::printf("  %.1f of %.1f GB/s, %.3f of reading\n", t.bytes_per_second * 1e-9,
                    t.read_bytes_per_second * 1e-9, t.bytes_per_second / t.read_bytes_per_second);
    }
}

}  // namespace

void add_bench(CLI::App& app) {
    auto o = std::make_shared<BenchOptions>();
    CLI::App* command = app.add_subcommand("bench", "Time a problem beside the machine's peak");
    command->add_option("--backend", o->backend)->capture_default_str();
    command->add_option("--direction", o->direction)
        ->check(CLI::IsMember({"forward", "backward"}))
        ->capture_default_str();
    command->add_option("--dtype", o->dtype)
        ->check(CLI::IsMember({"f32", "f64", "bf16", "f16"}))
        ->capture_default_str();
    const auto number = [&](const char* name, std::int64_t& value, const char* help) {
        command->add_option(name, value, help)->check(CLI::PositiveNumber);
    };
    number("--head-dim", o->head_dim, "of q and k (64)");
    number("--v-head-dim", o->v_head_dim, "of v; as q's when absent");
    number("--seq", o->seq, "queries (2048)");
    number("--kv-seq", o->kv_seq, "keys; as many as queries when absent");
    number("--heads", o->heads, "query heads (4)");
    number("--kv-heads", o->kv_heads, "key and value heads; as many when absent");
    number("--batch", o->batch, "(1)");
    number("--block", o->block, "block size of the mask (128)");
    command->add_option("--threads", o->threads, "0: all; 1: timed in CPU time");
    command->add_option("--score", o->score, "SPEC of the score_mod");
    command->add_option("--mask", o->mask, "SPEC of the mask_mod");
    command->add_option("--seconds", o->seconds, "of timed calls")->capture_default_str();
    command->add_flag("--buffer-gradients", o->buffer_gradients,
                      "backward: of what the score_mod captures, too");
    command->add_flag("--json", o->json, "one JSON object on a line");
    command->add_flag("!--no-error", o->error, "skip the comparison with the reference");
    command->callback([o] { run(*o); });
}

}  // namespace flexion::cli
