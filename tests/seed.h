// SPDX-License-Identifier: Apache-2.0
// How the tests vary: a fresh seed a process, printed, or FLEXION_TEST_SEED; short or long.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "sanitizers.h"

namespace flexion::test {

/// The seed of this process.
inline std::uint64_t seed() {
    static const std::uint64_t value = [] {
        const char* given = std::getenv("FLEXION_TEST_SEED");
        const std::uint64_t chosen =
            given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
        std::printf("FLEXION_TEST_SEED=%llu\n", static_cast<unsigned long long>(chosen));
        std::fflush(stdout);
        return chosen;
    }();
    return value;
}

/// A generator of its own for each place that asks, so that cases do not depend on their order.
inline std::mt19937_64 generator(std::uint64_t place) {
    return std::mt19937_64(seed() * 0x9E37'79B9'7F4A'7C15u + place);
}

/// Whether `make test-long` runs (FLEXION_TEST_LONG=1): more cases, and sweeps over whole domains.
inline bool long_run() {
    const char* given = std::getenv("FLEXION_TEST_LONG");
    return given != nullptr && given[0] == '1';
}

/// How many of something: ten times in the long run, a tenth under sanitizers.
inline int scaled(int count) {
    if (kSanitized) return std::max(1, count / 10);
    return long_run() ? 10 * count : count;
}

/// Uniform in [low, high].
template <class Generator>
std::int64_t between(Generator& random, std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

}  // namespace flexion::test
