// SPDX-License-Identifier: Apache-2.0
// Buffers and scalars as words.
#include "backend/cuda/launch/captures.h"

#include <bit>

#include "backend/cuda/emit/axes.h"
#include "support/fail.h"

namespace flexion::cuda {

void add_captures(CaptureArray& array, const ir::Function& f, const Captures& captures,
                  Address zeros) {
    for (const TensorView& buffer : captures.buffers) {
        if (buffer.device != Device::cuda) {
            fail<UserError>(
                "flexion::attention: {} captures a buffer in host memory, but the call is on CUDA; "
                "capture a copy on the device, with TensorView::device set",
                f.role == ir::Role::score_mod ? "the score_mod" : "the mask_mod");
        }
        const bool empty = buffer.numel() == 0;  // reads 0
        array.add(empty ? zeros : reinterpret_cast<std::uint64_t>(buffer.data));
        for (int i = 0; i < buffer.rank; ++i) {
            array.add(empty ? 1 : static_cast<std::uint64_t>(buffer.shape[i]));
        }
        for (int i = 0; i < buffer.rank; ++i) {
            array.add(empty ? 0 : static_cast<std::uint64_t>(buffer.strides[i]));
        }
    }
    for (std::size_t i = 0; i < captures.scalars.size(); ++i) {
        const ScalarValue& value = captures.scalars[i];
        const ir::Type type = f.parameters[f.builtin_parameters() + i].type;
        if (value.is_integer && (value.integer >= kMaxScalar || value.integer <= -kMaxScalar)) {
            fail<Unsupported>(
                "flexion::attention: scalar {} of {} is {}; on CUDA integer scalars must be below "
                "2^61 in magnitude",
                i, f.name.empty() ? "a mod" : f.name, value.integer);
        }
        const double real = value.is_integer ? static_cast<double>(value.integer) : value.real;
        const std::int64_t whole =
            value.is_integer ? value.integer : static_cast<std::int64_t>(value.real);
        switch (type) {
            case ir::Type::f32:
                array.add(std::bit_cast<std::uint32_t>(static_cast<float>(real)));
                break;
            case ir::Type::f64:
                array.add(std::bit_cast<std::uint64_t>(real));
                break;
            default:
                array.add(static_cast<std::uint64_t>(whole));
        }
    }
}

}  // namespace flexion::cuda
