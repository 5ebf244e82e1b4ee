// SPDX-License-Identifier: Apache-2.0
// Strided copies, one element at a time: a slow path that a call takes once per tensor.
#include "api/contiguous.h"

#include <cstring>

#include "support/log.h"

namespace flexion {

void copy_elements(const TensorView& from, const TensorView& to) {
    const auto size = static_cast<std::size_t>(size_of(from.dtype));
    const auto* source = static_cast<const char*>(from.data);
    auto* target = static_cast<char*>(to.data);
    std::array<std::int64_t, kMaxRank> index{};
    for (std::int64_t left = from.numel(); left > 0; --left) {
        std::int64_t read = 0, written = 0;
        for (int i = 0; i < from.rank; ++i) {
            read += index[i] * from.strides[i];
            written += index[i] * to.strides[i];
        }
        std::memcpy(target + written * size_of(from.dtype), source + read * size_of(from.dtype),
                    size);
        for (int i = from.rank - 1; i >= 0 && ++index[i] == from.shape[i]; --i) index[i] = 0;
    }
}

DenseTensor::DenseTensor(const TensorView& like)
    : memory_(static_cast<std::size_t>((like.numel() * size_of(like.dtype) + 7) / 8)), view_(like) {
    view_.data = memory_.data();
    std::int64_t stride = 1;
    for (int i = like.rank - 1; i >= 0; --i) {
        view_.strides[i] = stride;
        stride *= like.shape[i];
    }
}

const TensorView& DenseCopies::make(const char* name, const TensorView& view) {
    log(LogChannel::launch, "{}: copied {}, whose last dimension has stride {}", where_, name,
        view.strides[view.rank - 1]);
    return copies_.emplace_back(view).view();
}

TensorView DenseCopies::input(const char* name, const TensorView& view) {
    if (!view.data || last_dim_contiguous(view)) return view;
    const TensorView& copy = make(name, view);
    copy_elements(view, copy);
    return copy;
}

TensorView DenseCopies::result(const char* name, const TensorView& view) {
    if (!view.data || last_dim_contiguous(view)) return view;
    const TensorView& copy = make(name, view);
    results_.emplace_back(copy, view);
    return copy;
}

void DenseCopies::write_back() const {
    for (const auto& [copy, target] : results_) copy_elements(copy, target);
}

}  // namespace flexion
