// SPDX-License-Identifier: Apache-2.0
// Calls among each other: what compiles, what threads and forks change (nothing), what is reported.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <fstream>
#include <thread>

#include <flexion/flexion.h>
#include <flexion/options.h>

#include "backend/temporary_folder.h"
#include "cases/check.h"
#include "seed.h"
#include "support/log.h"

namespace flexion::test {
namespace {

// More threads than the machine may have: the pool is made at the first call.
const bool kPoolOfSeven = [] {
    set_option("num_threads", "7");
    set_option("cache", "off");
    return true;
}();

bool compiles() {
    LaunchInfo info;
    HostTensor t(DType::f32, {1, 1, 1, 1}), out(DType::f32, {1, 1, 1, 1});
    t.set(0, 1);
    attention(t.view(), t.view(), t.view(), out.view(), {.info = &info});
    return info.backend != "reference";
}

/// The outputs of a case as bytes.
std::string bytes_of(const HostTensor& tensor) {
    std::string bytes;
    for (std::int64_t i = 0; i < tensor.view().numel(); ++i) {
        const double value = tensor.get(i);
        bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    return bytes;
}
std::string bytes_of(const Outputs& outputs) {
    return bytes_of(outputs.out) + bytes_of(outputs.lse) + bytes_of(outputs.max_scores);
}

const AttentionCase kCases[] = {
    {.B = 2, .Hq = 4, .Hkv = 2, .Sq = 300, .D = 32, .score = "alibi", .mask = "causal"},
    {.dtype = DType::bf16, .Hq = 3, .Sq = 257, .D = 64, .score = "softcap", .mask = "document"},
    {.Hq = 8, .Hkv = 2, .Sq = 1, .Skv = 1000, .D = 64, .score = "composed"},
    {.dtype = DType::f16,
     .B = 3,
     .Hq = 4,
     .Hkv = 1,
     .Sq = 2,
     .Skv = 700,
     .D = 40,
     .mask = "lengths"},
    {.B = 1, .Hq = 1, .Sq = 1000, .D = 16, .mask = "causal"},  // one head for all threads
    {.dtype = DType::f64, .B = 2, .Hq = 2, .Sq = 140, .D = 24, .mask = "window"},
};

TEST(Calls, ThreadsDoNotChangeABit) {
    for (const AttentionCase& c : kCases) {
        SCOPED_TRACE(c.name());
        const CaseInputs inputs(c);
        const std::string one = bytes_of(run(inputs, "", {.threads = 1}));
        for (const int threads : {0, 2, 3, 7}) {
            EXPECT_EQ(bytes_of(run(inputs, "", {.threads = threads})), one) << threads;
        }
        const ParallelFor backwards = [](std::int64_t n,
                                         const std::function<void(std::int64_t)>& body) {
            for (std::int64_t i = n - 1; i >= 0; --i) body(i);
        };
        const ParallelFor spawning = [](std::int64_t n,
                                        const std::function<void(std::int64_t)>& body) {
            std::vector<std::thread> threads;
            for (std::int64_t i = 0; i < n; ++i) threads.emplace_back(body, i);
            for (std::thread& thread : threads) thread.join();
        };
        for (const ParallelFor* loop : {&backwards, &spawning}) {
            EXPECT_EQ(bytes_of(run(inputs, "", {.threads = 5, .parallel_for = loop})), one);
        }
    }
}

TEST(Calls, ResultsDoNotDependOnWhatIsAskedFor) {
    for (const AttentionCase& c : kCases) {
        const CaseInputs inputs(c);
        EXPECT_EQ(bytes_of(run(inputs, "", {.statistics = false}).out),
                  bytes_of(run(inputs, "").out))
            << c.name();
    }
}

TEST(Calls, CallersDoNotDisturbEachOther) {
    std::vector<std::unique_ptr<CaseInputs>> inputs;
    std::vector<std::string> expected;
    for (const AttentionCase& c : kCases) {
        inputs.push_back(std::make_unique<CaseInputs>(c));
        expected.push_back(bytes_of(run(*inputs.back(), "")));
    }
    std::vector<std::thread> callers;
    for (std::size_t t = 0; t < 4; ++t) {
        callers.emplace_back([&, t] {
            for (std::size_t i = 0; i < 12; ++i) {
                const std::size_t n = (i + t) % inputs.size();
                EXPECT_EQ(bytes_of(run(*inputs[n], "", {.threads = static_cast<int>(t)})),
                          expected[n]);
            }
        });
    }
    for (std::thread& caller : callers) caller.join();
}

TEST(Calls, TwoCallersTwentyThousandTimes) {
    const AttentionCase c{.Hq = 2, .Sq = 3, .D = 8, .score = "softcap", .mask = "causal"};
    const CaseInputs inputs(c);
    const std::string expected = bytes_of(run(inputs, ""));
    std::vector<std::thread> callers;
    for (int t = 0; t < 2; ++t) {
        callers.emplace_back([&] {
            int wrong = 0;
            for (int i = 0; i < 10000; ++i) wrong += bytes_of(run(inputs, "")) != expected;
            EXPECT_EQ(wrong, 0);
        });
    }
    for (std::thread& caller : callers) caller.join();
}

TEST(Calls, AChildOfForkCalls) {
    const AttentionCase& c = kCases[0];
    const CaseInputs inputs(c);
    const std::string expected = bytes_of(run(inputs, ""));
    std::atomic<bool> stop{false};
    std::thread other([&] {
        const CaseInputs mine(kCases[1]);
        for (int i = 0; !stop; ++i) {
            const ScoreMod fresh =
                score_mod([i](Expr s, Expr, Expr, Expr, Expr) { return s + (i + 1000); });
            attention(mine.q.view(), mine.k.view(), mine.v.view(), run(mine, "").out.view(),
                      {.score_mod = fresh});
        }
    });
    for (int i = 0; i < 5; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            const ScoreMod fresh =
                score_mod([](Expr s, Expr, Expr, Expr, Expr) { return s - 12345; });
            const Outputs again = run(inputs, "");
            attention(inputs.q.view(), inputs.k.view(), inputs.v.view(), run(inputs, "").out.view(),
                      {.score_mod = fresh});
            _exit(bytes_of(again) == expected ? 0 : 1);
        }
        int status = -1;
        waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
    }
    stop = true;
    other.join();
}

TEST(Calls, NewLengthsBatchesAndValuesCompileNothing) {
    if (!compiles()) GTEST_SKIP() << "the reference compiles nothing";
    std::vector<float> slopes(64, 0.5f);
    std::vector<std::int32_t> documents(4096, 0);
    const auto call = [&](std::int64_t B, std::int64_t S, double cap, std::int64_t window) {
        const Buffer slope = buffer(TensorView::dense(slopes.data(), DType::f32, {64}));
        const Buffer document = buffer(TensorView::dense(documents.data(), DType::i32, {4096}));
        const ScoreMod score = compose(scores::alibi(slope), scores::softcap(cap));
        const MaskMod mask = masks::sliding_window(window) & masks::document(document);
        HostTensor q(DType::f32, {B, 4, S, 32}), k(DType::f32, {B, 2, S, 32});
        auto random = generator(3);
        q.fill_normal(random);
        k.fill_normal(random);
        const HostTensor out(DType::f32, {B, 4, S, 32});
        LaunchInfo info;
        attention(q.view(), k.view(), k.view(), out.view(),
                  {.score_mod = score,
                   .block_mask = create_block_mask(mask, {}, {}, S, S),
                   .info = &info});
        for (std::int64_t i = 0; i < out.view().numel(); ++i) {
            if (!std::isfinite(out.get(i))) {
                ADD_FAILURE() << "not finite: B=" << B << " S=" << S;
                break;
            }
        }
        return info.compile_ms;
    };
    EXPECT_GT(call(1, 100, 20, 50), 0);  // a partial block
    const CacheInfo before = cache_info();
    for (const std::int64_t B : {1, 2, 5}) {
        for (const std::int64_t S : {1, 2, 40, 128, 777, 1024, 4096}) {
            if (B > 1 && S > 1024) continue;
            EXPECT_EQ(call(B, S, 20, 50), 0);
        }
    }
    EXPECT_EQ(call(1, 300, 1e-3, 50), 0);
    EXPECT_EQ(call(1, 300, -7e30, -1), 0);
    EXPECT_EQ(call(1, 300, 20, std::int64_t{1} << 30), 0);
    slopes.assign(64, -3e5f);
    for (std::int32_t& each : documents) each = static_cast<std::int32_t>(generator(4)());
    EXPECT_EQ(call(2, 300, 20, 50), 0);
    const CacheInfo after = cache_info();
    EXPECT_EQ(after.compiled, before.compiled);
    EXPECT_EQ(after.memory_misses, before.memory_misses);
    EXPECT_GT(after.memory_hits, before.memory_hits);
    // Another structure does compile.
    const ScoreMod other = score_mod([](Expr s, Expr, Expr, Expr, Expr) { return s * 3 + 1; });
    const HostTensor t(DType::f32, {1, 1, 200, 8}), out(DType::f32, {1, 1, 200, 8});
    attention(t.view(), t.view(), t.view(), out.view(), {.score_mod = other});
    EXPECT_GT(cache_info().compiled, after.compiled);
}

TEST(Calls, TheFirstCallCompilesForAllLengths) {
    if (!compiles()) GTEST_SKIP() << "the reference compiles nothing";
    std::vector<float> slopes(2, 0.25f);
    const Buffer slope = buffer(TensorView::dense(slopes.data(), DType::f32, {2}));
    const ScoreMod score = score_mod(
        [&](Expr s, Expr, Expr h, Expr q, Expr k) { return tanh(s) - slope[h] * abs(q - k); });
    HostTensor t(DType::f32, {1, 2, 1000, 4});
    auto random = generator(6);
    t.fill_normal(random);
    const HostTensor out(DType::f32, {1, 2, 1000, 4});
    const auto call = [&](std::int64_t q_len, std::int64_t kv_len) {
        TensorView q = t.view(), k = t.view(), result = out.view();
        q.shape[2] = result.shape[2] = q_len;
        k.shape[2] = kv_len;
        const BlockMask mask =
            create_block_mask(masks::causal(kv_len - q_len), {}, {}, q_len, kv_len, {16, 16});
        attention(q, k, k, result, {.score_mod = score, .block_mask = mask});
        return cache_info().compiled;
    };
    const std::int64_t before = cache_info().compiled;
    const std::int64_t first = call(50, 50);
    // With and without the mask, many queries and few.
    EXPECT_EQ(first - before, 4);
    for (std::int64_t length = 1; length <= 1000; ++length) {
        ASSERT_EQ(call(length, length), first) << length << " queries and keys";
        ASSERT_EQ(call(std::min<std::int64_t>(length, 3), length), first) << length << " keys";
    }
}

TEST(Calls, GarbageInCapturedIntegersIsHarmless) {
    // The mask is made from good contents, then they are overwritten: wrong results, no fault.
    const AttentionCase c{.B = 2,
                          .Hq = 2,
                          .Sq = 200,
                          .D = 16,
                          .score = "chained",
                          .mask = "document_causal",
                          .block = {32, 32}};
    HostTensor index(DType::i64, {200}), table(DType::f32, {7});
    auto random = generator(5);
    index.fill_integers(random, 0, 6);
    table.fill_normal(random);
    const Buffer indices = buffer(index.view()), values = buffer(table.view());
    const MaskMod mask = mask_mod([&](Expr, Expr, Expr q, Expr k) {
        return (indices[q] == indices[k]) & (values[indices[k]] > -1);
    });
    const BlockMask block_mask = create_block_mask(mask, {}, {}, 200, 200, {32, 32});
    const ScoreMod score = score_mod(
        [&](Expr s, Expr, Expr, Expr q, Expr k) { return s + values[indices[k] - indices[q]]; });
    for (std::int64_t i = 0; i < 200; ++i) {
        index.set_integer(i, static_cast<std::int64_t>(random()));
    }
    const CaseInputs inputs(c);
    const Outputs got = run(inputs, "");
    attention(inputs.q.view(), inputs.k.view(), inputs.v.view(), got.out.view(),
              {.score_mod = score, .block_mask = block_mask});
    EXPECT_TRUE(got.out.surroundings_intact());
}

TEST(Calls, InfoSaysWhatWasDone) {
    const AttentionCase c{.B = 2, .Hq = 4, .Hkv = 2, .Sq = 256, .D = 32, .mask = "causal"};
    const CaseInputs inputs(c);
    const Outputs got = run(inputs, "");
    LaunchInfo info;
    attention(inputs.q.view(), inputs.k.view(), inputs.v.view(), got.out.view(),
              {.block_mask = inputs.block_mask, .threads = 3, .info = &info});
    EXPECT_FALSE(info.backend.empty());
    EXPECT_FALSE(info.isa.empty());
    EXPECT_EQ(info.threads, 3);
    EXPECT_EQ(info.compile_ms, 0);
    // Of 2 x 2 blocks of 128, the one right of the diagonal is empty.
    EXPECT_EQ(info.visited_scores, 2 * 4 * 3 * 128 * 128);
}

std::string g_logged;

TEST(Calls, CopiesAreLogged) {
    const AttentionCase c{.Hq = 2, .Sq = 20, .D = 8, .layout = Layout::transposed};
    const CaseInputs inputs(c);
    set_option("log", "launch");
    set_log_sink([](const char* channel, std::string_view message) {
        g_logged.append(channel).append(": ").append(message).append("\n");
    });
    run(inputs, "");
    set_log_sink(nullptr);
    set_option("log", "warn");
    for (const char* name : {"q", "k", "v", "out"}) {
        EXPECT_NE(g_logged.find(std::string("launch: attention: copied ") + name),
                  std::string::npos)
            << g_logged;
    }
}

TEST(Calls, DumpHasEveryStage) {
    if (!compiles()) GTEST_SKIP() << "the reference compiles nothing";
    TemporaryFolder folder;
    set_option("dump", (folder / "dump").string());
    const ScoreMod score =
        score_mod([](Expr s, Expr, Expr, Expr q, Expr k) { return s * 0.123 + (q - k); });
    const HostTensor t(DType::f32, {1, 1, 70, 8}), out(DType::f32, {1, 1, 70, 8});
    attention(t.view(), t.view(), t.view(), out.view(), {.score_mod = score});
    set_option("dump", "");
    int kernels = 0;
    for (const auto& kernel : std::filesystem::directory_iterator(folder / "dump")) {
        ++kernels;
        for (const char* stage : {"ir", "facts", "schedule", "source", "binary"}) {
            EXPECT_GT(std::filesystem::file_size(kernel.path() / stage), 0u) << stage;
        }
        std::ifstream ir(kernel.path() / "ir");
        const std::string text{std::istreambuf_iterator<char>(ir), {}};
        EXPECT_NE(text.find("flexion.ir 1"), std::string::npos) << text;
    }
    EXPECT_EQ(kernels, 2);  // for many queries and for few
}

/// Memory of its own pages, not readable where it is told.
class Pages {
public:
    explicit Pages(std::size_t bytes)
        : bytes_(bytes),
          data_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
    ~Pages() {
        if (*this) munmap(data_, bytes_);
    }
    Pages(const Pages&) = delete;
    explicit operator bool() const { return data_ != MAP_FAILED; }
    char* data() const { return static_cast<char*>(data_); }
    void forbid(std::size_t first, std::size_t bytes) {
        ASSERT_EQ(mprotect(data() + first, bytes, PROT_NONE), 0);
    }

private:
    std::size_t bytes_;
    void* data_;
};

TEST(Calls, UnlistedBlocksAreNotTouched) {
    for (const DType dtype : {DType::f32, DType::bf16, DType::f16, DType::f64}) {
        for (const std::int64_t Sq : {1, 3, 200}) {
            constexpr std::int64_t kBlocks = 5, kBlock = 128, D = 64;
            const std::int64_t Skv = kBlocks * kBlock;
            const auto block_bytes = static_cast<std::size_t>(kBlock * D * size_of(dtype));
            HostTensor source(dtype, {1, 1, Skv, D}), q(dtype, {1, 1, Sq, D});
            auto random = generator(6);
            source.fill_normal(random);
            q.fill_normal(random);
            Pages k(kBlocks * block_bytes), v(kBlocks * block_bytes);
            for (const Pages* pages : {&k, &v}) {
                std::memcpy(pages->data(), source.view().data, kBlocks * block_bytes);
            }
            BlockTable table{1, 1, (Sq + 127) / 128, kBlocks, {}, {}};
            for (std::int64_t row = 0; row < table.rows; ++row) {
                table.num_blocks.push_back(2);
                for (const std::int32_t block : {1, 3, 0, 2, 4}) table.indices.push_back(block);
            }
            const BlockMask mask = BlockMask::from_kv_blocks(table, nullptr, {}, {}, Sq, Skv);
            TensorView k_view = source.view(), v_view = source.view();
            k_view.data = k.data();
            v_view.data = v.data();
            const HostTensor out(dtype, {1, 1, Sq, D}), expected(dtype, {1, 1, Sq, D});
            attention(q.view(), k_view, v_view, expected.view(), {.block_mask = mask});
            for (const std::size_t block : {0, 2, 4}) {
                k.forbid(block * block_bytes, block_bytes);
                v.forbid(block * block_bytes, block_bytes);
            }
            attention(q.view(), k_view, v_view, out.view(), {.block_mask = mask});
            EXPECT_EQ(bytes_of(out), bytes_of(expected));
        }
    }
}

TEST(Calls, OffsetsBeyondTwoToThe31) {
    // Heads lie 2^31 + 16 elements apart, in memory that is only reserved.
    constexpr std::int64_t kFar = (std::int64_t{1} << 31) + 16, kHeads = 2, D = 16;
    for (const DType dtype : {DType::f32, DType::bf16}) {
        for (const std::int64_t Sq : {1, 40}) {
            constexpr std::int64_t Skv = 50;
            Pages pages(static_cast<std::size_t>((kHeads * kFar + 4096) * size_of(dtype)));
            if (!pages) GTEST_SKIP() << "cannot reserve 16 GiB of addresses";
            HostTensor q(dtype, {1, kHeads, Sq, D}), k(dtype, {1, kHeads, Skv, D});
            auto random = generator(7);
            q.fill_normal(random);
            k.fill_normal(random);
            const HostTensor out(dtype, {1, kHeads, Sq, D});
            attention(q.view(), k.view(), k.view(), out.view());

            const auto far = [&](const TensorView& near, std::int64_t first) {
                TensorView view = near;
                view.data = pages.data() + first * size_of(dtype);
                view.strides[1] = kFar;
                for (std::int64_t h = 0; h < kHeads; ++h) {
                    std::memcpy(
                        static_cast<char*>(view.data) + h * kFar * size_of(dtype),
                        static_cast<const char*>(near.data) + h * near.strides[1] * size_of(dtype),
                        static_cast<std::size_t>(near.strides[1] * size_of(dtype)));
                }
                return view;
            };
            const TensorView far_k = far(k.view(), 1000);
            HostTensor poison(dtype, {1, kHeads, Sq, D});
            const TensorView far_out = far(poison.view(), 2000);
            attention(far(q.view(), 0), far_k, far_k, far_out);
            for (std::int64_t h = 0; h < kHeads; ++h) {
                EXPECT_EQ(
                    std::memcmp(static_cast<char*>(far_out.data) + h * kFar * size_of(dtype),
                                static_cast<char*>(out.view().data) + h * Sq * D * size_of(dtype),
                                static_cast<std::size_t>(Sq * D * size_of(dtype))),
                    0);
            }
        }
    }
}

TEST(Calls, EmptyBackendIsTheOptions) {
    LaunchInfo info;
    HostTensor t(DType::f32, {1, 1, 1, 1}), out(DType::f32, {1, 1, 1, 1});
    t.set(0, 2);
    set_option("backend", "reference");
    attention(t.view(), t.view(), t.view(), out.view(), {.info = &info});
    set_option("backend", "");
    EXPECT_EQ(info.backend, "reference");
    EXPECT_EQ(out.get(0), 2);
}

}  // namespace
}  // namespace flexion::test
