// SPDX-License-Identifier: Apache-2.0
// The rules of attention_backward: those of the forward call, and what gradients must be.
#include <vector>

#include "api/validate/checks.h"
#include "api/validate/validate.h"
#include "support/fail.h"

namespace flexion {
namespace {

constexpr const char* kWhere = "flexion::attention_backward";

struct Named {
    std::string name;
    const TensorView* view;
};

/// As `like`, which is called `name` without "d_".
void check_gradient(const char* name, const TensorView& gradient, const char* like_name,
                    const TensorView& like) {
    if (!gradient.data) return;
    bool fits = gradient.rank == like.rank && gradient.dtype == like.dtype;
    for (int i = 0; fits && i < like.rank; ++i) fits = gradient.shape[i] == like.shape[i];
    if (!fits) {
        fail<UserError>("{}: got {} for {}; expected the same shape and dtype", kWhere,
                        text_of(name, gradient), text_of(like_name, like));
    }
}

bool is_real(DType dtype) {
    return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::bf16 ||
           dtype == DType::f16;
}

void check_buffer_gradient(const char* name, const TensorView& gradient, const TensorView& buffer) {
    if (!is_real(buffer.dtype)) {
        fail<UserError>(
            "{}: got {} for a buffer of {}; only buffers of f32, f64, bf16 and f16 "
            "have gradients: leave it empty",
            kWhere, text_of(name, gradient), name_of(buffer.dtype));
    }
    bool fits = gradient.rank == buffer.rank;
    for (int i = 0; fits && i < buffer.rank; ++i) fits = gradient.shape[i] == buffer.shape[i];
    const bool dtype_fits = gradient.dtype == buffer.dtype ||
                            (gradient.dtype == DType::f32 && buffer.dtype != DType::f64);
    if (!fits || !dtype_fits) {
        fail<UserError>(
            "{}: got {} for {}; expected the shape of the buffer, and its dtype or f32 (f64 for "
            "f64)",
            kWhere, text_of(name, gradient), text_of("the buffer", buffer));
    }
}

/// The gradients of buffers that are wanted.
std::vector<Named> check_buffer_gradients(const BackwardOptions& options, bool f64) {
    std::vector<Named> wanted;
    const std::vector<TensorView>& views = options.d_buffers;
    const std::size_t captured =
        options.score_mod ? options.score_mod.captures(f64).buffers.size() : 0;
    for (std::size_t i = 0; i < views.size(); ++i) {
        if (!views[i].data) continue;
        std::string name = formatted("d_buffers[{}]", i);
        if (i >= captured) {
            fail<UserError>(
                "{}: got {}, but the score_mod captures {} buffers; d_buffers has the order of "
                "score_mod.captures().buffers",
                kWhere, name, captured);
        }
        check_buffer_gradient(name.c_str(), views[i], options.score_mod.captures(f64).buffers[i]);
        wanted.push_back({std::move(name), &views[i]});
    }
    return wanted;
}

}  // namespace

void validate_backward(const BackwardTensors& t, const BackwardOptions& options) {
    check_tensor(kWhere, "q", t.q, 4, "[B, Hq, Sq, D]");
    check_tensor(kWhere, "k", t.k, 4, "[Bkv, Hkv, Skv, D]");
    check_tensor(kWhere, "v", t.v, 4, "[Bkv, Hkv, Skv, Dv]");
    check_tensor(kWhere, "out", t.out, 4, "[B, Hq, Sq, Dv]");
    check_tensor(kWhere, "lse", t.lse, 3, "[B, Hq, Sq]");
    check_devices(kWhere, t.q,
                  {&t.k, &t.v, &t.out, &t.lse, &t.d_out, &t.d_q, &t.d_k, &t.d_v, &options.d_lse});
    for (const TensorView& view : options.d_buffers) check_devices(kWhere, t.q, {&view});
    check_dtypes(kWhere, t.q, t.k, t.v, t.out);
    check_shapes(kWhere, t.q, t.k, t.v, t.out, options.enable_gqa);
    check_statistic(kWhere, "lse", t.lse, t.q);
    check_statistic(kWhere, "d_lse", options.d_lse, t.q);
    check_gradient("d_out", t.d_out, "out", t.out);
    check_gradient("d_q", t.d_q, "q", t.q);
    check_gradient("d_k", t.d_k, "k", t.k);
    check_gradient("d_v", t.d_v, "v", t.v);
    check_numbers(kWhere, options.threads, options.scale);
    if (options.block_mask) check_mask(kWhere, options.block_mask, t.q, t.k);
    check_mask_mod(kWhere, options.block_mask, options.mask_mod);

    std::vector<Named> written = check_buffer_gradients(options, t.q.dtype == DType::f64);
    for (const Named& each : {Named{"d_q", &t.d_q}, {"d_k", &t.d_k}, {"d_v", &t.d_v}}) {
        if (each.view->data) written.push_back(each);
    }
    std::vector<Named> others = {{"q", &t.q},
                                 {"k", &t.k},
                                 {"v", &t.v},
                                 {"out", &t.out},
                                 {"lse", &t.lse},
                                 {"d_out", &t.d_out},
                                 {"d_lse", &options.d_lse}};
    for (const Named& each : written) {
        check_written(kWhere, each.name.c_str(), *each.view);
        for (const Named& other : others) {
            check_aliases(kWhere, each.name.c_str(), *each.view, other.name.c_str(), *other.view);
        }
        others.push_back(each);
    }
}

}  // namespace flexion
