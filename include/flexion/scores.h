// SPDX-License-Identifier: Apache-2.0
// Common score_mods, each one line of the language in expr.h.
#pragma once

#include <cstdint>
#include <string>

#include <flexion/error.h>
#include <flexion/expr.h>

namespace flexion::scores {

/// Press, Smith, Lewis: "Train Short, Test Long", 2021. slopes [Hq] f32: s + slopes[h] * (k - q).
inline ScoreMod alibi(const Buffer& slopes) {
    return score_mod(
        [slopes](Expr s, Expr, Expr h, Expr q, Expr k) { return s + slopes[h] * (k - q); });
}
/// Gemma 2's soft cap: cap * tanh(s / cap).
inline ScoreMod softcap(double cap) {
    Scalar c = scalar(cap);
    // The reciprocal is uniform: it is computed once per tile, and scores are not divided.
    return score_mod([c](Expr s, Expr, Expr, Expr, Expr) { return c * tanh(s * (1 / Expr(c))); });
}
/// A learned relative bias: s + table[q - k + offset], table [n] of floats, out of range clamped.
/// offset within +-2^30, so that its sum with a position fits 32 bits.
inline ScoreMod relative(const Buffer& table, std::int64_t offset) {
    constexpr std::int64_t kFarthest = std::int64_t{1} << 30;
    if (offset < -kFarthest || offset > kFarthest) {
        throw UserError("scores::relative: offset must lie within +-2^30; got " +
                        std::to_string(offset) + ".");
    }
    Scalar o = scalar(offset);
    return score_mod([table, o](Expr s, Expr, Expr, Expr q, Expr k) {
        return s + table[max(q - k + to_i32(o), 0)];
    });
}

}  // namespace flexion::scores
