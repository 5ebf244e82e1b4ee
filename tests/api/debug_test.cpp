// SPDX-License-Identifier: Apache-2.0
// The option `debug`: a gather's index that is out of range is an error that says where.
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include <flexion/flexion.h>
#include <flexion/options.h>

#include "cases/host_tensor.h"
#include "seed.h"

namespace flexion::test {
namespace {

class DebugMode {
public:
    DebugMode() { set_option("debug", "1"); }
    ~DebugMode() { set_option("debug", "0"); }
};

/// The back ends that check; "": what this build prefers, the CPU where it has it.
const char* const kBackends[] = {"", "reference"};

Buffer zeros(std::initializer_list<std::int64_t> shape) {
    static const std::vector<float> memory(200'000, 0.f);
    return buffer(TensorView::dense(memory.data(), DType::f32, shape));
}

/// attention of 2 heads and so many queries and keys; the outputs as one list.
std::vector<double> call(const ScoreMod& score, const BlockMask& mask, std::int64_t q_len,
                         std::int64_t kv_len, const char* backend, int threads = 0) {
    HostTensor q(DType::f32, {1, 2, q_len, 8}), k(DType::f32, {1, 2, kv_len, 8});
    auto random = generator(1);
    q.fill_normal(random);
    k.fill_normal(random);
    const HostTensor out(DType::f32, {1, 2, q_len, 8});
    attention(q.view(), k.view(), k.view(), out.view(),
              {.score_mod = score, .block_mask = mask, .threads = threads, .backend = backend});
    std::vector<double> values;
    for (std::int64_t i = 0; i < out.view().numel(); ++i) values.push_back(out.get(i));
    return values;
}

std::string message_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const UserError& error) {
        return error.what();
    }
    return "no error";
}

struct Wrong {
    const char* what;
    std::function<Expr(Expr h, Expr q, Expr k)> read;
    const char* found;  ///< with 40 queries and 70 keys
};

const Wrong kWrong[] = {
    {"by head", [](Expr h, Expr, Expr) { return zeros({1})[h]; },
     "@buffer0 out of range at b=0, h=1, q=0, k=0: index 1 of dimension 0, which has 1 elements; "
     "indices from -1 to 0 are in range"},
    {"by query", [](Expr, Expr q, Expr) { return zeros({33})[q]; },
     "@buffer0 out of range at b=0, h=0, q=33, k=0: index 33 of dimension 0, which has 33"},
    {"by key", [](Expr, Expr, Expr k) { return zeros({50})[k]; },
     "@buffer0 out of range at b=0, h=0, q=0, k=50: index 50 of dimension 0, which has 50"},
    {"by both", [](Expr, Expr q, Expr k) { return zeros({40, 69})(q, k); },
     "@buffer0 out of range at b=0, h=0, q=0, k=69: index 69 of dimension 1, which has 69"},
    {"in 64 bits", [](Expr, Expr q, Expr k) { return zeros({2000})[to_i64(q) * 1000 + k * 0]; },
     "@buffer0 out of range at b=0, h=0, q=2, k=0: index 2000 of dimension 0, which has 2000"},
    {"twice around", [](Expr, Expr, Expr k) { return zeros({65})[k - 66]; },
     "@buffer0 out of range at b=0, h=0, q=0, k=0: index -66 of dimension 0, which has 65"},
};

TEST(Debug, NamesBufferIndexAndPosition) {
    for (const Wrong& wrong : kWrong) {
        const ScoreMod score = score_mod(
            [&](Expr s, Expr, Expr h, Expr q, Expr k) { return s + wrong.read(h, q, k); });
        for (const char* backend : kBackends) {
            SCOPED_TRACE(std::string(wrong.what) + " " + backend);
            // The same on any number of threads, where nothing ends a call early.
            const int threads = *backend ? 1 : 0;
            const auto run = [&] { call(score, {}, 40, 70, backend, threads); };
            run();  // clamped
            const DebugMode debug;
            const std::string message = message_of(run);
            EXPECT_EQ(message.find("flexion::attention: score_mod "), 0u) << message;
            EXPECT_NE(message.find(wrong.found), std::string::npos) << message;
        }
    }
}

/// d_q of a call whose forward pass only clamped.
std::vector<double> call_backward(const ScoreMod& score, const BlockMask& mask, bool debug,
                                  const char* backend, int threads) {
    HostTensor q(DType::f32, {1, 2, 40, 8}), k(DType::f32, {1, 2, 70, 8});
    auto random = generator(1);
    q.fill_normal(random);
    k.fill_normal(random);
    const HostTensor out(DType::f32, {1, 2, 40, 8}), lse(DType::f32, {1, 2, 40});
    const HostTensor d_q(DType::f32, {1, 2, 40, 8});
    attention(q.view(), k.view(), k.view(), out.view(),
              {.score_mod = score, .block_mask = mask, .lse = lse.view(), .threads = 1});
    std::optional<DebugMode> mode;
    if (debug) mode.emplace();
    attention_backward(
        q.view(), k.view(), k.view(), out.view(), lse.view(), q.view(), d_q.view(), {}, {},
        {.score_mod = score, .block_mask = mask, .threads = threads, .backend = backend});
    std::vector<double> values;
    for (std::int64_t i = 0; i < d_q.view().numel(); ++i) values.push_back(d_q.get(i));
    return values;
}

TEST(Debug, TheBackwardPassToo) {
    for (const Wrong& wrong : kWrong) {
        const ScoreMod score = score_mod(
            [&](Expr s, Expr, Expr h, Expr q, Expr k) { return s * (wrong.read(h, q, k) + 1); });
        for (const char* backend : kBackends) {
            SCOPED_TRACE(std::string(wrong.what) + " " + backend);
            const int threads = *backend ? 1 : 0;
            const std::string message =
                message_of([&] { call_backward(score, {}, true, backend, threads); });
            EXPECT_EQ(message.find("flexion::attention_backward: score_mod "), 0u) << message;
            EXPECT_NE(message.find(wrong.found), std::string::npos) << message;
        }
    }
    std::vector<std::int32_t> ids(70, 1);
    const Buffer id = buffer(TensorView::dense(ids.data(), DType::i32, {68}));
    const BlockMask mask = create_block_mask(
        mask_mod([id](Expr, Expr, Expr q, Expr k) { return (id[q] == id[k]) & (k != 3); }), {}, {},
        40, 70, {16, 16});
    const ScoreMod right = score_mod(
        [](Expr s, Expr, Expr, Expr q, Expr) { return s * (zeros({39 * 39 + 1})[q * q] + 1); });
    for (const char* backend : kBackends) {
        const std::string message = message_of([&] { call_backward({}, mask, true, backend, 1); });
        EXPECT_EQ(message.find("flexion::attention_backward: mask_mod "), 0u) << message;
        EXPECT_NE(message.find("k=68: index 68 "), std::string::npos) << message;
        EXPECT_EQ(call_backward(right, {}, true, backend, 0),
                  call_backward(right, {}, false, backend, 0));
    }
}

TEST(Debug, FewQueriesToo) {
    const ScoreMod score =
        score_mod([](Expr s, Expr, Expr, Expr q, Expr k) { return s + zeros({600})[k * 10 + q]; });
    for (const char* backend : kBackends) {
        const DebugMode debug;
        const std::string message = message_of([&] { call(score, {}, 2, 70, backend, 1); });
        EXPECT_NE(message.find("b=0, h=0, q=0, k=60: index 600 "), std::string::npos) << message;
        call(score, {}, 2, 60, backend);
    }
}

TEST(Debug, MaskMods) {
    std::vector<std::int32_t> ids(70);
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(i * i % 3);
    const auto document = [&](std::int64_t length) {
        const Buffer id = buffer(TensorView::dense(ids.data(), DType::i32, {length}));
        return mask_mod([id](Expr, Expr, Expr q, Expr k) { return id[q] == id[k]; });
    };
    const BlockMask mask = create_block_mask(document(68), {}, {}, 40, 70, {16, 16});
    for (const char* backend : kBackends) {
        const DebugMode debug;
        const std::string message = message_of([&] { call({}, mask, 40, 70, backend, 1); });
        EXPECT_EQ(message.find("flexion::attention: mask_mod "), 0u) << message;
        EXPECT_NE(message.find("@buffer0 out of range at b=0, h=0, q=0, k=68: index 68 "),
                  std::string::npos)
            << message;
    }
    const DebugMode debug;
    const std::string message =
        message_of([&] { create_block_mask(document(68), {}, {}, 40, 70, {16, 16}); });
    EXPECT_EQ(message.find("flexion::create_block_mask: mask_mod "), 0u) << message;
    EXPECT_NE(message.find("k=68: index 68 "), std::string::npos) << message;
    EXPECT_NE(message_of([&] { create_mask(document(68), 1, 1, 40, 70); }).find("create_mask: "),
              std::string::npos);
    create_block_mask(document(70), {}, {}, 40, 70, {16, 16});
}

TEST(Debug, WhatIsInRangeIsAsWithout) {
    // Indices that are no affine forms; past the last query and key they would leave the buffers.
    const ScoreMod score = score_mod([](Expr s, Expr, Expr h, Expr q, Expr k) {
        return s * 0.5 + zeros({39 * 39 + 1})[q * q] + zeros({40, 69 * 69 + 1})(q - 40, k * k) +
               zeros({3})[h * h - 2];
    });
    const BlockMask mask = create_block_mask(masks::causal(30), {}, {}, 40, 70, {16, 16});
    for (const char* backend : kBackends) {
        for (const std::int64_t q_len : {40, 2}) {
            const BlockMask some = q_len == 40 ? mask : BlockMask();
            const std::vector<double> plain = call(score, some, q_len, 70, backend);
            const DebugMode debug;
            EXPECT_EQ(call(score, some, q_len, 70, backend), plain) << backend << q_len;
        }
    }
}

}  // namespace
}  // namespace flexion::test
