// SPDX-License-Identifier: Apache-2.0
// The attention call.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <flexion/block_mask.h>
#include <flexion/export.h>
#include <flexion/expr.h>
#include <flexion/tensor.h>

namespace FLEXION_PUBLIC flexion {

/// A parallel loop lent by the host: runs body(i) for all i in [0, n), in any order, on any
/// threads, and returns when all are done.
using ParallelFor =
    std::function<void(std::int64_t n, const std::function<void(std::int64_t)>& body)>;

/// What a call did; filled when asked for.
struct LaunchInfo {
    std::string backend;             ///< "cpu", "cuda", "reference"
    std::string isa;                 ///< "avx512_bf16", "avx512", "avx2", "portable"; "sm_90a"
    std::int64_t scratch_bytes = 0;  ///< all threads together
    int threads = 0;
    double compile_ms = 0;  ///< thread CPU time spent compiling in this call; 0 when cached
    std::int64_t visited_scores = 0;  ///< score elements in visited blocks, over batch and heads
};

struct AttentionOptions {
    ScoreMod score_mod = {};
    BlockMask block_mask = {};
    double scale = 0;  ///< 0: 1 / sqrt(head_dim)
    bool enable_gqa = true;
    /// [B, Hq, Sq] natural-log sum of exponentials, f32 (f64 for f64); data null: not wanted.
    TensorView lse = {};
    /// [B, Hq, Sq] row maxima of the modified scores, f32 (f64 for f64); data null: not wanted.
    TensorView max_scores = {};
    int threads = 0;        ///< 0: all of the context's pool
    std::string backend{};  ///< "": the best for these tensors; "cpu", "cuda", "reference"
    const ParallelFor* parallel_for = nullptr;
    void* stream = nullptr;  ///< CUDA tensors: the CUstream (cudaStream_t); null: the default one
    LaunchInfo* info = nullptr;
};

/// out = softmax(mask(score_mod(q k^T * scale))) v, fused; accumulation in f32 (f64 for f64).
///   q   [B, Hq, Sq, D]        k [Bkv, Hkv, Skv, D]      v [Bkv, Hkv, Skv, Dv]
///   out [B, Hq, Sq, Dv]       Bkv is B or 1, Hkv divides Hq, 1 <= D, Dv <= 512
/// dtypes f32, f64, bf16 or f16, the same for all; any strides (a last dimension that is not
/// contiguous costs a copy). q, k and v may be one tensor; out shares no memory with them.
/// A row without a key left by the mask gives 0, and -inf in lse and max_scores.
/// Throws UserError, Unsupported, CompileError, DeviceError.
/// Source: Dong et al., "Flex Attention", 2024; Dao, "FlashAttention-2", 2023, algorithm 1.
void attention(const TensorView& q, const TensorView& k, const TensorView& v, const TensorView& out,
               const AttentionOptions& options = {});

/// What attention would do with these arguments, but for the launch: on CUDA tensors the kernel is
/// compiled and loaded and the block lists are brought to the device, so that the call can be
/// captured into a CUDA graph. Nothing on host tensors, whose first call compiles. Throws as
/// attention does.
void prepare(const TensorView& q, const TensorView& k, const TensorView& v, const TensorView& out,
             const AttentionOptions& options = {});

/// Counters of the default context's caches, for tests and tuning.
struct CacheInfo {
    std::int64_t memory_entries = 0, memory_hits = 0, memory_misses = 0;
    std::int64_t disk_hits = 0, disk_misses = 0, compiled = 0;
};
CacheInfo cache_info();

}  // namespace flexion
