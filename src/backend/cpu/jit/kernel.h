// SPDX-License-Identifier: Apache-2.0
// A compiled pass, ready to call.
#pragma once

#include <memory>

#include "backend/cpu/tile_kernel.h"

namespace flexion::cpu {

/// Loads the object of an emitted source for the instruction set that it was emitted for.
std::unique_ptr<TileKernel> load_kernel(const backend::Source& source,
                                        const backend::Binary& object, Isa isa);

}  // namespace flexion::cpu
