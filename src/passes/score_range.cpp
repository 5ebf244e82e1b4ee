// SPDX-License-Identifier: Apache-2.0
// Whether a score_mod can yield -inf or NaN, by one sweep of the interval rules.
#include "passes/interval/ranges.h"
#include "passes/passes.h"

namespace flexion::passes {

ScoreRange score_range(const ir::Function& score_mod) {
    const bool f32 = score_mod.parameters[0].type == ir::Type::f32;
    const double most =
        f32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
    const auto load = [&](const ir::Inst& inst) {
        return range_of(score_mod.buffers[inst.index].dtype);
    };
    const Ranges ranges =
        value_ranges(score_mod, linear_forms(score_mod), load, reals(-most, most));
    const Interval& out = ranges.of[score_mod.results[0].value];
    return {out.least == -kInfinity, out.nan};
}

}  // namespace flexion::passes
