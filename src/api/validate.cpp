// SPDX-License-Identifier: Apache-2.0
// One check per rule of a call, each with a message that says what came and what would do.
#include "api/validate.h"

#include <cmath>
#include <string>
#include <tuple>

#include "support/fail.h"

namespace flexion {
namespace {

/// "q f32[1, 8, 128, 64]"
std::string text_of(const char* name, const TensorView& view) {
    std::string text = formatted("{} {}[", name, name_of(view.dtype));
    for (int i = 0; i < view.rank; ++i) {
        append_format(&text, "{}{}", i == 0 ? "" : ", ", view.shape[i]);
    }
    return text + "]";
}

void check_tensor(const char* name, const TensorView& view, int rank, const char* dims) {
    if (view.rank != rank) {
        fail<UserError>("flexion::attention: got {}; expected {} dimensions, {}",
                        text_of(name, view), rank, dims);
    }
    bool empty = false;
    for (int i = 0; i < rank; ++i) {
        if (view.shape[i] < 0) {
            fail<UserError>("flexion::attention: got {}; an extent is negative",
                            text_of(name, view));
        }
        empty = empty || view.shape[i] == 0;
    }
    if (!view.data && !empty) {
        fail<UserError>("flexion::attention: got {} without data (a null pointer)",
                        text_of(name, view));
    }
}

void check_written(const char* name, const TensorView& view) {
    for (int i = 0; i < view.rank; ++i) {
        if (view.strides[i] == 0 && view.shape[i] > 1) {
            fail<UserError>(
                "flexion::attention: got {} with stride 0 in dimension {}, so that results would "
                "overwrite each other; pass memory for every element",
                text_of(name, view), i);
        }
    }
}

void check_aliases(const TensorView& out, const char* name, const TensorView& input) {
    if (out.data == input.data && out.numel() > 0 && input.numel() > 0) {
        fail<UserError>(
            "flexion::attention: out and {} begin at the same address; {} is read after parts of "
            "out "
            "have been written: pass other memory for out",
            name, name);
    }
}

void check_dtypes(const TensorView& q, const TensorView& k, const TensorView& v,
                  const TensorView& out) {
    if (q.dtype != DType::f32 && q.dtype != DType::f64 && q.dtype != DType::bf16 &&
        q.dtype != DType::f16) {
        fail<Unsupported>(
            "flexion::attention: got {}; q, k, v and out may be f32, f64, bf16 or f16",
            text_of("q", q));
    }
    if (k.dtype != q.dtype || v.dtype != q.dtype || out.dtype != q.dtype) {
        fail<UserError>(
            "flexion::attention: expected q, k, v and out to have the same dtype, but got {}, {}, "
            "{} "
            "and {}; convert them to one of these",
            name_of(q.dtype), name_of(k.dtype), name_of(v.dtype), name_of(out.dtype));
    }
}

void check_shapes(const TensorView& q, const TensorView& k, const TensorView& v,
                  const TensorView& out, bool enable_gqa) {
    const auto& [B, Hq, Sq, D] = std::tie(q.shape[0], q.shape[1], q.shape[2], q.shape[3]);
    if (k.shape[3] != D) {
        fail<UserError>(
            "flexion::attention: expected q and k to have the same head dim (the last one), but "
            "got "
            "{} and {}",
            text_of("q", q), text_of("k", k));
    }
    for (int i = 0; i < 3; ++i) {
        if (k.shape[i] != v.shape[i]) {
            fail<UserError>(
                "flexion::attention: expected k and v to agree in batch, heads and length, but got "
                "{} and {}",
                text_of("k", k), text_of("v", v));
        }
    }
    if (k.shape[0] != B && k.shape[0] != 1) {
        fail<UserError>(
            "flexion::attention: expected the batch of k and v to be q's or 1, but got {} and {}",
            text_of("q", q), text_of("k", k));
    }
    const std::int64_t Hkv = k.shape[1];
    if (Hq != Hkv && !enable_gqa) {
        fail<UserError>(
            "flexion::attention: expected q, k and v to have the same number of heads, but got "
            "Hq={} "
            "and Hkv={}; pass enable_gqa = true and let Hkv divide Hq",
            Hq, Hkv);
    }
    if (Hkv == 0 ? Hq != 0 : Hq % Hkv != 0) {
        fail<UserError>(
            "flexion::attention: got Hq={} and Hkv={}; the number of heads of k and v must divide "
            "that of q",
            Hq, Hkv);
    }
    if (D < 1 || v.shape[3] < 1) {
        fail<UserError>("flexion::attention: got {} and {}; a head dim must be at least 1",
                        text_of("q", q), text_of("v", v));
    }
    if (D > kMaxHeadDim || v.shape[3] > kMaxHeadDim) {
        fail<Unsupported>(
            "flexion::attention: got {} and {}; head dims up to {} are supported: split the heads",
            text_of("q", q), text_of("v", v), kMaxHeadDim);
    }
    for (const std::int64_t length : {B, Hq, Sq, k.shape[2]}) {
        if (length > kMaxLength) {
            fail<Unsupported>(
                "flexion::attention: got {} and {}; batch, heads and lengths are limited to {}",
                text_of("q", q), text_of("k", k), kMaxLength);
        }
    }
    if (out.shape[0] != B || out.shape[1] != Hq || out.shape[2] != Sq ||
        out.shape[3] != v.shape[3]) {
        fail<UserError>("flexion::attention: got {}; expected [{}, {}, {}, {}] for {} and {}",
                        text_of("out", out), B, Hq, Sq, v.shape[3], text_of("q", q),
                        text_of("v", v));
    }
}

void check_statistic(const char* name, const TensorView& view, const TensorView& q) {
    if (!view.data) return;
    check_tensor(name, view, 3, "[B, Hq, Sq]");
    const DType dtype = q.dtype == DType::f64 ? DType::f64 : DType::f32;
    if (view.dtype != dtype) {
        fail<UserError>("flexion::attention: got {}; for q of {} it must be {}",
                        text_of(name, view), name_of(q.dtype), name_of(dtype));
    }
    for (int i = 0; i < 3; ++i) {
        if (view.shape[i] != q.shape[i]) {
            fail<UserError>("flexion::attention: got {}; expected [{}, {}, {}] for {}",
                            text_of(name, view), q.shape[0], q.shape[1], q.shape[2],
                            text_of("q", q));
        }
    }
    check_written(name, view);
}

void check_broadcast(const char* dim, std::int64_t got, std::int64_t expected, bool reads) {
    if (got != 1 && got != expected) {
        fail<UserError>(
            "flexion::attention: block_mask was created with {0}={1}, but q has {0}={2}; create it "
            "with {0}={2}, or without {0} to use it for all",
            dim, got, expected);
    }
    if (reads && expected > 1) {
        fail<UserError>(
            "flexion::attention: the mask_mod of block_mask depends on {0}, but block_mask was "
            "created without {0} and q has {0}={1}; create it with {0}={1}",
            dim, expected);
    }
}

void check_mask(const BlockMask& mask, const TensorView& q, const TensorView& k) {
    const std::int64_t q_len = q.shape[2], kv_len = k.shape[2];
    if (mask.q_len() != q_len || mask.kv_len() != kv_len) {
        const bool smaller = q_len > mask.q_len() || kv_len > mask.kv_len();
        fail<UserError>(
            "flexion::attention: block_mask was created for q_len={} and kv_len={}, but got "
            "q_len={} "
            "and kv_len={}; {}",
            mask.q_len(), mask.kv_len(), q_len, kv_len,
            smaller ? "create a new mask for these lengths"
                    : "create a new mask, or cut this one to its upper left corner with "
                      "block_mask.adjust(q_len, kv_len), which is right only for mask_mods that do "
                      "not depend on the lengths");
    }
    check_broadcast("B", mask.B(), q.shape[0], mask.broadcasts_read_b());
    check_broadcast("H", mask.H(), q.shape[1], mask.broadcasts_read_h());
}

void check_devices(const TensorView& q, const TensorView& k, const TensorView& v,
                   const TensorView& out, const AttentionOptions& options) {
    const auto same = [&](const TensorView& view) { return !view.data || view.device == q.device; };
    if (same(k) && same(v) && same(out) && same(options.lse) && same(options.max_scores)) return;
    fail<UserError>(
        "flexion::attention: got tensors in host memory and on a CUDA device; expected all on one "
        "side: copy them, and set TensorView::device");
}

}  // namespace

void validate(const TensorView& q, const TensorView& k, const TensorView& v, const TensorView& out,
              const AttentionOptions& options) {
    check_tensor("q", q, 4, "[B, Hq, Sq, D]");
    check_tensor("k", k, 4, "[Bkv, Hkv, Skv, D]");
    check_tensor("v", v, 4, "[Bkv, Hkv, Skv, Dv]");
    check_tensor("out", out, 4, "[B, Hq, Sq, Dv]");
    check_devices(q, k, v, out, options);
    check_dtypes(q, k, v, out);
    check_shapes(q, k, v, out, options.enable_gqa);
    check_written("out", out);
    check_aliases(out, "q", q);
    check_aliases(out, "k", k);
    check_aliases(out, "v", v);
    check_statistic("lse", options.lse, q);
    check_statistic("max_scores", options.max_scores, q);
    if (options.threads < 0) {
        fail<UserError>(
            "flexion::attention: got threads={}; expected 0 (all of the pool) or a positive number",
            options.threads);
    }
    if (!std::isfinite(options.scale)) {
        fail<UserError>(
            "flexion::attention: got scale={}; expected a finite number, or 0 for 1 / sqrt(D)",
            options.scale);
    }
    if (options.block_mask) check_mask(options.block_mask, q, k);
}

}  // namespace flexion
