// SPDX-License-Identifier: Apache-2.0
// Common mask_mods, each one line of the language in expr.h.
#pragma once

#include <flexion/expr.h>

namespace flexion::masks {

/// q >= k
inline MaskMod causal() {
    return mask_mod([](Expr, Expr, Expr q, Expr k) { return q >= k; });
}
/// Causal with the last `window` keys before the query, itself included: 0 <= q - k <= window.
inline MaskMod sliding_window(std::int64_t window) {
    Scalar w = scalar(window);
    return mask_mod([w](Expr, Expr, Expr q, Expr k) { return (q >= k) & (q - k <= w); });
}
/// Keys below `prefix` are visible to all, the others causally.
inline MaskMod prefix(std::int64_t length) {
    Scalar p = scalar(length);
    return mask_mod([p](Expr, Expr, Expr q, Expr k) { return (k < p) | (q >= k); });
}
/// document[q] == document[k]; `document` is an integer buffer [S].
inline MaskMod document(const Buffer& document) {
    return mask_mod([document](Expr, Expr, Expr q, Expr k) { return document[q] == document[k]; });
}

}  // namespace flexion::masks
