// SPDX-License-Identifier: Apache-2.0
// The hash of a problem, from its rows in problem.def.
#include "plan/problem.h"

namespace flexion::plan {

std::uint64_t hash(const Problem& problem) {
    // Multiply and xor-shift per field (the finaliser of MurmurHash3, Appleby): fields are few and
    // small, and each must reach all bits.
    std::uint64_t h = 0x9E3779B97F4A7C15ull;
    const auto mix = [&h](std::uint64_t field) {
        h = (h ^ field) * 0xFF51AFD7ED558CCDull;
        h ^= h >> 33;
    };
#define FLEXION_PROBLEM(type, name, initial) mix(static_cast<std::uint64_t>(problem.name));
#include "plan/problem.def"
#undef FLEXION_PROBLEM
    return h;
}

}  // namespace flexion::plan
