/* SPDX-License-Identifier: Apache-2.0 */
/* ratings_items.c: the items of a file of ratings by a catalogue, which may lack some. */
#include <string.h>

#include "base/alloc.h"
#include "recommend/recommend.h"

/* Items that the catalogue lacks: columns of features in the file, and a row of them. */
typedef struct stranger {
    int *column;
    float *feature;
} stranger;

static goss_status open_stranger(stranger *t, const goss_ratings *r, const goss_catalogue *c, goss_error *err) {
    t->column = goss__calloc((size_t)c->features + 1, sizeof *t->column);
    t->feature = goss__calloc((size_t)c->features + 1, sizeof *t->feature);
    if (!t->column || !t->feature) return goss_error_set(err, GOSS_E_NOMEM, "no memory for features of items");
    goss__features_find(c->seen, c->features, r->items, t->column);
    return GOSS_OK;
}

static void close_stranger(stranger *t) { goss__free(t->column), goss__free(t->feature); }

static void look_at(stranger *t, const goss_ratings *r, const goss_catalogue *c, int item) {
    const int row = r->items ? goss__dictionary_find(&r->items->ids, r->ids.text[item]) : -1;
    goss__features_of(c->seen, t->column, c->features, r->items, row, t->feature);
}

goss_status goss__ratings_items(const goss_ratings *r, const goss_catalogue *c, double *v, double *spread, float *level,
                                float *x, goss_error *err) {
    const size_t d = (size_t)(c->factors + 1);
    double *guess = goss__calloc(d, sizeof *guess);
    stranger t = {0};
    goss_status s = guess ? open_stranger(&t, r, c, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for items");
    for (int i = 0; s == GOSS_OK && i < r->ids.count; i++) {
        const int known = goss__dictionary_find(&c->ids, r->ids.text[i]);
        if (known < 0) look_at(&t, r, c, i), goss__catalogue_guess(c, t.feature, guess);
        const double *of = known < 0 ? guess : c->v + (size_t)known * d;
        const float *feature = known < 0 ? t.feature : c->feature + (size_t)known * (size_t)c->features;
        if (v) memcpy(v + (size_t)i * d, of, d * sizeof *v);
        for (size_t j = 0; spread && j < d; j++)
            spread[(size_t)i * d + j] = known < 0 ? 1 / c->prior[j] : c->spread[(size_t)known * d + j];
        if (level) level[i] = known < 0 ? (float)guess[0] : c->level[known];
        if (x)
            goss__catalogue_encode(c, known, of, known < 0 ? 0 : (double)c->count[known], feature,
                                   x + (size_t)i * (size_t)c->width);
    }
    close_stranger(&t);
    goss__free(guess);
    return s;
}

goss_status goss_ratings_unknown(const goss_ratings *r, const goss_catalogue *c, int *unknown, int *without,
                                 goss_error *err) {
    stranger t = {0};
    *unknown = *without = 0;
    const goss_status s = open_stranger(&t, r, c, err);
    for (int i = 0; s == GOSS_OK && i < r->ids.count; i++) {
        bool any = false;
        if (goss__dictionary_find(&c->ids, r->ids.text[i]) >= 0) continue;
        look_at(&t, r, c, i);
        for (int k = 0; k < c->features; k++) any |= t.feature[k] != 0;
        ++*unknown, *without += !any;
    }
    close_stranger(&t);
    return s;
}
