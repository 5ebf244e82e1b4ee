// SPDX-License-Identifier: Apache-2.0
// The table of instruction sets.
#include "backend/cpu/codegen/isa_traits.h"

namespace flexion::cpu {
namespace {

constexpr const char* kLinux = "x86_64-unknown-linux-gnu";
// Every feature here is one that detect_isa() asks the processor for, but fast-gather, which only
// has gathers made of gather instructions: on Zen 3 a little faster, and half the time to compile.
#define FLEXION_AVX2_FEATURES "+avx2,+fma,+f16c,+fast-gather"
#define FLEXION_AVX512_FEATURES FLEXION_AVX2_FEATURES ",+avx512f,+avx512bw,+avx512dq,+avx512vl"

constexpr IsaTraits kTraits[] = {
    {Isa::portable, kLinux, "x86-64", "", false, false, false, false, false},
    {Isa::avx2, kLinux, "x86-64", FLEXION_AVX2_FEATURES, true, true, true, false, false},
    {Isa::avx512, kLinux, "x86-64", FLEXION_AVX512_FEATURES, true, true, true, true, true},
    {Isa::avx512_bf16, kLinux, "x86-64", FLEXION_AVX512_FEATURES ",+avx512bf16", true, true, true,
     true, true},
};

}  // namespace

const IsaTraits& traits_of(Isa isa) { return kTraits[static_cast<int>(isa)]; }

}  // namespace flexion::cpu
