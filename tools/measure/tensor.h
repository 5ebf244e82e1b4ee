// SPDX-License-Identifier: Apache-2.0
// Tensors that own their memory, for tools and examples.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <random>
#include <vector>

#include <flexion/tensor.h>

#include "backend/reference/elements.h"

namespace flexion::measure {

/// A dense tensor of normal random elements, or of zeros, aligned to a cache line.
class Tensor {
public:
    Tensor(DType dtype, std::initializer_list<std::int64_t> shape)
        : Tensor(TensorView::dense(nullptr, dtype, shape)) {}
    /// Of zeros, of the shape and dtype of `like`.
    explicit Tensor(const TensorView& like) : view_(like) {
        std::int64_t stride = 1;
        for (int i = view_.rank - 1; i >= 0; --i) {
            view_.strides[i] = stride;
            stride *= std::max<std::int64_t>(view_.shape[i], 1);
        }
        bytes_.resize(static_cast<std::size_t>(view_.numel() * size_of(view_.dtype)) + kLine);
        void* data = bytes_.data();
        std::size_t space = bytes_.size();
        view_.data = std::align(kLine, space - kLine, data, space);
    }
    Tensor(Tensor&&) = default;
    Tensor& fill_normal(std::mt19937_64& random) {
        std::normal_distribution<float> normal;
        for (std::int64_t i = 0; i < view_.numel(); ++i) set(i, normal(random));
        return *this;
    }
    const TensorView& view() const { return view_; }
    /// Element number i in row-major order.
    void set(std::int64_t i, double value) { reference::write_element(view_, i, value); }
    double at(std::int64_t i) const { return reference::read_element(view_, i); }

private:
    static constexpr std::size_t kLine = 64;
    std::vector<char> bytes_;
    TensorView view_;
};

/// One attention problem: q [B, Hq, Sq, D], k [B, Hkv, Skv, D], v [B, Hkv, Skv, Dv], out as q with
/// Dv.
struct Tensors {
    Tensor q, k, v, out;
};

}  // namespace flexion::measure
