// SPDX-License-Identifier: Apache-2.0
// Copies between captured memory and tiles that are the same for every kernel, ahead of time: code
// that each kernel would otherwise carry and wait for (4 of 12 ms to compile).
#pragma once

#include <cstdint>

#include <flexion/tensor.h>

namespace flexion::cpu {

/// scratch[row][query] = tile[query * lane_stride + row] for rows x queries elements, widened to
/// words of 4 bytes (f32 for bf16 and f16) or 8; scratch has `width` words a row.
using StageTile = void (*)(const void* tile, std::int64_t lane_stride, std::int32_t queries,
                           std::int32_t rows, void* scratch, std::int32_t width);
/// to[i] = first[i * step] for i < count, then zeros up to `lanes`.
using CopyRun = void (*)(const void* first, std::int64_t step, std::int32_t count, void* to,
                         std::int32_t lanes);

/// Part of the table that compiled code calls through, in this order.
struct TileCopies {
    StageTile stage[10];  ///< by DType
    CopyRun run[4];       ///< by the logarithm of the element's bytes
};

}  // namespace flexion::cpu
