// SPDX-License-Identifier: Apache-2.0
// One misuse of flexion::attention_backward per test, and calls at its edges.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include <flexion/flexion.h>

#include "cases/host_tensor.h"

namespace flexion {
namespace {

using test::HostTensor;

class BackwardErrors : public ::testing::Test {
protected:
    BackwardErrors() {
        options_.backend = "reference";
        // Only zeros are certain to be there when gradients are looked at.
        for (HostTensor* each : {&q_memory_, &k_memory_, &v_memory_, &out_memory_, &lse_memory_,
                                 &d_out_memory_, &buffer_memory_}) {
            for (std::int64_t i = 0; i < each->view().numel(); ++i) each->set(i, 0);
        }
    }
    void call() { attention_backward(q_, k_, v_, out_, lse_, d_out_, d_q_, d_k_, d_v_, options_); }
    /// A score_mod of two buffers, of floats and of integers, and gradients for the first.
    void capture() {
        const Buffer slopes = buffer(buffer_memory_.view());
        const Buffer numbers = buffer(numbers_memory_.view());
        options_.score_mod = score_mod([&](Expr s, Expr, Expr h, Expr, Expr k) {
            return s + slopes[h] * to_float(numbers[k]);
        });
        slopes_ = static_cast<std::size_t>(options_.score_mod.position(slopes));
        numbers_ = static_cast<std::size_t>(options_.score_mod.position(numbers));
        options_.d_buffers.resize(2);
        options_.d_buffers[slopes_] = d_buffer_memory_.view();
    }

    /// The call throws E, whose message has each of `parts`.
    template <class E>
    void expect(const std::vector<std::string>& parts) {
        try {
            call();
        } catch (const E& error) {
            const std::string message = error.what();
            for (const std::string& part : parts) {
                EXPECT_NE(message.find(part), std::string::npos)
                    << "\"" << part << "\" is not in: " << message;
            }
            EXPECT_EQ(message.find("flexion::attention_backward: "), 0u) << message;
            return;
        } catch (const std::exception& error) {
            FAIL() << "another exception: " << error.what();
        }
        FAIL() << "no exception";
    }

    HostTensor q_memory_{DType::f32, {2, 4, 10, 8}}, k_memory_{DType::f32, {2, 2, 12, 8}};
    HostTensor v_memory_{DType::f32, {2, 2, 12, 6}}, out_memory_{DType::f32, {2, 4, 10, 6}};
    HostTensor lse_memory_{DType::f32, {2, 4, 10}}, d_out_memory_{DType::f32, {2, 4, 10, 6}};
    HostTensor d_q_memory_{DType::f32, {2, 4, 10, 8}}, d_k_memory_{DType::f32, {2, 2, 12, 8}};
    HostTensor d_v_memory_{DType::f32, {2, 2, 12, 6}};
    HostTensor buffer_memory_{DType::f32, {4}}, d_buffer_memory_{DType::f32, {4}};
    HostTensor numbers_memory_{DType::i32, {12}};
    TensorView q_ = q_memory_.view(), k_ = k_memory_.view(), v_ = v_memory_.view();
    TensorView out_ = out_memory_.view(), lse_ = lse_memory_.view(), d_out_ = d_out_memory_.view();
    TensorView d_q_ = d_q_memory_.view(), d_k_ = d_k_memory_.view(), d_v_ = d_v_memory_.view();
    BackwardOptions options_;
    std::size_t slopes_ = 0, numbers_ = 0;
};

TEST_F(BackwardErrors, TheCallOfTheseTestsIsRightAsItIs) {
    EXPECT_NO_THROW(call());
    capture();
    EXPECT_NO_THROW(call());
}
TEST_F(BackwardErrors, RulesOfTheForwardCall) {
    k_.shape[3] = 7;
    expect<UserError>({"the same head dim", "k f32[2, 2, 12, 7]"});
}
TEST_F(BackwardErrors, GroupedHeadsNotAllowed) {
    options_.enable_gqa = false;
    expect<UserError>({"Hq=4 and Hkv=2"});
}
TEST_F(BackwardErrors, NoOut) {
    out_.data = nullptr;
    expect<UserError>({"out f32[2, 4, 10, 6] without data"});
}
TEST_F(BackwardErrors, NoLse) {
    lse_ = {};
    expect<UserError>({"lse f32[]", "expected 3 dimensions, [B, Hq, Sq]"});
    lse_ = lse_memory_.view();
    lse_.data = nullptr;
    expect<UserError>({"lse f32[2, 4, 10] without data"});
}
TEST_F(BackwardErrors, DtypeOfLse) {
    lse_.dtype = DType::f64;
    expect<UserError>({"lse f64[2, 4, 10]", "must be f32"});
}
TEST_F(BackwardErrors, ShapeOfDLse) {
    options_.d_lse = lse_memory_.view();
    options_.d_lse.shape[1] = 2;
    expect<UserError>({"d_lse f32[2, 2, 10]", "expected [2, 4, 10]"});
}
TEST_F(BackwardErrors, ShapeOfDOut) {
    d_out_.shape[3] = 5;
    expect<UserError>({"d_out f32[2, 4, 10, 5] for out f32[2, 4, 10, 6]", "the same shape"});
}
TEST_F(BackwardErrors, DtypeOfDOut) {
    d_out_.dtype = DType::bf16;
    expect<UserError>({"d_out bf16[2, 4, 10, 6] for out f32[2, 4, 10, 6]", "dtype"});
}
TEST_F(BackwardErrors, ShapeOfDQ) {
    d_q_.shape[2] = 9;
    expect<UserError>({"d_q f32[2, 4, 9, 8] for q f32[2, 4, 10, 8]"});
}
TEST_F(BackwardErrors, DKHasTheHeadsOfK) {
    d_k_.shape[1] = 4;
    expect<UserError>({"d_k f32[2, 4, 12, 8] for k f32[2, 2, 12, 8]"});
}
TEST_F(BackwardErrors, DtypeOfDV) {
    d_v_.dtype = DType::f64;
    expect<UserError>({"d_v f64[2, 2, 12, 6] for v f32[2, 2, 12, 6]"});
}
TEST_F(BackwardErrors, DKOverwritesItself) {
    d_k_.strides[0] = 0;
    expect<UserError>({"d_k", "stride 0 in dimension 0", "memory for every element"});
}
TEST_F(BackwardErrors, AGradientIsAnInput) {
    d_q_ = q_;
    expect<UserError>({"d_q and q begin at the same address", "other memory for d_q"});
}
TEST_F(BackwardErrors, TwoGradientsAreOne) {
    k_.shape[3] = q_.shape[3] = d_q_.shape[3] = d_k_.shape[3] = 6;
    d_v_.data = d_k_.data;
    expect<UserError>({"d_v and d_k begin at the same address"});
}
TEST_F(BackwardErrors, Threads) {
    options_.threads = -2;
    expect<UserError>({"threads=-2"});
}
TEST_F(BackwardErrors, Scale) {
    options_.scale = HUGE_VAL;
    expect<UserError>({"scale=inf"});
}
TEST_F(BackwardErrors, Backend) {
    options_.backend = "abacus";
    expect<UserError>({"backend \"abacus\"", "this build of Flexion has"});
}
TEST_F(BackwardErrors, Mask) {
    options_.block_mask = create_block_mask(masks::causal(), {}, {}, 10, 11);
    expect<UserError>({"created for q_len=10 and kv_len=11"});
}
TEST_F(BackwardErrors, BufferGradientWithoutAScoreMod) {
    options_.d_buffers = {d_buffer_memory_.view()};
    expect<UserError>({"d_buffers[0]", "captures 0 buffers"});
}
TEST_F(BackwardErrors, BufferGradientPastTheLast) {
    capture();
    options_.d_buffers = {{}, {}, d_buffer_memory_.view()};
    expect<UserError>({"d_buffers[2]", "captures 2 buffers", "score_mod.captures().buffers"});
}
TEST_F(BackwardErrors, BufferOfIntegers) {
    capture();
    const HostTensor gradient(DType::f32, {12});
    options_.d_buffers[numbers_] = gradient.view();
    expect<UserError>({"f32[12] for a buffer of i32", "leave it empty"});
}
TEST_F(BackwardErrors, ShapeOfABufferGradient) {
    capture();
    options_.d_buffers[slopes_].shape[0] = 3;
    expect<UserError>({"f32[3] for the buffer f32[4]", "the shape of the buffer"});
}
TEST_F(BackwardErrors, DtypeOfABufferGradient) {
    capture();
    options_.d_buffers[slopes_].dtype = DType::bf16;
    expect<UserError>({"bf16[4] for the buffer f32[4]", "its dtype or f32"});
}
TEST_F(BackwardErrors, ABufferGradientIsAnInput) {
    capture();
    options_.d_buffers[slopes_].data = q_.data;
    expect<UserError>({"and q begin at the same address"});
}
TEST_F(BackwardErrors, OnTwoDevices) {
    d_q_.device = Device::cuda;
    expect<UserError>({"in host memory and on a CUDA device"});
}

// Neither memory is there: the call is refused before it reads or writes any.
TEST_F(BackwardErrors, ABufferOfManyElementsUnderAComputedIndex) {
    constexpr std::int64_t kMany = std::int64_t{1} << 31;
    const Buffer table = buffer(TensorView::dense(buffer_memory_.view().data, DType::f32, {kMany}));
    options_.score_mod =
        score_mod([&](Expr s, Expr, Expr, Expr q, Expr k) { return s + table[q * k]; });
    options_.d_buffers = {TensorView::dense(d_buffer_memory_.view().data, DType::f32, {kMany})};
    options_.backend = "cpu";
    try {
        call();
        FAIL() << "no exception";
    } catch (const Unsupported& error) {
        const std::string message = error.what();
        EXPECT_NE(message.find("captured buffer 0"), std::string::npos) << message;
        EXPECT_NE(message.find("2147483648 elements are too many on the cpu"), std::string::npos)
            << message;
    } catch (const UserError& error) {
        const std::string message = error.what();
        if (message.find("this build of Flexion has") == std::string::npos) throw;
        GTEST_SKIP() << message;
    }
}

TEST_F(BackwardErrors, NothingWantedIsNoError) {
    d_q_ = d_k_ = d_v_ = {};
    EXPECT_NO_THROW(call());
}

TEST_F(BackwardErrors, WithoutKeysGradientsAreZero) {
    capture();
    for (TensorView* view : {&k_, &v_, &d_k_, &d_v_}) view->shape[2] = 0;
    call();
    for (std::int64_t i = 0; i < d_q_.numel(); ++i) EXPECT_EQ(d_q_memory_.get(i), 0);
    for (std::int64_t i = 0; i < 4; ++i) EXPECT_EQ(d_buffer_memory_.get(i), 0);
}

TEST_F(BackwardErrors, WithoutQueriesGradientsAreZero) {
    for (TensorView* view : {&q_, &out_, &lse_, &d_out_, &d_q_}) view->shape[2] = 0;
    call();
    for (std::int64_t i = 0; i < d_k_.numel(); ++i) EXPECT_EQ(d_k_memory_.get(i), 0);
    for (std::int64_t i = 0; i < d_v_.numel(); ++i) EXPECT_EQ(d_v_memory_.get(i), 0);
}

}  // namespace
}  // namespace flexion
