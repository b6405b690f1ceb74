/* SPDX-License-Identifier: Apache-2.0 */
/* table_encode.c: encoding cells as a network's inputs. The fitted encoding is independent of the table, so that a
 * model stores it and applies it to other tables. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/json.h"
#include "table/series.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for an encoding"); }

void goss_encoding_free(goss_encoding *e) {
    if (!e) return;
    for (int i = 0; e->column && i < e->columns; i++)
        goss__dictionary_free(&e->column[i].values), goss__text_encoder_free(e->column[i].text);
    goss__free(e->column);
    goss__free(e->feature);
    goss__arena_free(&e->arena);
    goss__free(e);
}

goss_status goss__encoding_create(int columns, goss_encoding **out, goss_error *err) {
    goss_encoding *e = *out = goss__calloc(1, sizeof *e);
    if (e) e->column = goss__calloc((size_t)columns + 1, sizeof *e->column); /* windows may have none */
    if (!e || !e->column) return no_memory(err);
    e->columns = columns;
    return GOSS_OK;
}

/* ---- layout ---- */

static const char *feature_name(goss_encoding *e, const goss__encoded *c, int i) {
    if (c->text) return goss__arena_printf(&e->arena, "%s[%d]", c->name, i);
    if (c->flag && i == c->count - 1) return goss__arena_printf(&e->arena, "%s missing", c->name);
    if (c->number) return c->name;
    return goss__arena_printf(&e->arena, "%s=%s", c->name, c->values.text[i]);
}

/* Of windows: their names are those of a step's. */
static goss_status lay_out_windows(goss_encoding *e, goss_error *err) {
    const int channels = goss__windows_channels(e);
    if (e->windows->o.window > INT32_MAX / 2 / channels)
        return goss_error_set(err, GOSS_E_ARGUMENT, "windows of more than 2^30 numbers");
    const char **inner = e->feature;
    e->width = e->windows->o.window * channels;
    e->feature = goss__calloc((size_t)e->width, sizeof *e->feature);
    bool ok = e->feature != NULL;
    for (int i = 0; ok && i < e->width; i++) ok = (e->feature[i] = goss__windows_feature(e, inner, i)) != NULL;
    goss__free(inner);
    return ok ? GOSS_OK : no_memory(err);
}

/* The features of each column, and their names. */
goss_status goss__encoding_lay_out(goss_encoding *e, goss_error *err) {
    e->width = 0;
    for (int k = 0; k < e->columns; k++) {
        goss__encoded *c = &e->column[k];
        c->first = e->width;
        c->count = c->text ? goss__encoded_text_size(c) : (c->number ? 1 : c->values.count) + c->flag;
        if (c->count > INT32_MAX / 2 - e->width)
            return goss_error_set(err, GOSS_E_ARGUMENT, "more than 2^30 encoded columns");
        e->width += c->count;
    }
    e->inner = e->width;
    e->feature = goss__calloc((size_t)e->width + 1, sizeof *e->feature);
    if (!e->feature) return no_memory(err);
    for (int k = 0; k < e->columns; k++)
        for (int i = 0; i < e->column[k].count; i++)
            if (!(e->feature[e->column[k].first + i] = feature_name(e, &e->column[k], i))) return no_memory(err);
    return e->windows ? lay_out_windows(e, err) : GOSS_OK;
}

int goss_encoding_columns(const goss_encoding *e) { return e->columns; }
int goss_encoding_width(const goss_encoding *e) { return e->width; }

static const goss__encoded *at(const goss_encoding *e, int column) {
    assert(column >= 0 && column < e->columns);
    return &e->column[column];
}

const char *goss_encoding_column(const goss_encoding *e, int column) { return at(e, column)->name; }

const char *goss_encoding_feature(const goss_encoding *e, int feature) {
    assert(feature >= 0 && feature < e->width);
    return e->feature[feature];
}

bool goss_encoding_scale(const goss_encoding *e, int column, double *mean, double *deviation) {
    const goss__encoded *c = at(e, column);
    if (c->number) *mean = c->mean, *deviation = c->deviation;
    return c->number;
}

void goss_encoding_range(const goss_encoding *e, int column, int *first, int *count) {
    *first = at(e, column)->first, *count = at(e, column)->count;
}

/* ---- fit ---- */

static goss_status refuse(const goss_table *t, int column, goss_error *err) {
    char label[GOSS__LABEL];
    goss__column_label(goss_table_name(t, column), label);
    if (goss_table_type(t, column) == GOSS_COLUMN_DATE)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s has dates, which are not inputs; convert them to columns of numbers (days since the "
                              "first, hour, month), or ignore it",
                              label);
    return goss_error_set(
        err, GOSS_E_ARGUMENT,
        "%s has texts that hardly repeat, which are not inputs; ignore it, or declare it as categorical", label);
}

/* Only values that occur in the rows; others are unseen. */
static goss_status fit_category(const goss_table *t, int column, const int32_t *rows, int n, goss__encoded *c,
                                goss_error *err) {
    const int categories = goss_table_categories(t, column);
    bool *seen = goss__calloc((size_t)categories, sizeof *seen), ok = seen != NULL;
    for (int i = 0; ok && i < n; i++) {
        int code = goss_table_code(t, column, rows ? rows[i] : i);
        if (code >= 0) seen[code] = true;
    }
    for (int k = 0; ok && k < categories; k++)
        if (seen[k]) ok = goss__dictionary_add(&c->values, goss_table_category(t, column, k)) >= 0;
    goss__free(seen);
    return ok ? GOSS_OK : no_memory(err);
}

static goss_status fit_column(goss_encoding *e, const goss_table *t, int column, const int32_t *rows, int n,
                              goss__encoded *c, goss_error *err) {
    char label[GOSS__LABEL];
    const goss_column_type type = goss_table_type(t, column);
    if (type == GOSS_COLUMN_TEXT || type == GOSS_COLUMN_DATE) return refuse(t, column, err);
    goss_column_stats s;
    GOSS_TRY(goss_table_stats(t, column, rows, n, &s, err));
    if (s.missing == n)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: all values are missing in the %d training rows; ignore the column",
                              goss__column_label(goss_table_name(t, column), label), n);
    c->name = goss__arena_strdup(&e->arena, goss_table_name(t, column));
    if (!c->name) return no_memory(err);
    c->flag = s.missing > 0;
    c->number = type == GOSS_COLUMN_NUMBER;
    if (!c->number) return fit_category(t, column, rows, n, c, err);
    c->mean = s.mean, c->deviation = s.deviation > 0 ? s.deviation : 1;
    return GOSS_OK;
}

goss_status goss__encoding_fit_columns(const goss_table *t, const int *columns, int n_columns, const int32_t *rows,
                                       int n_rows, goss_encoding **out, goss_error *err) {
    const int n = rows ? n_rows : t->rows;
    *out = NULL;
    if (n <= 0 || n_columns <= 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "an encoding of %d columns from %d rows: at least one of each",
                              n_columns, n);
    GOSS_TRY(goss__encoding_create(n_columns, out, err));
    for (int k = 0; k < n_columns; k++) GOSS_TRY(fit_column(*out, t, columns[k], rows, n, &(*out)->column[k], err));
    return GOSS_OK;
}

goss_status goss_encoding_fit(const goss_table *t, const int *columns, int n_columns, const int32_t *rows, int n_rows,
                              goss_encoding **out, goss_error *err) {
    goss_encoding *e;
    *out = NULL;
    goss_status s = goss__encoding_fit_columns(t, columns, n_columns, rows, n_rows, &e, err);
    if (s == GOSS_OK) s = goss__encoding_lay_out(e, err);
    if (s == GOSS_OK)
        *out = e;
    else
        goss_encoding_free(e);
    return s;
}

/* ---- apply ---- */

/* Finds the columns; the error names all that are missing. */
static goss_status match(const goss_encoding *e, const goss_table *t, int *column, goss_error *err) {
    goss__str lost = {0};
    char label[GOSS__LABEL];
    int n = 0;
    for (int k = 0; k < e->columns; k++) {
        column[k] = goss_table_find(t, e->column[k].name);
        if (column[k] < 0 && ++n <= 8)
            goss__str_addf(&lost, "%s%s", n > 1 ? ", " : "", goss__column_label(e->column[k].name, label));
    }
    if (n > 8) goss__str_addf(&lost, " and %d more", n - 8);
    goss_status s = GOSS_OK;
    const char *where = goss_table_path(t);
    if (n)
        s = goss_error_set(err, GOSS_E_ARGUMENT, "%s: there is no column %s", where,
                           lost.data ? lost.data : "of that name");
    for (int k = 0; s == GOSS_OK && k < e->columns; k++)
        if (e->column[k].number && goss_table_type(t, column[k]) != GOSS_COLUMN_NUMBER)
            s = goss_error_set(err, GOSS_E_ARGUMENT, "%s: column %s has texts (\"%.40s\"), but was numeric in training",
                               where, goss__column_label(e->column[k].name, label),
                               goss_table_categories(t, column[k]) ? goss_table_category(t, column[k], 0) : "");
    goss__str_free(&lost);
    return s;
}

static void note_unseen(const goss__encoding_output *o, int k, const char *text) {
    if (o->report->unseen++ || o->report->unseen_column >= 0) return;
    o->report->unseen_column = k;
    snprintf(o->report->unseen_text, sizeof o->report->unseen_text, "%s", text);
}

static void put_missing(const goss__encoded *c, float *out, const goss__encoding_output *o) {
    if (c->flag)
        out[c->count - 1] = 1;
    else
        o->report->missing++;
}

static void apply_number(const goss__encoded *c, const goss_table *t, int column, const goss__encoding_output *o) {
    for (int i = 0; i < o->n; i++) {
        float *out = o->at + (size_t)i * (size_t)o->width + (size_t)c->first;
        double v = goss_table_number(t, column, o->rows ? o->rows[i] : i);
        if (isnan(v))
            put_missing(c, out, o);
        else
            out[0] = (float)((v - c->mean) / c->deviation);
    }
}

static void apply_category(const goss__encoded *c, int k, const goss_table *t, int column,
                           const goss__encoding_output *o) {
    char buffer[GOSS_CELL_TEXT];
    for (int i = 0; i < o->n; i++) {
        float *out = o->at + (size_t)i * (size_t)o->width + (size_t)c->first;
        const int row = o->rows ? o->rows[i] : i;
        if (goss_table_missing(t, column, row)) {
            put_missing(c, out, o);
            continue;
        }
        const char *text = goss_table_text(t, column, row, buffer);
        int code = goss__dictionary_find(&c->values, text);
        if (code >= 0)
            out[code] = 1;
        else
            note_unseen(o, k, text);
    }
}

goss_status goss__encoding_apply_columns(const goss_encoding *e, const goss_table *t, const goss__encoding_output *o,
                                         goss_error *err) {
    int *column = goss__alloc((size_t)(e->columns + 1) * sizeof *column);
    if (!column) return no_memory(err);
    goss_status s = match(e, t, column, err);
    for (int k = 0; s == GOSS_OK && k < e->columns; k++) {
        if (e->column[k].text)
            s = goss__encoded_text_apply(&e->column[k], t, column[k], o, err);
        else if (e->column[k].number)
            apply_number(&e->column[k], t, column[k], o);
        else
            apply_category(&e->column[k], k, t, column[k], o);
    }
    goss__free(column);
    return s;
}

goss_status goss_encoding_apply(const goss_encoding *e, const goss_table *t, const int32_t *rows, int n_rows,
                                float *out, goss_encoding_report *report, goss_error *err) {
    goss_encoding_report own;
    const goss__encoding_output o = {
        .at = out, .width = e->width, .rows = rows, .n = rows ? n_rows : t->rows, .report = report ? report : &own};
    *o.report = (goss_encoding_report){.unseen_column = -1};
    memset(out, 0, (size_t)o.n * (size_t)e->width * sizeof *out);
    return (e->windows ? goss__windows_apply : goss__encoding_apply_columns)(e, t, &o, err);
}

/* ---- as text ---- */

goss_status goss_encoding_text(const goss_encoding *e, char **text, goss_error *err) {
    goss__str s = {0};
    goss__str_add(&s, "{\"columns\": [");
    for (int k = 0; k < e->columns; k++) {
        const goss__encoded *c = &e->column[k];
        goss__str_add(&s, k ? ", {\"name\": " : "{\"name\": ");
        goss__json_add_text(&s, c->name);
        goss__str_addf(&s, ", \"missing\": %s", c->flag ? "true" : "false");
        if (c->text) {
            goss__encoded_text_add(c, &s);
        } else if (c->number) {
            goss__str_add(&s, ", \"mean\": "), goss__json_add_number(&s, c->mean);
            goss__str_add(&s, ", \"deviation\": "), goss__json_add_number(&s, c->deviation);
        } else {
            goss__str_add(&s, ", \"values\": [");
            for (int i = 0; i < c->values.count; i++) {
                if (i) goss__str_add(&s, ", ");
                goss__json_add_text(&s, c->values.text[i]);
            }
            goss__str_add(&s, "]");
        }
        goss__str_add(&s, "}");
    }
    goss__str_add(&s, "]");
    if (e->windows) goss__windows_add(e->windows, &s);
    goss__str_add(&s, "}");
    if (s.failed) {
        goss__str_free(&s);
        return no_memory(err);
    }
    *text = s.data;
    return GOSS_OK;
}

void goss_csv_text_free(char *text) { goss__free(text); }

#if GOSS_HAVE_JANSSON
static goss_status not_one(goss_error *err) {
    return goss_error_set(err, GOSS_E_FORMAT, "an encoding of a table that is damaged, or of another version");
}

static goss_status parse_values(const json_t *values, goss__encoded *c, goss_error *err) {
    size_t i;
    const json_t *v;
    if (!json_is_array(values)) return not_one(err);
    json_array_foreach(values, i, v) {
        if (!json_is_string(v) || goss__dictionary_find(&c->values, json_string_value(v)) >= 0) return not_one(err);
        if (goss__dictionary_add(&c->values, json_string_value(v)) < 0) return no_memory(err);
    }
    return c->values.count ? GOSS_OK : not_one(err);
}

static goss_status parse_column(goss_encoding *e, const json_t *j, goss__encoded *c, goss_error *err) {
    const json_t *name = json_object_get(j, "name"), *flag = json_object_get(j, "missing");
    const json_t *mean = json_object_get(j, "mean"), *deviation = json_object_get(j, "deviation");
    if (!json_is_string(name) || !json_is_boolean(flag)) return not_one(err);
    c->name = goss__arena_strdup(&e->arena, json_string_value(name));
    if (!c->name) return no_memory(err);
    c->flag = json_is_true(flag);
    const json_t *text = json_object_get(j, "text");
    if (json_is_string(text)) return goss__text_encoder_parse(json_string_value(text), &c->text, err);
    c->number = mean != NULL;
    if (!c->number) return parse_values(json_object_get(j, "values"), c, err);
    if (!json_is_number(mean) || !json_is_number(deviation)) return not_one(err);
    c->mean = json_number_value(mean), c->deviation = json_number_value(deviation);
    return isfinite(c->mean) && isfinite(c->deviation) && c->deviation > 0 ? GOSS_OK : not_one(err);
}

static goss_status parse(const json_t *root, goss_encoding **e, goss_error *err) {
    const json_t *list = json_object_get(root, "columns"), *series = json_object_get(root, "series"), *j;
    size_t n = json_array_size(list), i;
    if ((n == 0 && !series) || n > INT32_MAX / 2) return not_one(err);
    GOSS_TRY(goss__encoding_create((int)n, e, err));
    json_array_foreach(list, i, j) GOSS_TRY(parse_column(*e, j, &(*e)->column[i], err));
    if (series) GOSS_TRY(goss__windows_parse(*e, series, err));
    return goss__encoding_lay_out(*e, err);
}

goss_status goss_encoding_parse(const char *text, goss_encoding **out, goss_error *err) {
    json_t *root;
    *out = NULL;
    GOSS_TRY(goss__json_parse(text, strlen(text), 0, &root, err));
    goss_status s = parse(root, out, err);
    json_decref(root);
    if (s != GOSS_OK) {
        goss_encoding_free(*out);
        *out = NULL;
    }
    return s;
}
#else
goss_status goss_encoding_parse(const char *text, goss_encoding **out, goss_error *err) {
    *out = NULL;
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "encodings of tables are JSON, and this build has no jansson (" GOSS_JANSSON_GET ")");
}
#endif
