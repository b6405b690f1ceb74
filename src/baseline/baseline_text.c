/* SPDX-License-Identifier: Apache-2.0 */
/* baseline_text.c: fitted baselines as a list of numbers, and back:
 * 1 (the form's version), width, classes, offset, scale, n, and n times: support, ridge's level and slope, mean-ridge's
 * level and slope, its coefficients. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/str.h"
#include "baseline/baseline.h"

enum { HEAD = 6, EACH = 5, MOST_SIDE = 1 << 24 };

static void put(goss__str *s, double value) {
    char text[GOSS__NUMBER_TEXT];
    goss__number_print(value, text);
    if (s->size) goss__str_add(s, " ");
    goss__str_add(s, text);
}

goss_status goss_baselines_text(const goss_baselines *b, char **text, goss_error *err) {
    const double head[HEAD] = {1, b->width, b->classes, b->offset, b->scale, b->n};
    goss__str s = {0};
    for (int i = 0; i < HEAD; i++) put(&s, head[i]);
    for (int k = 0; k < b->n; k++) {
        const goss__chosen *c = &b->chosen[k];
        const double each[EACH] = {c->support, c->ridge.level, c->ridge.slope, c->mean.level, c->mean.slope};
        for (int i = 0; i < EACH; i++) put(&s, each[i]);
        for (size_t i = 0; i < goss__coefficients(b); i++) put(&s, c->mean.towards[i]);
    }
    *text = s.data;
    if (!s.failed) return GOSS_OK;
    goss__str_free(&s), *text = NULL;
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the text of baselines");
}

static goss_status damaged(goss_error *err) {
    return goss_error_set(err, GOSS_E_FORMAT, "baselines that are damaged, or of another version");
}

static bool whole(double v, double low, double high) { return v >= low && v <= high && v == floor(v); }

/* A list's numbers are as many as blanks, and one more. */
static goss_status read_numbers(const char *text, double **out, size_t *n, goss_error *err) {
    *n = 1;
    for (const char *c = text; *c; c++) *n += *c == ' ';
    if (*n > MOST_SIDE) return damaged(err);
    *out = goss__calloc(*n, sizeof **out);
    if (!*out) return goss_error_set(err, GOSS_E_NOMEM, "no memory for baselines of %zu numbers", *n);
    return goss__numbers_parse(text, *out, (int)*n) == (int)*n ? GOSS_OK : damaged(err);
}

static goss_status fill(goss_baselines *b, const double *v, size_t n, goss_error *err) {
    if (n < HEAD || v[0] != 1 || !whole(v[1], 0, MOST_SIDE) || !whole(v[2], 0, MOST_SIDE) || v[2] == 1 || !(v[4] > 0) ||
        !whole(v[5], 1, GOSS__STRENGTHS))
        return damaged(err);
    b->width = (int)v[1], b->classes = (int)v[2], b->offset = v[3], b->scale = v[4];
    const size_t size = goss__coefficients(b);
    if (n != HEAD + (size_t)v[5] * (EACH + size)) return damaged(err);
    for (const double *at = v + HEAD; at < v + n; at += EACH + size) {
        if (!whole(at[0], 1, INT32_MAX) || !(at[1] >= 0) || !(at[2] > 0) || !(at[3] >= 0) || !(at[4] > 0) ||
            (b->classes && !(at[1] > 0 && at[3] > 0)))
            return damaged(err);
        double *m = goss__alloc(size * sizeof *m);
        if (!m) return goss_error_set(err, GOSS_E_NOMEM, "no memory for baselines of %zu numbers", n);
        memcpy(m, at + EACH, size * sizeof *m);
        b->chosen[b->n++] = (goss__chosen){.support = (int)at[0], {at[1], at[2], NULL}, {at[3], at[4], m}};
    }
    return GOSS_OK;
}

goss_status goss_baselines_parse(const char *text, goss_baselines **out, goss_error *err) {
    double *v = NULL;
    size_t n;
    goss_baselines *b = *out = NULL;
    goss_status s = read_numbers(text, &v, &n, err);
    if (s == GOSS_OK && !(b = goss__calloc(1, sizeof *b)))
        s = goss_error_set(err, GOSS_E_NOMEM, "no memory for baselines");
    if (s == GOSS_OK) s = fill(b, v, n, err);
    goss__free(v);
    if (s == GOSS_OK)
        *out = b;
    else
        goss_baselines_free(b);
    return s;
}
