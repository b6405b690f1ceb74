/* SPDX-License-Identifier: Apache-2.0 */
/* prior_inputs.c: columns for families whose target is a function of them. What the function reads of a category is a
 * random number for each of its levels, so that the order of the codes means nothing. */
#include <math.h>
#include <string.h>

#include "prior/prior.h"

/* ---- numbers ---- */

static void independent(goss__draft *d) { goss__noise_normals(&d->noise, d->z, (int64_t)d->columns * d->rows); }

static void uniform(goss__draft *d) {
    const int64_t n = (int64_t)d->columns * d->rows;
    goss__noise_uniforms(&d->noise, d->z, n);
    for (int64_t i = 0; i < n; i++) d->z[i] = (d->z[i] - 0.5f) * 3.4641016f;
}

/* A few factors, and something of each column's own. */
static void factors(goss__draft *d) {
    const int n = goss__noise_count(&d->noise, 0.6, 6);
    const double own = goss__noise_log_between(&d->noise, 0.05, 2);
    goss__noise_normals(&d->noise, d->weights, (int64_t)d->columns * n);
    goss__noise_normals(&d->noise, d->nodes, (int64_t)n * d->rows);
    goss__values_product(d, d->weights, d->columns, n, d->nodes, d->z);
    for (int j = 0; j < d->columns; j++) goss__values_disturb(d, goss__draft_z(d, j), own);
}

/* Rows around a few centres. */
static void groups(goss__draft *d) {
    const int n = 2 + goss__noise_below(&d->noise, 5);
    const double apart = goss__noise_log_between(&d->noise, 0.5, 4);
    float centre[8];
    independent(d);
    for (int i = 0; i < d->rows; i++) d->index[i] = goss__noise_below(&d->noise, n);
    for (int j = 0; j < d->columns; j++) {
        float *z = goss__draft_z(d, j);
        goss__noise_normals(&d->noise, centre, n);
        for (int i = 0; i < d->rows; i++) z[i] += (float)apart * centre[d->index[i]];
    }
}

/* ---- levels ---- */

static void discretise(goss__draft *d, int j) {
    float number[64];
    float *x = goss__draft_x(d, j), *z = goss__draft_z(d, j);
    const int levels = goss__values_cut(d, z, goss__values_levels(d), x);
    const bool ordered = goss__noise_chance(&d->noise, 0.35);
    d->column[j] = (goss_prior_column){.kind = ordered ? GOSS_PRIOR_ORDINAL : GOSS_PRIOR_CATEGORY, .levels = levels};
    memcpy(z, x, (size_t)d->rows * sizeof *z);
    if (!ordered) {
        goss__noise_normals(&d->noise, number, levels);
        goss__values_recode(z, d->rows, number);
    }
    goss__values_standardise(z, d->rows);
}

void goss__inputs_draw(goss__draft *d) {
    static void (*const kind[])(goss__draft *) = {independent, uniform, factors, factors, groups};
    kind[goss__noise_below(&d->noise, 5)](d);
    /* Some tables have numbers alone, in others most columns are discrete; the mean is what the options say. */
    const double share = goss__noise_chance(&d->noise, 0.4)
                             ? 0
                             : fmin(1, goss__noise_between(&d->noise, 0, 2) * d->options->categorical / 0.6);
    for (int j = 0; j < d->columns; j++) {
        goss__values_standardise(goss__draft_z(d, j), d->rows);
        d->column[j] = (goss_prior_column){.kind = GOSS_PRIOR_NUMBER};
        if (goss__noise_chance(&d->noise, share))
            discretise(d, j);
        else
            memcpy(goss__draft_x(d, j), goss__draft_z(d, j), (size_t)d->rows * sizeof *d->x);
    }
}

int goss__inputs_relevant(goss__draft *d, float *out) {
    const double share = goss__noise_chance(&d->noise, 0.4) ? 1 : goss__noise_between(&d->noise, 0.1, 1);
    const int kept = goss__noise_below(&d->noise, d->columns);
    int n = 0;
    for (int j = 0; j < d->columns; j++) {
        if (j != kept && !goss__noise_chance(&d->noise, share)) continue;
        if (out) memcpy(out + (size_t)n * (size_t)d->rows, goss__draft_z(d, j), (size_t)d->rows * sizeof *out);
        d->index[n++] = j;
    }
    return n;
}
