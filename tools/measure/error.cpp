// SPDX-License-Identifier: Apache-2.0
#include "measure/error.h"

#include <algorithm>
#include <cmath>

namespace flexion::measure {

double error_against_reference(const Tensors& tensors, const AttentionOptions& options,
                               const MaskMod& mask_mod) {
    const TensorView& q = tensors.q.view();
    const std::int64_t length = q.shape[2], Dv = tensors.v.view().shape[3];
    const std::int64_t samples = std::min<std::int64_t>(length, 5);
    double largest = 0;
    for (std::int64_t i = 0; i < samples; ++i) {
        const std::int64_t row = i * (length - 1) / std::max<std::int64_t>(samples - 1, 1);
        // One query in its place: the mods see position `row`, and the mask is part of the score.
        const Scalar at = scalar(row);
        AttentionOptions exact;
        exact.backend = "reference";
        exact.score_mod = score_mod([&](Expr s, Expr b, Expr h, Expr q0, Expr kv) {
            const Expr query = to_i32(q0 + at);
            const Expr score = options.score_mod ? options.score_mod(s, b, h, query, kv) : s;
            return mask_mod ? where(mask_mod(b, h, query, kv), score, -INFINITY) : score;
        });
        TensorView one = q;
        one.data = static_cast<char*>(q.data) + row * q.strides[2] * size_of(q.dtype);
        one.shape[2] = 1;
        const Tensor expected(q.dtype, {q.shape[0], q.shape[1], 1, Dv});
        attention(one, tensors.k.view(), tensors.v.view(), expected.view(), exact);
        for (std::int64_t head = 0; head < q.shape[0] * q.shape[1]; ++head) {
            for (std::int64_t d = 0; d < Dv; ++d) {
                const double want = expected.at(head * Dv + d);
                const double got = tensors.out.at((head * length + row) * Dv + d);
                include(got, want, largest);
                if (std::isnan(largest)) return largest;
            }
        }
    }
    return largest;
}

}  // namespace flexion::measure
