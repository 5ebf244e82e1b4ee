// SPDX-License-Identifier: Apache-2.0
// Debug mode on the CPU: kernels made with Problem::checked report indices that are out of range
// instead of only clamping them.
#pragma once

#include <cstdint>
#include <memory>

#include "backend/cpu/tile_abi.h"
#include "plan/problem.h"

namespace flexion::cpu {

/// What a checked kernel calls before each gather that is not proved to stay in range, through its
/// table: `count` (any value, at most `lanes` are looked at) indices of dimension `dim` of the
/// buffer whose words begin at `word`, computed at (b, h, q, k) and further on along the axis.
enum class LaneAxis : std::int32_t { none, q, k };
using CheckGather = void (*)(const Word* captures, std::int32_t word, std::int32_t dim,
                             const std::int64_t* indices, std::int32_t lanes, std::int32_t count,
                             std::int32_t b, std::int32_t h, std::int32_t q, std::int32_t k,
                             LaneAxis axis);
void check_gather(const Word* captures, std::int32_t word, std::int32_t dim,
                  const std::int64_t* indices, std::int32_t lanes, std::int32_t count,
                  std::int32_t b, std::int32_t h, std::int32_t q, std::int32_t k, LaneAxis axis);

/// What the checked kernels of one call have found. Thread-safe; of several findings it keeps the
/// one of the lowest (b, h, q, k), so that the message does not hang on threads.
class GatherCheck {
public:
    /// `vector_functions`: of the kernels (tile_kernel.h).
    explicit GatherCheck(const void* vector_functions);
    ~GatherCheck();
    GatherCheck(GatherCheck&&) noexcept;
    GatherCheck& operator=(GatherCheck&&) noexcept;

    /// Word 0 of the captures of a checked call.
    const void* vector_functions() const;
    /// UserError on behalf of `where` if an index was out of range.
    void finish(const char* where, const plan::Mods& mods) const;

private:
    struct Table;
    friend void check_gather(const Word*, std::int32_t, std::int32_t, const std::int64_t*,
                             std::int32_t, std::int32_t, std::int32_t, std::int32_t, std::int32_t,
                             std::int32_t, LaneAxis);
    std::unique_ptr<Table> table_;
};

}  // namespace flexion::cpu
