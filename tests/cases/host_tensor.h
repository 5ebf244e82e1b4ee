// SPDX-License-Identifier: Apache-2.0
// Tensors of the tests: a view and its memory, in several layouts, with poison in between.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include <flexion/tensor.h>

namespace flexion::test {

/// How a [B, H, S, D] tensor lies in memory.
enum class Layout {
    dense,       ///< [B, H, S, D]
    bshd,        ///< [B, S, H, D]
    sliced,      ///< a window of [B, H, S + 3, D + 5]
    transposed,  ///< [B, H, D, S]: the last dimension is strided
};

/// All memory outside the elements, and every element until it is filled, holds NaN.
class HostTensor {
public:
    HostTensor() = default;
    HostTensor(DType dtype, const std::vector<std::int64_t>& shape, Layout layout = Layout::dense);
    HostTensor(HostTensor&&) = default;
    HostTensor& operator=(HostTensor&&) = default;

    const TensorView& view() const { return view_; }
    /// Element number i in row-major order of the shape.
    double get(std::int64_t i) const;
    void set(std::int64_t i, double value);
    std::int64_t get_integer(std::int64_t i) const;
    void set_integer(std::int64_t i, std::int64_t value);

    void fill_normal(std::mt19937_64& random, double deviation = 1);
    void fill_integers(std::mt19937_64& random, std::int64_t low, std::int64_t high);
    /// True when the memory outside the elements is as it was made.
    bool surroundings_intact() const;

private:
    std::int64_t offset(std::int64_t i) const;
    std::vector<std::uint64_t> memory_;
    TensorView view_;
};

}  // namespace flexion::test
