// SPDX-License-Identifier: Apache-2.0
// The attention call: validated, made into a launch, handed to a back end.
#include <flexion/attention.h>

#include <limits>

#include "api/call.h"
#include "api/context.h"
#include "api/contiguous.h"
#include "api/validate/validate.h"
#include "plan/launch.h"
#include "support/fail.h"

namespace flexion {
namespace {

bool contiguous(const TensorView& q, const TensorView& k, const TensorView& v,
                const TensorView& out, const AttentionOptions& options) {
    return last_dim_contiguous(q) && last_dim_contiguous(k) && last_dim_contiguous(v) &&
           last_dim_contiguous(out) && (!options.lse.data || last_dim_contiguous(options.lse)) &&
           (!options.max_scores.data || last_dim_contiguous(options.max_scores));
}

// The same call on dense copies of the tensors whose last dimension is strided.
void attention_on_copies(const TensorView& q, const TensorView& k, const TensorView& v,
                         const TensorView& out, AttentionOptions options) {
    DenseCopies copies("attention");
    options.lse = copies.result("lse", options.lse);
    options.max_scores = copies.result("max_scores", options.max_scores);
    attention(copies.input("q", q), copies.input("k", k), copies.input("v", v),
              copies.result("out", out), options);
    copies.write_back();
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

    if (on_host && options.kernel_options != KernelOptions{}) {
        fail<Unsupported>(
            "flexion::attention: kernel_options are tiles of CUDA kernels, but the tensors lie in "
            "host memory; leave them out");
    }
    Context& context = default_context();
    const backend::Backend& backend =
        backend_for(options.backend, q, context, "flexion::attention");
    plan::LaunchArgs args{
        .q = with_unit_stride(q),
        .k = with_unit_stride(k),
        .v = with_unit_stride(v),
        .out = with_unit_stride(out),
        .lse = with_unit_stride(options.lse),
        .max_scores = with_unit_stride(options.max_scores),
        .scale = scale_or_default(options.scale, q),
        .block_mask = options.block_mask ? &options.block_mask : nullptr,
        .executor =
            on_host ? executor_for(options.threads, options.parallel_for, context) : Executor{},
        .stream = options.stream,
        .prepare = prepare,
        .kernel_options = options.kernel_options,
        .info = options.info,
    };
    const ModHashes hashes =
        take_mods(options.score_mod, options.block_mask, options.mask_mod, args);
    backend::CallKernels kernels(context.kernels(), backend, args.mods, hashes.score, hashes.mask,
                                 extents_of(args), args.executor);
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
