// SPDX-License-Identifier: Apache-2.0
// One misuse of flexion::attention per test: the exception's type and what the message says.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include <flexion/flexion.h>

#include "api/validate/validate.h"
#include "cases/host_tensor.h"

namespace flexion {
namespace {

using test::HostTensor;

class Errors : public ::testing::Test {
protected:
    Errors() {
        q_ = q_memory_.view();
        k_ = k_memory_.view();
        v_ = v_memory_.view();
        out_ = out_memory_.view();
    }
    void call() { attention(q_, k_, v_, out_, options_); }

    /// The call throws E, whose message has each of `parts`.
    template <class E>
    void expect(const std::vector<std::string>& parts) {
        try {
            call();
        } catch (const E& error) {
            for (const std::string& part : parts) {
                EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
                    << "\"" << part << "\" is not in: " << error.what();
            }
            EXPECT_EQ(std::string(error.what()).find("flexion::attention: "), 0u) << error.what();
            return;
        } catch (const std::exception& error) {
            FAIL() << "another exception: " << error.what();
        }
        FAIL() << "no exception";
    }

    HostTensor q_memory_{DType::f32, {2, 4, 10, 8}};
    HostTensor k_memory_{DType::f32, {2, 2, 12, 8}};
    HostTensor v_memory_{DType::f32, {2, 2, 12, 6}};
    HostTensor out_memory_{DType::f32, {2, 4, 10, 6}};
    HostTensor lse_memory_{DType::f32, {2, 4, 10}};
    TensorView q_, k_, v_, out_;
    AttentionOptions options_;
};

TEST_F(Errors, TheCallOfTheseTestsIsRightAsItIs) { EXPECT_NO_THROW(call()); }

TEST_F(Errors, Rank) {
    q_.rank = 3;
    expect<UserError>({"q f32[2, 4, 10]", "expected 4 dimensions", "[B, Hq, Sq, D]"});
}
TEST_F(Errors, RankOfOut) {
    out_.rank = 5;
    expect<UserError>({"out f32[", "expected 4 dimensions", "[B, Hq, Sq, Dv]"});
}
TEST_F(Errors, NegativeExtent) {
    k_.shape[2] = -1;
    expect<UserError>({"k f32[2, 2, -1, 8]", "negative"});
}
TEST_F(Errors, NoData) {
    v_.data = nullptr;
    expect<UserError>({"v f32[2, 2, 12, 6] without data"});
}
TEST_F(Errors, IntegerQueries) {
    q_.dtype = DType::i8;
    expect<Unsupported>({"q i8[", "may be f32, f64, bf16 or f16"});
}
TEST_F(Errors, MixedDtypes) {
    k_.dtype = DType::bf16;
    expect<UserError>({"the same dtype", "f32, bf16, f32 and f32", "convert"});
}
TEST_F(Errors, DtypeOfOut) {
    out_.dtype = DType::f16;
    expect<UserError>({"the same dtype", "f32, f32, f32 and f16"});
}
TEST_F(Errors, HeadDims) {
    k_.shape[3] = 7;
    expect<UserError>({"the same head dim", "q f32[2, 4, 10, 8]", "k f32[2, 2, 12, 7]"});
}
TEST_F(Errors, KeysAndValuesDisagree) {
    v_.shape[2] = 11;
    expect<UserError>({"k and v to agree", "k f32[2, 2, 12, 8]", "v f32[2, 2, 11, 6]"});
}
TEST_F(Errors, Batch) {
    q_.shape[0] = out_.shape[0] = 3;
    expect<UserError>({"batch of k and v to be q's or 1", "q f32[3, ", "k f32[2, "});
}
TEST_F(Errors, GroupedHeadsNotAllowed) {
    options_.enable_gqa = false;
    expect<UserError>({"Hq=4 and Hkv=2", "enable_gqa = true", "divide"});
}
TEST_F(Errors, HeadsDoNotDivide) {
    q_.shape[1] = out_.shape[1] = 3;
    expect<UserError>({"Hq=3 and Hkv=2", "must divide"});
}
TEST_F(Errors, NoKeyHeads) {
    k_.shape[1] = v_.shape[1] = 0;
    expect<UserError>({"Hq=4 and Hkv=0"});
}
TEST_F(Errors, EmptyHeadDim) {
    q_.shape[3] = k_.shape[3] = 0;
    expect<UserError>({"a head dim must be at least 1"});
}
TEST_F(Errors, LargeHeadDim) {
    q_.shape[3] = k_.shape[3] = 513;
    expect<Unsupported>({"head dims up to 512", "q f32[2, 4, 10, 513]"});
}
TEST_F(Errors, LengthsBeyondPositions) {
    k_.shape[2] = v_.shape[2] = std::int64_t{1} << 31;
    expect<Unsupported>({"limited to 2147418112", "2147483648"});
}
TEST_F(Errors, ShapeOfOut) {
    out_.shape[3] = 8;
    expect<UserError>({"out f32[2, 4, 10, 8]", "expected [2, 4, 10, 6]"});
}
TEST_F(Errors, OutOverwritesItself) {
    out_.strides[1] = 0;
    expect<UserError>({"out", "stride 0 in dimension 1", "memory for every element"});
}
TEST_F(Errors, OutIsAnInput) {
    out_ = q_;
    v_.shape[3] = 8;
    v_.data = k_.data;  // inputs may be one
    expect<UserError>({"out and q begin at the same address", "other memory"});
}
TEST_F(Errors, RankOfLse) {
    options_.lse = out_;
    expect<UserError>({"lse f32[2, 4, 10, 6]", "expected 3 dimensions"});
}
TEST_F(Errors, DtypeOfLse) {
    options_.lse = lse_memory_.view();
    options_.lse.dtype = DType::f64;
    expect<UserError>({"lse f64[2, 4, 10]", "must be f32"});
}
TEST_F(Errors, ShapeOfMaxScores) {
    options_.max_scores = lse_memory_.view();
    options_.max_scores.shape[2] = 9;
    expect<UserError>({"max_scores f32[2, 4, 9]", "expected [2, 4, 10]"});
}
TEST_F(Errors, Threads) {
    options_.threads = -1;
    expect<UserError>({"threads=-1"});
}
TEST_F(Errors, KernelOptionsInHostMemory) {
    options_.kernel_options.block_kv = 64;
    expect<Unsupported>({"kernel_options are tiles of CUDA kernels", "leave them out"});
}
TEST_F(Errors, Scale) {
    options_.scale = std::nan("");
    expect<UserError>({"scale=nan", "finite"});
}
TEST_F(Errors, Backend) {
    options_.backend = "abacus";
    expect<UserError>({"backend \"abacus\"", "this build of Flexion has", "reference"});
}
TEST_F(Errors, MaskTooShort) {
    options_.block_mask = create_block_mask(masks::causal(), {}, {}, 10, 11);
    expect<UserError>(
        {"created for q_len=10 and kv_len=11", "got q_len=10 and kv_len=12", "create a new mask"});
}
TEST_F(Errors, MaskTooLong) {
    options_.block_mask = create_block_mask(masks::causal(), {}, {}, 128, 128);
    expect<UserError>({"created for q_len=128 and kv_len=128", "got q_len=10 and kv_len=12",
                       "block_mask.adjust(q_len, kv_len)"});
    options_.block_mask = options_.block_mask.adjust(10, 12);
    EXPECT_NO_THROW(call());
}
TEST_F(Errors, MaskOfAnotherBatch) {
    options_.block_mask = create_block_mask(masks::causal(), 3, {}, 10, 12);
    expect<UserError>({"created with B=3", "q has B=2", "without B"});
}
TEST_F(Errors, MaskOfOtherHeads) {
    options_.block_mask = create_block_mask(masks::causal(), {}, 2, 10, 12);
    expect<UserError>({"created with H=2", "q has H=4"});
}
TEST_F(Errors, MaskReadsTheBatchItWasNotBuiltFor) {
    const MaskMod reads_b = mask_mod([](Expr b, Expr, Expr q, Expr k) { return q + b >= k; });
    options_.block_mask = create_block_mask(reads_b, {}, {}, 10, 12);
    expect<UserError>({"depends on B", "without B", "create it with B=2"});
    options_.block_mask = create_block_mask(reads_b, 2, {}, 10, 12);
    EXPECT_NO_THROW(call());
}
TEST_F(Errors, MaskModOfAnotherStructure) {
    const auto shifted = [](std::int64_t by) {
        const Scalar shift = scalar(by);
        return mask_mod([shift](Expr, Expr, Expr q, Expr k) { return q + shift >= k; });
    };
    options_.block_mask = create_block_mask(shifted(1), {}, {}, 10, 12);
    options_.mask_mod = shifted(2);
    EXPECT_NO_THROW(call());
    options_.mask_mod = mask_mod([](Expr, Expr, Expr q, Expr k) { return q >= k; });
    expect<UserError>({"structure", "with_mask_mod"});
}

TEST_F(Errors, MaskReadsTheHeadItWasNotBuiltFor) {
    const MaskMod reads_h = mask_mod([](Expr, Expr h, Expr q, Expr k) { return q + h >= k; });
    options_.block_mask = create_block_mask(reads_h, 2, {}, 10, 12);
    expect<UserError>({"depends on H", "create it with H=4"});
    options_.block_mask = create_block_mask(reads_h, 2, 4, 10, 12);
    EXPECT_NO_THROW(call());
}

TEST_F(Errors, OneBatchAndHeadMayReadAnyMask) {
    const MaskMod reads_both =
        mask_mod([](Expr b, Expr h, Expr q, Expr k) { return q + b + h >= k; });
    options_.block_mask = create_block_mask(reads_both, {}, {}, 10, 12);
    for (TensorView* view : {&q_, &k_, &v_, &out_}) view->shape[0] = view->shape[1] = 1;
    EXPECT_NO_THROW(call());
}

TEST_F(Errors, EmptyDimensionsAreNoErrors) {
    const auto empty = [](std::vector<TensorView*> views, int dim) {
        for (TensorView* view : views) view->shape[dim] = 0;
    };
    empty({&q_, &out_}, 2);
    EXPECT_NO_THROW(call());
    empty({&q_, &k_, &v_, &out_}, 0);
    EXPECT_NO_THROW(call());
}

TEST_F(Errors, WithoutKeysRowsAreZero) {
    k_.shape[2] = v_.shape[2] = 0;
    k_.data = v_.data = nullptr;
    options_.lse = options_.max_scores = lse_memory_.view();
    call();
    for (std::int64_t i = 0; i < out_.numel(); ++i) EXPECT_EQ(out_memory_.get(i), 0);
    for (std::int64_t i = 0; i < 80; ++i) EXPECT_EQ(lse_memory_.get(i), -HUGE_VAL);
}

}  // namespace
}  // namespace flexion
