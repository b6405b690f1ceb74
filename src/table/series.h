/* SPDX-License-Identifier: Apache-2.0 */
/* series.h: windows of series inside: the order of rows, and what encodings keep of it. */
#ifndef GOSS_TABLE_SERIES_H
#define GOSS_TABLE_SERIES_H

#include "gossamer/series.h"
#include "io/json.h"
#include "table/encoding.h"

/* Rows by series and time. */
typedef struct goss__series_order {
    int32_t *order;        /* rows, series after series */
    int32_t *at;           /* [rows] the place in `order`; -1: the row has no task */
    int32_t *first, *last; /* [rows] places of the ends of its series */
    const double *time;    /* [rows] */
    bool dates;            /* times are dates, in seconds */
    int ties;              /* rows of the same time as the one before it in its series */
    int tie, tied;         /* the first of them in the file, and the one before it */
    double *times, *y;     /* [rows] owned; y: the target, NaN: missing; NULL: its past is not seen */
} goss__series_order;
goss_status goss__series_order_open(goss__series_order *s, const goss_table *t, const goss_series_options *o,
                                    goss_error *err);
void goss__series_order_close(goss__series_order *s);
/* Places [*from, *to) in `order` of the window of a row; empty: none. */
void goss__series_window(const goss__series_order *s, const goss_series_options *o, int row, int *from, int *to);
/* The latest known target of the window; NaN: there is none. */
double goss__series_origin(const goss__series_order *s, const goss_series_options *o, int row);
/* The row that horizon k of a sample forecasts; -1: there is none. (series_horizons.c) */
int goss__series_ahead(const goss__series_order *s, const goss_series_options *o, int row, int k);
bool goss__series_has_history(const goss__series_order *s, const goss_series_options *o, int row);

/* What an encoding of windows keeps beside its columns. */
struct goss__windows {
    goss_series_options o; /* texts in the encoding's arena */
    double mean, deviation, change, step;
    bool dates; /* of the time column */
};
goss_status goss__windows_apply(const goss_encoding *e, const goss_table *t, const goss__encoding_output *o,
                                goss_error *err);
int goss__windows_channels(const goss_encoding *e);
const char *goss__windows_feature(goss_encoding *e, const char *const *inner, int i);
void goss__windows_add(const struct goss__windows *w, goss__str *s);
#if GOSS_HAVE_JANSSON
/* Errors: GOSS_E_FORMAT, GOSS_E_NOMEM. */
goss_status goss__windows_parse(goss_encoding *e, const json_t *j, goss_error *err);
#endif
#endif
