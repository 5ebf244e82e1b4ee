// SPDX-License-Identifier: Apache-2.0
// Integer values as linear combinations of others, so that analyses see that q - k - q is -k.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ir/function.h"

namespace flexion::passes {

/// constant + sum of coefficient * atom. Atoms are integer values that are themselves no
/// combination: parameters, loads, results of other ops.
struct LinearForm {
    struct Term {
        ir::Value atom;
        std::int64_t coefficient;  ///< never 0
        bool operator==(const Term&) const = default;
    };
    std::vector<Term> terms;  ///< by ascending atom
    std::int64_t constant = 0;

    /// The value itself when the form has no variable part.
    std::optional<std::int64_t> as_constant() const {
        return terms.empty() ? std::optional(constant) : std::nullopt;
    }
    bool is_atom(ir::Value v) const {
        return constant == 0 && terms.size() == 1 && terms[0] == Term{v, 1};
    }
};

/// a*x + b*y; nullopt where a coefficient leaves 64 bits.
std::optional<LinearForm> combine(const LinearForm& x, std::int64_t a, const LinearForm& y,
                                  std::int64_t b);

/// One form per value; meaningful for i32 and i64. A form equals its value in the arithmetic of the
/// integers as long as no intermediate wraps, and modulo 2^32 or 2^64 up to the last widening.
/// `past_clamps`: the min or max of a value and one that is the same at all positions has the form
/// of the former, which holds where the clamp does not bind.
std::vector<LinearForm> linear_forms(const ir::Function& f, bool past_clamps = false);

/// A constant's value: i32 sign-extended, bool 0 or 1.
std::int64_t integer_of(const ir::Inst& constant);
/// The value of a float constant.
double real_of(const ir::Inst& constant);

}  // namespace flexion::passes
