// SPDX-License-Identifier: Apache-2.0
// How far a result may be from the reference, and what is said when it is farther.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include <flexion/tensor.h>

#include "plan/launch.h"

namespace flexion::test {

struct CaseInputs;
/// A call of the reference with the inputs of a case, without outputs.
plan::LaunchArgs reference_args(const CaseInputs& inputs);

struct Tolerance {
    double score;   ///< relative to 1 + |largest score|: of a score, so of ln P
    double weight;  ///< relative rounding of P
    double out;     ///< relative rounding of an output
};
Tolerance tolerance_for(DType dtype);

/// Collects the failures of one output; only the worst is worth printing.
class Comparison {
public:
    explicit Comparison(std::string what) : what_(std::move(what)) {}
    void element(std::int64_t i, double got, double expected, double bound) {
        const bool special = std::isnan(expected) || std::isinf(expected);
        double excess = 0;
        if (special) {
            const bool same = std::isnan(expected) ? std::isnan(got) : got == expected;
            excess = same ? 0 : HUGE_VAL;
        } else {
            excess = std::isnan(got) ? HUGE_VAL : std::fabs(got - expected) / bound;
            if (got == expected) excess = 0;
        }
        if (!(excess <= 1)) ++failures_;
        if (excess > worst_) {
            worst_ = excess;
            worst_text_ = "element " + std::to_string(i) + ": got " + std::to_string(got) +
                          ", expected " + std::to_string(expected) + ", allowed +-" +
                          std::to_string(bound);
        }
    }
    void report() const {
        EXPECT_EQ(failures_, 0) << what_ << ": " << failures_
                                << " elements out of bounds; the worst by " << worst_ << " times, "
                                << worst_text_;
    }

private:
    std::string what_;
    std::int64_t failures_ = 0;
    double worst_ = 0;
    std::string worst_text_;
};

}  // namespace flexion::test
