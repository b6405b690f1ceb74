/* SPDX-License-Identifier: Apache-2.0 */
/* table_encode_text.c: columns of texts in encodings: which texts are fitted, and where one is that cannot be read. */
#include <string.h>

#include "base/alloc.h"
#include "io/json.h"
#include "table/series.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for an encoding"); }

int goss__encoded_text_size(const goss__encoded *c) {
    const goss_text_shape s = goss__text_encoder_shape(c->text);
    return (s.steps ? s.steps : 1) * s.channels;
}

/* ---- fit ---- */

static goss_status check_column(const goss_table *t, int column, goss_error *err) {
    char label[GOSS__LABEL];
    const goss_column_type type = goss_table_type(t, column);
    if (type != GOSS_COLUMN_NUMBER && type != GOSS_COLUMN_DATE) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: column %s has %s, not texts; declare it as categorical",
                          goss_table_path(t), goss__column_label(goss_table_name(t, column), label),
                          type == GOSS_COLUMN_DATE ? "dates" : "numbers");
}

static goss_status fit_column(goss_encoding *e, const goss_table *t, int column, const int32_t *rows, int n,
                              const goss_text_options *o, goss_error *err) {
    char buffer[GOSS_CELL_TEXT];
    const char **text = goss__calloc((size_t)n, sizeof *text);
    e->column->name = goss__arena_strdup(&e->arena, goss_table_name(t, column));
    if (!text || !e->column->name) {
        goss__free(text);
        return no_memory(err);
    }
    for (int i = 0; i < n; i++) {
        const int row = rows ? rows[i] : i;
        text[i] = goss_table_missing(t, column, row) ? "" : goss_table_text(t, column, row, buffer);
    }
    const goss_status s = goss__text_encoder_fit(text, n, o, &e->column->text, err);
    goss__free(text);
    return s;
}

goss_status goss_encoding_fit_texts(const goss_table *t, int column, const int32_t *rows, int n_rows,
                                    const goss_text_options *options, goss_encoding **out, goss_error *err) {
    const goss_text_options o = options ? *options : goss_text_options_defaults();
    const int n = rows ? n_rows : t->rows;
    goss_encoding *e = NULL;
    *out = NULL;
    if (n <= 0) return goss_error_set(err, GOSS_E_ARGUMENT, "an encoding of texts from no rows");
    GOSS_TRY(check_column(t, column, err));
    goss_status s = goss__encoding_create(1, &e, err);
    if (s == GOSS_OK) s = fit_column(e, t, column, rows, n, &o, err);
    if (s == GOSS_OK) s = goss__encoding_lay_out(e, err);
    if (s == GOSS_OK)
        *out = e;
    else
        goss_encoding_free(e);
    return s;
}

/* ---- apply ---- */

goss_status goss__encoded_text_apply(const goss__encoded *c, const goss_table *t, int column,
                                     const goss__encoding_output *o, goss_error *err) {
    char buffer[GOSS_CELL_TEXT], place[GOSS__PLACE];
    for (int i = 0; i < o->n; i++) {
        const int row = o->rows ? o->rows[i] : i;
        float *out = o->at + (size_t)i * (size_t)o->width + (size_t)c->first;
        const bool missing = goss_table_missing(t, column, row);
        const char *text = missing ? "" : goss_table_text(t, column, row, buffer);
        int length;
        bool cut;
        goss_status s = goss__text_encoder_apply(c->text, text, out, &length, &cut, err);
        if (s != GOSS_OK) return goss_error_prefix(err, s, "%s:%s", goss__row_place(t, row, place), c->name);
        o->report->missing += missing, o->report->cut += cut;
    }
    return GOSS_OK;
}

void goss__encoded_text_add(const goss__encoded *c, goss__str *s) {
    goss__str json = {0};
    goss__text_encoder_add(c->text, &json);
    goss__str_add(s, ", \"text\": ");
    goss__json_add_text(s, json.data ? json.data : "");
    s->failed |= json.failed;
    goss__str_free(&json);
}

/* ---- shapes and lengths ---- */

bool goss_encoding_texts(const goss_encoding *e, goss_text_shape *shape) {
    const bool texts = e->columns == 1 && e->column->text;
    if (texts && shape) *shape = goss__text_encoder_shape(e->column->text);
    return texts;
}

void goss_encoding_token(const goss_encoding *e, int id, char *out, size_t size) {
    *out = 0;
    if (goss_encoding_texts(e, NULL)) goss__text_encoder_token(e->column->text, id, out, size);
}

goss_status goss_encoding_ids(const goss_encoding *e, const char *text, int32_t *ids, int most, int *n,
                              goss_error *err) {
    const goss_tokens *t = goss_encoding_texts(e, NULL) ? goss__text_encoder_tokens(e->column->text) : NULL;
    if (!t) return goss_error_set(err, GOSS_E_ARGUMENT, "an encoding whose rows are no ids of tokens");
    return goss_tokens_ids(t, text, ids, most, n, err);
}

const char *goss_encoding_token_gap(const goss_encoding *e) {
    const goss_tokens *t = goss_encoding_texts(e, NULL) ? goss__text_encoder_tokens(e->column->text) : NULL;
    return t && strcmp(goss_tokens_kind(t), "word") == 0 ? " " : "";
}

bool goss_encoding_steps(const goss_encoding *e, int *steps, int *channels) {
    goss_text_shape text = {0};
    if (e->windows)
        text = (goss_text_shape){.steps = e->windows->o.window, .channels = goss__windows_channels(e)};
    else
        (void)goss_encoding_texts(e, &text);
    *steps = text.steps, *channels = text.channels;
    return text.steps > 0;
}

void goss_encoding_lengths(const goss_encoding *e, const float *x, int n, int32_t *lengths) {
    goss_text_shape s = {0};
    (void)goss_encoding_steps(e, &s.steps, &s.channels);
    const size_t channels = (size_t)s.channels;
    for (int i = 0; i < n; i++, x += e->width) {
        int steps = s.steps > 0 ? s.steps : 1;
        for (size_t k = 0; steps > 1; steps--) {
            for (k = 0; k < channels && x[(size_t)(steps - 1) * channels + k] == 0;) k++;
            if (k < channels) break;
        }
        lengths[i] = steps;
    }
}
