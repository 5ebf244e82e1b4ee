// SPDX-License-Identifier: Apache-2.0
// flexion bench: a problem timed in rotation with the machine's peak, its error against the
// reference.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <flexion/attention.h>
#include <flexion/options.h>

#include "api/context.h"
#include "backend/reference/elements.h"
#include "flexion/commands.h"
#include "flexion/spec.h"
#include "flexion/yardstick.h"
#include "support/fail.h"

namespace flexion::cli {
namespace {

struct BenchOptions {
    std::string backend = "cpu", direction = "forward", dtype = "f32", score, mask;
    std::int64_t head_dim = 64, v_head_dim = 0, seq = 2048, kv_seq = 0, heads = 4, kv_heads = 0,
                 batch = 1, block = 128;
    int threads = 0;
    double seconds = 2;
    bool json = false, error = true;
};

DType dtype_of(const std::string& name) {
    for (const DType dtype : {DType::f32, DType::f64, DType::bf16, DType::f16}) {
        if (name == name_of(dtype)) return dtype;
    }
    fail<UserError>("flexion bench: --dtype {}; expected f32, f64, bf16 or f16", name);
}

/// A dense tensor of normal random elements, or of zeros, aligned to a cache line.
class Tensor {
public:
    Tensor(DType dtype, std::initializer_list<std::int64_t> shape)
        : view_(TensorView::dense(nullptr, dtype, shape)) {
        bytes_.resize(static_cast<std::size_t>(view_.numel() * size_of(dtype)) + kLine);
        void* data = bytes_.data();
        std::size_t space = bytes_.size();
        view_.data = std::align(kLine, space - kLine, data, space);
    }
    Tensor& fill_normal(std::mt19937_64& random) {
        std::normal_distribution<float> normal;
        for (std::int64_t i = 0; i < view_.numel(); ++i)
            reference::write_element(view_, i, normal(random));
        return *this;
    }
    const TensorView& view() const { return view_; }
    double at(std::int64_t i) const { return reference::read_element(view_, i); }

private:
    static constexpr std::size_t kLine = 64;
    std::vector<char> bytes_;
    TensorView view_;
};

struct Inputs {
    Tensor q, k, v, out;
};

Inputs make_inputs(const BenchOptions& o, DType dtype) {
    std::mt19937_64 random(std::random_device{}());
    Inputs in{Tensor(dtype, {o.batch, o.heads, o.seq, o.head_dim}),
              Tensor(dtype, {o.batch, o.kv_heads, o.kv_seq, o.head_dim}),
              Tensor(dtype, {o.batch, o.kv_heads, o.kv_seq, o.v_head_dim}),
              Tensor(dtype, {o.batch, o.heads, o.seq, o.v_head_dim})};
    in.q.fill_normal(random), in.k.fill_normal(random), in.v.fill_normal(random);
    return in;
}

/// The largest difference from the reference over sampled query rows of every head; NaN where only
/// one of the two is NaN.
double error_against_reference(const Inputs& in, const AttentionOptions& options,
                               const MaskMod& mask_mod) {
    const TensorView& q = in.q.view();
    const std::int64_t length = q.shape[2], Dv = in.v.view().shape[3];
    const std::int64_t samples = std::min<std::int64_t>(length, 5);
    double largest = 0;
    for (std::int64_t i = 0; i < samples; ++i) {
        const std::int64_t row = i * (length - 1) / std::max<std::int64_t>(samples - 1, 1);
        // One query in its place: the mods see position `row`, and the mask is part of the score.
        const Scalar at = scalar(row);
        AttentionOptions exact;
        exact.backend = "reference";
        exact.score_mod = score_mod([&](Expr s, Expr b, Expr h, Expr q0, Expr kv) {
            const Expr query = to_i32(q0 + at);
            const Expr score = options.score_mod ? options.score_mod(s, b, h, query, kv) : s;
            return mask_mod ? where(mask_mod(b, h, query, kv), score, -INFINITY) : score;
        });
        TensorView one = q;
        one.data = static_cast<char*>(q.data) + row * q.strides[2] * size_of(q.dtype);
        one.shape[2] = 1;
        const Tensor expected(q.dtype, {q.shape[0], q.shape[1], 1, Dv});
        attention(one, in.k.view(), in.v.view(), expected.view(), exact);
        for (std::int64_t head = 0; head < q.shape[0] * q.shape[1]; ++head) {
            for (std::int64_t d = 0; d < Dv; ++d) {
                const double want = expected.at(head * Dv + d);
                const double got = in.out.at((head * length + row) * Dv + d);
                if (std::isnan(got) && std::isnan(want)) continue;
                if (!(std::abs(got - want) <= largest)) largest = std::abs(got - want);
                if (std::isnan(largest)) return largest;
            }
        }
    }
    return largest;
}

struct Timing {
    double seconds = 0, flops = 0, peak = 0, fraction = 0;  // medians; fraction: of the ratios
    double bytes_per_second = 0, read_bytes_per_second = 0;
};

/// Times `call` in rotation with the peak (and, for few queries, with reading the same bytes).
template <class Call>
Timing measure(const BenchOptions& o, int threads, const char* isa, DType dtype, double operations,
               std::int64_t bytes, const Call& call) {
    ThreadPool& pool = default_context().pool();
    const Clock clock(threads);
    const bool few_queries = o.seq * (o.heads / o.kv_heads) <= 16;
    std::vector<char> same_bytes(few_queries ? static_cast<std::size_t>(bytes) : 0, 1);
    std::vector<double> seconds, peaks, fractions, reads;
    call();  // warm
    double spent = 0;
    constexpr std::size_t kFewest = 7, kMost = 1001;
    while (seconds.size() < kFewest || (spent < o.seconds && seconds.size() < kMost)) {
        const double before = peak_flops(pool, threads, isa, dtype);
        const double start = clock.now();
        call();
        const double took = clock.now() - start;
        const double peak = (before + peak_flops(pool, threads, isa, dtype)) / 2;
        spent += took;
        seconds.push_back(took);
        peaks.push_back(peak);
        fractions.push_back(operations / took / peak);
        if (few_queries) reads.push_back(read_seconds(pool, threads, isa, {&same_bytes}));
    }
    Timing t{.seconds = median(seconds), .peak = median(peaks), .fraction = median(fractions)};
    t.flops = operations / t.seconds;
    if (few_queries) {
        t.bytes_per_second = static_cast<double>(bytes) / t.seconds;
        t.read_bytes_per_second = static_cast<double>(bytes) / median(reads);
    }
    return t;
}

void run(BenchOptions o) {
    o.kv_seq = o.kv_seq ? o.kv_seq : o.seq;
    o.kv_heads = o.kv_heads ? o.kv_heads : o.heads;
    o.v_head_dim = o.v_head_dim ? o.v_head_dim : o.head_dim;
    set_option("cache", "off");  // compile_ms is the cold one
    const DType dtype = dtype_of(o.dtype);
    const Inputs in = make_inputs(o, dtype);
    SpecScope scope(o.heads, o.seq, o.kv_seq);
    const MaskMod mask_mod = mask_from_spec(o.mask, scope);
    LaunchInfo info;
    AttentionOptions options;
    options.score_mod = score_from_spec(o.score, scope);
    if (mask_mod)
        options.block_mask =
            create_block_mask(mask_mod, {}, {}, o.seq, o.kv_seq, {o.block, o.block});
    options.threads = o.threads ? o.threads : default_context().pool().size();
    options.backend = o.backend;
    options.info = &info;
    const auto call = [&] {
        attention(in.q.view(), in.k.view(), in.v.view(), in.out.view(), options);
    };
    call();
    const LaunchInfo first = info;
    options.info = nullptr;
    const double operations = 2.0 * static_cast<double>(first.visited_scores) *
                              static_cast<double>(o.head_dim + o.v_head_dim);
    const std::int64_t bytes =
        o.batch * o.kv_heads * o.kv_seq * (o.head_dim + o.v_head_dim) * size_of(dtype);
    const Timing t = measure(o, first.threads, first.isa.c_str(), dtype, operations, bytes, call);
    const double error = o.error ? error_against_reference(in, options, mask_mod) : 0;

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
        ->check(CLI::IsMember({"forward"}))
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
    command->add_flag("--json", o->json, "one JSON object on a line");
    command->add_flag("!--no-error", o->error, "skip the comparison with the reference");
    command->callback([o] { run(*o); });
}

}  // namespace flexion::cli
