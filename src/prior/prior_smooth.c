/* SPDX-License-Identifier: Apache-2.0 */
/* prior_smooth.c: functions of columns in closed form: Gaussian processes, additive and linear ones. A Gaussian process
 * is drawn by random features (Rahimi and Recht 2007): waves whose frequencies are normal, for the squared exponential
 * kernel, or of Student's t, for Matern's. */
#include <math.h>
#include <string.h>

#include "prior/prior.h"

enum { WAVES = 48 };

/* Frequencies [WAVES, n] of a length scale for each column; lengths grow with the number of columns, or any function
 * of many columns would be white noise. */
static void frequencies(goss__draft *d, int n, double freedom) {
    const double length = goss__noise_log_between(&d->noise, 0.4, 4) * sqrt(n);
    goss__noise_normals(&d->noise, d->weights, (int64_t)WAVES * n);
    for (int j = 0; j < n; j++) {
        const float own = (float)(goss__noise_log_between(&d->noise, 0.3, 3) / length);
        for (int w = 0; w < WAVES; w++) d->weights[w * n + j] *= own;
    }
    for (int w = 0; freedom > 0 && w < WAVES; w++) {
        const float t = (float)sqrt(freedom / goss__noise_gamma(&d->noise, freedom / 2, 2));
        for (int j = 0; j < n; j++) d->weights[w * n + j] *= t;
    }
}

void goss__family_process(goss__draft *d) {
    static const double freedom[] = {0, 0, 3, 5};
    goss__inputs_draw(d);
    float *in = goss__draft_node(d, WAVES);
    const int n = goss__inputs_relevant(d, in);
    frequencies(d, n, freedom[goss__noise_below(&d->noise, 4)]);
    goss__values_product(d, d->weights, WAVES, n, in, d->nodes);
    for (int w = 0; w < WAVES; w++) {
        float *v = goss__draft_node(d, w);
        const float phase = (float)goss__noise_between(&d->noise, 0, 6.2831853);
        for (int i = 0; i < d->rows; i++) v[i] += phase;
        goss__noise_map(d->kernels, GOSS__EW_cos, v, v, d->rows);
    }
    goss__noise_normals(&d->noise, d->weights, (int64_t)d->outputs * WAVES);
    goss__values_product(d, d->weights, d->outputs, WAVES, d->nodes, d->y);
}

void goss__family_additive(goss__draft *d) {
    goss__inputs_draw(d);
    const int n = goss__inputs_relevant(d, NULL);
    float *v = goss__draft_node(d, 0);
    memset(d->y, 0, (size_t)d->outputs * (size_t)d->rows * sizeof *d->y);
    for (int k = 0; k < n; k++) {
        memcpy(v, goss__draft_z(d, d->index[k]), (size_t)d->rows * sizeof *v);
        goss__values_curve(d, v);
        goss__values_standardise(v, d->rows);
        for (int o = 0; o < d->outputs; o++) {
            const float weight = (float)goss__rng_normal(&d->noise.r);
            for (int i = 0; i < d->rows; i++) goss__draft_y(d, o)[i] += weight * v[i];
        }
    }
}

void goss__family_linear(goss__draft *d) {
    goss__inputs_draw(d);
    const int n = goss__inputs_relevant(d, d->nodes);
    const bool heavy = goss__noise_chance(&d->noise, 0.4); /* a few coefficients count */
    goss__noise_normals(&d->noise, d->weights, (int64_t)d->outputs * n);
    for (int i = 0; heavy && i < d->outputs * n; i++) d->weights[i] *= d->weights[i] * d->weights[i];
    goss__values_product(d, d->weights, d->outputs, n, d->nodes, d->y);
}
