// SPDX-License-Identifier: Apache-2.0
// The derivative of a score_mod as a back end receives it, and along what each gradient of a
// captured buffer is to be summed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ir/function.h"
#include "passes/passes.h"

namespace flexion::plan {

/// What chooses the element that a gather reads, within the (q, k) plane of one batch and head.
enum class Along : std::uint8_t {
    nothing,   ///< one element for the whole plane: its gradient is the sum over the plane
    query,     ///< q: row sums
    key,       ///< k: column sums
    diagonal,  ///< q - k: sums along diagonals
    both,      ///< anything else: see Gather::injective
};

/// One gradient result of a derivative: sum over all positions of g * value, g = P (dP - delta),
/// into the element of `buffer` at `indices`.
struct Gather {
    int result = 0;                  ///< in Derivative::function.results
    int buffer = 0;                  ///< among the score_mod's
    std::vector<ir::Value> indices;  ///< as load takes them: negative from the end once, clamped
    /// Holds for the clamped indices as well, however the arithmetic wraps. Where it is not `both`,
    /// the indices at any one position of a row (column, diagonal) are those of all of it.
    Along along = Along::both;
    /// passes::Depends bits of the indices; without kOnB (kOnH), all batches (heads) of one plane
    /// position share an element.
    std::uint8_t depends = 0;
    /// Different values of the positions in `depends` read different elements, as long as the
    /// access is in_range(): with Along::both, what one plane writes is written once.
    bool injective = false;
    /// Which load of `function` it is, in order of appearance; -1: none is left.
    int load = -1;
};

/// Made once per pair of mods and set of buffers; kept in the Program.
struct Derivative {
    /// `buffers`: of floats, ascending; those without a gather have gradient 0.
    Derivative(const ir::Function& score_mod, std::span<const int> buffers);

    /// passes::derivative, simplified: result 0 the score, 1 d out / d score, gathers from 2 on.
    /// Mods::score of a backward kernel is this function.
    ir::Function function;
    std::vector<Gather> gathers;
};

/// The gathers of Derivative::function.
std::vector<Gather> gathers_of(const ir::Function& derivative);

/// Whether all positions of a call read within the buffer, so that no index is clamped.
/// `assumptions`: of the call (plan/assumptions.h).
bool in_range(const Gather& gather, std::uint64_t assumptions);

}  // namespace flexion::plan
