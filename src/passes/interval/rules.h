// SPDX-License-Identifier: Apache-2.0
// The rules that the interval column of ops.def names. Integer rules give the whole type where a
// 32-bit (64-bit) result could wrap. Rules of correctly rounded float ops apply the op itself to
// the ends: rounding to nearest is monotone, so the rounded ends bound the rounded results, and
// nothing is lost on the small integers that masks compare. Others widen the ends by their row's
// ulp.
#pragma once

#include "passes/interval/interval.h"

namespace flexion::passes::rules {

#define FLEXION_RULE(name) Interval name(const Operands& o);
// of integers and floats
FLEXION_RULE(add)
FLEXION_RULE(sub)
FLEXION_RULE(mul)
FLEXION_RULE(floordiv)
FLEXION_RULE(truncdiv)
FLEXION_RULE(mod)
FLEXION_RULE(rem)
FLEXION_RULE(neg)
FLEXION_RULE(abs)
FLEXION_RULE(min)
FLEXION_RULE(max)
FLEXION_RULE(clamp)
FLEXION_RULE(pow)
// of floats
FLEXION_RULE(div)
FLEXION_RULE(fma)
FLEXION_RULE(increasing)         ///< monotone on the whole line
FLEXION_RULE(increasing_or_nan)  ///< monotone on [a, inf], NaN below a
FLEXION_RULE(rsqrt)
FLEXION_RULE(periodic)  ///< within [-1, 1]; NaN at the infinities
FLEXION_RULE(isinf)
FLEXION_RULE(isnan)
// of all types, to bool
FLEXION_RULE(eq)
FLEXION_RULE(ne)
FLEXION_RULE(lt)
FLEXION_RULE(le)
FLEXION_RULE(gt)
FLEXION_RULE(ge)
// of bools
FLEXION_RULE(logical_and)
FLEXION_RULE(logical_or)
FLEXION_RULE(logical_xor)
FLEXION_RULE(logical_not)
// of integers
FLEXION_RULE(bit_and)
FLEXION_RULE(bit_or)
FLEXION_RULE(bit_xor)
FLEXION_RULE(bit_not)
FLEXION_RULE(shl)
FLEXION_RULE(shr)
// of all types
FLEXION_RULE(select)
FLEXION_RULE(cast)
#undef FLEXION_RULE

/// The integer and float halves of the rules that have both.
namespace whole {
Interval add(const Operands& o);
Interval sub(const Operands& o);
Interval mul(const Operands& o);
Interval floordiv(const Operands& o);
Interval truncdiv(const Operands& o);
Interval mod(const Operands& o);
Interval rem(const Operands& o);
Interval neg(const Operands& o);
Interval abs(const Operands& o);
Interval min(const Operands& o);
Interval max(const Operands& o);
Interval pow(const Operands& o);
}  // namespace whole
namespace real {
Interval add(const Operands& o);
Interval sub(const Operands& o);
Interval mul(const Operands& o);
Interval floordiv(const Operands& o);
Interval truncdiv(const Operands& o);
Interval mod(const Operands& o);
Interval rem(const Operands& o);
Interval neg(const Operands& o);
Interval abs(const Operands& o);
Interval min(const Operands& o);
Interval max(const Operands& o);
Interval pow(const Operands& o);
}  // namespace real

}  // namespace flexion::passes::rules
