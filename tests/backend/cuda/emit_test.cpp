// SPDX-License-Identifier: Apache-2.0
// The generated part of every case equals its golden file. FLEXION_UPDATE_GOLDEN=1 rewrites them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "backend/cuda/emit/mod_emitter.h"
#include "emit_cases.h"

namespace flexion::test {
namespace {

class Emit : public testing::TestWithParam<EmitCase> {};

TEST_P(Emit, EqualsItsGoldenFile) {
    const EmitInputs inputs(GetParam());
    const std::string text = cuda::emit_mods(inputs.problem, inputs.mods).text;
    const std::string path = std::string(FLEXION_GOLDEN_DIR) + "/" + GetParam().name + ".txt";
    if (std::getenv("FLEXION_UPDATE_GOLDEN")) std::ofstream(path) << text;
    std::ifstream file(path);
    ASSERT_TRUE(file) << path << " is missing; FLEXION_UPDATE_GOLDEN=1 writes it";
    std::stringstream golden;
    golden << file.rdbuf();
    EXPECT_EQ(text, golden.str()) << "see " << path;
}

INSTANTIATE_TEST_SUITE_P(Cases, Emit, testing::ValuesIn(emit_cases()),
                         [](const auto& info) { return info.param.name; });

TEST(Emit, IsTheSameTwice) {
    const EmitInputs first(emit_cases().back()), second(emit_cases().back());
    EXPECT_EQ(cuda::emit_mods(first.problem, first.mods).text,
              cuda::emit_mods(second.problem, second.mods).text);
}

}  // namespace
}  // namespace flexion::test
