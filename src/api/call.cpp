// SPDX-License-Identifier: Apache-2.0
// From the options of a call to the parts of a launch.
#include "api/call.h"

#include <algorithm>
#include <cmath>

#include "api/contiguous.h"
#include "support/os/available_cpus.h"

namespace flexion {

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

TensorView with_unit_stride(TensorView view) {
    if (view.rank > 0) view.strides[view.rank - 1] = 1;
    return view;
}

Executor executor_for(int threads, const ParallelFor* parallel_for, Context& context) {
    if (parallel_for && *parallel_for) {
        return {.host = parallel_for, .width = threads > 0 ? threads : available_cpus()};
    }
    if (threads == 1) return {};
    ThreadPool& pool = context.pool();
    const int width = threads > 0 ? std::min(threads, pool.size()) : pool.size();
    return {.pool = &pool, .width = width};
}

double scale_or_default(double scale, const TensorView& q) {
    return scale != 0 ? scale : 1 / std::sqrt(static_cast<double>(q.shape[3]));
}

const backend::Backend& backend_for(const std::string& name, const TensorView& q,
                                    const Context& context, const char* where) {
    return context.backend(name.empty() && q.device != Device::cpu ? "cuda" : name, where);
}

ModHashes take_mods(const ScoreMod& score_mod, const BlockMask& block_mask, const MaskMod& mask_mod,
                    plan::LaunchArgs& args) {
    const bool f64 = args.q.dtype == DType::f64;
    ModHashes hashes;
    if (score_mod) {
        args.mods.score = &score_mod.function(f64);
        args.mods.score_captures = &score_mod.captures(f64);
        hashes.score = score_mod.hash(f64);
    }
    if (block_mask && block_mask.mask_mod()) {
        const MaskMod& mask = mask_mod ? mask_mod : block_mask.mask_mod();
        args.mods.mask = &mask.function();
        args.mods.mask_captures = &mask.captures();
        hashes.mask = mask.hash();
    }
    return hashes;
}

plan::Extents extents_of(const plan::LaunchArgs& args) {
    return {.B = args.batch(), .H = args.q_heads(), .q_len = args.q_len(), .kv_len = args.kv_len()};
}

}  // namespace flexion
