/* SPDX-License-Identifier: Apache-2.0 */
/* prior_rule.c: targets that no sum of curves of single columns comes near to: products, parities, comparisons,
 * conjunctions, counts of a level and lookups, most often of columns with the same few levels (the fields of a game,
 * the answers of a form). */
#include <string.h>

#include "prior/prior.h"

/* Every column gets the same levels: codes that are categories or ordered, whose number the rules read. */
static void same_levels(goss__draft *d) {
    const int levels = 2 + goss__noise_below(&d->noise, 4);
    const bool ordered = goss__noise_chance(&d->noise, 0.4);
    goss__noise_uniforms(&d->noise, d->z, (int64_t)d->columns * d->rows);
    for (int j = 0; j < d->columns; j++) {
        float *z = goss__draft_z(d, j), *x = goss__draft_x(d, j);
        for (int i = 0; i < d->rows; i++) {
            const int code = (int)(z[i] * (float)levels);
            x[i] = (float)(code < levels ? code : levels - 1);
            z[i] = x[i] - 0.5f * (float)(levels - 1);
        }
        d->column[j] = (goss_prior_column){ordered ? GOSS_PRIOR_ORDINAL : GOSS_PRIOR_CATEGORY, levels, false};
    }
}

/* ---- rules: the value of one in v [rows] ---- */

static const float *any(goss__draft *d, int n) { return goss__draft_z(d, d->index[goss__noise_below(&d->noise, n)]); }
static float some(goss__draft *d, const float *z) { return z[goss__noise_below(&d->noise, d->rows)]; }

static void product(goss__draft *d, int n, float *v) {
    const int factors = goss__noise_count(&d->noise, 0.25, 3) + 1;
    for (int f = 0; f < factors; f++) {
        const float *z = any(d, n);
        for (int i = 0; i < d->rows; i++) v[i] = f == 0 ? z[i] : v[i] * z[i];
    }
}

/* a b against c e: a balance. */
static void balance(goss__draft *d, int n, float *v) {
    const float *a = any(d, n), *b = any(d, n), *c = any(d, n), *e = any(d, n);
    const float offset = 3; /* weights and lengths are positive */
    for (int i = 0; i < d->rows; i++) v[i] = (a[i] + offset) * (b[i] + offset) - (c[i] + offset) * (e[i] + offset);
}

static void comparison(goss__draft *d, int n, float *v) {
    const float *a = any(d, n), *b = any(d, n);
    const bool equal = goss__noise_chance(&d->noise, 0.3);
    for (int i = 0; i < d->rows; i++) v[i] = (equal ? a[i] == b[i] : a[i] > b[i]) ? 1 : -1;
}

static void parity(goss__draft *d, int n, float *v) {
    const int terms = 2 + goss__noise_chance(&d->noise, 0.3);
    for (int i = 0; i < d->rows; i++) v[i] = 1;
    for (int t = 0; t < terms; t++) {
        const float *z = any(d, n), at = some(d, z);
        for (int i = 0; i < d->rows; i++) v[i] = z[i] > at ? -v[i] : v[i];
    }
}

/* Any of several conjunctions of conditions. */
static void conjunctions(goss__draft *d, int n, float *v) {
    const int count = goss__noise_count(&d->noise, 0.7, 8), terms = 1 + goss__noise_count(&d->noise, 0.5, 3);
    const bool equal = goss__noise_chance(&d->noise, 0.6);
    for (int i = 0; i < d->rows; i++) v[i] = 0;
    for (int c = 0; c < count; c++) {
        for (int i = 0; i < d->rows; i++) d->values[i] = 1;
        for (int t = 0; t < terms; t++) {
            const float *z = any(d, n), at = some(d, z);
            for (int i = 0; i < d->rows; i++)
                if (equal ? z[i] != at : z[i] <= at) d->values[i] = 0;
        }
        for (int i = 0; i < d->rows; i++) v[i] = d->values[i] > v[i] ? d->values[i] : v[i];
    }
}

/* How many columns exceed, or equal, a value. */
static void count(goss__draft *d, int n, float *v) {
    const bool equal = goss__noise_chance(&d->noise, 0.5);
    const float at = some(d, any(d, n));
    for (int i = 0; i < d->rows; i++) v[i] = 0;
    for (int k = 0; k < n; k++) {
        const float *z = goss__draft_z(d, d->index[k]);
        for (int i = 0; i < d->rows; i++) v[i] += (equal ? z[i] == at : z[i] > at) ? 1.0f : 0.0f;
    }
}

static void lookup(goss__draft *d, int n, float *v) {
    float number[64], *other = goss__draft_node(d, d->most_nodes - 1);
    const int levels = 2 + goss__noise_below(&d->noise, 5);
    goss__noise_normals(&d->noise, number, 64);
    goss__values_cut(d, any(d, n), levels, v);
    goss__values_cut(d, any(d, n), levels, other);
    for (int i = 0; i < d->rows; i++) v[i] = number[(int)v[i] * levels + (int)other[i]];
}

void goss__family_rule(goss__draft *d) {
    static void (*const rule[])(goss__draft *, int, float *) = {product,      balance,      comparison, parity,
                                                                conjunctions, conjunctions, count,      lookup};
    goss__noise *r = &d->noise;
    const bool levels = goss__noise_chance(r, 0.6);
    (levels ? same_levels : goss__inputs_draw)(d);
    const int n = goss__inputs_relevant(d, NULL), kinds = sizeof rule / sizeof *rule;
    const int only = goss__noise_chance(r, 0.5) ? goss__noise_below(r, kinds) : -1;
    float *v = goss__draft_node(d, 0);
    memset(d->y, 0, (size_t)d->outputs * (size_t)d->rows * sizeof *d->y);
    for (int o = 0; o < d->outputs; o++) {
        const int terms = goss__noise_count(r, 0.45, 5);
        for (int t = 0; t < terms; t++) {
            const float weight = t == 0 ? 1 : (float)goss__rng_normal(&r->r);
            rule[only < 0 ? goss__noise_below(r, kinds) : only](d, n, v);
            goss__values_standardise(v, d->rows);
            for (int i = 0; i < d->rows; i++) goss__draft_y(d, o)[i] += weight * v[i];
        }
    }
}
