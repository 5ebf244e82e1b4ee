// SPDX-License-Identifier: Apache-2.0
// What the directions of a call share: from options to the parts of a launch.
#pragma once

#include <cstdint>
#include <string>

#include <flexion/attention.h>

#include "api/context.h"
#include "plan/assumptions.h"
#include "plan/launch.h"

namespace flexion {

/// Sets all elements to 0, or, of f32 and f64, to -inf; nothing where data is null.
void fill(const TensorView& view, double value);

/// The stride of a single element means nothing; back ends rely on 1.
TensorView with_unit_stride(TensorView view);

Executor executor_for(int threads, const ParallelFor* parallel_for, Context& context);

/// `scale`, or 1 / sqrt(D) for 0.
double scale_or_default(double scale, const TensorView& q);

/// The back end called `name`; "": the best for where q lies.
const backend::Backend& backend_for(const std::string& name, const TensorView& q,
                                    const Context& context, const char* where);

/// Structural hashes of mods; 0: there is none.
struct ModHashes {
    std::uint64_t score = 0, mask = 0;
};
/// Sets args.mods for args.q's dtype; `mask_mod`, where there is one, stands in for block_mask's.
/// The arguments own what it points to.
ModHashes take_mods(const ScoreMod& score_mod, const BlockMask& block_mask, const MaskMod& mask_mod,
                    plan::LaunchArgs& args);

plan::Extents extents_of(const plan::LaunchArgs& args);

}  // namespace flexion
