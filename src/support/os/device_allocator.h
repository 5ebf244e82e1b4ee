// SPDX-License-Identifier: Apache-2.0
// The allocator that set_device_allocator() left for back ends.
#pragma once

#include <flexion/device.h>

namespace flexion {

/// Functions null: none was set.
DeviceAllocator device_allocator();

}  // namespace flexion
