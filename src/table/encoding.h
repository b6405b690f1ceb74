/* SPDX-License-Identifier: Apache-2.0 */
/* encoding.h: encodings of columns inside. */
#ifndef GOSS_TABLE_ENCODING_H
#define GOSS_TABLE_ENCODING_H

#include "table/table.h"
#include "text/encoder.h"

typedef struct goss__encoded {
    const char *name;
    bool number, flag;        /* flag: has an indicator of missing values */
    double mean, deviation;   /* of a number */
    goss__dictionary values;  /* of a category */
    goss__text_encoder *text; /* of texts; else NULL */
    int first, count;         /* of its numbers */
} goss__encoded;

struct goss_encoding {
    goss__arena arena;
    goss__encoded *column;
    const char **feature; /* [width] */
    int columns, width;
    int inner;                     /* numbers of a row's columns; of windows, those of a step */
    struct goss__windows *windows; /* of series (table/series.h), in the arena; NULL: a row is a row */
};

/* What encoded rows are written to. */
typedef struct goss__encoding_output {
    float *at;
    int width;
    const int32_t *rows;
    int n;
    goss_encoding_report *report;
} goss__encoding_output;

/* Without columns yet, and the layout when all are there. Errors: GOSS_E_NOMEM. */
goss_status goss__encoding_create(int columns, goss_encoding **out, goss_error *err);
goss_status goss__encoding_lay_out(goss_encoding *e, goss_error *err);

/* ---- table_encode.c ---- */
/* As goss_encoding_fit, not laid out yet. *out is the caller's in any case. */
goss_status goss__encoding_fit_columns(const goss_table *t, const int *columns, int n_columns, const int32_t *rows,
                                       int n_rows, goss_encoding **out, goss_error *err);
/* The columns of rows, without windows: o->width is e->inner. */
goss_status goss__encoding_apply_columns(const goss_encoding *e, const goss_table *t, const goss__encoding_output *o,
                                         goss_error *err);

/* ---- table_encode_text.c ---- */
int goss__encoded_text_size(const goss__encoded *c);
/* Errors: those of folding, with FILE:LINE; GOSS_E_NOMEM. */
goss_status goss__encoded_text_apply(const goss__encoded *c, const goss_table *t, int column,
                                     const goss__encoding_output *o, goss_error *err);
/* Adds it to the JSON of its column. */
void goss__encoded_text_add(const goss__encoded *c, goss__str *s);
#endif
