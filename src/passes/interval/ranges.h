// SPDX-License-Identifier: Apache-2.0
// What values can be at any position at all, by the interval rules.
#pragma once

#include <functional>
#include <vector>

#include "passes/interval/interval.h"
#include "passes/linear_form.h"

namespace flexion::passes {

/// Positions b, h, q, k: below lengths that fit 32 bits, so that the difference of two is never the
/// highest or the lowest integer.
inline constexpr Interval kPositions = integers(0, INT32_MAX - 1);

struct Ranges {
    std::vector<Interval> of;
    /// Integers whose linear form is their value, nothing on the way having wrapped.
    std::vector<bool> exact;
};

/// `load` bounds a load's elements; `score` the score parameter. Scalars may be anything.
Ranges value_ranges(const ir::Function& f, const std::vector<LinearForm>& forms,
                    const std::function<Interval(const ir::Inst&)>& load, const Interval& score);

/// Bounds of an element by its dtype alone.
Interval range_of(DType dtype);

}  // namespace flexion::passes
