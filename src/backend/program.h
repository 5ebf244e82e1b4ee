// SPDX-License-Identifier: Apache-2.0
// One pair of mods with all kernels made for it so far.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "backend/backend.h"
#include "ir/function.h"
#include "plan/assumptions.h"
#include "plan/buffer_gradients.h"
#include "plan/problem.h"

namespace flexion::backend {

/// Kernels are found without a lock and live as long as the program.
class Program {
public:
    /// Copies and simplifies the functions of `mods`, or derives them.
    Program(const Backend& backend, const plan::Mods& mods);

    /// Whether this program is for that back end and mods of that structure.
    bool matches(const Backend& backend, const plan::Mods& mods) const;

    /// The assumption bits of a call; `mods` carries its captures.
    std::uint64_t assumptions(const plan::Mods& mods, const plan::Extents& extents) const {
        return checker_.bits(mods, extents);
    }

    /// Null unless made of mods with `derive` and a score_mod.
    const plan::Derivative* derivative() const { return derivative_ ? &*derivative_ : nullptr; }

    /// A kernel made before, or null.
    const Kernel* find(const plan::Problem& problem) const;

    using Make = std::function<std::unique_ptr<Kernel>(
        const Backend& backend, const plan::Problem& problem, const plan::Mods& simplified)>;
    /// The kernel of `problem`, made by `make` when it is missing; callers that miss the same
    /// kernel at once wait for the first one, different ones are made at the same time. Past
    /// kVariants - kGeneralVariants kernels a new set of assumptions gets the kernel without
    /// assumptions, which is right for all.
    const Kernel& find_or_make(plan::Problem problem, const Make& make);

    int kernel_count() const { return count_.load(std::memory_order_acquire); }

private:
    // Kernels without assumptions: on the CPU at most directions x dtypes x masked x few_queries,
    // < 32; on CUDA as many as there are pairs of head dims in use.
    static constexpr int kVariants = 128;
    static constexpr int kGeneralVariants = 96;
    struct Variant {
        plan::Problem problem;
        std::unique_ptr<Kernel> kernel;
    };

    const Backend* backend_;
    std::optional<ir::Function> score_, mask_;  // as traced: the identity
    std::optional<std::vector<int>> derive_;
    std::optional<ir::Function> simplified_score_, simplified_mask_;  // what is compiled
    std::optional<plan::Derivative> derivative_;                      // in place of the score
    const ir::Function* compiled_score() const;
    plan::AssumptionChecker checker_;
    std::mutex making_;  // not held while a kernel is made
    std::condition_variable made_;
    std::vector<plan::Problem> under_way_;
    std::array<Variant, kVariants> variants_;  // [0, count_) never change again
    std::atomic<int> count_{0};
};

}  // namespace flexion::backend
