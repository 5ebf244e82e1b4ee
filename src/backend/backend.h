// SPDX-License-Identifier: Apache-2.0
// A back end is six verbs (launch has two directions); kernel_for() in kernel_cache.h is the line
// that calls them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "plan/launch.h"
#include "plan/problem.h"

namespace flexion::backend {

/// Text of a kernel: LLVM IR, CUDA C++. All that decides the binary; the disk cache's key.
struct Source {
    std::string name;    ///< symbol, and the name in messages and dumps
    std::string target;  ///< "cpu:avx512_bf16", with CPU and feature string
    std::string flags;   ///< compiler, version, passes, tile ABI
    std::string text;
};
/// A relocatable object or cubin.
using Binary = std::vector<char>;

/// Loaded code. Immutable; shared by every caller.
class Kernel {
public:
    virtual ~Kernel() = default;
};

struct Support {
    bool yes = true;
    std::string why;  ///< the reason, and what would work
};

/// Kernels for one pair of mods, from the memory cache or through the line; a launch asks for those
/// that it needs.
class KernelProvider {
public:
    virtual ~KernelProvider() = default;
    /// `problem.assumptions` is filled in here (from the call's captures and lengths): leave it 0.
    /// The kernel is made for the simplified mods and stays valid until the launch has returned.
    /// Not thread-safe: ask before entering a parallel region.
    virtual std::shared_ptr<const Kernel> get(const plan::Problem& problem) = 0;
    /// Names a kernel that calls of other lengths need: it is made together with the first one that
    /// get() has to make, so that a new length compiles nothing.
    virtual void expect(const plan::Problem&) {}
};

class Backend {
public:
    virtual ~Backend() = default;
    virtual const char* name() const = 0;
    virtual Support supports(const plan::Problem& problem, const plan::Mods& mods) const = 0;
    /// Text of the kernel: plan and emission in one pure function of its arguments.
    virtual Source emit(const plan::Problem& problem, const plan::Mods& mods) const = 0;
    virtual Binary compile(const Source& source) const = 0;
    virtual std::unique_ptr<Kernel> load(const Source& source, const Binary& binary) const = 0;
    /// Whether a call with a mask_mod takes the kernel with or the one without it depending on
    /// lengths and contents; both are then made at once, so that a new length compiles nothing.
    virtual bool may_skip_mask() const { return true; }
    /// Runs a validated call. Unsupported where supports() says no for its problem.
    virtual void launch(const plan::LaunchArgs& args, KernelProvider& kernels) const = 0;
    /// Runs a validated backward call; `kernels` gives those of Direction::backward. Unsupported
    /// unless a back end has one.
    virtual void launch_backward(const plan::BackwardArgs& args, KernelProvider& kernels) const;
};

}  // namespace flexion::backend
