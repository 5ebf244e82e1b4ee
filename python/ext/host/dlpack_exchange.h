// SPDX-License-Identifier: Apache-2.0
// What DLPack 1.3 adds to the header that distributions ship: managed tensors with a version, and
// the table of C functions by which a framework describes, makes and wraps its tensors. Layouts
// from dlpack.h of https://github.com/dmlc/dlpack, v1.3.
#pragma once

#include <cstdint>

#include <dlpack/dlpack.h>

namespace flexion::python {

struct DlpackVersion {
    std::uint32_t major, minor;
};

struct DlpackManaged {
    DlpackVersion version;
    void* manager_ctx;
    void (*deleter)(DlpackManaged* self);
    std::uint64_t flags;
    DLTensor dl_tensor;
};

/// Type code of bool, which older headers lack.
inline constexpr std::uint8_t kDlpackBool = 6;

/// `type.__dlpack_c_exchange_api__` is a capsule of this name that points to a DlpackExchange.
/// Functions return 0, or -1 with a Python exception set (the allocator reports by set_error).
inline constexpr const char* kDlpackExchangeName = "dlpack_exchange_api";
struct DlpackExchange {
    DlpackVersion version;
    DlpackExchange* previous;
    int (*allocate)(DLTensor* prototype, DlpackManaged** out, void* error_ctx,
                    void (*set_error)(void* error_ctx, const char* kind, const char* message));
    int (*managed_from_object)(void* object, DlpackManaged** out);
    int (*managed_to_object)(DlpackManaged* tensor, void** object);
    int (*describe)(void* object, DLTensor* out);  ///< may be null; borrows
    int (*current_stream)(DLDeviceType type, std::int32_t id, void** stream);
};

}  // namespace flexion::python
