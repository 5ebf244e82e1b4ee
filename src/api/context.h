// SPDX-License-Identifier: Apache-2.0
// What calls share: back ends, caches, threads. One for the process, made at first use.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "backend/disk_cache.h"
#include "backend/kernel_cache.h"
#include "support/os/thread_pool.h"

namespace flexion {

class Context {
public:
    /// From settings(). Threads, and the folder of the disk cache, wait for their first use.
    Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    /// The back end called `name`; "": the one that the settings name, else the preferred one.
    /// UserError, on behalf of `where`, when this build has none of that name.
    const backend::Backend& backend(std::string_view name, const char* where) const;
    const std::vector<std::unique_ptr<backend::Backend>>& backends() const { return backends_; }

    ThreadPool& pool();
    backend::KernelCache& kernels() { return kernels_; }
    backend::DiskCache& disk() { return disk_; }

private:
    backend::DiskCache disk_;
    // After the disk cache and before the kernels, which point to their back ends.
    std::vector<std::unique_ptr<backend::Backend>> backends_;
    backend::KernelCache kernels_;
    std::once_flag pool_made_;
    std::unique_ptr<ThreadPool> pool_;
};

/// Never destroyed: kernels may run while the process exits. A child of fork() finds it usable.
Context& default_context();

}  // namespace flexion
