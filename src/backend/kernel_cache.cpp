// SPDX-License-Identifier: Apache-2.0
// The line, and the set-associative table of programs in front of it.
#include "backend/kernel_cache.h"

#include <optional>
#include <utility>
#include <vector>

#include "backend/dump.h"
#include "support/fail.h"
#include "support/hash.h"
#include "support/log.h"
#include "support/os/cpu_time.h"

namespace flexion::backend {

std::unique_ptr<Kernel> kernel_for(const Backend& backend, const plan::Problem& problem,
                                   const plan::Mods& mods, DiskCache& disk,
                                   std::atomic<std::int64_t>& compiled) {
    const Support support = backend.supports(problem, mods);
    if (!support.yes) fail<Unsupported>("flexion: back end {}: {}", backend.name(), support.why);
    const Source source = backend.emit(problem, mods);
    const KernelDump dump(problem, mods, source);
    if (const std::optional<Binary> binary = disk.find(source)) {
        dump.add(*binary);
        try {
            return backend.load(source, *binary);
        } catch (const Error& error) {
            log(LogChannel::warn, "{} from the disk cache does not load: {}", source.name,
                error.what());
            disk.remove(source);
        }
    }
    compiled.fetch_add(1, std::memory_order_relaxed);
    const Binary binary = backend.compile(source);
    dump.add(binary);
    std::unique_ptr<Kernel> kernel = backend.load(source, binary);
    disk.store(source, binary);
    return kernel;
}

void Backend::launch_backward(const plan::BackwardArgs&, KernelProvider&) const {
    fail<Unsupported>(
        "flexion::attention_backward: back end {} has no backward pass; move the tensors to the "
        "host and take the back end cpu or reference",
        name());
}

// A reader pins first and looks at the key again afterwards; a writer clears the key first and
// looks at the pins afterwards. Both in the single order of seq_cst operations, so that one of them
// sees the other: a program that a reader uses is never destroyed.
struct alignas(64) KernelCache::Slot {
    std::atomic<std::uint64_t> key{0};  // 0: empty
    std::atomic<std::int64_t> pins{0};
    std::atomic<std::int64_t> hits{0};
    std::atomic<std::uint64_t> last_used{0};
    std::unique_ptr<Program> program;
};

KernelCache::Ref::Ref(Ref&& other) noexcept
    : program_(std::exchange(other.program_, nullptr)),
      slot_(std::exchange(other.slot_, nullptr)),
      own_(std::move(other.own_)) {}

KernelCache::Ref& KernelCache::Ref::operator=(Ref&& other) noexcept {
    if (this != &other) {
        reset();
        program_ = std::exchange(other.program_, nullptr);
        slot_ = std::exchange(other.slot_, nullptr);
        own_ = std::move(other.own_);
    }
    return *this;
}

void KernelCache::Ref::reset() {
    if (slot_) slot_->pins.fetch_sub(1, std::memory_order_release);
    program_ = nullptr;
    slot_ = nullptr;
    own_.reset();
}

/// Thread CPU time and the way through the gate, for a scope that may lock and compile.
class KernelCache::Slow {
public:
    Slow(KernelCache& cache, double& ms) : cache_(cache), ms_(ms), start_(thread_cpu_ms()) {
        const std::lock_guard gate(cache.gate_);
        cache.slow_.fetch_add(1, std::memory_order_acquire);
    }
    ~Slow() {
        cache_.slow_.fetch_sub(1, std::memory_order_release);
        cache_.slow_.notify_all();
        ms_ += thread_cpu_ms() - start_;
    }
    Slow(const Slow&) = delete;
    Slow& operator=(const Slow&) = delete;

private:
    KernelCache& cache_;
    double& ms_;
    double start_;
};

void KernelCache::before_fork() {
    gate_.lock();
    while (const int slow = slow_.load(std::memory_order_acquire)) slow_.wait(slow);
}

KernelCache::KernelCache(DiskCache& disk, int sets)
    : disk_(disk),
      set_mask_(static_cast<std::uint64_t>(sets) - 1),
      slots_(std::make_unique<Slot[]>(static_cast<std::size_t>(sets) * kWays)) {}

KernelCache::~KernelCache() = default;

KernelCache::Ref KernelCache::program(const Backend& backend, const plan::Mods& mods,
                                      std::uint64_t key, Cost& cost) {
    key |= 1;  // 0 marks an empty slot
    if (Ref ref = pin(backend, mods, key)) return ref;
    const Slow slow(*this, cost.compile_ms);
    const std::lock_guard lock(inserting_);
    if (Ref ref = pin(backend, mods, key)) return ref;
    return insert(backend, mods, key);
}

KernelCache::Ref KernelCache::pin(const Backend& backend, const plan::Mods& mods,
                                  std::uint64_t key) {
    Slot* const set = &slots_[((key >> 1) & set_mask_) * kWays];
    for (Slot* slot = set; slot != set + kWays; ++slot) {
        if (slot->key.load(std::memory_order_relaxed) != key) continue;
        Ref ref;
        slot->pins.fetch_add(1, std::memory_order_seq_cst);
        ref.slot_ = slot;
        if (slot->key.load(std::memory_order_seq_cst) != key) continue;
        if (!slot->program->matches(backend, mods)) continue;
        ref.program_ = slot->program.get();
        const std::uint64_t age = age_.load(std::memory_order_relaxed);
        if (slot->last_used.load(std::memory_order_relaxed) != age) {
            slot->last_used.store(age, std::memory_order_relaxed);
        }
        return ref;
    }
    return {};
}

bool KernelCache::evict(Slot& slot) {
    const std::uint64_t key = slot.key.exchange(0, std::memory_order_seq_cst);
    if (slot.pins.load(std::memory_order_seq_cst) != 0) {
        slot.key.store(key, std::memory_order_seq_cst);
        return false;
    }
    slot.program.reset();
    return true;
}

KernelCache::Ref KernelCache::insert(const Backend& backend, const plan::Mods& mods,
                                     std::uint64_t key) {
    auto program = std::make_unique<Program>(backend, mods);
    Ref ref;
    ref.program_ = program.get();
    Slot* const set = &slots_[((key >> 1) & set_mask_) * kWays];
    bool tried[kWays] = {};
    for (int attempt = 0; attempt < kWays; ++attempt) {
        int oldest = -1;
        for (int i = 0; i < kWays; ++i) {
            if (tried[i]) continue;
            if (oldest < 0 || set[i].last_used.load(std::memory_order_relaxed) <
                                  set[oldest].last_used.load(std::memory_order_relaxed)) {
                oldest = i;
            }
        }
        tried[oldest] = true;
        Slot& slot = set[oldest];
        if (!evict(slot)) continue;
        slot.program = std::move(program);
        slot.last_used.store(age_.fetch_add(1, std::memory_order_relaxed) + 1,
                             std::memory_order_relaxed);
        slot.pins.fetch_add(1, std::memory_order_seq_cst);
        ref.slot_ = &slot;
        slot.key.store(key, std::memory_order_seq_cst);
        return ref;
    }
    ref.own_ = std::move(program);
    return ref;
}

const Kernel* KernelCache::find(const Ref& program, const plan::Problem& problem) {
    const Kernel* const kernel = program->find(problem);
    if (kernel && program.slot_) program.slot_->hits.fetch_add(1, std::memory_order_relaxed);
    return kernel;
}

const Kernel& KernelCache::kernel(const Ref& program, const plan::Problem& problem, Cost& cost) {
    if (const Kernel* const kernel = find(program, problem)) return *kernel;
    const Slow slow(*this, cost.compile_ms);
    misses_.fetch_add(1, std::memory_order_relaxed);
    return program->find_or_make(
        problem, [&](const Backend& backend, const plan::Problem& made, const plan::Mods& mods) {
            return kernel_for(backend, made, mods, disk_, compiled_);
        });
}

CacheInfo KernelCache::info() const {
    CacheInfo info;
    const std::lock_guard lock(inserting_);
    for (std::size_t i = 0; i < (set_mask_ + 1) * kWays; ++i) {
        info.memory_hits += slots_[i].hits.load(std::memory_order_relaxed);
        if (slots_[i].program) info.memory_entries += slots_[i].program->kernel_count();
    }
    info.memory_misses = misses_.load(std::memory_order_relaxed);
    info.compiled = compiled_.load(std::memory_order_relaxed);
    info.disk_hits = disk_.hits();
    info.disk_misses = disk_.misses();
    return info;
}

std::shared_ptr<const Kernel> CallKernels::get(const plan::Problem& problem) {
    const plan::Problem full = with_assumptions(problem);
    const Kernel* kernel = cache_.find(programs_[problem.masked], full);
    if (!kernel) kernel = &make(problem);
    // Owned by its program, which this object pins: a pointer without a count.
    return {std::shared_ptr<const Kernel>(), kernel};
}

const Kernel& CallKernels::make(const plan::Problem& problem) {
    std::vector<plan::Problem> problems{problem};
    if (problem.direction != plan::Direction::mask_leaf) {
        if (expected_) problems.push_back(*expected_);
        const bool both = mods_.mask && backend_.may_skip_mask();
        for (std::size_t i = problems.size(); both && i-- > 0;) {
            problems.push_back(problems[i]);
            problems.back().masked = !problems[i].masked;
        }
    }
    for (plan::Problem& each : problems) each = with_assumptions(each);
    std::vector<KernelCache::Cost> costs(problems.size());
    std::vector<const Kernel*> kernels(problems.size());
    executor_.run(static_cast<std::int64_t>(problems.size()), [&](std::int64_t i, int) {
        kernels[i] = &cache_.kernel(programs_[problems[i].masked], problems[i], costs[i]);
    });
    for (const KernelCache::Cost& cost : costs) cost_.compile_ms += cost.compile_ms;
    return *kernels.front();
}

const plan::Derivative* CallKernels::derivative() {
    return program_of(mods_.mask != nullptr)->derivative();
}

std::uint64_t CallKernels::assumptions() {
    return program_of(mods_.mask != nullptr)->assumptions(mods_, extents_);
}

plan::Mods CallKernels::mods_of(bool masked) const {
    plan::Mods mods = mods_;
    if (!masked) {
        mods.mask = nullptr;
        mods.mask_captures = nullptr;
    }
    return mods;
}

const KernelCache::Ref& CallKernels::program_of(bool masked) {
    KernelCache::Ref& program = programs_[masked];
    if (program) return program;
    std::uint64_t key = hash_combine(hash_combine(0, score_hash_), masked ? mask_hash_ : 0);
    if (mods_.derive) {
        key = hash_combine(key, 1 + mods_.derive->size());
        for (const int buffer : *mods_.derive) key = hash_combine(key, buffer);
    }
    program = cache_.program(backend_, mods_of(masked), key, cost_);
    return program;
}

plan::Problem CallKernels::with_assumptions(plan::Problem problem) {
    const KernelCache::Ref& program = program_of(problem.masked);
    problem.assumptions = program->assumptions(mods_of(problem.masked), extents_);
    return problem;
}

}  // namespace flexion::backend
