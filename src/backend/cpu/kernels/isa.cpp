// SPDX-License-Identifier: Apache-2.0
// Which instruction sets this build and this machine have, and the one in use.
#include <string>

#include "backend/cpu/kernels/micro/kernels.h"
#include "support/env.h"
#include "support/fail.h"

namespace flexion::cpu {

// FLEXION_BUILT_ISAS comes from the build: FLEXION_ISA(name) for each that it has.
#define FLEXION_ISA(isa)              \
    namespace isa {                   \
    extern const IsaKernels kKernels; \
    }
FLEXION_BUILT_ISAS
#undef FLEXION_ISA

namespace {

constexpr const char* kNames[] = {"portable", "avx2", "avx512", "avx512_bf16"};

const IsaKernels* built_kernels(Isa isa) {
    switch (isa) {
#define FLEXION_ISA(isa) \
    case Isa::isa:       \
        return &isa::kKernels;
        FLEXION_BUILT_ISAS
#undef FLEXION_ISA
        default:
            return nullptr;
    }
}

bool machine_has(Isa isa) {
    switch (isa) {
        case Isa::portable:
            return true;
#if defined(__x86_64__)
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
        if (has_isa(isa)) return isa;
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

bool is_built(Isa isa) { return built_kernels(isa) != nullptr; }

bool has_isa(Isa isa) { return is_built(isa) && machine_has(isa); }

Isa detect_isa() {
    static const Isa kBest = best_isa();
    const std::string& forced = settings().cpu_isa;
    if (forced.empty()) return kBest;
    const std::optional<Isa> isa = find_isa(forced);
    if (isa && has_isa(*isa)) return *isa;
    fail<Unsupported>(
        "flexion: cpu_isa is '{}', which this machine or this build lacks; the best one here is "
        "'{}': leave FLEXION_CPU_ISA unset",
        forced, name_of(kBest));
}

const IsaKernels& kernels_of(Isa isa) {
    if (const IsaKernels* const kernels = built_kernels(isa)) return *kernels;
    fail<InternalError>("flexion: this build lacks the kernels of instruction set {}",
                        static_cast<int>(isa));
}

}  // namespace flexion::cpu
