// SPDX-License-Identifier: Apache-2.0
// The cache in memory, with a back end that counts what it is asked.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <flexion/error.h>
#include <flexion/expr.h>

#include "backend/kernel_cache.h"
#include "backend/temporary_folder.h"
#include "ir/text.h"
#include "seed.h"

namespace flexion::backend {
namespace {

std::atomic<int> g_alive{0};

struct CountedKernel final : Kernel {
    explicit CountedKernel(std::string text) : text(std::move(text)) { ++g_alive; }
    ~CountedKernel() override { --g_alive; }
    std::string text;
};

class CountingBackend final : public Backend {
public:
    const char* name() const override { return "counting"; }
    Support supports(const plan::Problem& problem, const plan::Mods&) const override {
        if (problem.dtype == DType::i8) return {.yes = false, .why = "i8 is not for attention"};
        return {};
    }
    Source emit(const plan::Problem& problem, const plan::Mods& mods) const override {
        Source source{"kernel", "counting", "", plan::to_text(problem)};
        for (const ir::Function* f : {mods.score, mods.mask}) {
            if (f) source.text += ir::print(*f);
        }
        return source;
    }
    Binary compile(const Source& source) const override {
        ++compiled;
        if (refuse) throw CompileError("refused");
        if (compiling) compiling();
        std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
        return Binary(source.text.begin(), source.text.end());
    }
    std::unique_ptr<Kernel> load(const Source&, const Binary& binary) const override {
        if (binary == Binary{'b', 'a', 'd'}) throw CompileError("does not load");
        return std::make_unique<CountedKernel>(std::string(binary.begin(), binary.end()));
    }
    void launch(const plan::LaunchArgs&, KernelProvider&) const override {}

    mutable std::atomic<int> compiled{0};
    std::atomic<int> delay_ms{0};
    std::atomic<bool> refuse{false};
    std::function<void()> compiling;
};

/// score_mods of one structure each, told apart by a constant.
ScoreMod mod(int number) {
    return score_mod([number](Expr s, Expr, Expr, Expr, Expr) { return s + (number + 1000); });
}

const float kOnes[64] = {};

ScoreMod with_buffer(std::int64_t length) {
    const Buffer table = buffer(TensorView::dense(kOnes, DType::f32, {length}));
    return score_mod([table](Expr s, Expr, Expr h, Expr, Expr) { return s + table[h]; });
}

class KernelCacheTest : public ::testing::Test {
protected:
    CallKernels call(const ScoreMod& score, const MaskMod& mask = {},
                     const plan::Extents& extents = {}) {
        plan::Mods mods;
        if (score) {
            mods.score = &score.function();
            mods.score_captures = &score.captures();
        }
        if (mask) {
            mods.mask = &mask.function();
            mods.mask_captures = &mask.captures();
        }
        return CallKernels(cache_, backend_, mods, score ? score.hash() : 0, mask ? mask.hash() : 0,
                           extents);
    }
    /// The kernels of the derivative with regard to `buffers`.
    CallKernels backward_call(const ScoreMod& score, const std::vector<int>& buffers) {
        const plan::Mods mods{
            .score = &score.function(), .score_captures = &score.captures(), .derive = &buffers};
        return CallKernels(cache_, backend_, mods, score.hash(), 0, {.H = 4});
    }
    static std::string text(const std::shared_ptr<const Kernel>& kernel) {
        return static_cast<const CountedKernel&>(*kernel).text;
    }

    CountingBackend backend_;
    DiskCache disk_{"", 1 << 20};
    KernelCache cache_{disk_};
};

TEST_F(KernelCacheTest, OneStructureIsCompiledOnce) {
    for (int i = 0; i < 3; ++i) {
        const ScoreMod again = mod(1);  // traced anew each time
        CallKernels kernels = call(again);
        EXPECT_NE(text(kernels.get({})).find("1001"), std::string::npos);
        EXPECT_EQ(kernels.compile_ms() > 0, i == 0);
    }
    EXPECT_EQ(backend_.compiled, 1);
    const CacheInfo info = cache_.info();
    EXPECT_EQ(info.memory_misses, 1);
    EXPECT_EQ(info.memory_hits, 2);
    EXPECT_EQ(info.memory_entries, 1);
    EXPECT_EQ(info.compiled, 1);
}

TEST_F(KernelCacheTest, StructureProblemAndMaskAreInTheKey) {
    const ScoreMod one = mod(1), two = mod(2);
    const MaskMod mask = mask_mod([](Expr, Expr, Expr q, Expr k) { return q >= k; });
    std::set<std::string> texts;
    texts.insert(text(call(one).get({})));
    texts.insert(text(call(two).get({})));
    texts.insert(text(call({}).get({})));
    texts.insert(text(call(one).get({.dtype = DType::bf16})));
    texts.insert(text(call(one).get({.few_queries = true})));
    texts.insert(text(call(one, mask).get({.masked = true})));
    texts.insert(text(call({}, mask).get({.masked = true})));
    texts.insert(
        text(call({}, mask).get({.direction = plan::Direction::mask_leaf, .masked = true})));
    EXPECT_EQ(texts.size(), 8u);
    EXPECT_EQ(backend_.compiled, 8);  // the unmasked counterparts were there
}

TEST_F(KernelCacheTest, HashesThatMeetDoNotMixKernels) {
    // The same key for different structures: only the comparison tells them apart.
    plan::Mods one_mods, two_mods;
    const ScoreMod one = mod(1), two = mod(2);
    one_mods.score = &one.function();
    two_mods.score = &two.function();
    KernelCache::Cost cost;
    const auto a = cache_.program(backend_, one_mods, 77, cost);
    const auto b = cache_.program(backend_, two_mods, 77, cost);
    const auto again = cache_.program(backend_, one_mods, 77, cost);
    EXPECT_NE(&*a.operator->(), &*b.operator->());
    EXPECT_EQ(&*a.operator->(), &*again.operator->());
}

TEST_F(KernelCacheTest, UnmaskedKernelsServeEveryMask) {
    const ScoreMod score = mod(1);
    call(score).get({});
    for (int i = 0; i < 3; ++i) {
        const MaskMod mask =
            mask_mod([i](Expr, Expr, Expr q, Expr k) { return q - k <= 1000 + i; });
        call(score, mask).get({});
        call(score, mask).get({.masked = true});
    }
    EXPECT_EQ(backend_.compiled, 1 + 3);
}

TEST_F(KernelCacheTest, AMaskBringsBothKernels) {
    const MaskMod mask = mask_mod([](Expr, Expr, Expr q, Expr k) { return q >= k; });
    call(mod(1), mask).get({.masked = true});
    EXPECT_EQ(backend_.compiled, 2);
    call(mod(2), mask).get({.masked = false});
    EXPECT_EQ(backend_.compiled, 4);
    for (const bool masked : {false, true}) {
        call(mod(1), mask).get({.masked = masked});
        call(mod(2), mask).get({.masked = masked});
    }
    EXPECT_EQ(backend_.compiled, 4);
}

TEST_F(KernelCacheTest, WhatIsExpectedIsMadeAlong) {
    const MaskMod mask = mask_mod([](Expr, Expr, Expr q, Expr k) { return q >= k; });
    ThreadPool pool(3);
    for (const Executor& executor : {Executor{}, Executor{.pool = &pool, .width = 3}}) {
        backend_.compiled = 0;
        KernelCache cache(disk_);
        for (const bool few : {false, true}) {
            for (const bool masked : {false, true}) {
                CallKernels kernels(cache, backend_,
                                    {.mask = &mask.function(), .mask_captures = &mask.captures()},
                                    0, mask.hash(), {}, executor);
                kernels.expect({.few_queries = !few});
                const std::string text =
                    this->text(kernels.get({.masked = masked, .few_queries = few}));
                EXPECT_NE(text.find(few ? "few_queries = yes" : "few_queries = no"),
                          std::string::npos);
                EXPECT_NE(text.find(masked ? "masked = yes" : "masked = no"), std::string::npos);
                EXPECT_EQ(backend_.compiled, 4);
            }
        }
        CallKernels plain(cache, backend_, {}, 0, 0, {}, executor);
        plain.expect({.few_queries = true});
        plain.get({});  // the kernels without a mask serve it
        EXPECT_EQ(backend_.compiled, 4);
    }
}

TEST_F(KernelCacheTest, OneProgramsKernelsAreMadeAtTheSameTime) {
    // Each compilation waits for the other one.
    const ScoreMod score = mod(1);
    std::atomic<int> under_way{0}, met{0};
    backend_.compiling = [&] {
        ++under_way;
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (under_way < 2 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
        met += under_way == 2;
    };
    std::thread other([&] { call(score).get({.few_queries = true}); });
    call(score).get({});
    other.join();
    EXPECT_EQ(met, 2);
}

TEST_F(KernelCacheTest, LengthsAndValuesCompileNothingUntilAnAssumptionChanges) {
    const ScoreMod score = with_buffer(8);
    call(score, {}, {.H = 8}).get({});
    call(score, {}, {.H = 7}).get({});
    call(score, {}, {.B = 5, .H = 1, .q_len = 100, .kv_len = 9}).get({});
    call(with_buffer(20), {}, {.H = 8}).get({});
    EXPECT_EQ(backend_.compiled, 1);
    call(score, {}, {.H = 9}).get({});  // leaves the buffer
    EXPECT_EQ(backend_.compiled, 2);
    call(score, {}, {.H = 900}).get({});
    EXPECT_EQ(backend_.compiled, 2);
}

TEST_F(KernelCacheTest, TooManyAssumptionsEndInTheGeneralKernel) {
    // Each buffer may or may not be long enough: 2^6 sets of assumptions.
    for (int set = 0; set < 64; ++set) {
        std::vector<Buffer> buffers;
        for (int i = 0; i < 6; ++i) {
            buffers.push_back(
                buffer(TensorView::dense(kOnes, DType::f32, {(set >> i & 1) ? 8 : 2})));
        }
        const ScoreMod score = score_mod([&](Expr s, Expr, Expr h, Expr, Expr) {
            for (const Buffer& each : buffers) s = s + each[h];
            return s;
        });
        EXPECT_TRUE(call(score, {}, {.H = 8}).get({}));
    }
    EXPECT_GT(backend_.compiled, 20);
    EXPECT_LT(backend_.compiled, 40);
}

TEST_F(KernelCacheTest, RefusalNamesTheReason) {
    try {
        call(mod(1)).get({.dtype = DType::i8});
        FAIL();
    } catch (const Unsupported& error) {
        EXPECT_STREQ(error.what(), "flexion: back end counting: i8 is not for attention");
    }
}

TEST_F(KernelCacheTest, AFailedCompilationIsTriedAgain) {
    backend_.refuse = true;
    EXPECT_THROW(call(mod(1)).get({}), CompileError);
    EXPECT_THROW(call(mod(1)).get({}), CompileError);
    backend_.refuse = false;
    EXPECT_TRUE(call(mod(1)).get({}));
    EXPECT_EQ(backend_.compiled, 3);
}

TEST_F(KernelCacheTest, TheLeastRecentlyUsedLeaves) {
    KernelCache small(disk_, 1);
    KernelCache::Cost cost;
    std::vector<ScoreMod> mods;
    const auto use = [&](int i) {
        plan::Mods functions;
        functions.score = &mods[i].function();
        return small.program(backend_, functions, mods[i].hash(), cost);
    };
    const int before = g_alive;
    for (int i = 0; i <= KernelCache::kWays; ++i) mods.push_back(mod(i));
    for (int i = 0; i < KernelCache::kWays; ++i) {
        const auto program = use(i);
        small.kernel(program, {}, cost);
        use(0);  // stays in use
    }
    EXPECT_EQ(g_alive - before, KernelCache::kWays);
    small.kernel(use(KernelCache::kWays), {}, cost);  // 1 leaves
    EXPECT_EQ(g_alive - before, KernelCache::kWays);
    const int compiled = backend_.compiled;
    small.kernel(use(0), {}, cost);
    small.kernel(use(2), {}, cost);
    EXPECT_EQ(backend_.compiled, compiled);
    small.kernel(use(1), {}, cost);
    EXPECT_EQ(backend_.compiled, compiled + 1);
    EXPECT_EQ(small.info().memory_entries, KernelCache::kWays);
}

TEST_F(KernelCacheTest, WhatIsInUseStays) {
    KernelCache small(disk_, 1);
    KernelCache::Cost cost;
    std::vector<ScoreMod> mods;
    std::vector<KernelCache::Ref> held;
    const int before = g_alive;
    for (int i = 0; i < 3 * KernelCache::kWays; ++i) {
        mods.push_back(mod(i));
        plan::Mods functions;
        functions.score = &mods.back().function();
        held.push_back(small.program(backend_, functions, mods.back().hash(), cost));
        small.kernel(held.back(), {}, cost);
    }
    EXPECT_EQ(g_alive - before, 3 * KernelCache::kWays);
    for (std::size_t i = 0; i < held.size(); ++i) {
        const Kernel& kernel = small.kernel(held[i], {}, cost);
        EXPECT_NE(static_cast<const CountedKernel&>(kernel).text.find(std::to_string(1000 + i)),
                  std::string::npos);
    }
    held.clear();
    EXPECT_EQ(g_alive - before, KernelCache::kWays);
}

TEST_F(KernelCacheTest, ThreadsThatMissTogetherCompileOnce) {
    backend_.delay_ms = 20;
    const ScoreMod score = mod(1);
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] { EXPECT_TRUE(call(score).get({})); });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(backend_.compiled, 1);
}

TEST_F(KernelCacheTest, ThreadsHitMissAndEvictAtOnce) {
    KernelCache small(disk_, 2);
    std::vector<ScoreMod> mods;
    for (int i = 0; i < 40; ++i) mods.push_back(mod(i));
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            auto random = test::generator(static_cast<std::uint64_t>(t));
            for (int i = 0; i < 3000; ++i) {
                // Most calls go to a few mods, as in life.
                const auto n = static_cast<std::size_t>(
                    random() % 4 ? test::between(random, 0, 5) : test::between(random, 0, 39));
                plan::Mods functions;
                functions.score = &mods[n].function();
                CallKernels kernels(small, backend_, functions, mods[n].hash(), 0, {});
                const std::string found = text(kernels.get({}));
                if (found.find(std::to_string(1000 + n)) == std::string::npos) {
                    ADD_FAILURE() << "a kernel of another mod";
                    return;
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_LE(small.info().memory_entries, 2 * KernelCache::kWays);
    EXPECT_GT(small.info().memory_hits, 6000);
}

TEST_F(KernelCacheTest, DiskServesAnotherCache) {
    test::TemporaryFolder folder;
    DiskCache disk((folder / "cache").string(), 1 << 20);
    const ScoreMod score = mod(1);
    plan::Mods functions;
    functions.score = &score.function();
    for (int i = 0; i < 2; ++i) {
        KernelCache cache(disk);
        EXPECT_NE(
            text(CallKernels(cache, backend_, functions, score.hash(), 0, {}).get({})).find("1001"),
            std::string::npos);
        EXPECT_EQ(cache.info().compiled, i == 0 ? 1 : 0);
        EXPECT_EQ(cache.info().disk_hits, i);
    }
    EXPECT_EQ(backend_.compiled, 1);
}

TEST_F(KernelCacheTest, AnEntryOnDiskThatDoesNotLoadIsCompiledAgain) {
    test::TemporaryFolder folder;
    DiskCache disk((folder / "cache").string(), 1 << 20);
    const ScoreMod score = mod(1);
    plan::Mods functions;
    functions.score = &score.function();
    disk.store(backend_.emit({}, functions), {'b', 'a', 'd'});
    KernelCache cache(disk);
    for (int i = 0; i < 2; ++i) {
        const auto kernel = CallKernels(cache, backend_, functions, score.hash(), 0, {}).get({});
        EXPECT_NE(text(kernel).find("1001"), std::string::npos);
        EXPECT_EQ(backend_.compiled, 1);
    }
    EXPECT_EQ(disk.find(backend_.emit({}, functions))->size(),
              text(CallKernels(cache, backend_, functions, score.hash(), 0, {}).get({})).size());
}

TEST_F(KernelCacheTest, AChildOfForkCompiles) {
    backend_.delay_ms = 5;
    std::atomic<bool> stop{false};
    std::thread other([&] {
        for (int i = 0; !stop; ++i) {
            const ScoreMod score = mod(i);
            call(score).get({});
        }
    });
    for (int i = 0; i < 10; ++i) {
        cache_.before_fork();
        const pid_t child = fork();
        cache_.after_fork();
        if (child == 0) {
            const ScoreMod score = mod(5000);
            _exit(call(score).get({}) ? 0 : 1);
        }
        int status = -1;
        waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
    }
    stop = true;
    other.join();
}

TEST_F(KernelCacheTest, BackwardKernelsAreMadeOfTheDerivative) {
    const ScoreMod score = with_buffer(4);
    const plan::Problem backward{.direction = plan::Direction::backward};
    const std::vector<int> none, first = {0};
    CallKernels forward = call(score);
    CallKernels without = backward_call(score, none), with = backward_call(score, first);
    EXPECT_EQ(forward.derivative(), nullptr);
    ASSERT_NE(with.derivative(), nullptr);
    EXPECT_EQ(with.derivative()->gathers.size(), 1u);
    EXPECT_TRUE(plan::in_range(with.derivative()->gathers[0], with.assumptions()));
    EXPECT_EQ(without.derivative()->gathers.size(), 0u);
    // Three functions, so three kernels; the second time none is made.
    const auto texts = [&] {
        return std::vector<std::string>{text(forward.get({})), text(without.get(backward)),
                                        text(with.get(backward))};
    };
    const std::vector<std::string> made = texts();
    EXPECT_NE(made[1].find("direction = backward"), std::string::npos);
    EXPECT_NE(made[1].find(ir::print(without.derivative()->function)), std::string::npos);
    EXPECT_NE(made[2].find(ir::print(with.derivative()->function)), std::string::npos);
    EXPECT_EQ(backend_.compiled, 3);
    EXPECT_EQ(texts(), made);
    EXPECT_EQ(text(backward_call(score, first).get(backward)), made[2]);
    EXPECT_EQ(backend_.compiled, 3);
}

TEST_F(KernelCacheTest, ABackEndWithoutABackwardPassSaysSo) {
    CallKernels kernels = call(mod(1));
    try {
        backend_.launch_backward({}, kernels);
        FAIL() << "no exception";
    } catch (const Unsupported& error) {
        EXPECT_NE(std::string(error.what()).find("back end counting has no backward pass"),
                  std::string::npos)
            << error.what();
    }
}

}  // namespace
}  // namespace flexion::backend
