// SPDX-License-Identifier: Apache-2.0
// Opens libcuda once.
#include "backend/cuda/driver.h"

#include <pthread.h>

#include <atomic>

#include "support/fail.h"
#include "support/os/dynamic_library.h"

namespace flexion::cuda {
namespace {

struct Opened {
    DynamicLibrary library;
    Driver table;
    std::string why;  // empty: usable
};

std::atomic<bool> g_forked{false};

Opened open_driver() {
    Opened opened;
    const std::string names[] = {"libcuda.so.1"};
    opened.library = DynamicLibrary::open(names);
    if (!opened.library) {
        opened.why = opened.library.error();
        return opened;
    }
#define FLEXION_DRIVER_BIND(field, symbol, ...)                                                   \
    if (!opened.library.bind(#symbol, &opened.table.field)) {                                     \
        opened.why = opened.library.path() + " has no " #symbol "; CUDA 12.0 or later is needed"; \
        return opened;                                                                            \
    }
    FLEXION_DRIVER_FUNCTIONS(FLEXION_DRIVER_BIND)
#undef FLEXION_DRIVER_BIND
    const Result result = opened.table.init(0);
    if (result != 0) {
        const char* text = nullptr;
        opened.table.error_text(result, &text);
        opened.why = formatted("cuInit: {}", text ? text : "unknown error");
        return opened;
    }
    opened.table.driver_version(&opened.table.version);
    // A context does not survive fork().
    pthread_atfork(nullptr, nullptr, [] { g_forked.store(true, std::memory_order_relaxed); });
    return opened;
}

const Opened& opened() {
    static const Opened* const once = new Opened(open_driver());
    return *once;
}

}  // namespace

const Driver* find_driver(std::string* why) {
    if (why) *why = opened().why;
    return opened().why.empty() ? &opened().table : nullptr;
}

const Driver& driver() {
    if (g_forked.load(std::memory_order_relaxed)) [[unlikely]] {
        fail<DeviceError>(
            "flexion: CUDA was used before fork() and cannot be used in the child; start workers "
            "with spawn (multiprocessing.set_start_method(\"spawn\"))");
    }
    const Opened& now = opened();
    if (!now.why.empty()) [[unlikely]] {
        fail<DeviceError>("flexion: no CUDA driver: {}", now.why);
    }
    return now.table;
}

void check(Result result, const char* what) {
    if (result == 0) [[likely]]
        return;
    const char *name = nullptr, *text = nullptr;
    opened().table.error_name(result, &name);
    opened().table.error_text(result, &text);
    fail<DeviceError>("flexion: {} failed with {}: {}", what, name ? name : "an unknown error",
                      text ? text : "");
}

}  // namespace flexion::cuda
