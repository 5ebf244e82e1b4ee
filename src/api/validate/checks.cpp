// SPDX-License-Identifier: Apache-2.0
// One check per rule of a call, each with a message that says what came and what would do.
#include "api/validate/checks.h"

#include <cmath>
#include <tuple>

#include "api/validate/validate.h"
#include "ir/function.h"
#include "support/fail.h"

namespace flexion {
namespace {

void check_broadcast(const char* where, const char* dim, std::int64_t got, std::int64_t expected,
                     bool reads) {
    if (got != 1 && got != expected) {
        fail<UserError>(
            "{0}: block_mask was created with {1}={2}, but q has {1}={3}; create it with {1}={3}, "
            "or without {1} to use it for all",
            where, dim, got, expected);
    }
    if (reads && expected > 1) {
        fail<UserError>(
            "{0}: the mask_mod of block_mask depends on {1}, but block_mask was created without "
            "{1} and q has {1}={2}; create it with {1}={2}",
            where, dim, expected);
    }
}

}  // namespace

std::string text_of(const char* name, const TensorView& view) {
    std::string text = formatted("{} {}[", name, name_of(view.dtype));
    for (int i = 0; i < view.rank; ++i) {
        append_format(&text, "{}{}", i == 0 ? "" : ", ", view.shape[i]);
    }
    return text + "]";
}

void check_tensor(const char* where, const char* name, const TensorView& view, int rank,
                  const char* dims) {
    if (view.rank != rank) {
        fail<UserError>("{}: got {}; expected {} dimensions, {}", where, text_of(name, view), rank,
                        dims);
    }
    bool empty = false;
    for (int i = 0; i < rank; ++i) {
        if (view.shape[i] < 0) {
            fail<UserError>("{}: got {}; an extent is negative", where, text_of(name, view));
        }
        empty = empty || view.shape[i] == 0;
    }
    if (!view.data && !empty) {
        fail<UserError>("{}: got {} without data (a null pointer)", where, text_of(name, view));
    }
}

void check_written(const char* where, const char* name, const TensorView& view) {
    for (int i = 0; i < view.rank; ++i) {
        if (view.strides[i] == 0 && view.shape[i] > 1) {
            fail<UserError>(
                "{}: got {} with stride 0 in dimension {}, so that results would overwrite each "
                "other; pass memory for every element",
                where, text_of(name, view), i);
        }
    }
}

void check_aliases(const char* where, const char* written, const TensorView& output,
                   const char* name, const TensorView& input) {
    if (output.data && output.data == input.data && output.numel() > 0 && input.numel() > 0) {
        fail<UserError>(
            "{0}: {1} and {2} begin at the same address; {2} is used after parts of {1} have been "
            "written: pass other memory for {1}",
            where, written, name);
    }
}

void check_dtypes(const char* where, const TensorView& q, const TensorView& k, const TensorView& v,
                  const TensorView& out) {
    if (q.dtype != DType::f32 && q.dtype != DType::f64 && q.dtype != DType::bf16 &&
        q.dtype != DType::f16) {
        fail<Unsupported>("{}: got {}; q, k, v and out may be f32, f64, bf16 or f16", where,
                          text_of("q", q));
    }
    if (k.dtype != q.dtype || v.dtype != q.dtype || out.dtype != q.dtype) {
        fail<UserError>(
            "{}: expected q, k, v and out to have the same dtype, but got {}, {}, {} and {}; "
            "convert them to one of these",
            where, name_of(q.dtype), name_of(k.dtype), name_of(v.dtype), name_of(out.dtype));
    }
}

void check_shapes(const char* where, const TensorView& q, const TensorView& k, const TensorView& v,
                  const TensorView& out, bool enable_gqa) {
    const auto& [B, Hq, Sq, D] = std::tie(q.shape[0], q.shape[1], q.shape[2], q.shape[3]);
    if (k.shape[3] != D) {
        fail<UserError>(
            "{}: expected q and k to have the same head dim (the last one), but got {} and {}",
            where, text_of("q", q), text_of("k", k));
    }
    for (int i = 0; i < 3; ++i) {
        if (k.shape[i] != v.shape[i]) {
            fail<UserError>(
                "{}: expected k and v to agree in batch, heads and length, but got {} and {}",
                where, text_of("k", k), text_of("v", v));
        }
    }
    if (k.shape[0] != B && k.shape[0] != 1) {
        fail<UserError>("{}: expected the batch of k and v to be q's or 1, but got {} and {}",
                        where, text_of("q", q), text_of("k", k));
    }
    const std::int64_t Hkv = k.shape[1];
    if (Hq != Hkv && !enable_gqa) {
        fail<UserError>(
            "{}: expected q, k and v to have the same number of heads, but got Hq={} and Hkv={}; "
            "pass enable_gqa = true and let Hkv divide Hq",
            where, Hq, Hkv);
    }
    if (Hkv == 0 ? Hq != 0 : Hq % Hkv != 0) {
        fail<UserError>(
            "{}: got Hq={} and Hkv={}; the number of heads of k and v must divide that of q", where,
            Hq, Hkv);
    }
    if (D < 1 || v.shape[3] < 1) {
        fail<UserError>("{}: got {} and {}; a head dim must be at least 1", where, text_of("q", q),
                        text_of("v", v));
    }
    if (D > kMaxHeadDim || v.shape[3] > kMaxHeadDim) {
        fail<Unsupported>("{}: got {} and {}; head dims up to {} are supported: split the heads",
                          where, text_of("q", q), text_of("v", v), kMaxHeadDim);
    }
    for (const std::int64_t length : {B, Hq, Sq, k.shape[2]}) {
        if (length > kMaxLength) {
            fail<Unsupported>("{}: got {} and {}; batch, heads and lengths are limited to {}",
                              where, text_of("q", q), text_of("k", k), kMaxLength);
        }
    }
    if (out.shape[0] != B || out.shape[1] != Hq || out.shape[2] != Sq ||
        out.shape[3] != v.shape[3]) {
        fail<UserError>("{}: got {}; expected [{}, {}, {}, {}] for {} and {}", where,
                        text_of("out", out), B, Hq, Sq, v.shape[3], text_of("q", q),
                        text_of("v", v));
    }
}

void check_statistic(const char* where, const char* name, const TensorView& view,
                     const TensorView& q) {
    if (!view.data) return;
    check_tensor(where, name, view, 3, "[B, Hq, Sq]");
    const DType dtype = q.dtype == DType::f64 ? DType::f64 : DType::f32;
    if (view.dtype != dtype) {
        fail<UserError>("{}: got {}; for q of {} it must be {}", where, text_of(name, view),
                        name_of(q.dtype), name_of(dtype));
    }
    for (int i = 0; i < 3; ++i) {
        if (view.shape[i] != q.shape[i]) {
            fail<UserError>("{}: got {}; expected [{}, {}, {}] for {}", where, text_of(name, view),
                            q.shape[0], q.shape[1], q.shape[2], text_of("q", q));
        }
    }
}

void check_mask(const char* where, const BlockMask& mask, const TensorView& q,
                const TensorView& k) {
    const std::int64_t q_len = q.shape[2], kv_len = k.shape[2];
    if (mask.q_len() != q_len || mask.kv_len() != kv_len) {
        const bool smaller = q_len > mask.q_len() || kv_len > mask.kv_len();
        fail<UserError>(
            "{}: block_mask was created for q_len={} and kv_len={}, but got q_len={} and "
            "kv_len={}; {}",
            where, mask.q_len(), mask.kv_len(), q_len, kv_len,
            smaller ? "create a new mask for these lengths"
                    : "create a new mask, or cut this one to its upper left corner with "
                      "block_mask.adjust(q_len, kv_len), which is right only for mask_mods that do "
                      "not depend on the lengths");
    }
    check_broadcast(where, "B", mask.B(), q.shape[0], mask.broadcasts_read_b());
    check_broadcast(where, "H", mask.H(), q.shape[1], mask.broadcasts_read_h());
}

void check_mask_mod(const char* where, const BlockMask& mask, const MaskMod& stand_in) {
    if (!stand_in) return;
    if (mask && mask.mask_mod() && mask.mask_mod().hash() == stand_in.hash() &&
        ir::same_structure(mask.mask_mod().function(), stand_in.function())) {
        return;
    }
    fail<UserError>(
        "{}: got a mask_mod whose structure is not that of block_mask's mask_mod, from which it "
        "may "
        "differ in captured tensors and scalars alone; pass block_mask.with_mask_mod(mask_mod)",
        where);
}

void check_devices(const char* where, const TensorView& q,
                   std::initializer_list<const TensorView*> others) {
    for (const TensorView* view : others) {
        if (!view->data || view->device == q.device) continue;
        fail<UserError>(
            "{}: got tensors in host memory and on a CUDA device; expected all on one side: copy "
            "them, and set TensorView::device",
            where);
    }
}

void check_numbers(const char* where, int threads, double scale) {
    if (threads < 0) {
        fail<UserError>("{}: got threads={}; expected 0 (all of the pool) or a positive number",
                        where, threads);
    }
    if (!std::isfinite(scale)) {
        fail<UserError>("{}: got scale={}; expected a finite number, or 0 for 1 / sqrt(D)", where,
                        scale);
    }
}

}  // namespace flexion
