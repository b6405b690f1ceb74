/* SPDX-License-Identifier: Apache-2.0 */
/* table_split.c: random divisions of one table's rows. All rows are shuffled once; later steps iterate in that
 * order. */
#include "gossamer/table_split.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

typedef struct work {
    uint32_t *order; /* [n] */
    int *size;       /* [classes] */
    int *left;       /* [classes] rows that are still to go to the support set */
    int classes;
} work;

static int class_of(const int32_t *of, uint32_t row) { return of ? of[row] : 0; }

/* How many rows of a class are support. */
static int share_of(int size, double share) {
    const int n = (int)floor(size * share + 0.5);
    if (size < 2) return size;
    return n < 1 ? 1 : n > size - 1 ? size - 1 : n;
}

/* Reduces the support set to `most` rows: repeatedly takes one from the class that is most over its share. */
static void limit(work *w, int most) {
    int total = 0, full = 0;
    for (int c = 0; c < w->classes; c++) total += w->left[c];
    full = total;
    if (most <= 0 || total <= most) return;
    int *kept = w->size; /* sizes before; w->size is free from here on */
    for (int c = 0; c < w->classes; c++) kept[c] = w->left[c];
    for (; total > most; total--) {
        int worst = 0;
        double excess = -INFINITY;
        for (int c = 0; c < w->classes; c++) {
            const double own = w->left[c] - (double)most * kept[c] / full;
            if (w->left[c] > 0 && (w->left[c] > 1 || most < w->classes) && own > excess) excess = own, worst = c;
        }
        w->left[worst]--;
    }
}

static goss_status check(const goss_table_split_options *o, int n, goss_error *err) {
    if (n < 2) return goss_error_set(err, GOSS_E_ARGUMENT, "%d rows: too few to divide them", n);
    if (o->share > 0 && o->share < 1) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "a share of %g of the rows is not between 0 and 1", o->share);
}

static void divide(work *w, const goss_table_split_options *o, const int32_t *of, int n, int32_t *support,
                   int *n_support, int32_t *query, int *n_query) {
    int *planned = w->left + w->classes; /* before the limit: rows beyond it belong to no part */
    for (int c = 0; c < w->classes; c++) planned[c] = w->left[c] = share_of(w->size[c], o->share);
    limit(w, o->most_rows);
    *n_support = *n_query = 0;
    for (int i = 0; i < n; i++) {
        const uint32_t row = w->order[i];
        const int c = class_of(of, row);
        if (planned[c]-- <= 0)
            query[(*n_query)++] = (int32_t)row;
        else if (w->left[c]-- > 0)
            support[(*n_support)++] = (int32_t)row;
    }
}

goss_status goss_table_split(const goss_table_split_options *options, const int32_t *of, int classes, int n,
                             int32_t *support, int *n_support, int32_t *query, int *n_query, goss_error *err) {
    work w = {.classes = of ? classes : 1};
    GOSS_TRY(check(options, n, err));
    w.order = goss__calloc((size_t)n, sizeof *w.order);
    w.size = goss__calloc(3 * (size_t)w.classes, sizeof *w.size);
    const bool there = w.order && w.size;
    if (there) {
        goss__rng rng = goss__rng_make(options->seed, (uint64_t)options->repeat);
        w.left = w.size + w.classes;
        for (int i = 0; i < n; i++) w.order[i] = (uint32_t)i, w.size[class_of(of, (uint32_t)i)]++;
        goss__rng_shuffle(&rng, w.order, (uint32_t)n, (uint32_t)n);
        divide(&w, options, of, n, support, n_support, query, n_query);
    }
    goss__free(w.order), goss__free(w.size);
    if (!there) return goss_error_set(err, GOSS_E_NOMEM, "no memory to divide %d rows", n);
    if (*n_query > 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "no rows are left to predict: every class has a single one");
}
