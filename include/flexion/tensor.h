// SPDX-License-Identifier: Apache-2.0
// Tensors as Flexion sees them: a typed, strided view of memory that somebody else owns.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include <flexion/export.h>

namespace FLEXION_PUBLIC flexion {

/// Element types. Queries, keys and values: f32, f64, bf16, f16. Captured buffers: all of them.
enum class DType : std::uint8_t { f32, f64, bf16, f16, i64, i32, i16, i8, u8, boolean };

/// Bytes of one element.
constexpr std::int64_t size_of(DType dtype) {
    constexpr std::int64_t kBytes[] = {4, 8, 2, 2, 8, 4, 2, 1, 1, 1};
    return kBytes[static_cast<int>(dtype)];
}

/// The name used in text and messages: "f32", "bf16", "bool", ...
const char* name_of(DType dtype);

inline constexpr int kMaxRank = 6;

/// Where a tensor's memory lies.
enum class Device : std::uint8_t { cpu, cuda };

/// A view of `rank` dimensions. `shape` and `strides` count elements, not bytes; a stride may be
/// 0 (broadcast) or negative. The memory must outlive every call that the view is passed to.
struct TensorView {
    void* data = nullptr;
    DType dtype = DType::f32;
    int rank = 0;
    std::array<std::int64_t, kMaxRank> shape{};
    std::array<std::int64_t, kMaxRank> strides{};
    Device device = Device::cpu;  ///< cuda: of the current context, or any one it can address

    /// A dense row-major view.
    static TensorView dense(const void* data, DType dtype,
                            std::initializer_list<std::int64_t> shape) {
        TensorView view;
        view.data = const_cast<void*>(data);
        view.dtype = dtype;
        view.rank = static_cast<int>(shape.size());
        int i = 0;
        for (std::int64_t extent : shape) view.shape[i++] = extent;
        std::int64_t stride = 1;
        for (i = view.rank - 1; i >= 0; --i) {
            view.strides[i] = stride;
            stride *= view.shape[i] > 0 ? view.shape[i] : 1;
        }
        return view;
    }
    /// The same view of memory that `device` names.
    TensorView on(Device where) const {
        TensorView view = *this;
        view.device = where;
        return view;
    }
    /// Number of elements; 1 for rank 0.
    std::int64_t numel() const {
        std::int64_t n = 1;
        for (int i = 0; i < rank; ++i) n *= shape[i];
        return n;
    }
};

}  // namespace flexion
