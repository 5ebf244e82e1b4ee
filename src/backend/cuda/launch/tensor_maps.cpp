// SPDX-License-Identifier: Apache-2.0
// Tensor maps, and the last few of each thread.
#include "backend/cuda/launch/tensor_maps.h"

#include <algorithm>
#include <array>

#include "support/fail.h"

namespace flexion::cuda {
namespace {

// CUtensorMapDataType, CUtensorMapSwizzle and so on, as cuda.h numbers them.
constexpr int kFloat16 = 6, kBfloat16 = 9, kNoInterleave = 0, kSwizzle128 = 3, kPromote128 = 2,
              kZeroFill = 0;

/// A [B, H, S, D] tensor in boxes of `rows` by 64 elements.
TensorMapImage encode(const char* name, const TensorView& t, int rows) {
    const std::int64_t size = size_of(t.dtype);
    std::uint64_t extents[4];
    std::uint64_t strides[3];
    for (int i = 0; i < 4; ++i) {
        extents[i] = static_cast<std::uint64_t>(std::max<std::int64_t>(t.shape[3 - i], 1));
    }
    bool aligned = reinterpret_cast<std::uintptr_t>(t.data) % 16 == 0;
    std::uint64_t dense = extents[0] * size;
    for (int i = 0; i < 3; ++i) {
        // The stride of a dimension of one element means nothing, but must be valid.
        const std::int64_t given = t.strides[2 - i] * size;
        strides[i] =
            extents[i + 1] == 1 ? (dense + 15) / 16 * 16 : static_cast<std::uint64_t>(given);
        aligned &= strides[i] % 16 == 0 && (extents[i + 1] == 1 || given > 0);
        dense = strides[i] * extents[i + 1];
    }
    if (!aligned) {
        fail<Unsupported>(
            "flexion::attention: {} has address {} and strides [{}, {}, {}]; on CUDA rows must "
            "begin "
            "at multiples of 16 bytes and strides be positive; pass a contiguous copy",
            name, t.data, t.strides[0], t.strides[1], t.strides[2]);
    }
    const std::uint32_t box[4] = {64, static_cast<std::uint32_t>(rows), 1, 1};
    const std::uint32_t steps[4] = {1, 1, 1, 1};
    TensorMapImage map;
    check(driver().encode_tiled(&map, t.dtype == DType::f16 ? kFloat16 : kBfloat16, 4, t.data,
                                extents, strides, box, steps, kNoInterleave, kSwizzle128,
                                kPromote128, kZeroFill),
          "cuTensorMapEncodeTiled");
    return map;
}

/// All that a map is made from.
struct Key {
    const void* data = nullptr;
    std::array<std::int64_t, 4> shape{};
    std::array<std::int64_t, 3> strides{};
    int rows = 0;
    DType dtype{};
    bool operator==(const Key&) const = default;
};

}  // namespace

TensorMapImage tensor_map(const char* name, const TensorView& t, int rows) {
    // Two entries a set, of which the older one leaves: enough for q, k, v and out of several calls
    // in turn. A map depends on nothing but its key, so that entries never grow stale.
    struct Entry {
        Key key;
        TensorMapImage map;
    };
    constexpr std::size_t kSets = 32;
    thread_local std::array<std::array<Entry, 2>, kSets> cache;
    const Key key{t.data,
                  {t.shape[0], t.shape[1], t.shape[2], t.shape[3]},
                  {t.strides[0], t.strides[1], t.strides[2]},
                  rows,
                  t.dtype};
    const std::uint64_t mixed =
        (reinterpret_cast<std::uintptr_t>(t.data) / 256 + static_cast<std::uint64_t>(rows) +
         static_cast<std::uint64_t>(t.shape[2])) *
        0x9E3779B97F4A7C15ull;
    auto& set = cache[mixed >> 59];
    for (Entry& entry : set) {
        if (entry.key == key) return entry.map;
    }
    const TensorMapImage made = encode(name, t, rows);
    set[1] = set[0];
    set[0] = {key, made};
    return made;
}

}  // namespace flexion::cuda
