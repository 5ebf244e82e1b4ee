// SPDX-License-Identifier: Apache-2.0
// One allocator for the process.
#include "support/os/device_allocator.h"

#include <mutex>

#include "support/fail.h"

namespace flexion {
namespace {

std::mutex g_mutex;
DeviceAllocator g_allocator;

}  // namespace

void set_device_allocator(const DeviceAllocator* allocator) {
    if (allocator && (!allocator->allocate || !allocator->release)) {
        fail<UserError>(
            "flexion::set_device_allocator: {} is null; pass both functions, or null for the "
            "driver's allocator",
            allocator->allocate ? "release" : "allocate");
    }
    const std::lock_guard lock(g_mutex);
    g_allocator = allocator ? *allocator : DeviceAllocator{};
}

DeviceAllocator device_allocator() {
    const std::lock_guard lock(g_mutex);
    return g_allocator;
}

}  // namespace flexion
