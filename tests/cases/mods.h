// SPDX-License-Identifier: Apache-2.0
// The mods of the attention cases, by name.
#pragma once

#include <deque>
#include <random>
#include <string>
#include <vector>

#include <flexion/flexion.h>

#include "cases/attention_cases.h"

namespace flexion::test {

/// Owns what the mods of a case capture.
class CapturedMemory {
public:
    CapturedMemory(const AttentionCase& shape, std::mt19937_64& random)
        : shape(shape), random(random) {}
    Buffer normal(DType dtype, const std::vector<std::int64_t>& extents);
    Buffer integers(DType dtype, const std::vector<std::int64_t>& extents, std::int64_t low,
                    std::int64_t high);
    /// Documents of uneven random lengths: [length], ascending from 0.
    Buffer documents(std::int64_t length, int count);

    const AttentionCase& shape;
    std::mt19937_64& random;

private:
    std::deque<HostTensor> tensors_;
};

/// "none" gives an empty mod; "random", with any number after it, one at random.
ScoreMod make_score_mod(const std::string& name, CapturedMemory& memory);
/// "none" gives an empty mask.
BlockMask make_block_mask(const std::string& name, CapturedMemory& memory);

std::vector<std::string> score_mod_names();
std::vector<std::string> mask_names();

}  // namespace flexion::test
