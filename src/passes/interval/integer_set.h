// SPDX-License-Identifier: Apache-2.0
// Finite unions of integer ranges: what a comparison says of a linear form.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace flexion::passes {

/// Ascending, disjoint, not adjacent, inclusive; the ends of 64 bits stand for the infinities.
class IntegerSet {
public:
    using Range = std::pair<std::int64_t, std::int64_t>;
    IntegerSet() = default;
    IntegerSet(std::int64_t lo, std::int64_t hi) {
        if (lo <= hi) ranges_.push_back({lo, hi});
    }
    const std::vector<Range>& ranges() const { return ranges_; }
    IntegerSet complement() const;
    IntegerSet united(const IntegerSet& other) const;
    IntegerSet intersected(const IntegerSet& other) const {
        return complement().united(other.complement()).complement();
    }
    /// { sign * (x - offset) : x in this }, sign 1 or -1.
    IntegerSet mapped(int sign, std::int64_t offset) const;
    bool operator==(const IntegerSet&) const = default;

private:
    std::vector<Range> ranges_;
};

}  // namespace flexion::passes
