// SPDX-License-Identifier: Apache-2.0
// The rules of attention, in the order in which their messages help most.
#include "api/validate/validate.h"

#include "api/validate/checks.h"

namespace flexion {

void validate(const TensorView& q, const TensorView& k, const TensorView& v, const TensorView& out,
              const AttentionOptions& options) {
    constexpr const char* kWhere = "flexion::attention";
    check_tensor(kWhere, "q", q, 4, "[B, Hq, Sq, D]");
    check_tensor(kWhere, "k", k, 4, "[Bkv, Hkv, Skv, D]");
    check_tensor(kWhere, "v", v, 4, "[Bkv, Hkv, Skv, Dv]");
    check_tensor(kWhere, "out", out, 4, "[B, Hq, Sq, Dv]");
    check_devices(kWhere, q, {&k, &v, &out, &options.lse, &options.max_scores});
    check_dtypes(kWhere, q, k, v, out);
    check_shapes(kWhere, q, k, v, out, options.enable_gqa);
    check_written(kWhere, "out", out);
    check_aliases(kWhere, "out", out, "q", q);
    check_aliases(kWhere, "out", out, "k", k);
    check_aliases(kWhere, "out", out, "v", v);
    check_statistic(kWhere, "lse", options.lse, q);
    check_written(kWhere, "lse", options.lse);
    check_statistic(kWhere, "max_scores", options.max_scores, q);
    check_written(kWhere, "max_scores", options.max_scores);
    check_numbers(kWhere, options.threads, options.scale);
    if (options.block_mask) check_mask(kWhere, options.block_mask, q, k);
    check_mask_mod(kWhere, options.block_mask, options.mask_mod);
}

}  // namespace flexion
