/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue.c: what a model knows of items, read: numbers of an item, looking items up. catalogue_fit.c makes one. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "recommend/recommend.h"

goss_catalogue_options goss_catalogue_defaults(void) {
    return (goss_catalogue_options){.factors = 8,
                                    .support = 5,
                                    .most_support = 20,
                                    .baselines = true,
                                    .neighbours = true,
                                    .negatives = 4,
                                    .click = NAN,
                                    .seed = 1};
}

void goss_catalogue_free(goss_catalogue *c) {
    if (!c) return;
    for (int i = 0; c->name && i < c->items; i++) goss__free(c->name[i]);
    for (int i = 0; i < GOSS_RATINGS_COLUMNS; i++) goss__free(c->column[i]);
    goss__dictionary_free(&c->ids);
    goss__features_free(c->seen, c->features);
    void *all[] = {c->name,   c->count, c->feature, c->level,   c->v,     c->spread, c->prior, c->from_features,
                   c->centre, c->scale, c->order,   c->metrics, c->first, c->rater,  c->left};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) goss__free(all[i]);
    goss_baselines_free(c->ridge);
    goss_descriptors_free(c->described);
    goss__free(c);
}

void goss_catalogue_forget(goss_catalogue *c) {
    goss_baselines_free(c->ridge);
    goss_descriptors_free(c->described);
    goss__free(c->first), goss__free(c->rater), goss__free(c->left);
    c->ridge = NULL, c->described = NULL, c->first = c->rater = NULL, c->left = NULL, c->kept = 0;
}

void goss_catalogue_inputs_free(float *inputs) { goss__free(inputs); }

/* ---- numbers of an item ---- */

int goss__catalogue_width(const goss_catalogue *c) {
    return GOSS__SEEN_NUMBERS + c->factors + c->features + (c->embedding > 0);
}

/* Row 0 of the table is that of items that are not known. */
void goss__catalogue_spec(const goss_catalogue *c, goss_task_spec *out) {
    out->input_rank = 1, out->input[0] = c->width;
    if (c->embedding > 0) out->items = 1 + (int64_t)c->items, out->item_numbers = c->embedding;
}

void goss__catalogue_encode(const goss_catalogue *c, int item, const double *v, double count, const float *feature,
                            float *x) {
    double raw[2] = {v[0], log1p(count)};
    for (int i = 0; i < GOSS__SEEN_NUMBERS + c->factors; i++) {
        const double value = i < GOSS__SEEN_NUMBERS ? raw[i] : v[i - GOSS__SEEN_NUMBERS + 1];
        x[i] = (float)((value - (double)c->centre[i]) / (double)c->scale[i]);
    }
    for (int i = 0; i < c->features; i++) x[GOSS__SEEN_NUMBERS + c->factors + i] = feature[i];
    if (c->embedding > 0) x[c->width - 1] = (float)(item + 1);
}

void goss__catalogue_guess(const goss_catalogue *c, const float *feature, double *v) {
    for (int j = 0; j <= c->factors; j++) {
        const double *w = c->from_features + (size_t)j * (size_t)(c->features + 1);
        v[j] = w[0];
        for (int k = 0; k < c->features; k++) v[j] += w[1 + k] * (double)feature[k];
    }
}

void goss_catalogue_input(const goss_catalogue *c, int item, float *out) {
    const size_t i = (size_t)item;
    goss__catalogue_encode(c, item, c->v + i * (size_t)(c->factors + 1), (double)c->count[i],
                           c->feature + i * (size_t)c->features, out);
}

/* Over what says what an item is like, not how good it is or how well known. */
double goss_catalogue_similarity(const goss_catalogue *c, int a, int b) {
    const size_t d = (size_t)(c->factors + 1), m = (size_t)c->features;
    double ab = 0, aa = 0, bb = 0;
    for (int j = 1; j <= c->factors; j++) {
        const double s = (double)c->scale[GOSS__SEEN_NUMBERS + j - 1];
        const double x = c->v[(size_t)a * d + (size_t)j] / s, y = c->v[(size_t)b * d + (size_t)j] / s;
        ab += x * y, aa += x * x, bb += y * y;
    }
    for (int j = 0; j < c->features; j++) {
        const double x = (double)c->feature[(size_t)a * m + (size_t)j],
                     y = (double)c->feature[(size_t)b * m + (size_t)j];
        ab += x * y, aa += x * x, bb += y * y;
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

/* ---- looking up ---- */

bool goss_catalogue_clicks(const goss_catalogue *c, double *click, int *negatives) {
    if (click) *click = c->click;
    if (negatives) *negatives = c->negatives;
    return c->clicks;
}

int goss_catalogue_items(const goss_catalogue *c) { return c->items; }
int goss_catalogue_width(const goss_catalogue *c) { return c->width; }
const char *goss_catalogue_id(const goss_catalogue *c, int item) { return c->ids.text[item]; }
const char *goss_catalogue_name(const goss_catalogue *c, int item) {
    return c->name[item] ? c->name[item] : c->ids.text[item];
}
int goss_catalogue_count(const goss_catalogue *c, int item) { return (int)c->count[item]; }
const char *goss_catalogue_column(const goss_catalogue *c, goss_ratings_column which) { return c->column[which]; }
const goss_descriptors *goss_catalogue_descriptors(const goss_catalogue *c) { return c->described; }
void goss_catalogue_support(const goss_catalogue *c, int *support, int *most_support) {
    *support = c->support, *most_support = c->most_support;
}
const char *goss_catalogue_order(const goss_catalogue *c) { return c->order; }
const char *goss_catalogue_metrics(const goss_catalogue *c) { return c->metrics; }
const goss_objective *goss_catalogue_objective(const goss_catalogue *c) { return c->objective; }
bool goss_catalogue_range(const goss_catalogue *c, double *lowest, double *highest) {
    *lowest = c->lowest, *highest = c->highest;
    return !isnan(c->lowest) && !isnan(c->highest);
}
bool goss_catalogue_outlier(const goss_catalogue *c, double *deviations) {
    *deviations = fmax(c->mean - c->lowest, c->highest - c->mean) / c->deviation;
    return *deviations > 10; /* not known: NaN */
}
/* With what a text of seven digits leaves open of a number in single precision. */
bool goss__catalogue_outside(const goss_catalogue *c, double rating) {
    const double slack = 1e-6 * fmax(fabs(c->lowest), fabs(c->highest));
    return rating < c->lowest - slack || rating > c->highest + slack; /* not known: NaN */
}
goss_target_scale goss_catalogue_scale(const goss_catalogue *c) {
    return (goss_target_scale){&c->scale_of_target[0], &c->scale_of_target[1]};
}
