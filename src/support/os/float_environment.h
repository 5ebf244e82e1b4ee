// SPDX-License-Identifier: Apache-2.0
// The floating-point mode that kernels run in: round to nearest, no traps, subnormals kept.
#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#elif defined(__aarch64__)
#include <cstdint>
#else
#include <cfenv>
#endif

namespace flexion {

/// Sets the default mode and restores the caller's at the end of the scope: a host may have set
/// flush-to-zero, which would change results from one caller to the next.
class FloatEnvironment {
public:
    FloatEnvironment(const FloatEnvironment&) = delete;
    FloatEnvironment& operator=(const FloatEnvironment&) = delete;

#if defined(__x86_64__)
    FloatEnvironment() : saved_(_mm_getcsr()) { set(kDefault); }
    ~FloatEnvironment() {
        // The sticky exception flags raised meanwhile are not the caller's business.
        set(saved_);
    }

private:
    static constexpr unsigned kDefault = 0x1f80;  // all exceptions masked, nearest, no FTZ, no DAZ
    static void set(unsigned mode) {
        if (_mm_getcsr() != mode) _mm_setcsr(mode);  // reading is cheaper than writing
    }
    unsigned saved_;
#elif defined(__aarch64__)
    FloatEnvironment() {
        asm volatile("mrs %0, fpcr" : "=r"(saved_));
        asm volatile("msr fpcr, %0" ::"r"(std::uint64_t{0}));
    }
    ~FloatEnvironment() { asm volatile("msr fpcr, %0" ::"r"(saved_)); }

private:
    std::uint64_t saved_;
#else
    FloatEnvironment() {
        std::fegetenv(&saved_);
        std::fesetenv(FE_DFL_ENV);
    }
    ~FloatEnvironment() { std::fesetenv(&saved_); }

private:
    std::fenv_t saved_;
#endif
};

}  // namespace flexion
