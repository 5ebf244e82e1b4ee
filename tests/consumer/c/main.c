/* SPDX-License-Identifier: Apache-2.0
 * A C program of somebody else: attention with a causal mask and a score_mod from IR text, checked
 * by hand, and an error taken as a code. */
#include <flexion/c.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { kHeads = 2, kLength = 3, kDim = 4 };

static DLTensor tensor(float* data, int64_t* shape) {
    DLTensor t;
    memset(&t, 0, sizeof t);
    t.data = data;
    t.device.device_type = kDLCPU;
    t.ndim = 4;
    t.dtype.code = kDLFloat;
    t.dtype.bits = 32;
    t.dtype.lanes = 1;
    t.shape = shape;
    return t;
}

static int failed(const char* what) {
    printf("%s: %s\n", what, flexion_last_error());
    return 1;
}

int main(void) {
    /* Queries of zeros: the scores are those of the mod alone. */
    static float q[kHeads * kLength * kDim], k[kHeads * kLength * kDim];
    static float v[kHeads * kLength * kDim], out[kHeads * kLength * kDim];
    int64_t shape[4] = {1, kHeads, kLength, kDim};
    const DLTensor tq = tensor(q, shape), tk = tensor(k, shape), tv = tensor(v, shape);
    const DLTensor tout = tensor(out, shape);
    flexion_mask_mod* causal = NULL;
    flexion_score_mod* rising = NULL;
    flexion_block_mask* mask = NULL;
    flexion_attention_options options = FLEXION_ATTENTION_OPTIONS_INIT;
    int h, row, column;
    for (column = 0; column < kHeads * kLength * kDim; ++column) {
        k[column] = 1;
        v[column] = (float)(column / kDim % kLength);
    }
    if (flexion_mask_mod_create("flexion.ir 1\n"
                                "mask_mod causal(%b: i32, %h: i32, %q: i32, %k: i32) {\n"
                                "  %4 = ge.i32 %q, %k\n"
                                "  return %4\n"
                                "}\n",
                                NULL, 0, NULL, 0, &causal) != FLEXION_OK)
        return failed("mask_mod");
    if (flexion_score_mod_create("flexion.ir 1\n"
                                 "score_mod rising(%s: f32, %b: i32, %h: i32, %q: i32, %k: i32) {\n"
                                 "  %5 = mul.i32 %h, %k\n"
                                 "  %6 = cast.f32 %5\n"
                                 "  %7 = add.f32 %s, %6\n"
                                 "  return %7\n"
                                 "}\n",
                                 NULL, 0, NULL, 0, &rising) != FLEXION_OK)
        return failed("score_mod");
    if (flexion_block_mask_create(causal, 0, 0, kLength, kLength, 16, 16, &mask) != FLEXION_OK)
        return failed("block_mask");
    options.score_mod = rising;
    options.block_mask = mask;
    if (flexion_attention(&tq, &tk, &tv, &tout, &options) != FLEXION_OK) return failed("attention");
    for (h = 0; h < kHeads; ++h) {
        for (row = 0; row < kLength; ++row) {
            double sum = 0, weights = 0, got = out[(h * kLength + row) * kDim];
            for (column = 0; column <= row; ++column) {
                sum += exp(h * column) * column;
                weights += exp(h * column);
            }
            if (!(fabs(got - sum / weights) < 1e-5)) {
                printf("head %d row %d: %g, not %g\n", h, row, got, sum / weights);
                return 1;
            }
        }
    }
    flexion_block_mask_destroy(mask);
    flexion_score_mod_destroy(rising);
    flexion_mask_mod_destroy(causal);
    if (flexion_set_option("no_such_option", "") != FLEXION_USER_ERROR ||
        strstr(flexion_last_error(), "no_such_option") == NULL)
        return failed("a wrong option");
    if (flexion_c_abi_version() != FLEXION_C_ABI_VERSION) return 1;
    printf("flexion %s from C\n", flexion_version());
    return 0;
}
