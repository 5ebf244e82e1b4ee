// SPDX-License-Identifier: Apache-2.0
// The backward call: validated, made into a launch, handed to a back end.
#include <flexion/attention.h>

#include "api/call.h"
#include "api/contiguous.h"
#include "api/validate/validate.h"
#include "support/fail.h"

namespace flexion {
namespace {

constexpr const char* kWhere = "flexion::attention_backward";

bool contiguous(const BackwardTensors& t, const BackwardOptions& options) {
    for (const TensorView* view :
         {&t.q, &t.k, &t.v, &t.out, &t.lse, &t.d_out, &t.d_q, &t.d_k, &t.d_v, &options.d_lse}) {
        if (view->data && !last_dim_contiguous(*view)) return false;
    }
    return true;
}

// The same call on dense copies of the tensors whose last dimension is strided.
void backward_on_copies(const BackwardTensors& t, BackwardOptions options) {
    DenseCopies copies("attention_backward");
    options.d_lse = copies.input("d_lse", options.d_lse);
    attention_backward(copies.input("q", t.q), copies.input("k", t.k), copies.input("v", t.v),
                       copies.input("out", t.out), copies.input("lse", t.lse),
                       copies.input("d_out", t.d_out), copies.result("d_q", t.d_q),
                       copies.result("d_k", t.d_k), copies.result("d_v", t.d_v), options);
    copies.write_back();
}

std::vector<int> wanted_buffers(const BackwardOptions& options) {
    std::vector<int> wanted;
    for (std::size_t i = 0; i < options.d_buffers.size(); ++i) {
        if (options.d_buffers[i].data) wanted.push_back(static_cast<int>(i));
    }
    return wanted;
}

}  // namespace

void attention_backward(const TensorView& q, const TensorView& k, const TensorView& v,
                        const TensorView& out, const TensorView& lse, const TensorView& d_out,
                        const TensorView& d_q, const TensorView& d_k, const TensorView& d_v,
                        const BackwardOptions& options) {
    const BackwardTensors tensors{q, k, v, out, lse, d_out, d_q, d_k, d_v};
    validate_backward(tensors, options);
    if (options.info) *options.info = {};
    const std::vector<int> buffers = wanted_buffers(options);
    if (!d_q.data && !d_k.data && !d_v.data && buffers.empty()) return;
    const bool on_host = q.device == Device::cpu;
    if (on_host && (out.numel() == 0 || k.shape[2] == 0)) {
        for (const TensorView* view : {&d_q, &d_k, &d_v}) fill(*view, 0);
        for (const TensorView& view : options.d_buffers) fill(view, 0);
        return;
    }
    if (on_host && !contiguous(tensors, options)) return backward_on_copies(tensors, options);

    Context& context = default_context();
    const backend::Backend& backend = backend_for(options.backend, q, context, kWhere);
    plan::BackwardArgs args{
        .call = {.q = with_unit_stride(q),
                 .k = with_unit_stride(k),
                 .v = with_unit_stride(v),
                 .out = with_unit_stride(out),
                 .lse = with_unit_stride(lse),
                 .scale = scale_or_default(options.scale, q),
                 .block_mask = options.block_mask ? &options.block_mask : nullptr,
                 .executor = on_host ? executor_for(options.threads, options.parallel_for, context)
                                     : Executor{},
                 .info = options.info},
        .d_out = with_unit_stride(d_out),
        .d_lse = with_unit_stride(options.d_lse),
        .d_q = with_unit_stride(d_q),
        .d_k = with_unit_stride(d_k),
        .d_v = with_unit_stride(d_v),
        .d_buffers = options.d_buffers,
    };
    const ModHashes hashes =
        take_mods(options.score_mod, options.block_mask, options.mask_mod, args.call);
    args.call.mods.derive = &buffers;
    backend::CallKernels kernels(context.kernels(), backend, args.call.mods, hashes.score,
                                 hashes.mask, extents_of(args.call));
    args.derivative = kernels.derivative();
    args.assumptions = kernels.assumptions();
    backend.launch_backward(args, kernels);
    if (options.info) {
        options.info->backend = backend.name();
        options.info->threads = args.call.executor.width;
        options.info->compile_ms = kernels.compile_ms();
    }
}

}  // namespace flexion
