/* SPDX-License-Identifier: Apache-2.0 */
/* prior_target.c: from scores to a target. Classes come from the ranks of one score, cut into unequal parts, or from
 * the largest of several scores. Numbers are a score with noise, warped. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "prior/prior.h"

void goss__answer_plan(goss__draft *d) {
    goss__noise *r = &d->noise;
    const int most = d->options->classes;
    d->classes = 0, d->outputs = 1;
    if (goss__noise_chance(r, d->options->regression)) return;
    d->classes = goss__noise_chance(r, 0.5) ? 2 : 1 + goss__noise_count(r, 0.7, most - 1);
    while (d->classes > 2 && 8 * d->classes > d->rows) d->classes--;
    if (d->classes > 2 && goss__noise_chance(r, 0.6)) d->outputs = d->classes;
}

/* ---- classes ---- */

static int by_value(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Shares of the classes: equal, or as unequal as gamma variates are. */
static void draw_shares(goss__draft *d, double *share) {
    const double shape = goss__noise_chance(&d->noise, 0.3) ? 1000 : goss__noise_log_between(&d->noise, 1, 20);
    double sum = 0;
    for (int c = 0; c < d->classes; c++) sum += share[c] = goss__noise_gamma(&d->noise, shape, 1);
    for (int c = 0; c < d->classes; c++) share[c] /= sum;
}

static void cut_ranks(goss__draft *d, float *y) {
    double share[GOSS_PRIOR_MOST_CLASSES], below = 0;
    float at[GOSS_PRIOR_MOST_CLASSES];
    draw_shares(d, share);
    memcpy(d->values, d->y, (size_t)d->rows * sizeof *d->y);
    qsort(d->values, (size_t)d->rows, sizeof *d->values, by_value);
    for (int c = 0; c + 1 < d->classes; c++) {
        below += share[c];
        int rank = (int)(below * d->rows);
        if (rank < 1) rank = 1;
        if (rank > d->rows - 1) rank = d->rows - 1;
        at[c] = d->values[rank];
    }
    for (int i = 0; i < d->rows; i++) {
        int c = 0;
        while (c + 1 < d->classes && d->y[i] >= at[c]) c++;
        y[i] = (float)c;
    }
}

static void compete(goss__draft *d, float *y) {
    float bias[GOSS_PRIOR_MOST_CLASSES];
    const float spread = goss__noise_chance(&d->noise, 0.4) ? 0 : (float)goss__noise_between(&d->noise, 0, 1);
    goss__noise_normals(&d->noise, bias, d->classes);
    for (int i = 0; i < d->rows; i++) {
        int best = 0;
        float most = -INFINITY;
        for (int o = 0; o < d->outputs; o++) {
            const float score = goss__draft_y(d, o)[i] + spread * bias[o];
            if (score > most) most = score, best = o;
        }
        y[i] = (float)best;
    }
}

/* Some labels are wrong. */
static void mislabel(goss__draft *d, float *y) {
    const double share = goss__noise_log_between(&d->noise, 0.005, 0.2);
    for (int i = 0; i < d->rows; i++)
        if (goss__noise_chance(&d->noise, share)) y[i] = (float)goss__noise_below(&d->noise, d->classes);
}

static void tally(const float *y, int rows, int *count) {
    memset(count, 0, GOSS_PRIOR_MOST_CLASSES * sizeof *count);
    for (int i = 0; i < rows; i++) count[(int)y[i]]++;
}

/* Classes of at least two rows are numbered anew, in a random order; rows of others join the largest. Returns the
 * number of classes. */
static int renumber(goss__draft *d, float *y) {
    int count[GOSS_PRIOR_MOST_CLASSES], kept[GOSS_PRIOR_MOST_CLASSES], order[GOSS_PRIOR_MOST_CLASSES], n = 0,
                                                                                                       largest = 0;
    tally(y, d->rows, count);
    for (int c = 0; c < d->classes; c++) {
        if (count[c] > count[largest]) largest = c;
        kept[c] = count[c] >= 2 ? n++ : -1;
    }
    goss__values_shuffle(d, order, n);
    for (int i = 0; i < d->rows; i++) {
        const int c = (int)y[i];
        y[i] = (float)order[kept[c] >= 0 ? kept[c] : kept[largest]];
    }
    return n;
}

/* Of a score that is constant or nearly so: two classes that nothing predicts. */
static void halve(goss__draft *d, float *y) {
    goss__values_shuffle(d, d->index, d->rows);
    for (int i = 0; i < d->rows; i++) y[i] = (float)(d->index[i] % 2);
}

static void make_classes(goss__draft *d, float *y) {
    (d->outputs == 1 ? cut_ranks : compete)(d, y);
    if (goss__noise_chance(&d->noise, 0.4)) mislabel(d, y);
    d->classes = renumber(d, y);
    if (d->classes >= 2) return;
    halve(d, y);
    d->classes = 2;
}

/* ---- numbers ---- */

static void make_numbers(goss__draft *d, float *y) {
    static const double how[] = {5, 1.5, 1, 1};
    memcpy(y, d->y, (size_t)d->rows * sizeof *y);
    const int warp = goss__noise_choose(&d->noise, how, 4);
    goss__values_standardise(y, d->rows);
    if (warp == 1) goss__noise_map(d->kernels, GOSS__EW_exp, y, y, d->rows);
    for (int i = 0; i < d->rows; i++) {
        if (warp == 2) y[i] *= fabsf(y[i]);
        if (warp == 3) y[i] = floorf(4 * y[i] + 0.5f);
    }
    goss__values_standardise(y, d->rows);
    const float scale = (float)goss__noise_log_between(&d->noise, 0.01, 1000);
    const float location = (float)goss__noise_between(&d->noise, -5, 5);
    for (int i = 0; i < d->rows; i++) y[i] = (y[i] + location) * scale;
}

void goss__answer_finish(goss__draft *d, float *y) {
    const double noise = goss__noise_chance(&d->noise, 0.3) ? 1e-4 : goss__noise_log_between(&d->noise, 0.01, 0.7);
    for (int o = 0; o < d->outputs; o++) {
        goss__values_standardise(goss__draft_y(d, o), d->rows);
        goss__values_disturb(d, goss__draft_y(d, o), noise);
    }
    (d->classes ? make_classes : make_numbers)(d, y);
}
