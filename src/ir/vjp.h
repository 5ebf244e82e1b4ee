// SPDX-License-Identifier: Apache-2.0
// The words of ops.def's vjp column beside Expr's own: include where the column is expanded, inside
// a Tracer, with `g`, `r`, `x`, `y`, `z` of type Expr in scope.
#pragma once

#include "ir/tracer.h"

namespace flexion {

/// No gradient flows to this operand.
struct NoGradient {};
inline constexpr NoGradient none{};

/// `g` in the type of `x`.
inline Expr cast_like(const Expr& g, const Expr& x) {
    Tracer& tracer = Tracer::current("cast_like");
    const ir::Type type = tracer.builder().type(tracer.value(x, "cast_like"));
    return tracer.wrap(tracer.builder().cast(tracer.value(g, "cast_like"), type));
}

}  // namespace flexion
