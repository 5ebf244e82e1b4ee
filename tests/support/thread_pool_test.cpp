// SPDX-License-Identifier: Apache-2.0
// The pool's promises: every task once and in order, unique slots, several callers, nesting,
// exceptions, fork, no allocation, the floating-point mode; and the host's loop through Executor.
#include "support/os/thread_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <flexion/error.h>

#include "sanitizers.h"
#include "support/os/float_environment.h"

namespace {
std::atomic<std::int64_t> g_allocations{0};
}
// Not inlined: gcc would take malloc and free for a pair with the library's delete and new.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
    g_allocations.fetch_add(1, std::memory_order_relaxed);
    if (void* memory = std::malloc(bytes)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace flexion {
namespace {

/// Counts the runs of each task and checks that no two bodies share a slot at one time.
class Probe {
public:
    Probe(std::int64_t tasks, int width) : runs_(tasks), in_use_(width) {}
    void operator()(std::int64_t task, int slot) {
        ASSERT_GE(slot, 0);
        ASSERT_LT(slot, static_cast<int>(in_use_.size()));
        EXPECT_EQ(in_use_[slot].fetch_add(1), 0) << "slot " << slot << " is used twice";
        runs_[task].fetch_add(1);
        in_use_[slot].fetch_sub(1);
    }
    void expect_each_once() const {
        for (const std::atomic<int>& runs : runs_) EXPECT_EQ(runs.load(), 1);
    }

private:
    std::vector<std::atomic<int>> runs_;
    std::vector<std::atomic<int>> in_use_;
};

TEST(ThreadPool, RunsEveryTaskOnce) {
    for (int size : {1, 2, 3, 7}) {
        ThreadPool pool(size);
        EXPECT_EQ(pool.size(), size);
        for (std::int64_t tasks : {0, 1, 2, 3, 100, 5000}) {
            for (int width : {0, 1, 2, 100}) {
                Probe probe(tasks, size);
                pool.run(tasks, width, probe);
                probe.expect_each_once();
            }
        }
    }
}

TEST(ThreadPool, TakesTasksInAscendingOrder) {
    ThreadPool pool(3);
    std::atomic<std::int64_t> started{0};
    // A task is taken after all lower ones, so when it starts at most `size` lower ones have not.
    pool.run(10000, 0, [&](std::int64_t task, int) {
        const std::int64_t before = started.fetch_add(1);
        EXPECT_LT(task - before, 3);
    });
}

TEST(ThreadPool, SeveralThreadsWorkInOneRegion) {
    ThreadPool pool(3);
    // Every task waits for the others: only three threads at once can end this region.
    std::atomic<int> arrived{0};
    pool.run(3, 0, [&](std::int64_t, int) {
        arrived.fetch_add(1);
        while (arrived.load() < 3) std::this_thread::yield();
    });
    EXPECT_EQ(arrived.load(), 3);
}

TEST(ThreadPool, WakesSleepingWorkers) {
    ThreadPool pool(2);
    for (int round = 0; round < 5; ++round) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));  // past the spin
        std::atomic<int> arrived{0};
        pool.run(2, 0, [&](std::int64_t, int) {
            arrived.fetch_add(1);
            while (arrived.load() < 2) std::this_thread::yield();
        });
        EXPECT_EQ(arrived.load(), 2);
    }
}

TEST(ThreadPool, TwoCallersTwentyThousandRegions) {
    ThreadPool pool(3);
    auto caller = [&pool](std::int64_t seed) {
        std::vector<std::int64_t> values(8);  // plain memory: a race between regions shows in TSan
        for (int round = 0; round < 20000; ++round) {
            pool.run(8, 0, [&](std::int64_t task, int) { values[task] += seed + task; });
        }
        for (std::int64_t task = 0; task < 8; ++task) {
            EXPECT_EQ(values[task], 20000 * (seed + task));
        }
    };
    std::thread other(caller, 1000);
    caller(7);
    other.join();
}

TEST(ThreadPool, MoreCallersThanRegions) {
    ThreadPool pool(2);
    std::atomic<std::int64_t> sum{0};
    std::vector<std::thread> callers;
    for (int i = 0; i < 40; ++i) {
        callers.emplace_back([&] {
            for (int round = 0; round < 50; ++round) {
                pool.run(4, 0, [&](std::int64_t task, int) { sum += task; });
            }
        });
    }
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(sum.load(), 40 * 50 * 6);
}

TEST(ThreadPool, NestedCallsRunInline) {
    ThreadPool pool(3);
    std::atomic<std::int64_t> sum{0};
    pool.run(6, 0, [&](std::int64_t, int) {
        const std::thread::id self = std::this_thread::get_id();
        pool.run(5, 0, [&](std::int64_t task, int slot) {
            EXPECT_EQ(std::this_thread::get_id(), self);
            EXPECT_EQ(slot, 0);
            sum += task;
        });
    });
    EXPECT_EQ(sum.load(), 6 * 10);
}

TEST(ThreadPool, CarriesTheFirstExceptionAndSkipsTheRest) {
    for (int size : {1, 3}) {
        ThreadPool pool(size);
        for (int round = 0; round < 100; ++round) {
            std::atomic<std::int64_t> ran{0};
            try {
                pool.run(1'000'000'000, 0, [&](std::int64_t task, int) {
                    ran.fetch_add(1);
                    if (task == 10) throw std::runtime_error("task 10");
                });
                FAIL() << "nothing was thrown";
            } catch (const std::runtime_error& error) {
                EXPECT_STREQ(error.what(), "task 10");
            }
            EXPECT_LT(ran.load(), 1'000'000'000);
        }
        Probe probe(50, size);  // the pool is as good as new
        pool.run(50, 0, probe);
        probe.expect_each_once();
    }
}

TEST(ThreadPool, AllocatesNothing) {
    ThreadPool pool(3);
    std::atomic<std::int64_t> sum{0};
    auto body = [&](std::int64_t task, int) { sum += task; };
    pool.run(100, 0, body);
    const std::int64_t before = g_allocations.load();
    for (int round = 0; round < 100; ++round) pool.run(100, 0, body);
    EXPECT_EQ(g_allocations.load() - before, 0);
}

TEST(ThreadPool, WorksInAChildOfFork) {
    ThreadPool pool(3);
    std::atomic<int> before{0};
    pool.run(10, 0, [&](std::int64_t, int) { ++before; });
    ASSERT_EQ(before.load(), 10);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        std::int64_t sum = 0;  // inline: no other thread
        pool.run(100, 0, [&](std::int64_t task, int) { sum += task; });
        {
            ThreadPool made_before_the_end(1);
        }
        pool.~ThreadPool();  // must not wait for threads of the parent
        _exit(sum == 4950 ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    pool.run(10, 0, [&](std::int64_t, int) { ++before; });  // and in the parent still
    EXPECT_EQ(before.load(), 20);
}

TEST(ThreadPool, ForkWhileAnotherThreadIsInARegion) {
    ThreadPool pool(3);
    std::atomic<bool> stop{false};
    std::thread busy([&] {
        while (!stop) pool.run(4, 0, [](std::int64_t, int) {});
    });
    for (int round = 0; round < 20; ++round) {
        const pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            std::int64_t sum = 0;
            pool.run(10, 0, [&](std::int64_t task, int) { sum += task; });
            _exit(sum == 45 ? 0 : 1);
        }
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    }
    stop = true;
    busy.join();
}

TEST(ThreadPool, TooManyThreadsIsAnErrorThatNamesTheVariable) {
    if (test::kSanitized)
        GTEST_SKIP() << "a sanitizer ends the process where its own memory is short";
    std::int64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
    rlimit tight = before;  // room for about a hundred stacks of 8 MiB
    tight.rlim_cur = static_cast<rlim_t>(pages * sysconf(_SC_PAGESIZE) + (std::int64_t{1} << 30));
    ASSERT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
    std::string message;
    try {
        ThreadPool pool(2000);
    } catch (const DeviceError& error) {
        message = error.what();
    }
    ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
    EXPECT_NE(message.find("of 2000 threads"), std::string::npos) << message;
    EXPECT_NE(message.find("FLEXION_NUM_THREADS"), std::string::npos) << message;
}

TEST(Executor, InlineWithoutPoolAndHost) {
    const Executor executor;
    Probe probe(10, 1);
    executor.run(10, probe);
    probe.expect_each_once();
}

TEST(Executor, PoolKeepsToItsWidth) {
    ThreadPool pool(7);
    const Executor executor{.pool = &pool, .width = 2};
    Probe probe(1000, 2);
    executor.run(1000, probe);
    probe.expect_each_once();
}

/// A host that starts a thread per index.
void host_loop(std::int64_t n, const std::function<void(std::int64_t)>& body) {
    std::vector<std::thread> threads;
    for (std::int64_t i = 0; i < n; ++i) threads.emplace_back([&body, i] { body(i); });
    for (std::thread& thread : threads) thread.join();
}

TEST(Executor, HostGetsUniqueSlots) {
    const HostParallelFor host = host_loop;
    for (int width : {1, 2, 5}) {
        const Executor executor{.host = &host, .width = width};
        Probe probe(1000, width);
        executor.run(1000, probe);
        probe.expect_each_once();
    }
}

TEST(Executor, HostMayRunSequentially) {
    const HostParallelFor host = [](std::int64_t n, const std::function<void(std::int64_t)>& body) {
        for (std::int64_t i = n; i-- > 0;) body(i);
    };
    const Executor executor{.host = &host, .width = 4};
    Probe probe(100, 4);
    executor.run(100, probe);
    probe.expect_each_once();
}

TEST(Executor, HostCarriesExceptions) {
    const HostParallelFor host = host_loop;
    const Executor executor{.host = &host, .width = 3};
    EXPECT_THROW(executor.run(100,
                              [](std::int64_t task, int) {
                                  if (task == 50) throw std::runtime_error("task 50");
                              }),
                 std::runtime_error);
}

TEST(Executor, HostAllocatesNothing) {
    const HostParallelFor host = [](std::int64_t n, const std::function<void(std::int64_t)>& body) {
        for (std::int64_t i = 0; i < n; ++i) body(i);
    };
    const Executor executor{.host = &host, .width = 4};
    std::int64_t sum = 0;
    const std::int64_t before = g_allocations.load();
    executor.run(100, [&](std::int64_t task, int) { sum += task; });
    EXPECT_EQ(g_allocations.load() - before, 0);
    EXPECT_EQ(sum, 4950);
}

#if defined(__x86_64__)
constexpr unsigned kDefaultMode = 0x1f80;
constexpr unsigned kModeBits = 0xffc0;  // without the sticky flags

TEST(FloatMode, IsTheDefaultInBodiesAndTheCallersAfter) {
    ThreadPool pool(3);
    const HostParallelFor host = host_loop;
    const unsigned mine = 0xffc0;  // toward zero, FTZ, DAZ, everything masked
    const unsigned before = _mm_getcsr();
    for (const Executor& executor :
         {Executor{.pool = &pool, .width = 3}, Executor{.host = &host, .width = 3}, Executor{}}) {
        _mm_setcsr(mine);
        std::atomic<int> wrong{0};
        executor.run(100, [&](std::int64_t, int) {
            if ((_mm_getcsr() & kModeBits) != kDefaultMode) ++wrong;
        });
        const unsigned after = _mm_getcsr();
        _mm_setcsr(before);
        EXPECT_EQ(wrong.load(), 0);
        EXPECT_EQ(after & kModeBits, mine);
    }
}
#endif

}  // namespace
}  // namespace flexion
