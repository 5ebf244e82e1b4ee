// SPDX-License-Identifier: Apache-2.0
// Unions, complements and images of integer sets.
#include "passes/interval/integer_set.h"

#include <algorithm>

namespace flexion::passes {
namespace {

__extension__ typedef __int128 Wide;

/// Infinite ends stay where they are; finite ones that leave 64 bits become infinite.
std::int64_t moved(std::int64_t end, int sign, std::int64_t offset) {
    if (end == INT64_MIN) return sign > 0 ? INT64_MIN : INT64_MAX;
    if (end == INT64_MAX) return sign > 0 ? INT64_MAX : INT64_MIN;
    const Wide image = sign * (Wide{end} - offset);
    return static_cast<std::int64_t>(std::clamp<Wide>(image, INT64_MIN, INT64_MAX));
}

}  // namespace

IntegerSet IntegerSet::complement() const {
    IntegerSet result;
    std::int64_t next = INT64_MIN;
    for (const auto& [lo, hi] : ranges_) {
        if (lo > next) result.ranges_.push_back({next, lo - 1});
        if (hi == INT64_MAX) return result;
        next = hi + 1;
    }
    result.ranges_.push_back({next, INT64_MAX});
    return result;
}

IntegerSet IntegerSet::united(const IntegerSet& other) const {
    std::vector<Range> all = ranges_;
    all.insert(all.end(), other.ranges_.begin(), other.ranges_.end());
    std::sort(all.begin(), all.end());
    IntegerSet result;
    for (const auto& [lo, hi] : all) {
        auto& ranges = result.ranges_;
        const bool touches = !ranges.empty() &&
                             (ranges.back().second == INT64_MAX || lo <= ranges.back().second + 1);
        if (touches)
            ranges.back().second = std::max(ranges.back().second, hi);
        else
            ranges.push_back({lo, hi});
    }
    return result;
}

IntegerSet IntegerSet::mapped(int sign, std::int64_t offset) const {
    IntegerSet result;
    for (const auto& [lo, hi] : ranges_) {
        const std::int64_t a = moved(lo, sign, offset), b = moved(hi, sign, offset);
        result = result.united({std::min(a, b), std::max(a, b)});
    }
    return result;
}

}  // namespace flexion::passes
