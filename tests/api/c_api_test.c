/* SPDX-License-Identifier: Apache-2.0 */
/* The C interface, from C: a call with mods, buffers, scalars and a mask, and every kind of error.
 */
#include <flexion/c.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int g_failures = 0;

#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            printf("%s:%d: not true: %s (last error: %s)\n", __FILE__, __LINE__, #condition, \
                   flexion_last_error());                                                    \
            ++g_failures;                                                                    \
        }                                                                                    \
    } while (0)
#define CHECK_OK(call) CHECK((call) == FLEXION_OK)
/* The call fails with this status and a message that contains `text`. */
#define CHECK_ERROR(status, text, call)                    \
    do {                                                   \
        CHECK((call) == (status));                         \
        CHECK(strstr(flexion_last_error(), text) != NULL); \
    } while (0)

/* More than one task, so that a host's loop has something to do. */
enum { B = 1, HQ = 2, HKV = 1, SQ = 300, SKV = 310, D = 4, DV = 3 };

static const char* const kBiased =
    "flexion.ir 1\n"
    "score_mod biased(%s: f32, %b: i32, %h: i32, %q: i32, %k: i32, %gain: f32, @bias: f32[?]) {\n"
    "  %6 = load @bias[%h]\n"
    "  %7 = mul %s, %gain\n"
    "  %8 = add %7, %6\n"
    "  return %8\n"
    "}\n";
static const char* const kCausal =
    "flexion.ir 1\n"
    "mask_mod causal(%b: i32, %h: i32, %q: i32, %k: i32) {\n"
    "  %4 = ge.i32 %q, %k\n"
    "  return %4\n"
    "}\n";

static void release_nothing(void* host, void* data, size_t bytes, int device) {
    (void)host, (void)data, (void)bytes, (void)device;
}

static DLTensor tensor(void* data, DLDataTypeCode code, int bits, int ndim, int64_t* shape) {
    DLTensor t;
    memset(&t, 0, sizeof t);
    t.data = data;
    t.device.device_type = kDLCPU;
    t.ndim = ndim;
    t.dtype.code = (uint8_t)code;
    t.dtype.bits = (uint8_t)bits;
    t.dtype.lanes = 1;
    t.shape = shape;
    return t;
}

static DLTensor floats(float* data, int ndim, int64_t* shape) {
    return tensor(data, kDLFloat, 32, ndim, shape);
}

static float g_q[B * HQ * SQ * D], g_k[B * HKV * SKV * D], g_v[B * HKV * SKV * DV];
static int64_t g_q_shape[] = {B, HQ, SQ, D}, g_k_shape[] = {B, HKV, SKV, D};
static int64_t g_v_shape[] = {B, HKV, SKV, DV}, g_out_shape[] = {B, HQ, SQ, DV};

/* softmax over the causal past of (gain * q.k / sqrt(D) + bias[h]), times v */
static float expected(int h, int i, int d, double gain) {
    double sum = 0, out = 0;
    for (int j = 0; j <= i; ++j) {
        double score = 0;
        for (int c = 0; c < D; ++c) score += g_q[(h * SQ + i) * D + c] * g_k[j * D + c];
        const double p = exp(gain * score / sqrt(D)); /* the bias is equal along a row */
        sum += p;
        out += p * g_v[j * DV + d];
    }
    return (float)(out / sum);
}

static int g_bodies = 0;
static void host_loop(void* host, int64_t n, void (*body)(void* context, int64_t i),
                      void* context) {
    CHECK(host == &g_bodies);
    for (int64_t i = n - 1; i >= 0; --i) {
        ++g_bodies;
        body(context, i);
    }
}

static void test_attention(void) {
    float out[B * HQ * SQ * DV], lse[B * HQ * SQ], bias[HQ] = {0.5f, -2};
    int64_t heads[] = {HQ};
    DLTensor q = floats(g_q, 4, g_q_shape), k = floats(g_k, 4, g_k_shape);
    DLTensor v = floats(g_v, 4, g_v_shape), o = floats(out, 4, g_out_shape);
    DLTensor l = floats(lse, 3, g_q_shape), buffer = floats(bias, 1, heads);
    const flexion_scalar gain = {0, 0, 1.75};
    flexion_score_mod* score = NULL;
    flexion_mask_mod* causal = NULL;
    flexion_block_mask* mask = NULL;
    CHECK_OK(flexion_score_mod_create(kBiased, &buffer, 1, &gain, 1, &score));
    CHECK_OK(flexion_mask_mod_create(kCausal, NULL, 0, NULL, 0, &causal));
    CHECK_OK(flexion_block_mask_create(causal, 0, 0, SQ, SKV, 0, 0, &mask));

    flexion_attention_options options = FLEXION_ATTENTION_OPTIONS_INIT;
    options.score_mod = score;
    options.block_mask = mask;
    options.lse = &l;
    options.threads = 2;
    for (int round = 0; round < 2; ++round) {
        memset(out, 0xff, sizeof out);
        if (round == 1) {
            options.parallel_for = host_loop;
            options.parallel_for_host = &g_bodies;
        }
        CHECK_OK(flexion_attention(&q, &k, &v, &o, &options));
        for (int h = 0; h < HQ; ++h) {
            for (int i = 0; i < SQ; ++i) {
                for (int d = 0; d < DV; ++d) {
                    const float got = out[(h * SQ + i) * DV + d];
                    CHECK(fabsf(got - expected(h, i, d, 1.75)) < 1e-5f);
                }
            }
            /* One key in the first row: lse is its score. */
            double score0 = 0;
            for (int c = 0; c < D; ++c) score0 += g_q[h * SQ * D + c] * g_k[c];
            CHECK(fabs(lse[h * SQ] - (1.75 * score0 / sqrt(D) + bias[h])) < 1e-5);
        }
    }
    CHECK(g_bodies > 0);

    /* Strides and a byte offset: v read backwards in memory that starts one element early. */
    float shifted[1 + B * HKV * SKV * DV];
    int64_t strides[] = {SKV * DV, SKV * DV, DV, 1};
    memcpy(shifted + 1, g_v, sizeof g_v);
    DLTensor moved = floats(shifted, 4, g_v_shape);
    moved.byte_offset = sizeof(float);
    moved.strides = strides;
    CHECK_OK(flexion_attention(&q, &k, &moved, &o, &options));
    CHECK(fabsf(out[DV] - expected(0, 1, 0, 1.75)) < 1e-5f);

    /* A caller that knows only the first fields. */
    flexion_attention_options older = FLEXION_ATTENTION_OPTIONS_INIT;
    older.size = offsetof(flexion_attention_options, scale);
    older.block_mask = mask;
    older.enable_gqa = 0; /* beyond its size: not read */
    CHECK_OK(flexion_attention(&q, &k, &v, &o, &older));
    CHECK(fabsf(out[DV] - expected(0, 1, 0, 1)) < 1e-5f);

    flexion_block_mask_destroy(mask);
    flexion_mask_mod_destroy(causal);
    flexion_score_mod_destroy(score);
}

static void test_backward(void) {
    static float out[B * HQ * SQ * DV], lse[B * HQ * SQ], ones[B * HQ * SQ * DV];
    static float d_q[B * HQ * SQ * D], d_k[B * HKV * SKV * D], d_v[B * HKV * SKV * DV];
    float bias[HQ] = {0.5f, -2}, d_bias[HQ] = {NAN, NAN};
    int64_t heads[] = {HQ};
    DLTensor q = floats(g_q, 4, g_q_shape), k = floats(g_k, 4, g_k_shape);
    DLTensor v = floats(g_v, 4, g_v_shape), o = floats(out, 4, g_out_shape);
    DLTensor l = floats(lse, 3, g_q_shape), d_o = floats(ones, 4, g_out_shape);
    DLTensor d_l = floats(ones, 3, g_q_shape), buffer = floats(bias, 1, heads);
    DLTensor gradient_q = floats(d_q, 4, g_q_shape), gradient_k = floats(d_k, 4, g_k_shape);
    DLTensor gradient_v = floats(d_v, 4, g_v_shape), gradient_bias = floats(d_bias, 1, heads);
    const DLTensor* d_buffers[] = {&gradient_bias};
    const flexion_scalar gain = {0, 0, 1.75};
    flexion_score_mod* score = NULL;
    flexion_mask_mod* causal = NULL;
    flexion_block_mask* mask = NULL;
    for (int i = 0; i < B * HQ * SQ * DV; ++i) ones[i] = 1;
    CHECK_OK(flexion_score_mod_create(kBiased, &buffer, 1, &gain, 1, &score));
    CHECK_OK(flexion_mask_mod_create(kCausal, NULL, 0, NULL, 0, &causal));
    CHECK_OK(flexion_block_mask_create(causal, 0, 0, SQ, SKV, 0, 0, &mask));
    flexion_attention_options forward = FLEXION_ATTENTION_OPTIONS_INIT;
    forward.score_mod = score;
    forward.block_mask = mask;
    forward.lse = &l;
    CHECK_OK(flexion_attention(&q, &k, &v, &o, &forward));

    flexion_backward_options options = FLEXION_BACKWARD_OPTIONS_INIT;
    options.score_mod = score;
    options.block_mask = mask;
    options.parallel_for = host_loop;
    options.parallel_for_host = &g_bodies;
    g_bodies = 0;
    CHECK_OK(flexion_attention_backward(&q, &k, &v, &o, &l, &d_o, &gradient_q, &gradient_k,
                                        &gradient_v, &options));
    CHECK(g_bodies > 0);
    /* The weights of a row sum to 1. */
    double sum = 0;
    for (int j = 0; j < SKV; ++j) sum += d_v[j * DV];
    CHECK(fabs(sum - HQ * SQ) < 1e-2);
    for (int c = 0; c < D; ++c) CHECK(d_k[(SKV - 1) * D + c] == 0); /* no query sees it */
    const int at = (SQ + 7) * D + 2;
    const float before = g_q[at];
    double difference = 0;
    for (int d = 0; d < DV; ++d) {
        g_q[at] = before + 0.01f;
        difference += expected(1, 7, d, 1.75);
        g_q[at] = before - 0.01f;
        difference -= expected(1, 7, d, 1.75);
    }
    g_q[at] = before;
    CHECK(fabs(d_q[at] - difference / 0.02) < 1e-3);

    /* A bias that is equal along a row moves lse alone. */
    options.d_lse = &d_l;
    options.d_buffers = d_buffers;
    options.d_buffer_count = 1;
    CHECK_OK(flexion_attention_backward(&q, &k, &v, &o, &l, NULL, NULL, NULL, NULL, &options));
    for (int h = 0; h < HQ; ++h) CHECK(fabsf(d_bias[h] - SQ) < 1e-2f);

    CHECK_ERROR(FLEXION_USER_ERROR, "lse is NULL",
                flexion_attention_backward(&q, &k, &v, &o, NULL, &d_o, NULL, NULL, NULL, NULL));
    options.d_buffers = NULL;
    CHECK_ERROR(FLEXION_USER_ERROR, "d_buffers is NULL",
                flexion_attention_backward(&q, &k, &v, &o, &l, &d_o, NULL, NULL, NULL, &options));
    flexion_backward_options older = FLEXION_BACKWARD_OPTIONS_INIT;
    older.size = offsetof(flexion_backward_options, d_buffers);
    older.d_buffer_count = 9; /* beyond its size: not read */
    older.backend = "abacus"; /* nor this */
    CHECK_OK(flexion_attention_backward(&q, &k, &v, &o, &l, &d_o, NULL, NULL, NULL, &older));

    flexion_block_mask_destroy(mask);
    flexion_mask_mod_destroy(causal);
    flexion_score_mod_destroy(score);
}

static void test_masks(void) {
    int32_t num[] = {1, 2}, indices[] = {0, 1, 0, 1};
    int64_t num_shape[] = {1, 1, 2}, index_shape[] = {1, 1, 2, 2};
    DLTensor n = tensor(num, kDLInt, 32, 3, num_shape);
    DLTensor i = tensor(indices, kDLInt, 32, 4, index_shape);
    flexion_block_mask *mask = NULL, *corner = NULL;
    double sparsity = -1;
    CHECK_OK(flexion_block_mask_from_kv_blocks(&n, &i, NULL, NULL, 4, 4, NULL, 0, 0, &mask));
    CHECK_OK(flexion_block_mask_sparsity(mask, &sparsity));
    CHECK(sparsity == 25);
    CHECK_OK(flexion_block_mask_adjust(mask, 4, 4, &corner));
    CHECK_OK(flexion_block_mask_sparsity(corner, &sparsity));
    CHECK(sparsity == 0);
    flexion_block_mask_destroy(corner);
    flexion_block_mask_destroy(mask);

    num_shape[2] = 1;
    CHECK_ERROR(FLEXION_USER_ERROR, "num_blocks i32[B, H, rows]",
                flexion_block_mask_from_kv_blocks(&n, &i, NULL, NULL, 4, 4, NULL, 0, 0, &mask));
    num_shape[2] = 2;

    /* dense, if the number of elements wrapped at 64 bits */
    int64_t huge = (int64_t)1 << 40;
    int64_t num_strides[] = {2 * huge, 2, 1}, index_strides[] = {4 * huge, 4, 2, 1};
    n.strides = num_strides, i.strides = index_strides;
    num_shape[0] = num_shape[1] = index_shape[0] = index_shape[1] = huge;
    CHECK_ERROR(FLEXION_USER_ERROR, "num_blocks i32[B, H, rows]",
                flexion_block_mask_from_kv_blocks(&n, &i, NULL, NULL, 4, 4, NULL, 0, 0, &mask));
    n.strides = i.strides = NULL;
    num_shape[0] = num_shape[1] = index_shape[0] = index_shape[1] = 1;

    CHECK_ERROR(FLEXION_USER_ERROR, "full_indices is NULL",
                flexion_block_mask_from_kv_blocks(&n, &i, &n, NULL, 4, 4, NULL, 0, 0, &mask));
    CHECK(mask == NULL);
    CHECK_ERROR(FLEXION_USER_ERROR, "mask is NULL", flexion_block_mask_adjust(NULL, 1, 1, &mask));
}

static void test_errors(void) {
    float out[B * HQ * SQ * DV];
    DLTensor q = floats(g_q, 4, g_q_shape), k = floats(g_k, 4, g_k_shape);
    DLTensor v = floats(g_v, 4, g_v_shape), o = floats(out, 4, g_out_shape);
    flexion_score_mod* score = NULL;
    flexion_mask_mod* mask = NULL;
    CHECK_ERROR(FLEXION_USER_ERROR, "k is NULL", flexion_attention(&q, NULL, &v, &o, NULL));
    CHECK_ERROR(FLEXION_USER_ERROR, "text is NULL",
                flexion_mask_mod_create(NULL, NULL, 0, NULL, 0, &mask));
    CHECK_ERROR(FLEXION_USER_ERROR, "result is NULL",
                flexion_mask_mod_create(kCausal, NULL, 0, NULL, 0, NULL));
    CHECK_ERROR(FLEXION_USER_ERROR, "score_mod",
                flexion_mask_mod_create(kBiased, NULL, 0, NULL, 0, &mask));
    CHECK_ERROR(FLEXION_USER_ERROR, "buffers",
                flexion_score_mod_create(kBiased, NULL, 0, NULL, 0, &score));
    CHECK_ERROR(FLEXION_USER_ERROR, "buffers is NULL",
                flexion_score_mod_create(kBiased, NULL, 1, NULL, 0, &score));
    CHECK_ERROR(FLEXION_USER_ERROR, "nonsense",
                flexion_mask_mod_create("nonsense", NULL, 0, NULL, 0, &mask));
    CHECK(mask == NULL && score == NULL);
    CHECK_ERROR(FLEXION_USER_ERROR, "no_such_option", flexion_set_option("no_such_option", "1"));
    CHECK_ERROR(FLEXION_USER_ERROR, "allocate is null",
                flexion_set_device_allocator(NULL, release_nothing, NULL));
    CHECK_OK(flexion_set_device_allocator(NULL, NULL, NULL));
    flexion_attention_options tiles = FLEXION_ATTENTION_OPTIONS_INIT;
    tiles.block_q = 64;
    CHECK_ERROR(FLEXION_UNSUPPORTED, "kernel_options", flexion_attention(&q, &k, &v, &o, &tiles));

    DLTensor odd = k;
    odd.device.device_type = kDLVulkan;
    CHECK_ERROR(FLEXION_UNSUPPORTED, "device of DLPack type 7",
                flexion_attention(&q, &odd, &v, &o, NULL));
    odd = k;
    odd.dtype.code = kDLComplex;
    CHECK_ERROR(FLEXION_UNSUPPORTED, "type code 5", flexion_attention(&q, &odd, &v, &o, NULL));
    odd = k;
    odd.ndim = 7;
    CHECK_ERROR(FLEXION_USER_ERROR, "7 dimensions", flexion_attention(&q, &odd, &v, &o, NULL));
    odd = k;
    odd.ndim = 3;
    CHECK_ERROR(FLEXION_USER_ERROR, "expected 4 dimensions",
                flexion_attention(&q, &odd, &v, &o, NULL));
    flexion_attention_options options = FLEXION_ATTENTION_OPTIONS_INIT;
    options.backend = "abacus";
    CHECK_ERROR(FLEXION_USER_ERROR, "abacus", flexion_attention(&q, &k, &v, &o, &options));
    options.backend = NULL;
    options.enable_gqa = 0;
    CHECK_ERROR(FLEXION_USER_ERROR, "enable_gqa", flexion_attention(&q, &k, &v, &o, &options));

    flexion_score_mod_destroy(NULL);
    flexion_mask_mod_destroy(NULL);
    flexion_block_mask_destroy(NULL);
}

int main(void) {
    CHECK(strcmp(flexion_last_error(), "") == 0);
    CHECK(flexion_c_abi_version() == FLEXION_C_ABI_VERSION);
    CHECK(strlen(flexion_version()) >= 5);
    for (int i = 0; i < B * HQ * SQ * D; ++i) g_q[i] = sinf((float)i);
    for (int i = 0; i < B * HKV * SKV * D; ++i) g_k[i] = cosf(3 * (float)i);
    for (int i = 0; i < B * HKV * SKV * DV; ++i) g_v[i] = sinf(5 * (float)i + 1);
    test_attention();
    test_backward();
    test_masks();
    test_errors();
    printf("%d failures\n", g_failures);
    return g_failures != 0;
}
