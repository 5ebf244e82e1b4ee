// SPDX-License-Identifier: Apache-2.0
// The CUDA driver, found at run time: a table of the functions in use. Types as cuda.h has them, by
// layout; nothing of CUDA is needed to build.
#pragma once

#include <cstdint>
#include <string>

namespace flexion::cuda {

using Result = int;
using DeviceId = int;
using Address = std::uint64_t;
using ContextHandle = struct ContextTag*;
using StreamHandle = struct StreamTag*;
using LibraryHandle = struct LibraryTag*;
using KernelHandle = struct KernelTag*;
/// CUtensorMap.
struct alignas(64) TensorMapImage {
    std::uint64_t words[16];
};

// (field, symbol, arguments)
#define FLEXION_DRIVER_FUNCTIONS(X)                                                                \
    X(init, cuInit, unsigned)                                                                      \
    X(driver_version, cuDriverGetVersion, int*)                                                    \
    X(device_count, cuDeviceGetCount, int*)                                                        \
    X(device_get, cuDeviceGet, DeviceId*, int)                                                     \
    X(device_name, cuDeviceGetName, char*, int, DeviceId)                                          \
    X(device_attribute, cuDeviceGetAttribute, int*, int, DeviceId)                                 \
    X(context_device, cuCtxGetDevice, DeviceId*)                                                   \
    X(context_current, cuCtxGetCurrent, ContextHandle*)                                            \
    X(context_set, cuCtxSetCurrent, ContextHandle)                                                 \
    X(context_id, cuCtxGetId, ContextHandle, unsigned long long*)                                  \
    X(primary_retain, cuDevicePrimaryCtxRetain, ContextHandle*, DeviceId)                          \
    X(pointer_attribute, cuPointerGetAttribute, void*, int, Address)                               \
    X(allocate, cuMemAlloc_v2, Address*, std::size_t)                                              \
    X(release, cuMemFree_v2, Address)                                                              \
    X(copy_in, cuMemcpyHtoD_v2, Address, const void*, std::size_t)                                 \
    X(copy_out, cuMemcpyDtoH_v2, void*, Address, std::size_t)                                      \
    X(fill32, cuMemsetD32_v2, Address, unsigned, std::size_t)                                      \
    X(synchronize, cuCtxSynchronize)                                                               \
    X(stream_is_capturing, cuStreamIsCapturing, StreamHandle, int*)                                \
    X(library_load, cuLibraryLoadData, LibraryHandle*, const void*, void*, void*, unsigned, void*, \
      void*, unsigned)                                                                             \
    X(library_unload, cuLibraryUnload, LibraryHandle)                                              \
    X(library_kernel, cuLibraryGetKernel, KernelHandle*, LibraryHandle, const char*)               \
    X(kernel_function, cuKernelGetFunction, void**, KernelHandle)                                  \
    X(kernel_set_attribute, cuKernelSetAttribute, int, int, KernelHandle, DeviceId)                \
    X(launch_kernel, cuLaunchKernel, void*, unsigned, unsigned, unsigned, unsigned, unsigned,      \
      unsigned, unsigned, StreamHandle, void**, void**)                                            \
    X(encode_tiled, cuTensorMapEncodeTiled, TensorMapImage*, int, unsigned, void*,                 \
      const std::uint64_t*, const std::uint64_t*, const std::uint32_t*, const std::uint32_t*, int, \
      int, int, int)                                                                               \
    X(error_name, cuGetErrorName, Result, const char**)                                            \
    X(error_text, cuGetErrorString, Result, const char**)

struct Driver {
#define FLEXION_DRIVER_FIELD(field, symbol, ...) Result (*field)(__VA_ARGS__) = nullptr;
    FLEXION_DRIVER_FUNCTIONS(FLEXION_DRIVER_FIELD)
#undef FLEXION_DRIVER_FIELD
    int version = 0;  ///< 13000 for CUDA 13.0
};

/// The driver, initialised; null when this machine has none, and then `why` says what was tried.
const Driver* find_driver(std::string* why = nullptr);

/// The driver; DeviceError when there is none, and in a child of fork() made after its first use.
const Driver& driver();

/// DeviceError that names `what` and the driver's error unless `result` is success.
void check(Result result, const char* what);

// Attributes in use, as cuda.h numbers them.
inline constexpr int kMultiprocessors = 16, kComputeMajor = 75, kComputeMinor = 76;
inline constexpr int kMaxDynamicShared = 8;  // of a function
inline constexpr int kPointerContext = 1, kPointerDevice = 9;

}  // namespace flexion::cuda
