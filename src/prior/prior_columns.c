/* SPDX-License-Identifier: Apache-2.0 */
/* prior_columns.c: what happens to columns after the target has been made from them: a column may be replaced by noise
 * or by a copy of another, cut into levels, rounded, squashed or stretched, and get a location and a scale; values go
 * missing at random, by their own size or by that of another column. */
#include <math.h>
#include <string.h>

#include "prior/prior.h"

/* ---- replacing ---- */

/* The same values in another order of rows: as before by itself, and unrelated to everything. */
static void make_irrelevant(goss__draft *d, float *x) {
    for (int i = d->rows - 1; i > 0; i--) {
        const int j = goss__noise_below(&d->noise, i + 1);
        const float v = x[i];
        x[i] = x[j], x[j] = v;
    }
}

static void duplicate(goss__draft *d, int j) {
    const int of = goss__noise_below(&d->noise, d->columns);
    if (of == j) return;
    float *x = goss__draft_x(d, j);
    memcpy(x, goss__draft_x(d, of), (size_t)d->rows * sizeof *x);
    d->column[j] = d->column[of];
    if (d->column[j].levels == 0 && goss__noise_chance(&d->noise, 0.7)) {
        goss__values_standardise(x, d->rows);
        goss__values_disturb(d, x, goss__noise_log_between(&d->noise, 0.01, 1));
    }
}

/* ---- numbers ---- */

static void cut(goss__draft *d, int j) {
    float number[64];
    int order[64];
    float *x = goss__draft_x(d, j);
    const int levels = goss__values_cut(d, x, goss__values_levels(d), x);
    const bool ordered = goss__noise_chance(&d->noise, 0.5);
    d->column[j] = (goss_prior_column){ordered ? GOSS_PRIOR_ORDINAL : GOSS_PRIOR_CATEGORY, levels, false};
    goss__values_shuffle(d, order, levels);
    for (int c = 0; c < levels; c++) number[c] = (float)order[c];
    if (!ordered) goss__values_recode(x, d->rows, number);
}

static void as_it_is(goss__draft *d, float *x) {}

static void round_off(goss__draft *d, float *x) {
    const float steps = (float)goss__noise_log_between(&d->noise, 1, 20);
    for (int i = 0; i < d->rows; i++) x[i] = floorf(x[i] * steps + 0.5f);
}

/* A logarithm or a power of it is what the target depends on. */
static void stretch(goss__draft *d, float *x) {
    const float s = (float)goss__noise_between(&d->noise, 0.3, 1.5);
    for (int i = 0; i < d->rows; i++) x[i] *= s;
    goss__noise_map(d->kernels, GOSS__EW_exp, x, x, d->rows);
}

static void heavy(goss__draft *d, float *x) {
    for (int i = 0; i < d->rows; i++) x[i] = x[i] * fabsf(x[i]);
}

static void squash(goss__draft *d, float *x) {
    const float gain = (float)goss__noise_log_between(&d->noise, 0.5, 3);
    for (int i = 0; i < d->rows; i++) x[i] *= gain;
    goss__noise_map(d->kernels, GOSS__EW_tanh, x, x, d->rows);
}

/* Counts and amounts: nothing below a value. */
static void censor(goss__draft *d, float *x) {
    const float floor = (float)goss__noise_between(&d->noise, -1.2, 0.8);
    for (int i = 0; i < d->rows; i++) x[i] = x[i] < floor ? 0 : x[i] - floor;
}

/* A few values are far off. */
static void outliers(goss__draft *d, float *x) {
    const float share = (float)goss__noise_between(&d->noise, 0.005, 0.04), by = 5;
    goss__noise_uniforms(&d->noise, d->values, d->rows);
    for (int i = 0; i < d->rows; i++)
        if (d->values[i] < share) x[i] *= by / (0.05f + d->values[i] / share);
}

static void disguise(goss__draft *d, float *x) {
    static void (*const how[])(goss__draft *, float *) = {as_it_is, round_off, stretch, heavy,
                                                          squash,   censor,    outliers};
    static const double weight[] = {5, 1.5, 1.5, 0.5, 0.5, 0.7, 0.5};
    const int one = goss__noise_choose(&d->noise, weight, 7);
    goss__values_standardise(x, d->rows);
    how[one](d, x);
    const bool counts = how[one] == round_off && goss__noise_chance(&d->noise, 0.8); /* they stay integers */
    const float scale = counts ? 1 : (float)goss__noise_log_between(&d->noise, 0.01, 1000);
    float location = goss__noise_chance(&d->noise, 0.5) ? 0 : (float)goss__noise_between(&d->noise, -3, 6);
    if (counts) location = floorf(10 * location);
    for (int i = 0; i < d->rows; i++) x[i] = (x[i] + location) * scale;
}

/* ---- missing values ---- */

/* Where `by` [rows] is largest, where it is smallest, or anywhere. At least two values stay. */
static void lose(goss__draft *d, float *x, const float *by, double share) {
    const bool largest = goss__noise_chance(&d->noise, 0.5);
    const float at = by ? by[goss__noise_below(&d->noise, d->rows)] : 0;
    int left = d->rows;
    /* Beyond a drawn value, half of the rows on average: the share of those is doubled. */
    const float chance = (float)(by ? fmin(0.9, 2 * share) : share);
    goss__noise_uniforms(&d->noise, d->values, d->rows);
    for (int i = 0; i < d->rows && left > 2; i++) {
        if (by && (largest ? by[i] < at : by[i] > at)) continue; /* false for what is missing there */
        if (d->values[i] < chance) x[i] = NAN, left--;
    }
}

static void lose_some(goss__draft *d) {
    goss__noise *r = &d->noise;
    const double columns = goss__noise_between(r, 0.05, 1);
    const int always = goss__noise_below(r, d->columns);
    for (int j = 0; j < d->columns; j++) {
        if (j != always && !goss__noise_chance(r, columns)) continue;
        const int by = goss__noise_below(r, 4); /* at random, half of the time */
        float *x = goss__draft_x(d, j);
        lose(d, x,
             by == 0   ? x
             : by == 1 ? goss__draft_x(d, goss__noise_below(r, d->columns))
                       : NULL,
             goss__noise_log_between(r, 0.01, 0.4));
        for (int i = 0; i < d->rows && !d->column[j].missing; i++) d->column[j].missing = isnan(x[i]);
    }
}

void goss__columns_finish(goss__draft *d) {
    goss__noise *r = &d->noise;
    const double irrelevant = goss__noise_chance(r, 0.5) ? 0 : goss__noise_between(r, 0, 0.4);
    const double levels =
        goss__noise_chance(r, 0.5) ? 0 : fmin(1, goss__noise_between(r, 0, 2) * d->options->categorical);
    const double copies = goss__noise_chance(r, 0.7) ? 0 : goss__noise_between(r, 0, 0.2);
    for (int j = 0; j < d->columns; j++) {
        if (goss__noise_chance(r, irrelevant)) make_irrelevant(d, goss__draft_x(d, j));
        if (d->columns > 1 && goss__noise_chance(r, copies)) duplicate(d, j);
        if (d->column[j].levels > 0) continue;
        if (goss__noise_chance(r, levels))
            cut(d, j);
        else
            disguise(d, goss__draft_x(d, j));
    }
    if (goss__noise_chance(r, d->options->missing)) lose_some(d);
}
