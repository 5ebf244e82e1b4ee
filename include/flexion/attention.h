// SPDX-License-Identifier: Apache-2.0
// The attention call.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

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

/// A CUDA kernel's tile instead of the one that the compiler log chooses. 0: left to choose.
/// Unsupported, with what fits, where shared memory or the instructions do not allow it, and on
/// other back ends.
struct KernelOptions {
    int block_q = 0;        ///< queries of a tile: 64, 128 or 192, a warpgroup for each 64
    int block_kv = 0;       ///< keys of a tile: a multiple of 16 from 32 to 192
    int query_buffers = 0;  ///< 1 or 2; 2 loads the next tile's queries ahead
    bool operator==(const KernelOptions&) const = default;
};

struct AttentionOptions {
    ScoreMod score_mod = {};
    BlockMask block_mask = {};
    /// Stands in for block_mask's mask_mod, which it must equal in structure: other captures.
    MaskMod mask_mod = {};
    double scale = 0;  ///< 0: 1 / sqrt(head_dim)
    bool enable_gqa = true;
    /// [B, Hq, Sq] natural-log sum of exponentials, f32 (f64 for f64); data null: not wanted.
    TensorView lse = {};
    /// [B, Hq, Sq] row maxima of the modified scores, f32 (f64 for f64); data null: not wanted. On
    /// CUDA a call that wants them is slower: without them no maximum is taken on most tiles.
    TensorView max_scores = {};
    int threads = 0;        ///< 0: all of the context's pool
    std::string backend{};  ///< "": the best for these tensors; "cpu", "cuda", "reference"
    const ParallelFor* parallel_for = nullptr;
    void* stream = nullptr;  ///< CUDA tensors: the CUstream (cudaStream_t); null: the default one
    KernelOptions kernel_options{};
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

struct BackwardOptions {
    ScoreMod score_mod = {};  ///< score_mod to enable_gqa: as the forward call had them
    BlockMask block_mask = {};
    MaskMod mask_mod = {};
    double scale = 0;
    bool enable_gqa = true;
    /// [B, Hq, Sq] gradient of lse, of lse's dtype; data null: zero.
    TensorView d_lse = {};
    /// Gradients wanted of the score_mod's captured buffers of floats, by position in
    /// score_mod.captures(q is f64).buffers (ScoreMod::position tells it), each of its buffer's
    /// shape, and of its buffer's dtype or f32 (f64 for a buffer of f64). Data null, or past the
    /// end: not wanted.
    std::vector<TensorView> d_buffers = {};
    int threads = 0;        ///< 0: all of the context's pool
    std::string backend{};  ///< "": the best for these tensors; "cpu", "reference"
    const ParallelFor* parallel_for = nullptr;
    LaunchInfo* info = nullptr;
};

/// The gradients of attention. `out` and `lse` are what the forward call gave; d_out and d_lse are
/// the gradients of the loss with respect to them.
///   d_out as out, data null: zero       d_q, d_k, d_v as q, k, v, data null: not wanted
/// all of q's dtype, sums in f32 (f64 for f64). Gradients are written, not added to; they share no
/// memory with anything else. What is not asked for costs nothing. d_k and d_v are summed over the
/// heads of a group, and over the batch where Bkv is 1; buffers over all positions that read an
/// element. Fully masked rows, masked positions and blocks that no query visits give exactly 0. The
/// same bits from run to run and for any number of threads. Scores are computed again: nothing of
/// size Sq x Skv is kept. Ties and edges of mods as in torch. Second order is not offered.
/// Throws UserError, Unsupported, CompileError.
/// Source: Dao, "FlashAttention-2", 2023, algorithm 2; Dong et al., "Flex Attention", 2024.
void attention_backward(const TensorView& q, const TensorView& k, const TensorView& v,
                        const TensorView& out, const TensorView& lse, const TensorView& d_out,
                        const TensorView& d_q, const TensorView& d_k, const TensorView& d_v,
                        const BackwardOptions& options = {});

/// Counters of the default context's caches, for tests and tuning.
struct CacheInfo {
    std::int64_t memory_entries = 0, memory_hits = 0, memory_misses = 0;
    std::int64_t disk_hits = 0, disk_misses = 0, compiled = 0;
};
CacheInfo cache_info();

}  // namespace flexion
