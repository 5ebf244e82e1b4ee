// SPDX-License-Identifier: Apache-2.0
// Every golden source and every shape of the skeleton compiles, with no spills and no serialised
// matrix instructions where that is promised. Needs NVRTC, but no GPU.
#include <gtest/gtest.h>

#include <flexion/error.h>
#include "backend/cuda/cubin.h"
#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/nvrtc.h"
#include "emit_cases.h"

namespace flexion::test {
namespace {

class Compiles : public testing::Test {
protected:
    void SetUp() override {
        std::string why;
        if (!cuda::Nvrtc::find(&why)) GTEST_SKIP() << "no NVRTC: " << why;
    }
    cuda::Header compile(const plan::Problem& problem, const plan::Mods& mods) {
        const cuda::CudaBackend backend;
        const backend::Source source = backend.emit(problem, mods);
        const backend::Binary binary = backend.compile(source);
        EXPECT_GT(cuda::cubin_of(binary).size(), 1000u);
        return cuda::header_of(binary);
    }
};

class CompilesCase : public Compiles, public testing::WithParamInterface<EmitCase> {};

TEST_P(CompilesCase, WithoutSpills) {
    const EmitInputs inputs(GetParam());
    const cuda::Header header = compile(inputs.problem, inputs.mods);
    if (GetParam().name == "mixed" || GetParam().name == "bias_2d") return;
    EXPECT_LE(header.spilled_bytes, 64);
    EXPECT_EQ(header.candidate, 0);
}

INSTANTIATE_TEST_SUITE_P(Cases, CompilesCase, testing::ValuesIn(emit_cases()),
                         [](const auto& info) { return info.param.name; });

struct Shape {
    DType dtype;
    int head_dim, v_head_dim;
};
void PrintTo(const Shape& s, std::ostream* out) {
    *out << name_of(s.dtype) << " " << s.head_dim << "x" << s.v_head_dim;
}
class CompilesShape : public Compiles, public testing::WithParamInterface<Shape> {};

TEST_P(CompilesShape, WithoutSpills) {
    EmitInputs inputs(emit_cases()[1]);
    inputs.problem.dtype = GetParam().dtype;
    inputs.problem.head_dim = static_cast<std::uint16_t>(GetParam().head_dim);
    inputs.problem.v_head_dim = static_cast<std::uint16_t>(GetParam().v_head_dim);
    const cuda::Header header = compile(inputs.problem, inputs.mods);
    EXPECT_LE(header.spilled_bytes, 64);
    EXPECT_LE(header.shared_bytes, cuda::kMaxSharedBytes);
}

INSTANTIATE_TEST_SUITE_P(Shapes, CompilesShape,
                         testing::Values(Shape{DType::bf16, 16, 16}, Shape{DType::f16, 64, 64},
                                         Shape{DType::bf16, 96, 96}, Shape{DType::f16, 128, 128},
                                         Shape{DType::bf16, 192, 128}, Shape{DType::bf16, 80, 256},
                                         Shape{DType::bf16, 256, 256}),
                         [](const auto& info) {
                             return std::string(name_of(info.param.dtype)) + "_" +
                                    std::to_string(info.param.head_dim) + "x" +
                                    std::to_string(info.param.v_head_dim);
                         });

TEST_F(Compiles, OrSaysWhatIsWrong) {
    backend::Source source{"broken", "cuda:sm_90a", "", "// candidates: 2,128,2,0\nint x = ;\n"};
    try {
        cuda::compile_best(source);
        FAIL() << "compiled";
    } catch (const CompileError& error) {
        EXPECT_NE(std::string(error.what()).find("refused kernel broken"), std::string::npos)
            << error.what();
        EXPECT_NE(std::string(error.what()).find("expected an expression"), std::string::npos)
            << error.what();
    }
}

TEST(ReadLog, FindsSpillsAndSerialisation) {
    cuda::Compiled compiled;
    compiled.log =
        "ptxas info    : (C7512) Potential Performance Loss: wgmma.mma_async instructions are "
        "serialized due to insufficient register resources for the wgmma pipeline\n"
        "    48 bytes stack frame, 88 bytes spill stores, 100 bytes spill loads\n"
        "ptxas info    : Used 168 registers, used 16 barriers\n";
    cuda::read_log(compiled);
    EXPECT_TRUE(compiled.serialized);
    EXPECT_EQ(compiled.spilled_bytes, 88);
    EXPECT_EQ(compiled.registers, 168);
    compiled.log = "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n";
    cuda::read_log(compiled);
    EXPECT_FALSE(compiled.serialized);
    EXPECT_EQ(compiled.spilled_bytes, 0);
}

}  // namespace
}  // namespace flexion::test
