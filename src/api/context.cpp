// SPDX-License-Identifier: Apache-2.0
// Makes the context from the settings and the table of back ends.
#include "api/context.h"

#include <pthread.h>

#include <algorithm>
#include <bit>
#include <string>

#include <flexion/attention.h>

#include "support/env.h"
#include "support/fail.h"

// The makers, one in the namespace of each back end.
#define FLEXION_BACKEND(name, space)                           \
    namespace space {                                          \
    std::unique_ptr<flexion::backend::Backend> make_backend(); \
    }
#include "backend/backends.def"
#undef FLEXION_BACKEND

namespace flexion {
namespace {

std::vector<std::unique_ptr<backend::Backend>> make_backends() {
    std::vector<std::unique_ptr<backend::Backend>> backends;
#define FLEXION_BACKEND(name, space) backends.push_back(space::make_backend());
#include "backend/backends.def"
#undef FLEXION_BACKEND
    return backends;
}

std::string cache_directory() {
    return settings().cache == "off" ? std::string()
                                     : backend::default_cache_directory(settings().cache_dir);
}

// Sets of programs, a power of two.
int cache_sets() {
    const auto programs = static_cast<std::uint64_t>(
        std::clamp<std::int64_t>(settings().cache_kernels, backend::KernelCache::kWays, 1 << 20));
    return static_cast<int>(std::bit_ceil(programs / backend::KernelCache::kWays));
}

}  // namespace

Context::Context()
    : disk_(cache_directory(), settings().cache_size, settings().cache == "ro"),
      backends_(make_backends()),
      kernels_(disk_, cache_sets()) {}

const backend::Backend& Context::backend(std::string_view name, const char* where) const {
    if (name.empty()) name = settings().backend;
    if (name.empty()) return *backends_.front();
    std::string known;
    for (const auto& backend : backends_) {
        if (backend->name() == name) return *backend;
        append_format(&known, "{}{}", known.empty() ? "" : ", ", backend->name());
    }
    fail<UserError>("{}: got backend \"{}\"; this build of Flexion has {}", where, name, known);
}

ThreadPool& Context::pool() {
    std::call_once(pool_made_, [this] {
        pool_ = std::make_unique<ThreadPool>(static_cast<int>(settings().num_threads));
    });
    return *pool_;
}

Context& default_context() {
    static Context* const context = [] {
        auto* made = new Context;
        pthread_atfork([] { default_context().kernels().before_fork(); },
                       [] { default_context().kernels().after_fork(); },
                       [] { default_context().kernels().after_fork(); });
        return made;
    }();
    return *context;
}

CacheInfo cache_info() { return default_context().kernels().info(); }

}  // namespace flexion
