// SPDX-License-Identifier: Apache-2.0
// The online softmax of a thread's rows, exact or with a lagged reference.
#pragma once

namespace flexion::cuda {

constexpr float kRaise = 0x1p10f;
constexpr float kLn2 = 0.693147180559945f;
// A row whose reference times the unit is beyond this (an additive mask of the lowest value, say)
// is far: the rounding of the product would show, or overflow. Its scores are moved by the
// reference first, which is exact for those that count, and all its tiles are computed with exact
// maxima.
constexpr float kFar = 0x1p26f;
// How far apart, in powers of two, the references of two rows may lie that are made one.
constexpr float kApart = 32;

FX_DEVICE float quad_max(float x) {
    x = larger(x, swap_lanes(x, 1));
    return larger(x, swap_lanes(x, 2));
}
FX_DEVICE float quad_sum(float x) {
    x += swap_lanes(x, 1);
    return x + swap_lanes(x, 2);
}

/// The softmax state of a thread's two rows, r and r + 8. Scores are in units of Mod's `unit`: the
/// exponential of x is exp2(x * unit). With Mod::kOneOffset both rows share the larger offset, so
/// that what a mod adds for a key is the same for both; rows that are too far apart are computed
/// with exact maxima. bf16 alone has the range for P of the lower row.
struct Softmax {
    float reference[2];  // the maximum, or what stands for it; -inf: the row has seen no score
    float sum[2];        // of this thread's columns
    float grown[2];      // of this thread's columns of the tile before, if its reference lagged
    float top[2];        // this thread's maxima, if all tiles are exact
    float factor[2];     // by which O must be multiplied
    float offset[2];     // what exponents are reduced by: reference * unit or, shared, the other
                         // row's; 0 where the reference is -inf

    FX_DEVICE void start() {
#pragma unroll
        for (int r = 0; r < 2; ++r) {
            reference[r] = top[r] = FX_MINUS_INF;
            sum[r] = grown[r] = offset[r] = 0;
            factor[r] = 1;
        }
    }
    FX_DEVICE bool is_far(int r, float unit) const {
        return Mod::kLowScores && fabsf(reference[r] * unit) > kFar;
    }
    /// Whether the next tile must be computed with exact maxima: rows without a reference, far
    /// rows, rows too far apart.
    FX_DEVICE bool needs_exact(float unit) const {
        return reference[0] == FX_MINUS_INF || reference[1] == FX_MINUS_INF || is_far(0, unit) ||
               is_far(1, unit) || (Mod::kOneOffset && offset[0] != offset[1]);
    }
    /// Raises the reference where the exponentials of the tile before have grown beyond kRaise, by
    /// the logarithm of their sum: seven more than their maximum at most. Then rows that are near
    /// share the larger offset; not before, since P of exact tiles, 1 where one key is all, must
    /// not be rounded for it.
    FX_DEVICE void follow(float unit) {
        bool raised = false;
        float own[2], next[2];
#pragma unroll
        for (int r = 0; r < 2; ++r) {
            const float x = quad_sum(grown[r]);
            const bool raise = x > kRaise;
            own[r] = next[r] = raise ? offset[r] + log2_approx(x) : offset[r];
            if (Mod::kOneOffset && !raise) own[r] = reference[r] * unit;
            if (raise) reference[r] = own[r] * reciprocal_approx(unit);
            raised |= raise;
        }
        if (Mod::kOneOffset) {
            const bool share = (raised | (offset[0] != offset[1])) & !is_far(0, unit) &
                               !is_far(1, unit) & (fabsf(own[0] - own[1]) <= kApart);
            const float common = larger(own[0], own[1]);
            next[0] = share ? common : next[0];
            next[1] = share ? common : next[1];
        }
#pragma unroll
        for (int r = 0; r < 2; ++r) {
            // From the offsets as they were rounded, so that old and new exponentials agree.
            factor[r] = exp2_approx(offset[r] - next[r]);
            sum[r] *= factor[r];
            offset[r] = next[r];
        }
    }
    /// Makes the reference the exact maximum including `s`.
    FX_DEVICE void meet(float (&s)[kScores], float unit) {
        float x[2] = {FX_MINUS_INF, FX_MINUS_INF};
#pragma unroll
        for (int j = 0; j < kBlockKv / 8; ++j) {
#pragma unroll
            for (int r = 0; r < 2; ++r) {
                x[r] = larger(x[r], larger(s[4 * j + 2 * r], s[4 * j + 2 * r + 1]));
            }
        }
#pragma unroll
        for (int r = 0; r < 2; ++r) {
            top[r] = larger(top[r], x[r]);
            x[r] = larger(reference[r], quad_max(x[r]));
            const float base = x[r] == FX_MINUS_INF ? 0.f : x[r];
            const bool was_far = is_far(r, unit) && reference[r] != FX_MINUS_INF;
            float next_offset = base * unit;
            float step = exp2_approx(offset[r] - next_offset);
            const bool far = Mod::kLowScores && fabsf(next_offset) > kFar;
            if (Mod::kLowScores && (far || was_far)) {
                step = exp2_approx((reference[r] - base) * unit);
            }
            if (Mod::kLowScores && any_lane(far)) {
                const float move = far ? base : 0.f;
#pragma unroll
                for (int i = 0; i < kScores / 2; ++i) s[4 * (i / 2) + 2 * r + i % 2] -= move;
                if (far) next_offset = 0;
            }
            if (reference[r] == FX_MINUS_INF) step = 0;
            factor[r] *= step;
            sum[r] *= step;
            reference[r] = x[r];
            offset[r] = next_offset;
        }
    }
    /// Exponents become P.
    FX_DEVICE void exponentials(float (&s)[kScores]) {
        grown[0] = grown[1] = 0;
#pragma unroll
        for (int j = 0; j < kBlockKv / 8; ++j) {
#pragma unroll
            for (int r = 0; r < 2; ++r) {
                float &x = s[4 * j + 2 * r], &y = s[4 * j + 2 * r + 1];
                x = exp2_approx(x);
                y = exp2_approx(y);
                grown[r] += x;
                grown[r] += y;
            }
        }
        sum[0] += grown[0];
        sum[1] += grown[1];
    }
    /// Scores become P, after meet(): nothing to follow.
    FX_DEVICE void exact_exponentials(float (&s)[kScores], float unit) {
#pragma unroll
        for (int i = 0; i < kScores; ++i) s[i] = __fmaf_rn(s[i], unit, -offset[i / 2 % 2]);
        exponentials(s);
        grown[0] = grown[1] = 0;
    }
};

}  // namespace flexion::cuda
