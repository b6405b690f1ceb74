/* SPDX-License-Identifier: Apache-2.0 */
/* peak.c: fused multiply-adds on registers alone: the peak arithmetic rate of this variant. */
#include "kernel/isa/isa.h"

enum { SUMS = 12 }; /* in flight: enough for two units of four to six cycles */

double GOSS_FN(fma_loop)(int64_t rounds, float *sink) {
    vf sum[SUMS];
    const vf x = vset(1 - 1e-6f), y = vset(*sink);
    UNROLL for (int i = 0; i < SUMS; i++) sum[i] = vset((float)i);
    for (int64_t r = 0; r < rounds; r++) UNROLL for (int i = 0; i < SUMS; i++) sum[i] = vfma(sum[i], x, y);
    UNROLL for (int i = 1; i < SUMS; i++) sum[0] += sum[i];
    *sink = sum[0][0];
    return 2.0 * SUMS * W * (double)rounds;
}
