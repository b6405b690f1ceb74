/* SPDX-License-Identifier: Apache-2.0 */
/* prior_values.c: steps on the values of one column that several families share. */
#include <math.h>
#include <stdlib.h>

#include "prior/prior.h"

void goss__values_standardise(float *v, int rows) {
    double sum = 0, squares = 0;
    for (int i = 0; i < rows; i++) sum += (double)v[i];
    const double mean = sum / rows;
    for (int i = 0; i < rows; i++) squares += ((double)v[i] - mean) * ((double)v[i] - mean);
    const double deviation = sqrt(squares / rows);
    /* The negation also catches what is not finite. */
    const double factor = deviation > 1e-6 * (1e-6 + fabs(mean)) && isfinite(deviation) ? 1 / deviation : 0;
    for (int i = 0; i < rows; i++) v[i] = factor == 0 ? 0 : (float)(((double)v[i] - mean) * factor);
}

void goss__values_disturb(goss__draft *d, float *v, double s) {
    goss__noise_normals(&d->noise, d->values, d->rows);
    for (int i = 0; i < d->rows; i++) v[i] += (float)s * d->values[i];
}

void goss__values_product(const goss__draft *d, const float *w, int m, int n, const float *in, float *out) {
    const goss__gemm g = {
        .m = m, .n = d->rows, .k = n, .a = w, .lda = n, .b = in, .ldb = d->rows, .c = out, .ldc = d->rows};
    d->kernels->gemm(&g, d->scratch);
}

int goss__values_cut(goss__draft *d, const float *v, int levels, float *codes) {
    float at[64];
    int n = 0;
    for (int i = 0; i < levels - 1; i++) {
        const float value = v[goss__noise_below(&d->noise, d->rows)];
        int place = n;
        while (place > 0 && at[place - 1] > value) at[place] = at[place - 1], place--;
        at[place] = value, n++;
    }
    int distinct = 0;
    for (int i = 0; i < n; i++)
        if (i == 0 || at[i] != at[distinct - 1]) at[distinct++] = at[i];
    for (int i = 0; i < d->rows; i++) {
        int code = 0;
        while (code < distinct && v[i] > at[code]) code++;
        codes[i] = (float)code;
    }
    return distinct + 1;
}

void goss__values_shuffle(goss__draft *d, int *out, int n) {
    for (int i = 0; i < n; i++) {
        const int j = goss__noise_below(&d->noise, i + 1);
        out[i] = out[j], out[j] = i;
    }
}

int goss__values_levels(goss__draft *d) {
    if (goss__noise_chance(&d->noise, 0.4)) return 2;
    if (goss__noise_chance(&d->noise, 0.7)) return 3 + goss__noise_below(&d->noise, 4);
    return (int)goss__noise_log_between(&d->noise, 5, 31);
}

void goss__values_recode(float *codes, int rows, const float *number) {
    for (int i = 0; i < rows; i++) codes[i] = number[(int)codes[i]];
}

/* ---- curves ---- */

static void bump(goss__draft *d, float *v) {
    for (int i = 0; i < d->rows; i++) v[i] = -v[i] * v[i];
    goss__noise_map(d->kernels, GOSS__EW_exp, v, v, d->rows);
}

static void step(goss__draft *d, float *v) {
    for (int i = 0; i < d->rows; i++) v[i] = v[i] > 0 ? 1 : -1;
}

static void square(goss__draft *d, float *v) {
    for (int i = 0; i < d->rows; i++) v[i] = v[i] > 1e3f || v[i] < -1e3f ? 1e6f : v[i] * v[i];
}

static void stairs(goss__draft *d, float *v) {
    float level[8];
    goss__noise_normals(&d->noise, level, 8);
    goss__values_cut(d, v, 3 + goss__noise_below(&d->noise, 6), v);
    goss__values_recode(v, d->rows, level);
}

#define MAPPED(name)                                                                                                   \
    static void mapped_##name(goss__draft *d, float *v) { goss__noise_map(d->kernels, GOSS__EW_##name, v, v, d->rows); }
MAPPED(tanh)
MAPPED(relu)
MAPPED(sin)
MAPPED(abs)
static void identity(goss__draft *d, float *v) {}

void goss__values_curve(goss__draft *d, float *v) {
    static void (*const curve[])(goss__draft *, float *) = {
        identity, mapped_tanh, mapped_relu, mapped_sin, mapped_abs, bump, step, square, stairs, mapped_tanh};
    const int n = sizeof curve / sizeof *curve;
    const float gain = (float)goss__noise_log_between(&d->noise, 0.3, 4);
    const float shift = (float)goss__noise_between(&d->noise, -1, 1);
    for (int i = 0; i < d->rows; i++) v[i] = gain * (v[i] + shift);
    curve[goss__noise_below(&d->noise, n)](d, v);
}
