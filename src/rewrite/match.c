/* SPDX-License-Identifier: Apache-2.0 */
/* match.c: what rules recognise. */
#include "rewrite/match.h"

bool goss__match_ew(goss_val y, enum goss__ew_op op, goss_val *a, int n) {
    for (int i = 0; i < n; i++)
        if (!goss__made_by(y, &goss__op_ew[op], i, &a[i])) return false;
    return true;
}

bool goss__match_scaled(goss_val y, goss_val *x, double *k) {
    goss_val in[2];
    if (!goss__match_ew(y, GOSS__EW_mul, in, 2) || !goss__is_full(in[1], k)) return false;
    *x = in[0];
    return true;
}

bool goss__match_spread(goss_val y, goss_val *x, goss_val *s) {
    goss_val in[2];
    if (!goss__match_ew(y, GOSS__EW_mul, in, 2)) return false;
    for (int i = 0; i < 2; i++)
        if (goss__made_by(in[i], &goss__op_broadcast, 0, s)) {
            *x = in[1 - i];
            return true;
        }
    return false;
}

bool goss__is_moderate(double k) { return k == 0 || (__builtin_fabs(k) >= 0x1p-60 && __builtin_fabs(k) <= 0x1p60); }
