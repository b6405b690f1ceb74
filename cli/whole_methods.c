/* SPDX-License-Identifier: Apache-2.0 */
/* whole_methods.c: the methods of gossamer eval tables. linear and knn see what a network sees: numbers standardised
 * with the support rows, one-hot categories, indicators of missing values. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gossamer/baseline.h"
#include "whole_table.h"

double whole_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

/* ---- rows as numbers ---- */

/* The inputs that say something in the support rows. Returns their number. */
static goss_status choose_columns(const whole_split *s, int *columns, int *n, goss_error *err) {
    const goss_roles *roles = &s->set->roles;
    *n = 0;
    for (int j = 0; j < roles->columns; j++) {
        goss_column_stats stats;
        if (roles->role[j] != GOSS_ROLE_INPUT) continue;
        GOSS_TRY(goss_table_stats(s->set->table, j, s->support_rows, s->n_support, &stats, err));
        if (stats.distinct > 1 || (stats.distinct == 1 && stats.missing > 0)) columns[(*n)++] = j;
    }
    return GOSS_OK;
}

static goss_status fit_encoding(const whole_split *s, goss_encoding **out, goss_error *err) {
    int n;
    int *columns = calloc((size_t)s->set->roles.columns, sizeof *columns);
    *out = NULL;
    if (!columns) return no_memory(err);
    goss_status done = choose_columns(s, columns, &n, err);
    if (done == GOSS_OK && n > 0)
        done = goss_encoding_fit(s->set->table, columns, n, s->support_rows, s->n_support, out, err);
    free(columns);
    return done;
}

/* encoding NULL: no column says anything. Owns: *out. */
static goss_status encode(const goss_encoding *encoding, const goss_table *table, const int32_t *rows, int n,
                          double **out, goss_error *err) {
    const size_t width = encoding ? (size_t)goss_encoding_width(encoding) : 0, all = (size_t)n * width;
    float *x = calloc(all + 1, sizeof *x);
    *out = calloc(all + 1, sizeof **out);
    goss_status s = x && *out ? GOSS_OK : no_memory(err);
    if (s == GOSS_OK && width) s = goss_encoding_apply(encoding, table, rows, n, x, NULL, err);
    for (size_t i = 0; s == GOSS_OK && i < all; i++) (*out)[i] = (double)x[i];
    free(x);
    return s;
}

/* ---- baselines ---- */

typedef struct fitting {
    goss_encoding *encoding;
    goss_fitted *fitted;
    double *x, *y, *said;
} fitting;

static goss_status fit(const whole_method *m, const whole_split *s, fitting *f, goss_error *err) {
    GOSS_TRY(fit_encoding(s, &f->encoding, err));
    GOSS_TRY(encode(f->encoding, s->set->table, s->support_rows, s->n_support, &f->x, err));
    f->y = calloc((size_t)s->n_support, sizeof *f->y);
    if (!f->y) return no_memory(err);
    for (int i = 0; i < s->n_support; i++) f->y[i] = (double)s->set->y[s->support[i]];
    const goss_rows rows = {.n = s->n_support, .x = f->x, .y = f->y};
    return goss_fitted_open(goss_fitted_kind_find(m->name), &rows, f->encoding ? goss_encoding_width(f->encoding) : 0,
                            s->set->classes, &f->fitted, err);
}

static goss_status predict(const whole_split *s, fitting *f, float *out, goss_error *err) {
    const size_t outputs = s->set->classes ? (size_t)s->set->classes : 1, all = (size_t)s->n_query * outputs;
    free(f->x), f->x = NULL;
    GOSS_TRY(encode(f->encoding, s->set->table, s->query_rows, s->n_query, &f->x, err));
    f->said = calloc(all, sizeof *f->said);
    if (!f->said) return no_memory(err);
    GOSS_TRY(goss_fitted_predict(f->fitted, f->x, s->n_query, f->said, err));
    for (size_t i = 0; i < all; i++) out[i] = (float)(s->set->classes ? log(fmax(f->said[i], 1e-30)) : f->said[i]);
    return GOSS_OK;
}

static goss_status run_fitted(const whole_method *m, const goss_model *model, const whole_split *s, float *out,
                              whole_cost *cost, goss_error *err) {
    fitting f = {0};
    (void)model;
    const double begin = whole_now();
    goss_status done = fit(m, s, &f, err);
    const double fitted = whole_now();
    if (done == GOSS_OK) done = predict(s, &f, out, err);
    *cost = (whole_cost){fitted - begin, whole_now() - fitted, f.fitted ? (double)goss_fitted_bytes(f.fitted) : 0};
    goss_encoding_free(f.encoding);
    goss_fitted_free(f.fitted);
    free(f.x), free(f.y), free(f.said);
    return done;
}

/* ---- the table ---- */

static const whole_method methods[] = {{.name = "linear", .run = run_fitted}, {.name = "knn", .run = run_fitted}};
enum { METHODS = sizeof methods / sizeof *methods };

goss_status whole_method_find(const char *name, size_t length, const whole_method **out, goss_error *err) {
    char known[200] = "";
    for (int i = 0; i < METHODS; i++) {
        *out = &methods[i];
        if (strlen(methods[i].name) == length && strncmp(methods[i].name, name, length) == 0) return GOSS_OK;
        if (i > 0) strcat(known, ", ");
        strcat(known, methods[i].name);
    }
    return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: there is no \"%.*s\" for whole tables, only %s",
                          (int)length, name, known);
}
