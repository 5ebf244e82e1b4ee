// SPDX-License-Identifier: Apache-2.0
// dlopen and its kin.
#include "support/os/dynamic_library.h"

#include <dlfcn.h>
#include <link.h>

#include <utility>

#include "support/format.h"

namespace flexion {

DynamicLibrary DynamicLibrary::open(std::span<const std::string> candidates) {
    DynamicLibrary library;
    for (const std::string& candidate : candidates) {
        // RTLD_LOCAL: its symbols must not answer for those of the host's other libraries.
        library.handle_ = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (library.handle_ != nullptr) {
            link_map* map = nullptr;
            const bool named = dlinfo(library.handle_, RTLD_DI_LINKMAP, &map) == 0 &&
                               map->l_name != nullptr && *map->l_name != '\0';
            library.path_ = named ? map->l_name : candidate;
            library.error_.clear();
            return library;
        }
        const char* reason = dlerror();
        append_format(&library.error_, "{}{}: {}", library.error_.empty() ? "" : "; ", candidate,
                      reason != nullptr ? reason : "no reason given");
    }
    if (candidates.empty()) library.error_ = "no candidates";
    return library;
}

DynamicLibrary::~DynamicLibrary() {
    if (handle_ != nullptr) dlclose(handle_);
}

DynamicLibrary::DynamicLibrary(DynamicLibrary&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)),
      path_(std::move(other.path_)),
      error_(std::move(other.error_)) {}

DynamicLibrary& DynamicLibrary::operator=(DynamicLibrary&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(path_, other.path_);
    std::swap(error_, other.error_);
    return *this;
}

void* DynamicLibrary::symbol(const char* name) const {
    return handle_ != nullptr ? dlsym(handle_, name) : nullptr;
}

}  // namespace flexion
