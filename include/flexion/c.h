// SPDX-License-Identifier: Apache-2.0
// The C interface: tensors as DLPack, mods as IR text (docs/ir.md), everything else as handles.
//
//   flexion_attention_options options = FLEXION_ATTENTION_OPTIONS_INIT;
//   options.block_mask = mask;
//   if (flexion_attention(&q, &k, &v, &out, &options) != FLEXION_OK) puts(flexion_last_error());
//
// No function throws, aborts or prints. Handles are immutable and may be used by several threads;
// results of functions are to be destroyed by their own destroy function, which accepts NULL.
#ifndef FLEXION_C_H_
#define FLEXION_C_H_

#include <stddef.h>
#include <stdint.h>
/* DLPack's header: of the machine, else the copy that is installed with this one. */
#if __has_include(<dlpack/dlpack.h>)
#include <dlpack/dlpack.h>
#else
#include <flexion/dlpack.h>
#endif

#define FLEXION_C_API __attribute__((visibility("default")))
/* Raised when a function or struct changes; additions at the end of options do not change it. */
#define FLEXION_C_ABI_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

typedef enum flexion_status {
    FLEXION_OK = 0,
    FLEXION_USER_ERROR = 1,    /* the call is wrong: shapes, dtypes, names, options, IR text */
    FLEXION_UNSUPPORTED = 2,   /* meaningful, but not for this build, back end or machine */
    FLEXION_COMPILE_ERROR = 3, /* the compiler refused a kernel */
    FLEXION_DEVICE_ERROR = 4,  /* memory, driver, operating system */
    FLEXION_INTERNAL_ERROR = 5 /* a bug in Flexion */
} flexion_status;

/* "0.1.0" */
FLEXION_C_API const char* flexion_version(void);
FLEXION_C_API int flexion_c_abi_version(void);
/* What the last call of this thread that failed had to say; valid until its next failure. */
FLEXION_C_API const char* flexion_last_error(void);

/* Options of the process and their variables of the environment: see flexion/options.h. */
FLEXION_C_API flexion_status flexion_set_option(const char* name, const char* value);

/* Device memory from the host program's allocator: see flexion/device.h. Both NULL: the driver's.
 */
typedef void* (*flexion_device_allocate)(void* host, size_t bytes, int device);
typedef void (*flexion_device_release)(void* host, void* data, size_t bytes, int device);
FLEXION_C_API flexion_status flexion_set_device_allocator(flexion_device_allocate allocate,
                                                          flexion_device_release release,
                                                          void* host);

/* A number that may change without recompiling; `integer` counts where is_integer is not 0. */
typedef struct flexion_scalar {
    int32_t is_integer;
    int64_t integer;
    double real;
} flexion_scalar;

typedef struct flexion_score_mod flexion_score_mod;
typedef struct flexion_mask_mod flexion_mask_mod;
typedef struct flexion_block_mask flexion_block_mask;

/* A mod from IR text and the buffers and scalars that the text declares, in order. The memory of
 * the buffers, not their DLTensors, must outlive every call that uses the mod. */
FLEXION_C_API flexion_status flexion_score_mod_create(const char* text, const DLTensor* buffers,
                                                      size_t buffer_count,
                                                      const flexion_scalar* scalars,
                                                      size_t scalar_count,
                                                      flexion_score_mod** result);
FLEXION_C_API void flexion_score_mod_destroy(flexion_score_mod* mod);
FLEXION_C_API flexion_status flexion_mask_mod_create(const char* text, const DLTensor* buffers,
                                                     size_t buffer_count,
                                                     const flexion_scalar* scalars,
                                                     size_t scalar_count,
                                                     flexion_mask_mod** result);
FLEXION_C_API void flexion_mask_mod_destroy(flexion_mask_mod* mod);

/* The block mask of a mask_mod, from the contents of its buffers at this moment. B, H: 0
 * broadcasts. Block sizes: 0 is 128. */
FLEXION_C_API flexion_status flexion_block_mask_create(const flexion_mask_mod* mask_mod, int64_t B,
                                                       int64_t H, int64_t q_len, int64_t kv_len,
                                                       int64_t q_block, int64_t kv_block,
                                                       flexion_block_mask** result);
/* From torch's tables: num_blocks i32 [B, H, rows], indices i32 [B, H, rows, cols], both dense; the
 * full ones may be NULL. mask_mod NULL: the listed blocks are the mask. Lengths 0: rows * q_block
 * and cols * kv_block. */
FLEXION_C_API flexion_status flexion_block_mask_from_kv_blocks(
    const DLTensor* num_blocks, const DLTensor* indices, const DLTensor* full_num_blocks,
    const DLTensor* full_indices, int64_t q_block, int64_t kv_block,
    const flexion_mask_mod* mask_mod, int64_t q_len, int64_t kv_len, flexion_block_mask** result);
/* The upper left corner of `mask` for other lengths. */
FLEXION_C_API flexion_status flexion_block_mask_adjust(const flexion_block_mask* mask,
                                                       int64_t q_len, int64_t kv_len,
                                                       flexion_block_mask** result);
/* The same blocks under another mask_mod: one whose buffers lie on a device, for a mask that was
 * created from host copies of them. */
FLEXION_C_API flexion_status flexion_block_mask_with_mask_mod(const flexion_block_mask* mask,
                                                              const flexion_mask_mod* mask_mod,
                                                              flexion_block_mask** result);
/* Percentage of elements in no listed block. */
FLEXION_C_API flexion_status flexion_block_mask_sparsity(const flexion_block_mask* mask,
                                                         double* result);
FLEXION_C_API void flexion_block_mask_destroy(flexion_block_mask* mask);

/* A parallel loop lent by the host: runs body(context, i) for all i in [0, n), in any order, on any
 * threads, and returns when all are done. */
typedef void (*flexion_parallel_for)(void* host, int64_t n, void (*body)(void* context, int64_t i),
                                     void* context);

typedef struct flexion_attention_options {
    size_t size;                          /* sizeof(flexion_attention_options) of the caller */
    const flexion_score_mod* score_mod;   /* NULL: none */
    const flexion_block_mask* block_mask; /* NULL: none */
    double scale;                         /* 0: 1 / sqrt(head_dim) */
    int32_t enable_gqa;
    int32_t threads;            /* 0: all of the pool */
    const DLTensor* lse;        /* [B, Hq, Sq] f32 (f64 for f64), natural log; NULL: not wanted */
    const DLTensor* max_scores; /* [B, Hq, Sq] f32 (f64 for f64); NULL: not wanted */
    const char* backend;        /* NULL or "": the best; "cpu", "cuda", "reference" */
    flexion_parallel_for parallel_for; /* NULL: the pool */
    void* parallel_for_host;           /* its first argument */
    void* stream; /* CUDA tensors: the CUstream (cudaStream_t); NULL: the default stream */
    /* KernelOptions of flexion/attention.h: the tile of a CUDA kernel; 0: chosen */
    int32_t block_q, block_kv, query_buffers;
} flexion_attention_options;

#define FLEXION_ATTENTION_OPTIONS_INIT  \
    {sizeof(flexion_attention_options), \
     NULL,                              \
     NULL,                              \
     0,                                 \
     1,                                 \
     0,                                 \
     NULL,                              \
     NULL,                              \
     NULL,                              \
     NULL,                              \
     NULL,                              \
     NULL,                              \
     0,                                 \
     0,                                 \
     0}

/* out = softmax(mask(score_mod(q k^T * scale))) v, as flexion::attention (flexion/attention.h).
 *   q [B, Hq, Sq, D]  k [Bkv, Hkv, Skv, D]  v [Bkv, Hkv, Skv, Dv]  out [B, Hq, Sq, Dv]
 * options NULL: the defaults. */
FLEXION_C_API flexion_status flexion_attention(const DLTensor* q, const DLTensor* k,
                                               const DLTensor* v, const DLTensor* out,
                                               const flexion_attention_options* options);

/* Everything that flexion_attention would do but the launch, before a CUDA graph is captured. */
FLEXION_C_API flexion_status flexion_prepare(const DLTensor* q, const DLTensor* k,
                                             const DLTensor* v, const DLTensor* out,
                                             const flexion_attention_options* options);

typedef struct flexion_backward_options {
    size_t size;                        /* sizeof(flexion_backward_options) of the caller */
    const flexion_score_mod* score_mod; /* score_mod to enable_gqa: as the forward call had them */
    const flexion_block_mask* block_mask;
    double scale;
    int32_t enable_gqa;
    int32_t threads;       /* 0: all of the pool */
    const DLTensor* d_lse; /* [B, Hq, Sq] as lse; NULL: zero */
    /* One for each buffer of the score_mod, in order, of its shape, and of its dtype or f32 (f64
     * for f64); NULL entries are not wanted. */
    const DLTensor* const* d_buffers;
    size_t d_buffer_count;
    const char* backend;               /* NULL or "": the best; "cpu", "reference" */
    flexion_parallel_for parallel_for; /* NULL: the pool */
    void* parallel_for_host;           /* its first argument */
} flexion_backward_options;

#define FLEXION_BACKWARD_OPTIONS_INIT \
    {sizeof(flexion_backward_options), NULL, NULL, 0, 1, 0, NULL, NULL, 0, NULL, NULL, NULL}

/* The gradients of flexion_attention, as flexion::attention_backward (flexion/attention.h). out and
 * lse are what it gave; d_out NULL: zero; d_q, d_k, d_v NULL: not wanted. options NULL: the
 * defaults. */
FLEXION_C_API flexion_status flexion_attention_backward(const DLTensor* q, const DLTensor* k,
                                                        const DLTensor* v, const DLTensor* out,
                                                        const DLTensor* lse, const DLTensor* d_out,
                                                        const DLTensor* d_q, const DLTensor* d_k,
                                                        const DLTensor* d_v,
                                                        const flexion_backward_options* options);

#ifdef __cplusplus
}
#endif

#endif /* FLEXION_C_H_ */
