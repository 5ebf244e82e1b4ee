// SPDX-License-Identifier: Apache-2.0
// Which instruction sets this build and this machine have, and the one in use.
#include <string>

#include "backend/cpu/kernels/micro/kernels.h"
#include "support/env.h"
#include "support/fail.h"

namespace flexion::cpu {

#define FLEXION_DECLARE_ISA(isa)      \
    namespace isa {                   \
    extern const IsaKernels kKernels; \
    }
#if defined(FLEXION_HAVE_AVX2)
FLEXION_DECLARE_ISA(avx2)
FLEXION_DECLARE_ISA(avx512)
FLEXION_DECLARE_ISA(avx512_bf16)
#endif
FLEXION_DECLARE_ISA(portable)
#undef FLEXION_DECLARE_ISA

namespace {

constexpr const char* kNames[] = {"portable", "avx2", "avx512", "avx512_bf16"};

bool machine_has(Isa isa) {
    switch (isa) {
        case Isa::portable:
            return true;
#if defined(FLEXION_HAVE_AVX2)
        // The builtin asks cpuid, and XCR0 for what the operating system saves.
        case Isa::avx512_bf16:
            if (!__builtin_cpu_supports("avx512bf16")) return false;
            [[fallthrough]];
        case Isa::avx512:
            if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
                !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
                return false;
            [[fallthrough]];
        case Isa::avx2:
            return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                   __builtin_cpu_supports("f16c");
#endif
        default:
            return false;
    }
}

Isa best_isa() {
    for (Isa isa : {Isa::avx512_bf16, Isa::avx512, Isa::avx2})
        if (machine_has(isa)) return isa;
    return Isa::portable;
}

}  // namespace

const char* name_of(Isa isa) { return kNames[static_cast<int>(isa)]; }

std::optional<Isa> find_isa(std::string_view name) {
    for (const Isa isa : kIsas) {
        if (name == name_of(isa)) return isa;
    }
    return std::nullopt;
}

bool has_isa(Isa isa) { return machine_has(isa); }

Isa detect_isa() {
    static const Isa kBest = best_isa();
    const std::string& forced = settings().cpu_isa;
    if (forced.empty()) return kBest;
    const std::optional<Isa> isa = find_isa(forced);
    if (isa && *isa <= kBest && machine_has(*isa)) return *isa;
    fail<Unsupported>(
        "flexion: cpu_isa is '{}', which this machine or this build lacks; the best one here is "
        "'{}': leave FLEXION_CPU_ISA unset",
        forced, name_of(kBest));
}

const IsaKernels& kernels_of(Isa isa) {
    switch (isa) {
        case Isa::portable:
            return portable::kKernels;
#if defined(FLEXION_HAVE_AVX2)
        case Isa::avx2:
            return avx2::kKernels;
        case Isa::avx512:
            return avx512::kKernels;
        case Isa::avx512_bf16:
            return avx512_bf16::kKernels;
#endif
        default:
            fail<InternalError>("flexion: this build lacks the kernels of instruction set {}",
                                static_cast<int>(isa));
    }
}

}  // namespace flexion::cpu
