/* SPDX-License-Identifier: Apache-2.0 */
/* series_horizons.c: how far ahead a target is forecast: one horizon or several, as text and as rows of a table. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table/series.h"

enum { FARTHEST = 1 << 20 };

int goss_series_horizons(const goss_series_options *o) { return 1 + o->n_later; }
int goss_series_horizon(const goss_series_options *o, int k) { return k ? o->later[k - 1] : o->horizon; }

/* ---- as text ---- */

static goss_status no_list(const char *text, goss_error *err) {
    return goss_error_set(
        err, GOSS_E_ARGUMENT,
        "\"%.60s\" is no horizon, as 1, and no ascending list of them, as 1..12 or 1 3 6 (steps ahead, "
        "up to %d)",
        text, FARTHEST);
}

static goss_status add(goss_series_options *o, int *n, long horizon, const char *text, goss_error *err) {
    if (horizon < 0 || horizon > FARTHEST) return no_list(text, err);
    if (*n && o->horizon == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "\"%.60s\": a horizon of 0, by which the target's past is not seen, goes with no other",
                              text);
    if (*n && horizon <= goss_series_horizon(o, *n - 1))
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.60s\": %ld behind %d: horizons ascend", text, horizon,
                              goss_series_horizon(o, *n - 1));
    if (*n == GOSS_HORIZONS_MOST)
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.60s\": more than %d horizons", text, GOSS_HORIZONS_MOST);
    if (*n)
        o->later[*n - 1] = (int)horizon;
    else
        o->horizon = (int)horizon;
    o->n_later = (*n)++;
    return GOSS_OK;
}

/* A number, or two dots and the end of a range. */
static bool number(const char **at, long *out) {
    char *end;
    if (!isdigit((unsigned char)**at)) return false;
    *out = strtol(*at, &end, 10);
    *at = end;
    return true;
}

goss_status goss_series_set_horizons(const char *text, goss_series_options *options, goss_error *err) {
    static const char between[] = " \t\r\n,;";
    goss_series_options o = {0};
    int n = 0;
    for (const char *at = text + strspn(text, between); *at; at += strspn(at, between)) {
        long from, to;
        if (!number(&at, &from)) return no_list(text, err);
        to = from;
        if (strncmp(at, "..", 2) == 0) {
            at += 2;
            if (!number(&at, &to) || to < from) return no_list(text, err);
        }
        if (*at && !strchr(between, *at)) return no_list(text, err);
        for (; from <= to; from++) GOSS_TRY(add(&o, &n, from, text, err));
    }
    if (n == 0) return no_list(text, err);
    if (!options) return GOSS_OK;
    options->horizon = o.horizon, options->n_later = o.n_later;
    memcpy(options->later, o.later, sizeof o.later);
    return GOSS_OK;
}

char *goss_series_horizons_text(const goss_series_options *o, char *out, size_t size) {
    const int n = goss_series_horizons(o);
    size_t used = 0;
    *out = 0;
    for (int k = 0; k < n && used < size; k++) {
        int end = k;
        const int from = goss_series_horizon(o, k);
        while (end + 1 < n && goss_series_horizon(o, end + 1) == from + end + 1 - k) end++;
        if (end < k + 2) end = k; /* two are as short without dots */
        used += (size_t)snprintf(out + used, size - used, "%s%d", k ? " " : "", from);
        if (end > k && used < size)
            used += (size_t)snprintf(out + used, size - used, "..%d", goss_series_horizon(o, end));
        k = end;
    }
    return out;
}

/* ---- as rows ---- */

int goss__series_ahead(const goss__series_order *s, const goss_series_options *o, int row, int k) {
    if (s->at[row] < 0) return k ? -1 : row;
    const int to = s->at[row] + goss_series_horizon(o, k) - o->horizon;
    return to <= s->last[row] ? s->order[to] : -1;
}

goss_status goss_series_ahead(const goss_table *t, const goss_series_options *o, const int32_t *rows, int n_rows,
                              int32_t *out, goss_error *err) {
    goss__series_order s;
    const int n = rows ? n_rows : t->rows;
    GOSS_TRY(goss__series_order_open(&s, t, o, err));
    for (int i = 0; i < n; i++)
        for (int k = 0; k < goss_series_horizons(o); k++) *out++ = goss__series_ahead(&s, o, rows ? rows[i] : i, k);
    goss__series_order_close(&s);
    return GOSS_OK;
}
