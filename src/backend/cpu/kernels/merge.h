// SPDX-License-Identifier: Apache-2.0
// Partial results of one row, each over some of its keys, as one.
#pragma once

#include <cmath>
#include <limits>

namespace flexion::cpu {

/// Merges parts 1 .. count-1 into part 0, in that order: part i has maximum m[i step], sum l[i
/// step] and unnormalised result o + i o_step, `width` scalars long. A part without keys (l = 0)
/// leaves no trace, whatever its o holds; NaN and infinities go through as they would in one pass.
/// Source: Dao et al., "Flash-Decoding for long-context inference", 2023.
template <class T>
void merge_parts(int count, T* m, T* l, std::int64_t step, T* o, std::int64_t o_step, int width) {
    T top = -std::numeric_limits<T>::infinity();
    for (int i = 0; i < count; ++i)
        if (m[i * step] > top) top = m[i * step];
    T sum = 0;
    bool first = true;
    for (int i = 0; i < count; ++i) {
        if (l[i * step] == T(0)) continue;
        const T weight = std::exp(m[i * step] - top);
        sum += l[i * step] * weight;
        const T* part = o + i * o_step;
        if (first)
            for (int d = 0; d < width; ++d) o[d] = part[d] * weight;
        else
            for (int d = 0; d < width; ++d) o[d] += part[d] * weight;
        first = false;
    }
    m[0] = top;
    l[0] = sum;
}

}  // namespace flexion::cpu
