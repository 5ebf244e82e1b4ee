// SPDX-License-Identifier: Apache-2.0
// Kernels of one pair of mods: an append-only array that readers scan without a lock.
#include "backend/program.h"

#include <algorithm>
#include <utility>

#include "passes/passes.h"
#include "support/fail.h"

namespace flexion::backend {
namespace {

std::optional<ir::Function> copy_of(const ir::Function* f) {
    return f ? std::optional<ir::Function>(*f) : std::nullopt;
}

std::optional<ir::Function> simplified(const ir::Function* f) {
    return f ? std::optional<ir::Function>(passes::simplify(*f)) : std::nullopt;
}

const ir::Function* pointer_to(const std::optional<ir::Function>& f) { return f ? &*f : nullptr; }

bool same(const std::optional<ir::Function>& mine, const ir::Function* other) {
    if (!mine || !other) return !mine && !other;
    return ir::same_structure(*mine, *other);
}

}  // namespace

Program::Program(const Backend& backend, const plan::Mods& mods)
    : backend_(&backend),
      score_(copy_of(mods.score)),
      mask_(copy_of(mods.mask)),
      derive_(mods.derive ? std::optional(*mods.derive) : std::nullopt),
      simplified_score_(derive_ ? std::nullopt : simplified(mods.score)),
      simplified_mask_(simplified(mods.mask)),
      derivative_(derive_ && score_
                      ? std::optional<plan::Derivative>(std::in_place, *score_, *derive_)
                      : std::nullopt),
      checker_(compiled_score(), pointer_to(simplified_mask_)) {}

const ir::Function* Program::compiled_score() const {
    return derivative_ ? &derivative_->function : pointer_to(simplified_score_);
}

bool Program::matches(const Backend& backend, const plan::Mods& mods) const {
    const bool same_buffers = mods.derive ? derive_ == *mods.derive : !derive_;
    return backend_ == &backend && same_buffers && same(score_, mods.score) &&
           same(mask_, mods.mask);
}

const Kernel* Program::find(const plan::Problem& problem) const {
    const int count = count_.load(std::memory_order_acquire);
    for (int i = 0; i < count; ++i) {
        if (variants_[i].problem == problem) return variants_[i].kernel.get();
    }
    return nullptr;
}

const Kernel& Program::find_or_make(plan::Problem problem, const Make& make) {
    std::unique_lock lock(making_);
    const auto under_way = [&] {
        return std::find(under_way_.begin(), under_way_.end(), problem) != under_way_.end();
    };
    const auto made = [&] { return under_way_.size() + count_.load(std::memory_order_relaxed); };
    if (problem.assumptions != 0 && !find(problem) && !under_way() &&
        made() >= kVariants - kGeneralVariants) {
        problem.assumptions = 0;
    }
    made_.wait(lock, [&] { return !under_way(); });
    if (const Kernel* const kernel = find(problem)) return *kernel;
    if (made() == kVariants) {
        fail<Unsupported>(
            "flexion::attention: one pair of mods was used with {} different head dims and dtypes "
            "in one process; trace the mods anew for further ones",
            kVariants);
    }
    // Others may make other kernels meanwhile.
    under_way_.push_back(problem);
    lock.unlock();
    const auto finish = [&](std::unique_ptr<Kernel> kernel) {
        lock.lock();
        under_way_.erase(std::find(under_way_.begin(), under_way_.end(), problem));
        made_.notify_all();
        if (!kernel) return;
        const int count = count_.load(std::memory_order_relaxed);
        variants_[count] = {problem, std::move(kernel)};
        count_.store(count + 1, std::memory_order_release);
    };
    try {
        finish(make(*backend_, problem,
                    {.score = compiled_score(),
                     .mask = pointer_to(simplified_mask_),
                     .score_captures = nullptr,
                     .mask_captures = nullptr,
                     .derive = derive_ ? &*derive_ : nullptr}));
    } catch (...) {
        finish(nullptr);
        throw;
    }
    return *find(problem);
}

}  // namespace flexion::backend
