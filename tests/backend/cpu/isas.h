// SPDX-License-Identifier: Apache-2.0
// The instruction sets that a test goes through.
#pragma once

#include <ostream>
#include <vector>

#include "backend/cpu/tile_abi.h"

namespace flexion::cpu {
/// What GoogleTest prints.
inline void PrintTo(Isa isa, std::ostream* out) { *out << name_of(isa); }
}  // namespace flexion::cpu

namespace flexion::test {

/// Those that this machine and this build have, the best one last.
inline std::vector<cpu::Isa> runnable_isas() {
    std::vector<cpu::Isa> all;
    for (const cpu::Isa isa : cpu::kIsas) {
        if (cpu::has_isa(isa)) all.push_back(isa);
    }
    return all;
}

}  // namespace flexion::test
