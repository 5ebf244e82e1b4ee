// SPDX-License-Identifier: Apache-2.0
// The cache in memory, and kernel_for(): the whole line from a problem and its mods to a kernel.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include <flexion/attention.h>

#include "backend/backend.h"
#include "backend/disk_cache.h"
#include "backend/program.h"
#include "plan/assumptions.h"
#include "support/os/thread_pool.h"

namespace flexion::backend {

/// From a problem and simplified mods to loaded code; `compiled` counts what the disk did not have.
/// Throws Unsupported, CompileError.
std::unique_ptr<Kernel> kernel_for(const Backend& backend, const plan::Problem& problem,
                                   const plan::Mods& mods, DiskCache& disk,
                                   std::atomic<std::int64_t>& compiled);

/// Programs by structure. A hit takes no lock: it pins a slot, compares the structure and scans the
/// program's kernels. Bounded; where a set is full, the least recently used program that no caller
/// holds makes room. Different kernels are made at the same time, one kernel once.
class KernelCache {
    struct Slot;

public:
    /// `sets` is a power of two; there is room for sets * kWays programs.
    explicit KernelCache(DiskCache& disk, int sets = 128);
    ~KernelCache();
    KernelCache(const KernelCache&) = delete;
    KernelCache& operator=(const KernelCache&) = delete;

    /// What a caller waited for: the thread CPU milliseconds that new programs and kernels took.
    struct Cost {
        double compile_ms = 0;
    };

    /// Keeps a program from being evicted.
    class Ref {
    public:
        Ref() = default;
        ~Ref() { reset(); }
        Ref(Ref&& other) noexcept;
        Ref& operator=(Ref&& other) noexcept;
        explicit operator bool() const { return program_ != nullptr; }
        Program* operator->() const { return program_; }

    private:
        friend class KernelCache;
        void reset();
        Program* program_ = nullptr;
        Slot* slot_ = nullptr;            // null: `own_` is the program
        std::unique_ptr<Program> own_{};  // of a set whose programs are all in use
    };

    /// `key`: a hash of the structure of `mods`.
    Ref program(const Backend& backend, const plan::Mods& mods, std::uint64_t key, Cost& cost);
    /// The program's kernel for `problem`, or null. No lock.
    const Kernel* find(const Ref& program, const plan::Problem& problem);
    /// The same, made where it is missing.
    const Kernel& kernel(const Ref& program, const plan::Problem& problem, Cost& cost);

    CacheInfo info() const;

    /// Around fork(): nothing slow is under way in between, so that no lock of a thread that the
    /// child lacks stays locked there. after_fork() runs in parent and child.
    void before_fork();
    void after_fork() { gate_.unlock(); }

    static constexpr int kWays = 8;

private:
    class Slow;
    Ref pin(const Backend& backend, const plan::Mods& mods, std::uint64_t key);
    Ref insert(const Backend& backend, const plan::Mods& mods, std::uint64_t key);
    bool evict(Slot& slot);

    DiskCache& disk_;
    const std::uint64_t set_mask_;
    std::unique_ptr<Slot[]> slots_;
    std::mutex gate_;           // passed by everything slow, held over fork()
    std::atomic<int> slow_{0};  // threads behind the gate
    mutable std::mutex inserting_;
    std::atomic<std::uint64_t> age_{1};  // counts insertions: the clock of "recently"
    std::atomic<std::int64_t> misses_{0}, compiled_{0};
};

/// The kernels of one call: bits from its captures and lengths, then the cache. A kernel that is
/// made brings along the one that was expected, and with a mask_mod the counterparts of both
/// without or with the mask: which of them a call needs depends on lengths and contents, and those
/// are to compile nothing. They are made in parallel where the call has threads.
class CallKernels final : public KernelProvider {
public:
    /// score_hash, mask_hash: structural hashes of the functions in `mods`, 0 where there is none.
    /// What `mods` points to must outlive this object.
    CallKernels(KernelCache& cache, const Backend& backend, const plan::Mods& mods,
                std::uint64_t score_hash, std::uint64_t mask_hash, const plan::Extents& extents,
                const Executor& executor = {})
        : cache_(cache),
          backend_(backend),
          mods_(mods),
          score_hash_(score_hash),
          mask_hash_(mask_hash),
          extents_(extents),
          executor_(executor) {}

    std::shared_ptr<const Kernel> get(const plan::Problem& problem) override;
    void expect(const plan::Problem& problem) override { expected_ = problem; }
    /// Of mods with `derive`: what the kernels compute, null without a score_mod, and the bits for
    /// plan::in_range(). Valid as long as this object.
    const plan::Derivative* derivative();
    std::uint64_t assumptions();
    double compile_ms() const { return cost_.compile_ms; }

private:
    plan::Mods mods_of(bool masked) const;
    const KernelCache::Ref& program_of(bool masked);
    plan::Problem with_assumptions(plan::Problem problem);
    const Kernel& make(const plan::Problem& problem);

    KernelCache& cache_;
    const Backend& backend_;
    plan::Mods mods_;
    std::uint64_t score_hash_, mask_hash_;
    plan::Extents extents_;
    Executor executor_;
    std::optional<plan::Problem> expected_;
    KernelCache::Ref programs_[2];  // without and with the mask
    KernelCache::Cost cost_;
};

}  // namespace flexion::backend
