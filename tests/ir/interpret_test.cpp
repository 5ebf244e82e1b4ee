// SPDX-License-Identifier: Apache-2.0
// The interpreter: uniform and varying positions, chunks, loads of every dtype, both precisions.
#include "ir/interpret.h"

#include <flexion/error.h>
#include <flexion/masks.h>
#include <gtest/gtest.h>

#include "ir/text.h"

namespace flexion::ir {
namespace {

TEST(Interpret, CausalOverManyChunks) {
    const MaskMod causal = masks::causal();
    Interpreter interpreter(causal.function(), causal.captures(), Precision::typed);
    std::vector<std::int32_t> keys(2000);
    for (int i = 0; i < 2000; ++i) keys[i] = i;
    Positions positions{.count = 2000, .k = keys.data(), .q_all = 700};
    const auto& columns = interpreter.run(positions);
    ASSERT_EQ(columns.size(), 1u);
    for (int i = 0; i < 2000; ++i) EXPECT_EQ(columns[0].integer[i], i <= 700) << i;
}

}  // namespace
}  // namespace flexion::ir
