// SPDX-License-Identifier: Apache-2.0
// Operands of the micro-kernels' tests.
#pragma once

#include <cstdlib>
#include <memory>
#include <random>

#include "backend/cpu/kernels/forward_case.h"
#include "backend/cpu/kernels/guarded.h"
#include "support/dtype.h"

namespace flexion::cpu::test {

inline constexpr DType kFloats[] = {DType::f32, DType::f64, DType::bf16, DType::f16};

/// rows x width elements of a dtype, `stride` bytes from row to row, in guarded memory.
struct Matrix {
    Matrix(DType dtype, int rows, int width, std::int64_t pad, std::mt19937_64& random)
        : rows(rows), width(width), stride((width + pad) * size_of(dtype)) {
        const std::int64_t bytes = (rows - 1) * stride + width * size_of(dtype);
        memory = std::make_unique<Guarded>(static_cast<std::size_t>(bytes));
        view.dtype = dtype;
        view.rank = 4;
        view.data = memory->data();
        view.strides = {0, 0, width + pad, 1};
        std::normal_distribution<double> normal;
        for (int i = 0; i < rows; ++i)
            for (int j = 0; j < width; ++j) set_element(view, 0, 0, i, j, normal(random));
    }
    double operator()(int i, int j) const { return element(view, 0, 0, i, j); }
    const char* data() const { return memory->data(); }
    int rows, width;
    std::int64_t stride;
    TensorView view;
    std::unique_ptr<Guarded> memory;
};

/// 64-byte aligned scalars (float, or double for f64) as double.
class Scalars {
public:
    Scalars(int scalar_bytes, std::int64_t count, double fill)
        : bytes_(scalar_bytes), count_(count) {
        memory_ = static_cast<char*>(
            std::aligned_alloc(64, static_cast<std::size_t>((count * bytes_ + 127) / 64 * 64)));
        for (std::int64_t i = 0; i < count; ++i) set(i, fill);
    }
    ~Scalars() { std::free(memory_); }
    Scalars(const Scalars&) = delete;
    Scalars& operator=(const Scalars&) = delete;
    char* data() { return memory_; }
    double operator[](std::int64_t i) const {
        return bytes_ == 8 ? reinterpret_cast<double*>(memory_)[i]
                           : reinterpret_cast<float*>(memory_)[i];
    }
    void set(std::int64_t i, double value) {
        if (bytes_ == 8)
            reinterpret_cast<double*>(memory_)[i] = value;
        else
            reinterpret_cast<float*>(memory_)[i] = static_cast<float>(value);
    }
    void randomise(std::mt19937_64& random) {
        std::normal_distribution<double> normal;
        for (std::int64_t i = 0; i < count_; ++i) set(i, normal(random));
    }

private:
    int bytes_;
    std::int64_t count_;
    char* memory_;
};

/// Relative error that sums may have.
inline double fine(int scalar_bytes) { return scalar_bytes == 8 ? 1e-12 : 2e-5; }

}  // namespace flexion::cpu::test
