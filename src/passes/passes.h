// SPDX-License-Identifier: Apache-2.0
// The analyses and transformations of mods; one free function each.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <flexion/expr.h>

#include "ir/function.h"

namespace flexion::passes {

/// Folding, algebraic rules, value numbering, removal of dead code, canonical order. Results are
/// equal bit for bit in `typed` precision to the input's, NaN payloads aside, at all positions in
/// [0, 2^31 - 2]. Parameters and buffers stay, used or not: captures keep their places.
ir::Function simplify(const ir::Function& f);

/// Derivatives of a score_mod in reverse mode, by the vjp column of ops.def. The function has the
/// mod's parameters and buffers and returns
///   result 0     the score itself, as `score_mod` gives it bit for bit (in `typed` precision)
///   result 1     d out / d score, in the score's type
///   result 2...  for each load of a buffer of `buffers` through which a gradient flows: d out /
///                d element in the load's type, with the buffer and the indices it was read at,
///                which mean what they mean to load (negative from the end once, then clamped)
/// A buffer without a result has no gradient; one that is read in several places has several, to be
/// summed. The caller multiplies results 1... by the incoming gradient g = P (dP - delta), taking 0
/// where the position is masked or P is 0: a factor may be infinite there. Ties and edges are
/// torch's (min and max halve a tie, clamp passes at its bounds, abs gives 0 at 0), but what a
/// select, min, max or clamp did not take contributes exactly 0, whatever its own derivative: where
/// (s > 0, log(s), 0) has no NaN. Scalars get no gradient; capture a 0-dim buffer for one.
/// InternalError: not a score_mod, or a buffer that is not of floats.
ir::Function derivative(const ir::Function& score_mod, std::span<const int> buffers);

// ---- uniformity -------------------------------------------------------------------------------

/// Bit set over what a value depends on.
enum Depends : std::uint8_t { kOnScore = 1, kOnB = 2, kOnH = 4, kOnQ = 8, kOnK = 16 };

/// An integer value as b*cb + h*ch + q*cq + k*ck + constant, plus run-time scalars; exact as long
/// as no intermediate wraps.
struct Affine {
    bool known = false;
    std::int64_t b = 0, h = 0, q = 0, k = 0, constant = 0;
    /// Coefficient of each scalar parameter (index: scalar number).
    std::vector<std::int64_t> scalars;
    bool operator==(const Affine&) const = default;
};

struct Facts {
    std::vector<std::uint8_t> depends;  ///< per value: Depends bits
    std::vector<Affine> affine;         ///< per value; known only for integers
    /// The same where no min or max with a value that is the same at all positions binds: of
    /// max(q - k + n, 0) it is q - k + n.
    std::vector<Affine> unclamped;
};
/// Speaks of b, h, q, k and score only; a schedule adds which of them vary along lane, row, tile.
Facts uniformity(const ir::Function& f);

// ---- intervals --------------------------------------------------------------------------------

/// Inclusive integer ranges of a rectangle of positions.
struct Box {
    std::int32_t b0 = 0, b1 = 0, h0 = 0, h1 = 0, q0 = 0, q1 = 0, k0 = 0, k1 = 0;
};
enum class Verdict : std::uint8_t { all_false, all_true, mixed, undecided };

/// What a mask is on rectangles. Captured integer and bool buffers take part through minima and
/// maxima at power-of-two granularities, computed once here from the contents of this moment; their
/// memory must stay unchanged as long as this is used. Buffers of more than 2^27 elements and masks
/// of more than 1,024 operations are not looked into.
class MaskIntervals {
public:
    MaskIntervals(const ir::Function& mask, const Captures& captures);
    ~MaskIntervals();
    MaskIntervals(MaskIntervals&&) noexcept;
    /// all_false, all_true: proved for every element. mixed: two corners are proved to differ,
    /// tried only with `corners`. A box that leaves [0, 2^31 - 2] is undecided. Thread-safe.
    Verdict classify(const Box& box, bool corners = true) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Whether a score_mod can yield -inf (or NaN) from a finite score, by its constants and ops alone:
/// nothing from buffers or scalars is assumed but their types.
struct ScoreRange {
    bool may_be_minus_inf = true;
    bool may_be_nan = true;
};
ScoreRange score_range(const ir::Function& score_mod);

}  // namespace flexion::passes
