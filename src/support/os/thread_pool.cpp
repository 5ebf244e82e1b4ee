// SPDX-License-Identifier: Apache-2.0
// The pool: regions are taken from a fixed set, tasks by one compare-and-swap, sleepers by futex.
#include "support/os/thread_pool.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "support/env.h"
#include "support/fail.h"
#include "support/os/available_cpus.h"
#include "support/os/float_environment.h"
#include "support/os/futex.h"

namespace flexion {
namespace {

/// Pauses before a thread goes to sleep: 20 to 50 us, longer than the gap between the regions of
/// one call and shorter than what waking costs.
constexpr int kSpins = 1000;
/// Callers that share the pool at one time; any more run their regions alone.
constexpr int kRegions = 32;

/// Set while this thread runs a task of any pool or host.
thread_local bool t_inside = false;

/// Number of fork()s between the first process and this one: the threads of a pool made under
/// another number do not exist here.
std::atomic<unsigned> g_forks{0};

unsigned watch_forks() {
    static const int registered =
        pthread_atfork(nullptr, nullptr, [] { g_forks.fetch_add(1, std::memory_order_relaxed); });
    if (registered != 0) fail<DeviceError>("flexion::ThreadPool: pthread_atfork failed");
    return g_forks.load(std::memory_order_relaxed);
}

/// What a body of tasks runs under.
class Inside {
public:
    Inside() { t_inside = true; }
    ~Inside() { t_inside = before_; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

private:
    bool before_ = t_inside;
    FloatEnvironment environment_;
};

void run_inline(std::int64_t tasks, const TaskRef& body) {
    const Inside inside;
    for (std::int64_t task = 0; task < tasks; ++task) body(task, 0);
}

/// The first exception of a region.
class FirstError {
public:
    bool any() const { return any_.load(std::memory_order_relaxed); }
    /// Keeps the exception being handled if it is the first one.
    void keep() {
        if (!any_.exchange(true, std::memory_order_relaxed)) error_ = std::current_exception();
    }
    /// What was kept, or null; forgets it. Every keep() must have happened before.
    std::exception_ptr take() {
        any_.store(false, std::memory_order_relaxed);
        return std::exchange(error_, nullptr);
    }

private:
    std::atomic<bool> any_{false};
    std::exception_ptr error_;
};

/// A counter that belongs to one use of a region: the use in the upper half, what is left in the
/// lower. Whoever still holds an older use fails to take from it.
class Countdown {
public:
    void open(std::uint32_t use, std::uint32_t count) {
        word_.store(std::uint64_t{use} << 32 | count, std::memory_order_release);
    }
    /// Whether something is left, and to which use.
    bool peek(std::uint32_t* use) const {
        const std::uint64_t word = word_.load(std::memory_order_acquire);
        *use = static_cast<std::uint32_t>(word >> 32);
        return static_cast<std::uint32_t>(word) != 0;
    }
    /// Takes one (or all) of what is left to `use`. Returns what was left before, 0: nothing taken.
    std::uint32_t take(std::uint32_t use, bool all = false) {
        std::uint64_t word = word_.load(std::memory_order_acquire);
        for (;;) {
            const auto left = static_cast<std::uint32_t>(word);
            if (left == 0 || word >> 32 != use) return 0;
            if (word_.compare_exchange_weak(word, word - (all ? left : 1),
                                            std::memory_order_acq_rel, std::memory_order_acquire)) {
                return left;
            }
        }
    }

private:
    std::atomic<std::uint64_t> word_{0};
};

/// One parallel loop. The plain members are written by the caller before `tickets` opens, and not
/// again until every ticket has been worked off; who has taken a ticket may read them.
struct alignas(128) Region {
    Countdown tickets;  ///< a ticket is `grain` consecutive tasks
    Countdown seats;    ///< workers that may still join: seats left, counted down, is the slot
    /// Tickets that are not done. The top bit: the caller sleeps on it.
    alignas(64) std::atomic<std::uint32_t> pending{0};
    FirstError error;
    std::uint32_t use = 0;  ///< touched by the region's owner only
    const TaskRef* body = nullptr;
    std::int64_t tasks = 0;
    std::int64_t grain = 1;
    std::uint32_t count = 0;  ///< tickets at the start

    static constexpr std::uint32_t kAsleep = 0x8000'0000u;

    void work(std::uint32_t for_use, int slot) {
        std::uint32_t done = 0;
        while (const std::uint32_t left = tickets.take(for_use)) {
            ++done;
            const std::int64_t first = std::int64_t{count - left} * grain;
            try {
                for (std::int64_t t = first; t < std::min(first + grain, tasks); ++t) {
                    (*body)(t, slot);
                }
            } catch (...) {
                error.keep();
            }
            if (error.any()) done += tickets.take(for_use, /*all=*/true);
        }
        // Once for all of this thread's tickets: those before the last cannot end the region.
        if (done != 0 && pending.fetch_sub(done, std::memory_order_acq_rel) - done == kAsleep) {
            futex_wake(pending, 1);
        }
    }

    void wait() {
        for (int spin = 0; spin < kSpins; ++spin) {
            if (pending.load(std::memory_order_acquire) == 0) return;
            cpu_relax();
        }
        std::uint32_t seen = pending.fetch_or(kAsleep, std::memory_order_acq_rel) | kAsleep;
        while (seen != kAsleep) {
            futex_wait(pending, seen);
            seen = pending.load(std::memory_order_acquire);
        }
    }
};

}  // namespace

struct ThreadPool::State {
    /// Argument of a worker thread.
    struct Start {
        State* state;
        int index;
    };

    Region regions[kRegions];
    alignas(64) std::atomic<std::uint32_t> busy{0};  ///< bit i: regions[i] has a caller
    alignas(64) std::atomic<std::uint32_t> signal{
        0};  ///< counts regions opened; sleepers wait on it
    std::atomic<int> sleepers{0};
    std::atomic<bool> stop{false};
    unsigned forks = 0;
    std::vector<pthread_t> workers;

    /// Works in any region with tickets and seats left; false when there is none.
    bool help(int index) {
        // Start the search at a place of one's own, so that workers spread over the callers.
        std::uint32_t mask = std::rotr(busy.load(std::memory_order_acquire), index % kRegions);
        for (; mask != 0; mask &= mask - 1) {
            Region& region = regions[(std::countr_zero(mask) + index) % kRegions];
            std::uint32_t use = 0;
            if (!region.tickets.peek(&use)) continue;
            if (const std::uint32_t seat = region.seats.take(use)) {
                const Inside inside;
                region.work(use, static_cast<int>(seat));
                return true;
            }
        }
        return false;
    }

    void serve(int index) {
        while (!stop.load(std::memory_order_acquire)) {
            const std::uint32_t seen = signal.load(std::memory_order_acquire);
            if (help(index)) continue;
            int spin = 0;
            while (signal.load(std::memory_order_acquire) == seen && ++spin < kSpins) cpu_relax();
            if (spin < kSpins) continue;
            // Announce, then sleep unless a region was opened: open() does the two in reverse.
            sleepers.fetch_add(1, std::memory_order_seq_cst);
            futex_wait(signal, seen);
            sleepers.fetch_sub(1, std::memory_order_relaxed);
        }
    }

    /// A free region for this caller, or null.
    Region* claim() {
        std::uint32_t taken = busy.load(std::memory_order_relaxed);
        while (~taken != 0) {
            const std::uint32_t bit = ~taken & (taken + 1);
            if (busy.compare_exchange_weak(taken, taken | bit, std::memory_order_acquire,
                                           std::memory_order_relaxed)) {
                return &regions[std::countr_zero(bit)];
            }
        }
        return nullptr;
    }
    void release(Region* region) {
        busy.fetch_and(~(1u << (region - regions)), std::memory_order_release);
    }

    void wake(int count) {
        signal.fetch_add(1, std::memory_order_seq_cst);
        if (sleepers.load(std::memory_order_seq_cst) > 0) futex_wake(signal, count);
    }

    void finish() {
        stop.store(true, std::memory_order_release);
        wake(static_cast<int>(workers.size()));
        for (pthread_t worker : workers) pthread_join(worker, nullptr);
    }
};

ThreadPool::ThreadPool(int size) : state_(std::make_unique<State>()) {
    if (size <= 0) size = static_cast<int>(std::min<std::int64_t>(settings().num_threads, 1 << 20));
    if (size <= 0) size = available_cpus();
    state_->forks = watch_forks();
    // Signals are for the threads of the host.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = 0;
    state_->workers.reserve(static_cast<std::size_t>(size - 1));
    for (int index = 1; index < size && status == 0; ++index) {
        auto start = std::make_unique<State::Start>(State::Start{state_.get(), index});
        pthread_t worker;
        status = pthread_create(
            &worker, nullptr,
            [](void* argument) -> void* {
                const std::unique_ptr<State::Start> start(static_cast<State::Start*>(argument));
                pthread_setname_np(pthread_self(), formatted("flexion-{}", start->index).c_str());
                start->state->serve(start->index);
                return nullptr;
            },
            start.get());
        if (status == 0) {
            start.release();
            state_->workers.push_back(worker);
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (status != 0) {
        state_->finish();
        fail<DeviceError>(
            "flexion::ThreadPool: could start {} of {} threads; ask for fewer with "
            "FLEXION_NUM_THREADS or raise the limit of processes (ulimit -u)",
            state_->workers.size() + 1, size);
    }
}

ThreadPool::~ThreadPool() {
    // In a child of fork() the threads are not there to be joined.
    if (state_->forks == g_forks.load(std::memory_order_relaxed)) state_->finish();
}

int ThreadPool::size() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::run(std::int64_t tasks, int width, TaskRef body) {
    if (tasks <= 0) return;
    if (width <= 0 || width > size()) width = size();
    width = static_cast<int>(std::min<std::int64_t>(width, tasks));
    const bool alone =
        width == 1 || t_inside || state_->forks != g_forks.load(std::memory_order_relaxed);
    Region* region = alone ? nullptr : state_->claim();
    if (region == nullptr) return run_inline(tasks, body);

    constexpr std::int64_t kMostTickets = Region::kAsleep - 1;
    region->grain = (tasks + kMostTickets - 1) / kMostTickets;
    region->count = static_cast<std::uint32_t>((tasks + region->grain - 1) / region->grain);
    region->tasks = tasks;
    region->body = &body;
    region->pending.store(region->count, std::memory_order_relaxed);
    const std::uint32_t use = ++region->use;
    region->seats.open(use, static_cast<std::uint32_t>(width - 1));
    region->tickets.open(use, region->count);
    state_->wake(width - 1);
    {
        const Inside inside;
        region->work(use, 0);
    }
    region->wait();
    const std::exception_ptr error = region->error.take();
    state_->release(region);
    if (error) std::rethrow_exception(error);
}

void Executor::run(std::int64_t tasks, TaskRef body) const {
    if (tasks <= 0) return;
    if (host != nullptr && *host && !t_inside && width > 1 && tasks > 1) {
        // The host runs `width` lanes, each a slot of its own, and the lanes share the tasks.
        struct Loop {
            std::atomic<std::int64_t> next{0};
            std::int64_t tasks;
            const TaskRef* body;
            FirstError error;
        } loop{.next = 0, .tasks = tasks, .body = &body, .error = {}};
        (*host)(std::min<std::int64_t>(width, tasks), [&loop](std::int64_t lane) {
            const Inside inside;
            try {
                std::int64_t task;
                while (!loop.error.any() &&
                       (task = loop.next.fetch_add(1, std::memory_order_relaxed)) < loop.tasks) {
                    (*loop.body)(task, static_cast<int>(lane));
                }
            } catch (...) {
                loop.error.keep();
            }
        });
        if (const std::exception_ptr error = loop.error.take()) std::rethrow_exception(error);
    } else if (pool != nullptr && host == nullptr) {
        pool->run(tasks, std::max(width, 1), body);
    } else {
        run_inline(tasks, body);
    }
}

}  // namespace flexion
