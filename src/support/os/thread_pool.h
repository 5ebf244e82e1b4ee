// SPDX-License-Identifier: Apache-2.0
// Persistent workers for parallel regions: tasks are taken in ascending order (callers put the
// longest first), a region ends when its tasks are done, and late workers never delay the caller.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>

namespace flexion {

/// A borrowed callable void(std::int64_t task, int slot). `slot` is below the width of the region
/// and unique among the bodies that run at the same time: an index for per-thread scratch.
class TaskRef {
public:
    template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, TaskRef>>>
    TaskRef(F&& f)  // NOLINT(google-explicit-constructor): lambdas are passed as they are
        : object_(const_cast<void*>(static_cast<const void*>(&f))),
          call_([](void* object, std::int64_t task, int slot) {
              (*static_cast<std::remove_reference_t<F>*>(object))(task, slot);
          }) {}
    void operator()(std::int64_t task, int slot) const { call_(object_, task, slot); }

private:
    void* object_;
    void (*call_)(void*, std::int64_t, int);
};

/// Several callers may use one pool at once. A call from inside a task runs inline, as does a call
/// in a child of fork(). The first exception of a task ends the region early (tasks that have
/// not begun are skipped) and is rethrown in the caller. run() allocates nothing.
class ThreadPool {
public:
    /// size 0: FLEXION_NUM_THREADS, else available_cpus(). DeviceError: threads cannot be started.
    explicit ThreadPool(int size = 0);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int size() const;  ///< threads that work in a region, the caller included
    /// Runs body(task, slot) for all task in [0, tasks) on at most `width` threads (0: size()).
    void run(std::int64_t tasks, int width, TaskRef body);

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// A host's loop: runs body(i) for all i in [0, n) and returns when all are done.
using HostParallelFor =
    std::function<void(std::int64_t n, const std::function<void(std::int64_t)>& body)>;

/// Where a launch runs: the pool, or the host's loop where it lent one.
struct Executor {
    ThreadPool* pool = nullptr;             ///< null: inline
    const HostParallelFor* host = nullptr;  ///< takes precedence
    int width = 1;                          ///< slots; >= 1

    void run(std::int64_t tasks, TaskRef body) const;
};

}  // namespace flexion
