// SPDX-License-Identifier: Apache-2.0
// The attention call: validated, made into a launch, handed to a back end.
#include <flexion/attention.h>

#include <cmath>
#include <deque>
#include <limits>

#include "api/context.h"
#include "api/contiguous.h"
#include "api/validate.h"
#include "plan/launch.h"
#include "support/fail.h"
#include "support/log.h"
#include "support/os/available_cpus.h"

namespace flexion {
namespace {

void fill(const TensorView& view, double value) {
    if (!view.data) return;
    TensorView one = view;
    const float narrow = static_cast<float>(value);
    // 0 and -inf: the bits of 0 are 0 in every dtype, and only f32 and f64 receive -inf.
    const double zero = 0;
    one.data = value == 0                 ? const_cast<double*>(&zero)
               : view.dtype == DType::f64 ? static_cast<void*>(&value)
                                          : const_cast<float*>(&narrow);
    one.strides.fill(0);
    copy_elements(one, view);
}

bool contiguous(const TensorView& q, const TensorView& k, const TensorView& v,
                const TensorView& out, const AttentionOptions& options) {
    return last_dim_contiguous(q) && last_dim_contiguous(k) && last_dim_contiguous(v) &&
           last_dim_contiguous(out) && (!options.lse.data || last_dim_contiguous(options.lse)) &&
           (!options.max_scores.data || last_dim_contiguous(options.max_scores));
}

// The same call on dense copies of the tensors whose last dimension is strided.
void attention_on_copies(const TensorView& q, const TensorView& k, const TensorView& v,
                         const TensorView& out, AttentionOptions options) {
    std::deque<DenseTensor> copies;
    std::vector<std::pair<TensorView, TensorView>> results;
    const auto dense = [&](const char* name, const TensorView& view, bool result) {
        if (!view.data || last_dim_contiguous(view)) return view;
        log(LogChannel::launch, "attention: copied {}, whose last dimension has stride {}", name,
            view.strides[view.rank - 1]);
        const TensorView& copy = copies.emplace_back(view).view();
        if (result) {
            results.emplace_back(copy, view);
        } else {
            copy_elements(view, copy);
        }
        return copy;
    };
    options.lse = dense("lse", options.lse, true);
    options.max_scores = dense("max_scores", options.max_scores, true);
    attention(dense("q", q, false), dense("k", k, false), dense("v", v, false),
              dense("out", out, true), options);
    for (const auto& [copy, result] : results) copy_elements(copy, result);
}

// The stride of a single element means nothing; back ends rely on 1.
TensorView with_unit_stride(TensorView view) {
    if (view.rank > 0) view.strides[view.rank - 1] = 1;
    return view;
}

Executor executor_for(const AttentionOptions& options, Context& context) {
    if (options.parallel_for && *options.parallel_for) {
        return {.host = options.parallel_for,
                .width = options.threads > 0 ? options.threads : available_cpus()};
    }
    if (options.threads == 1) return {};
    ThreadPool& pool = context.pool();
    const int width = options.threads > 0 ? std::min(options.threads, pool.size()) : pool.size();
    return {.pool = &pool, .width = width};
}

// `prepare`: everything but the launch.
void call(const TensorView& q, const TensorView& k, const TensorView& v, const TensorView& out,
          const AttentionOptions& options, bool prepare) {
    validate(q, k, v, out, options);
    if (options.info) *options.info = {};
    if (out.numel() == 0) return;
    const bool on_host = q.device == Device::cpu;
    if (prepare && on_host) return;
    if (k.shape[2] == 0 && on_host) {
        fill(out, 0);
        fill(options.lse, -std::numeric_limits<double>::infinity());
        fill(options.max_scores, -std::numeric_limits<double>::infinity());
        return;
    }
    if (!contiguous(q, k, v, out, options)) {
        if (on_host) return attention_on_copies(q, k, v, out, options);
        fail<UserError>(
            "flexion::attention: the last dimension of every CUDA tensor must be contiguous; pass "
            "a contiguous copy");
    }

    Context& context = default_context();
    const backend::Backend& backend = context.backend(
        options.backend.empty() && !on_host ? "cuda" : options.backend, "flexion::attention");
    plan::LaunchArgs args{
        .q = with_unit_stride(q),
        .k = with_unit_stride(k),
        .v = with_unit_stride(v),
        .out = with_unit_stride(out),
        .lse = with_unit_stride(options.lse),
        .max_scores = with_unit_stride(options.max_scores),
        .scale =
            options.scale != 0 ? options.scale : 1 / std::sqrt(static_cast<double>(q.shape[3])),
        .block_mask = options.block_mask ? &options.block_mask : nullptr,
        .executor = on_host ? executor_for(options, context) : Executor{},
        .stream = options.stream,
        .prepare = prepare,
        .info = options.info,
    };
    const bool f64 = q.dtype == DType::f64;
    std::uint64_t score_hash = 0, mask_hash = 0;
    if (const ScoreMod& score = options.score_mod) {
        args.mods.score = &score.function(f64);
        args.mods.score_captures = &score.captures(f64);
        score_hash = score.hash(f64);
    }
    if (options.block_mask && options.block_mask.mask_mod()) {
        const MaskMod& mask = options.block_mask.mask_mod();
        args.mods.mask = &mask.function();
        args.mods.mask_captures = &mask.captures();
        mask_hash = mask.hash();
    }
    const plan::Extents extents{
        .B = args.batch(), .H = args.q_heads(), .q_len = args.q_len(), .kv_len = args.kv_len()};
    backend::CallKernels kernels(context.kernels(), backend, args.mods, score_hash, mask_hash,
                                 extents);
    backend.launch(args, kernels);
    if (options.info) {
        options.info->backend = backend.name();
        options.info->threads = args.executor.width;
        options.info->compile_ms = kernels.compile_ms();
    }
}

}  // namespace

void attention(const TensorView& q, const TensorView& k, const TensorView& v, const TensorView& out,
               const AttentionOptions& options) {
    call(q, k, v, out, options, false);
}

void prepare(const TensorView& q, const TensorView& k, const TensorView& v, const TensorView& out,
             const AttentionOptions& options) {
    call(q, k, v, out, options, true);
}

}  // namespace flexion
