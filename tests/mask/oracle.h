// SPDX-License-Identifier: Apache-2.0
// What a block mask should be, by brute force: a plain predicate made dense, then torch's
// algorithm.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <flexion/block_mask.h>

#include "mask/build.h"

namespace flexion::test {

/// A mask_mod in plain C++.
using Predicate =
    std::function<bool(std::int64_t b, std::int64_t h, std::int64_t q, std::int64_t k)>;

/// A mask_mod twice: traced, and as a predicate.
struct MaskCase {
    std::string name;
    MaskMod mod;
    Predicate predicate;
};

enum State : std::uint8_t { kEmpty, kPartial, kFull };

/// States of all blocks, [B, H, rows, cols].
struct Blocks {
    std::int64_t B = 1, H = 1, rows = 0, cols = 0;
    std::vector<std::uint8_t> states;
    std::uint8_t at(std::int64_t b, std::int64_t h, std::int64_t r, std::int64_t c) const {
        return states[((b * H + h) * rows + r) * cols + c];
    }
    bool operator==(const Blocks&) const = default;
};

/// Zero-pads the dense mask to whole blocks, sums each block, and calls it full when the sum is the
/// block's size: torch's rule.
Blocks brute_force(const Predicate& predicate, std::int64_t B, std::int64_t H, std::int64_t q_len,
                   std::int64_t kv_len, BlockSize block_size);

/// The states that the runs of a mask say. Fails the test when runs are not ascending, disjoint,
/// inside the mask and joined.
Blocks states_of(const BlockMask& mask);

/// Torch's table of the blocks in `state`: sums, and a stable descending argsort of the indicator.
BlockTable torch_table(const Blocks& blocks, std::uint8_t state);
Blocks transposed(const Blocks& blocks);

/// Holds everything that a mask says of its blocks against brute force.
void expect_matches(const BlockMask& mask, const Predicate& predicate, const std::string& what);

/// mask::build on the calling thread with interpreted leaves.
BlockMask build(const MaskMod& mod, std::optional<std::int64_t> B, std::optional<std::int64_t> H,
                std::int64_t q_len, std::int64_t kv_len, BlockSize block_size = {});

/// The message of the error of type E that f throws; fails the test when it throws none.
template <class E, class F>
std::string message_of(F&& f);

}  // namespace flexion::test

#include <gtest/gtest.h>

template <class E, class F>
std::string flexion::test::message_of(F&& f) {
    try {
        std::forward<F>(f)();
    } catch (const E& error) {
        return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
}
