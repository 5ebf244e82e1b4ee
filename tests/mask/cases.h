// SPDX-License-Identifier: Apache-2.0
// The masks that the tests of block masks go through.
#pragma once

#include <random>
#include <vector>

#include "mask/oracle.h"

namespace flexion::test {

/// Memory behind the captures of mask_cases(); outlives all tests.
struct CaseData {
    static constexpr std::int64_t kLength = 1100;
    std::vector<std::int32_t> document;  ///< [kLength], ascending numbers of documents
    std::vector<std::int64_t> shuffled;  ///< [kLength], in [-3, 3]
    std::vector<std::uint8_t> flags;     ///< [kLength], bool
    std::vector<std::int32_t> windows;   ///< [4], by head
    std::vector<std::int32_t> offsets;   ///< [4], by batch
    std::vector<std::int16_t> table;     ///< [4, kLength], by batch and key
    std::vector<float> slopes;           ///< [4], by head

    explicit CaseData(std::mt19937_64& random);
};

/// Masks of every kind: proved, evaluated, by buffers, by b and h.
std::vector<MaskCase> mask_cases(const CaseData& data);

}  // namespace flexion::test
