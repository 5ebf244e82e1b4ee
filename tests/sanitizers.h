// SPDX-License-Identifier: Apache-2.0
// Which sanitizers a test is built with: gcc says it by macros, clang by features.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FLEXION_TEST_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define FLEXION_TEST_TSAN 1
#endif
#else
#if defined(__SANITIZE_ADDRESS__)
#define FLEXION_TEST_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define FLEXION_TEST_TSAN 1
#endif
#endif

#if defined(FLEXION_TEST_ASAN)
#include <sanitizer/lsan_interface.h>
#endif

namespace flexion::test {

#if defined(FLEXION_TEST_ASAN) || defined(FLEXION_TEST_TSAN)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

/// What is allocated while one exists is no leak.
struct MayLeak {
#if defined(FLEXION_TEST_ASAN)
    MayLeak() { __lsan_disable(); }
    ~MayLeak() { __lsan_enable(); }
#else
    MayLeak() {}
#endif
};

}  // namespace flexion::test
