/* SPDX-License-Identifier: Apache-2.0 */
/* table_predict.c: gossamer predict for rows of a table: the rows with additional columns of predictions. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/series.h"
#include "gossamer/table_data.h"
#include "step_predict.h"
#include "table_predict.h"

enum { BATCH = 256 };
/* 95 % of a normal distribution is within this many deviations. */
static const double two_sided_95 = 1.959964;

typedef struct asked {
    const goss_network *network;
    cli_rows rows;
    size_t width;
    int outputs, classes, levels; /* levels: of quantiles; 0: none are predicted */
    const char *const *quantile;  /* [levels] their columns */
    float *out, *beside; /* [batch, outputs]; [batch, levels, outputs], [batch] or [batch, horizons]: how unsure */
    int batch, first;    /* rows at a time, all of several horizons; the first of them */
    goss_csv *csv;       /* NULL: JSON */
} asked;

static const char *const added[] = {"prediction", "probability", "low", "high"};

/* Answers of a row: one, or one a horizon. */
static int parts(const asked *a) { return a->rows.horizons ? a->rows.horizons : 1; }

/* A column of part k: "low", of several horizons "low_h3". */
static const char *column_of(const asked *a, const char *name, int k, char out[64]) {
    if (!a->rows.horizons) return name;
    snprintf(out, 64, "%s_h%d", name, a->rows.horizon[k]);
    return out;
}

/* Numbers beside the answers of a row that is predicted. */
static int beside_of(const asked *a) { return a->levels ? a->levels * a->outputs : parts(a); }

static bool has_interval(const asked *a) { return a->classes == 0 && goss_network_tells_uncertainty(a->network); }

static goss_status check_name(const asked *a, const char *path, const char *name, goss_error *err) {
    if (goss_table_find(a->rows.table, name) < 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s has a column \"%s\" already, which would be duplicated: rename or remove it", path, name);
}

static goss_status check_names(const asked *a, const char *path, goss_error *err) {
    char name[64];
    for (int k = 0; k < parts(a); k++) {
        for (size_t i = 0; i < sizeof added / sizeof *added; i++)
            if (i == 0 || (i == 1 ? a->classes > 0 : has_interval(a)))
                GOSS_TRY(check_name(a, path, column_of(a, added[i], k, name), err));
        for (int i = 0; i < a->levels; i++) GOSS_TRY(check_name(a, path, column_of(a, a->quantile[i], k, name), err));
    }
    return GOSS_OK;
}

/* ---- one row ---- */

/* The row whose answers forecast part k of a row; -1: none. */
static int source_of(const asked *a, int row, int k) {
    return a->rows.horizons ? a->rows.source[(size_t)row * (size_t)a->rows.horizons + (size_t)k] : row;
}

/* An answer for a row that is predicted in its own level: a change is counted from that row's origin. */
static double number(const asked *a, int row, float p) { return (double)p + (a->rows.from ? a->rows.from[row] : 0); }

/* What is forecast of a row: numbers in the user's units; NaN: nothing is. */
static double prediction(const asked *a, int row, int k) {
    const int by = source_of(a, row, k);
    const size_t at = (size_t)(by < 0 ? 0 : by - a->first) * (size_t)a->outputs + (size_t)k;
    return by < 0 ? (double)NAN : number(a, by, a->out[at]);
}

static double half_of(const asked *a, int row, int k) {
    const int by = source_of(a, row, k);
    const size_t at = (size_t)(by < 0 ? 0 : by - a->first) * (size_t)beside_of(a) + (size_t)k;
    return by < 0 ? (double)NAN : two_sided_95 * (double)a->beside[at];
}

static double quantile(const asked *a, int row, int level, int k) {
    const int by = source_of(a, row, k);
    const size_t at = (size_t)(by < 0 ? 0 : by - a->first) * (size_t)beside_of(a) + (size_t)(level * a->outputs + k);
    return by < 0 ? (double)NAN : number(a, by, a->beside[at]);
}

/* The digits of a float. */
static double rounded(double v) {
    char text[32];
    if (!isfinite(v)) return v; /* an empty cell */
    snprintf(text, sizeof text, "%.7g", v);
    return strtod(text, NULL);
}

static int best_of(const asked *a, const float *p) {
    int best = 0;
    for (int i = 1; i < a->classes; i++)
        if (p[i] > p[best]) best = i;
    return best;
}

static void put_numbers(const asked *a, int row, int k) {
    const double v = prediction(a, row, k);
    goss_csv_number(a->csv, rounded(v));
    if (has_interval(a)) {
        goss_csv_number(a->csv, rounded(v - half_of(a, row, k)));
        goss_csv_number(a->csv, rounded(v + half_of(a, row, k)));
    }
    for (int i = 0; i < a->levels; i++) goss_csv_number(a->csv, rounded(quantile(a, row, i, k)));
}

static void put_csv(const asked *a, int row) {
    const float *p = a->out + (row - a->first) * a->outputs;
    for (int c = 0; c < goss_table_columns(a->rows.table); c++) goss_csv_cell(a->csv, a->rows.table, c, row);
    if (a->classes) {
        const int best = best_of(a, p);
        goss_csv_text(a->csv, goss_network_class_name(a->network, best));
        goss_csv_number(a->csv, rounded((double)p[best]));
    }
    for (int k = 0; !a->classes && k < parts(a); k++) put_numbers(a, row, k);
    goss_csv_row(a->csv);
}

/* "prediction": ..., with what is beside it; "quantiles": {"0.1": ...}, by level. */
static void json_numbers(const asked *a, int row, int k) {
    const double v = prediction(a, row, k);
    printf("\"prediction\": ");
    if (isnan(v)) {
        printf("null");
        return;
    }
    printf("%.9g", v);
    if (has_interval(a)) printf(", \"low\": %.9g, \"high\": %.9g", v - half_of(a, row, k), v + half_of(a, row, k));
    for (int i = 0; i < a->levels; i++)
        printf("%s\"%s\": %.9g", i ? ", " : ", \"quantiles\": {", a->quantile[i] + 1, quantile(a, row, i, k));
    if (a->levels) printf("}");
}

static void put_json(const asked *a, int row) {
    const float *p = a->out + (row - a->first) * a->outputs;
    int file;
    int64_t line;
    goss_table_origin(a->rows.table, row, &file, &line);
    printf("{\"file\": ");
    cli_json_name(goss_table_file(a->rows.table, file));
    printf(", \"line\": %lld, ", (long long)line);
    if (a->classes) {
        printf("\"prediction\": ");
        const int best = best_of(a, p);
        cli_json_name(goss_network_class_name(a->network, best));
        printf(", \"probability\": %.6f, \"probabilities\": {", (double)p[best]);
        for (int i = 0; i < a->classes; i++) {
            printf("%s", i ? ", " : "");
            cli_json_name(goss_network_class_name(a->network, i));
            printf(": %.6f", (double)p[i]);
        }
        printf("}}\n");
        return;
    }
    if (!a->rows.horizons) json_numbers(a, row, 0);
    for (int k = 0; k < a->rows.horizons; k++) {
        printf("%s{\"horizon\": %d, ", k ? ", " : "\"horizons\": [", a->rows.horizon[k]);
        json_numbers(a, row, k);
        printf("}");
    }
    printf(a->rows.horizons ? "]}\n" : "}\n");
}

/* ---- all rows ---- */

static void put_header(const asked *a) {
    char name[64];
    if (!a->csv) return;
    for (int c = 0; c < goss_table_columns(a->rows.table); c++)
        goss_csv_text(a->csv, goss_table_name(a->rows.table, c));
    for (int k = 0; k < parts(a); k++) {
        goss_csv_text(a->csv, column_of(a, added[0], k, name));
        if (a->classes) goss_csv_text(a->csv, added[1]);
        for (int i = 2; has_interval(a) && i < 4; i++) goss_csv_text(a->csv, column_of(a, added[i], k, name));
        for (int i = 0; i < a->levels; i++) goss_csv_text(a->csv, column_of(a, a->quantile[i], k, name));
    }
    goss_csv_row(a->csv);
}

static goss_status predict_batch(const asked *a, goss_predictor *p, int at, int n, goss_error *err) {
    const float *x = a->rows.x + (size_t)at * a->width;
    const int32_t *lengths = a->rows.lengths ? a->rows.lengths + at : NULL;
    if (a->levels) return goss_predictor_predict_quantiles(p, x, lengths, n, a->out, a->beside, err);
    if (a->rows.horizons && has_interval(a))
        return goss_predictor_predict_deviations(p, x, lengths, n, a->out, a->beside, err);
    return goss_predictor_predict_ragged(p, x, lengths, n, a->out, a->beside, err);
}

static goss_status predict_rows(asked *a, goss_error *err) {
    goss_predictor *p;
    const int rows = goss_table_rows(a->rows.table);
    GOSS_TRY(goss_predictor_of_network(a->network, NULL, &p, err));
    goss_status s = GOSS_OK;
    put_header(a);
    for (int at = 0; at < rows && s == GOSS_OK; at += a->batch) {
        const int n = rows - at < a->batch ? rows - at : a->batch;
        s = predict_batch(a, p, at, n, err);
        a->first = at;
        for (int i = 0; i < n && s == GOSS_OK; i++) (a->csv ? put_csv : put_json)(a, at + i);
    }
    goss_predictor_free(p);
    return s;
}

static int to_stdout(void *context, const void *data, size_t size) {
    (void)context;
    return fwrite(data, 1, size, stdout) == size ? 0 : -1;
}

static goss_status write_all(asked *a, const predict_request *w, goss_error *err) {
    if (w->json) return predict_rows(a, err);
    GOSS_TRY(w->out ? goss_csv_create(w->out, &a->csv, err) : goss_csv_create_to(to_stdout, NULL, &a->csv, err));
    const goss_status s = predict_rows(a, err);
    if (s == GOSS_OK) return goss_csv_close(a->csv, err);
    goss_csv_abandon(a->csv);
    return s;
}

static goss_status predict(asked *a, cli_row_reader *read, const predict_request *w, goss_error *err) {
    GOSS_TRY(read(a->network, w->inputs[0], &a->rows, err));
    GOSS_TRY(check_names(a, w->inputs[0], err));
    a->batch = a->rows.horizons ? goss_table_rows(a->rows.table) + 1 : BATCH;
    a->out = calloc((size_t)a->outputs * (size_t)a->batch, sizeof *a->out);
    a->beside = calloc((size_t)beside_of(a) * (size_t)a->batch, sizeof *a->beside);
    if (!a->out || !a->beside) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    return write_all(a, w, err);
}

static goss_status predict_network(const goss_network *n, cli_row_reader *read, const predict_request *w,
                                   goss_error *err) {
    asked *a = calloc(1, sizeof *a);
    if (!a) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    a->network = n, a->outputs = goss_network_outputs(n), a->classes = goss_network_classes(n);
    a->width = goss_task_input_size(&goss_network_data(n)->task);
    if (goss_network_levels(n, &a->levels)) a->quantile = goss_task_objective(&goss_network_data(n)->task)->columns + 1;
    const goss_status s = predict(a, read, w, err);
    goss_table_rows_free(a->rows.x), goss_table_rows_free(a->rows.lengths), goss_table_rows_free(a->rows.from);
    goss_table_close(a->rows.table);
    free(a->rows.horizon), free(a->rows.source);
    free(a->out), free(a->beside);
    free(a);
    return s;
}

int cli_predict_rows(const goss_network *n, const cli_verb *verb, const predict_request *q, cli_row_reader *read) {
    predict_request w = *q;
    goss_error err;
    if (w.out && w.json) cli_usage(verb, "-o writes csv, and --json is for standard output");
    if (strcmp(w.inputs[0], "-") == 0) cli_usage(verb, "-: a table is read from a file, not from standard input");
    if (w.n > 1) cli_usage(verb, "\"%s\": one table at a time, or a folder of them", w.inputs[1]);
    if (w.out && strcmp(w.out, "-") == 0) w.out = NULL;
    if (predict_network(n, read, &w, &err) != GOSS_OK) return cli_fail(&err);
    if (w.out) cli_put_path(w.out);
    return cli_close_stdout();
}

/* ---- rows of tables ---- */

/* A network is that of one task: answers for the rows of another are most likely a mistake. */
static void warn_of_other_tasks(const goss_network *n, const goss_table *t, const goss_table_fit *fit,
                                const char *path) {
    char cell[GOSS_CELL_TEXT];
    const char *own = goss_network_note_of(n, "support.task");
    const int column = own ? goss_table_find(t, goss_table_transform_task(fit->transform)) : -1;
    int others = 0, first = 0;
    for (int i = 0; column >= 0 && i < goss_table_rows(t); i++) {
        const char *task = goss_table_text(t, column, i, cell);
        if (*task && strcmp(task, own) != 0 && others++ == 0) first = i;
    }
    if (others)
        cli_tell("warning: %s: %d of %d rows are of other tasks (%s) than %s, whose network this is", path, others,
                 goss_table_rows(t), goss_table_text(t, column, first, cell), own);
}

/* Whether no window forecasts a row. */
static bool is_bare(const cli_rows *r, int row) {
    if (!r->source) return isnan(r->from[row]);
    for (int k = 0; k < r->horizons; k++) {
        const int by = r->source[(size_t)row * (size_t)r->horizons + (size_t)k];
        if (by >= 0 && !isnan(r->from[by])) return false;
    }
    return true;
}

static void tell_without_history(const cli_rows *r, const char *path) {
    int n = 0;
    for (int i = 0; r->from && i < goss_table_rows(r->table); i++) n += is_bare(r, i);
    if (n)
        cli_tell("%s: %d of %d rows have no known value before them to be forecast from, and no prediction", path, n,
                 goss_table_rows(r->table));
}

/* Forecasts from windows that end in steps that were not measured. */
static goss_status warn_of_horizon(const goss_table *t, const goss_table_fit *fit, const char *path, goss_error *err) {
    const goss_series_options *o = goss_encoding_series(goss_table_transform_inputs(fit->transform));
    int n, first;
    int64_t line;
    char horizons[200];
    if (!o) return GOSS_OK;
    GOSS_TRY(goss_series_beyond(t, o, &n, &first, err));
    if (n == 0) return GOSS_OK;
    goss_table_origin(t, first, NULL, &line);
    char how[80];
    if (goss_series_horizons(o) > 1)
        snprintf(how, sizeof how, "have forecasts of windows that end");
    else
        snprintf(how, sizeof how, "are more than %d step%s", o->horizon, o->horizon == 1 ? "" : "s");
    cli_tell("warning: %s: %d of %d rows, the first in line %lld, %s behind the last known %s: the network was not "
             "trained to forecast so far ahead (data.horizon = %s)",
             path, n, goss_table_rows(t), (long long)line, how, o->target,
             goss_series_horizons_text(o, horizons, sizeof horizons));
    return GOSS_OK;
}

/* Each row is forecast by several windows: those that end so many steps before it. */
static goss_status find_sources(const goss_table_fit *fit, cli_rows *r, goss_error *err) {
    const goss_series_options *o = goss_encoding_series(goss_table_transform_inputs(fit->transform));
    if (!goss_table_transform_relative(fit->transform) || goss_series_horizons(o) == 1) return GOSS_OK;
    const int n = goss_series_horizons(o);
    const size_t all = (size_t)goss_table_rows(r->table) * (size_t)n + 1;
    int32_t *ahead = calloc(all, sizeof *ahead);
    r->horizon = calloc((size_t)n, sizeof *r->horizon), r->source = calloc(all, sizeof *r->source);
    goss_status s = ahead && r->horizon && r->source ? goss_series_ahead(r->table, o, NULL, 0, ahead, err)
                                                     : goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    for (int k = 0; s == GOSS_OK && k < n; k++) r->horizon[k] = goss_series_horizon(o, k);
    for (size_t i = 0; s == GOSS_OK && i + 1 < all; i++) r->source[i] = -1;
    for (size_t i = 0; s == GOSS_OK && i + 1 < all; i++)
        if (ahead[i] >= 0) r->source[(size_t)ahead[i] * (size_t)n + i % (size_t)n] = (int32_t)(i / (size_t)n);
    r->horizons = n;
    free(ahead);
    return s;
}

static goss_status read_rows(const goss_network *n, const char *path, cli_rows *out, goss_error *err) {
    goss_table_fit *fit;
    GOSS_TRY(goss_table_fit_parse(goss_network_data(n)->transform, &fit, err));
    goss_status s = goss_table_fit_rows(fit, path, &out->table, &out->x, err);
    if (s == GOSS_OK) s = goss_table_fit_lengths(fit, out->x, goss_table_rows(out->table), &out->lengths, err);
    if (s == GOSS_OK) s = goss_table_fit_origins(fit, out->table, &out->from, err);
    if (s == GOSS_OK) s = find_sources(fit, out, err);
    if (s == GOSS_OK) warn_of_other_tasks(n, out->table, fit, path);
    if (s == GOSS_OK) tell_without_history(out, path);
    if (s == GOSS_OK) s = warn_of_horizon(out->table, fit, path, err);
    goss_table_fit_free(fit);
    return s;
}

int predict_table(const goss_network *n, const cli_verb *verb, const predict_request *q) {
    if (goss_task_objective(&goss_network_data(n)->task)->steps) return cli_predict_steps(n, verb, q);
    if (q->more) cli_usage(verb, "--continue is of language models (task.objective = language)");
    return cli_predict_rows(n, verb, q, read_rows);
}
