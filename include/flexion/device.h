// SPDX-License-Identifier: Apache-2.0
// Device memory from the host program's allocator.
#pragma once

#include <cstddef>

#include <flexion/export.h>

namespace FLEXION_PUBLIC flexion {

/// What Flexion keeps on a GPU (block lists, counters) is allocated through this, at the first use
/// of a device or of a mask and never in a launch that is being captured. Both functions are called
/// from any thread, with the device's context current.
struct DeviceAllocator {
    /// `bytes` > 0 of memory of CUDA device `device`, aligned to 256 bytes, ready for use on any
    /// stream; null when there is none, which becomes a DeviceError.
    void* (*allocate)(void* host, std::size_t bytes, int device) = nullptr;
    /// Work that reads the memory has ended.
    void (*release)(void* host, void* data, std::size_t bytes, int device) = nullptr;
    void* host = nullptr;  ///< their first argument
};

/// For memory that is allocated from now on; null: cuMemAlloc again. Memory goes back to the
/// allocator that it came from, which must stay callable. UserError when a function is missing.
/// Thread-safe.
void set_device_allocator(const DeviceAllocator* allocator);

}  // namespace flexion
