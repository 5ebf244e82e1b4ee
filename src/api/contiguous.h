// SPDX-License-Identifier: Apache-2.0
// Tensors whose last dimension is not contiguous, through a dense copy.
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include <flexion/tensor.h>

namespace flexion {

/// Whether elements of the last dimension are neighbours (one element is).
inline bool last_dim_contiguous(const TensorView& view) {
    return view.strides[view.rank - 1] == 1 || view.shape[view.rank - 1] <= 1;
}

/// Copies all elements; shapes and dtypes are equal, strides are not.
void copy_elements(const TensorView& from, const TensorView& to);

/// A dense tensor of the shape and dtype of another one, and its memory.
class DenseTensor {
public:
    explicit DenseTensor(const TensorView& like);
    const TensorView& view() const { return view_; }

private:
    std::vector<double> memory_;  // of doubles for their alignment
    TensorView view_;
};

/// Stands in, during a call, for tensors whose last dimension is strided.
class DenseCopies {
public:
    /// `where`: the function that is logged.
    explicit DenseCopies(const char* where) : where_(where) {}
    /// `view`, or a dense copy of it.
    TensorView input(const char* name, const TensorView& view);
    /// `view`, or memory that write_back() copies to it.
    TensorView result(const char* name, const TensorView& view);
    void write_back() const;

private:
    const TensorView& make(const char* name, const TensorView& view);
    const char* where_;
    std::deque<DenseTensor> copies_;
    std::vector<std::pair<TensorView, TensorView>> results_;  // copy, target
};

}  // namespace flexion
