/* SPDX-License-Identifier: Apache-2.0 */
/* step_predict.c: gossamer predict of networks that answer at each step of a text: labels of its tokens, how well a
 * language model foresees it, and texts that it continues. */
#include "step_predict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gossamer/language.h"
#include "gossamer/table_data.h"

enum { BATCH = 64, UNKNOWN = 1 /* id of any token outside the vocabulary (tokens.h) */ };

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

typedef struct asked {
    const goss_network *network;
    const predict_request *request;
    goss_table_fit *fit;
    goss_table *table;
    float *x, *y; /* [rows, steps] ids, and as targets of a language model */
    int32_t *lengths;
    float *out; /* [BATCH, steps, outputs] */
    int rows, steps, outputs;
    bool language;
    goss_csv *csv; /* NULL: JSON */
} asked;

/* ---- a row ---- */

static int label_at(const asked *a, const float *p) {
    int best = 0;
    for (int i = 1; i < a->outputs; i++)
        if (p[i] > p[best]) best = i;
    return best;
}

/* The mean of -log2 p of its tokens. */
static double bits_of(const asked *a, int row, const float *p) {
    double sum = 0;
    for (int k = 0; k < a->lengths[row]; k++) {
        const int id = (int)a->y[(size_t)row * (size_t)a->steps + (size_t)k];
        sum -= log2(fmax((double)p[(size_t)k * (size_t)a->outputs + (size_t)id], 1e-30));
    }
    return sum / a->lengths[row];
}

/* Labels divided by blanks, as they stand in a column. */
static char *labels_of(const asked *a, int row, const float *p) {
    size_t size = 1, at = 0;
    for (int k = 0; k < a->lengths[row]; k++)
        size += strlen(goss_network_class_name(a->network, label_at(a, p + (size_t)k * (size_t)a->outputs))) + 1;
    char *text = calloc(size, 1);
    for (int k = 0; text && k < a->lengths[row]; k++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", k ? " " : "",
                               goss_network_class_name(a->network, label_at(a, p + (size_t)k * (size_t)a->outputs)));
    return text;
}

static goss_status put_row(const asked *a, int row, const float *p, goss_error *err) {
    int file;
    int64_t line;
    char *labels = a->language ? NULL : labels_of(a, row, p);
    if (!a->language && !labels) return no_memory(err);
    if (a->csv) {
        for (int c = 0; c < goss_table_columns(a->table); c++) goss_csv_cell(a->csv, a->table, c, row);
        if (a->language)
            goss_csv_number(a->csv, round(bits_of(a, row, p) * 1e6) / 1e6);
        else
            goss_csv_text(a->csv, labels);
        goss_csv_row(a->csv);
    } else {
        goss_table_origin(a->table, row, &file, &line);
        printf("{\"file\": ");
        cli_json_name(goss_table_file(a->table, file));
        printf(", \"line\": %lld, \"tokens\": %d, ", (long long)line, (int)a->lengths[row]);
        if (a->language)
            printf("\"bits\": %.6f", bits_of(a, row, p));
        else
            printf("\"prediction\": "), cli_json_name(labels);
        printf("}\n");
    }
    free(labels);
    return GOSS_OK;
}

/* ---- rows ---- */

static goss_status read_rows(asked *a, const char *path, goss_error *err) {
    const goss_table_transform *f = a->fit->transform;
    GOSS_TRY(goss_table_fit_rows(a->fit, path, &a->table, &a->x, err));
    a->rows = goss_table_rows(a->table);
    GOSS_TRY(goss_table_fit_lengths(a->fit, a->x, a->rows, &a->lengths, err));
    const size_t answers = (size_t)a->steps * (size_t)a->outputs;
    a->out = calloc(answers * BATCH, sizeof *a->out);
    a->y = calloc((size_t)a->rows * (size_t)a->steps + 1, sizeof *a->y);
    if (!a->out || !a->y) return no_memory(err);
    if (a->language) GOSS_TRY(goss_table_transform_targets(f, a->table, NULL, a->rows, a->y, err));
    const char *name = a->language ? "bits" : "prediction";
    if (goss_table_find(a->table, name) < 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s has a column \"%s\" already, which would be duplicated: rename or remove it", path, name);
}

static goss_status predict_rows(asked *a, goss_error *err) {
    goss_predictor *p;
    const size_t answers = (size_t)a->steps * (size_t)a->outputs;
    GOSS_TRY(goss_predictor_of_network(a->network, NULL, &p, err));
    goss_status s = GOSS_OK;
    for (int c = 0; a->csv && c < goss_table_columns(a->table); c++)
        goss_csv_text(a->csv, goss_table_name(a->table, c));
    if (a->csv) goss_csv_text(a->csv, a->language ? "bits" : "prediction"), goss_csv_row(a->csv);
    for (int at = 0; at < a->rows && s == GOSS_OK; at += BATCH) {
        const int n = a->rows - at < BATCH ? a->rows - at : BATCH;
        s = goss_predictor_predict_ragged(p, a->x + (size_t)at * (size_t)a->steps, a->lengths + at, n, a->out, NULL,
                                          err);
        for (int i = 0; i < n && s == GOSS_OK; i++) s = put_row(a, at + i, a->out + (size_t)i * answers, err);
    }
    goss_predictor_free(p);
    return s;
}

static int to_stdout(void *context, const void *data, size_t size) {
    (void)context;
    return fwrite(data, 1, size, stdout) == size ? 0 : -1;
}

static goss_status write_rows(asked *a, goss_error *err) {
    const predict_request *q = a->request;
    const char *out = q->out && strcmp(q->out, "-") != 0 ? q->out : NULL;
    GOSS_TRY(read_rows(a, q->inputs[0], err));
    if (q->json) return predict_rows(a, err);
    GOSS_TRY(out ? goss_csv_create(out, &a->csv, err) : goss_csv_create_to(to_stdout, NULL, &a->csv, err));
    const goss_status s = predict_rows(a, err);
    if (s == GOSS_OK) return goss_csv_close(a->csv, err);
    goss_csv_abandon(a->csv);
    return s;
}

/* ---- continuing ---- */

static void put_tokens(const goss_encoding *e, const int32_t *id, int n) {
    char token[256];
    for (int i = 0; i < n; i++) {
        goss_encoding_token(e, id[i], token, sizeof token);
        printf("%s%s", goss_encoding_token_gap(e), token);
    }
}

static goss_status continue_text(const asked *a, goss_error *err) {
    const predict_request *q = a->request;
    const goss_encoding *e = goss_table_transform_inputs(a->fit->transform);
    const char *text = q->n ? q->inputs[0] : "";
    const size_t most = strlen(text) + 1;
    goss_continue_options o = goss_continue_defaults();
    o.tokens = q->more, o.temperature = q->temperature, o.seed = q->seed;
    int32_t *ids = calloc(most, sizeof *ids), *out = calloc((size_t)o.tokens, sizeof *out);
    int n = 0, unknown = 0;
    goss_status s = ids && out ? GOSS_OK : no_memory(err);
    if (s == GOSS_OK && *text) s = goss_encoding_ids(e, text, ids, (int)most, &n, err);
    for (int i = 0; s == GOSS_OK && i < n; i++) unknown += ids[i] == UNKNOWN;
    if (unknown) cli_tell("warning: %d of the text's %d tokens are unknown to the network", unknown, n);
    if (s == GOSS_OK) s = goss_network_continue(a->network, ids, n, &o, out, NULL, err);
    if (s == GOSS_OK) {
        fputs(text, stdout);
        put_tokens(e, out, o.tokens);
        putchar('\n');
    }
    free(ids), free(out);
    return s;
}

/* ---- the verb ---- */

static goss_status predict(asked *a, goss_error *err) {
    GOSS_TRY(goss_table_fit_parse(goss_network_data(a->network)->transform, &a->fit, err));
    return a->request->more ? continue_text(a, err) : write_rows(a, err);
}

int cli_predict_steps(const goss_network *n, const cli_verb *verb, const predict_request *q) {
    const goss_objective *o = goss_task_objective(&goss_network_data(n)->task);
    goss_error err;
    asked a = {.network = n, .request = q, .outputs = goss_network_outputs(n), .language = o->next};
    a.steps = goss_network_answers(n) / a.outputs;
    if (q->more && !o->next) cli_usage(verb, "--continue: this network labels texts, and does not continue them");
    if (q->more && (q->out || q->json))
        cli_usage(verb, "%s: --continue writes the text to standard output", q->out ? "-o" : "--json");
    if (q->out && q->json) cli_usage(verb, "-o writes csv, and --json is for standard output");
    if (q->n > 1) cli_usage(verb, "\"%s\": one %s at a time", q->inputs[1], q->more ? "text" : "table");
    if (!q->more && strcmp(q->inputs[0], "-") == 0)
        cli_usage(verb, "-: a table is read from a file, not from standard input");
    if (!q->more && o->next && access(q->inputs[0], F_OK) != 0)
        cli_usage(verb, "\"%s\" is no file with texts; for a text that the model continues: --continue N TEXT",
                  q->inputs[0]);
    const goss_status s = predict(&a, &err);
    goss_table_fit_free(a.fit);
    goss_table_close(a.table);
    goss_table_rows_free(a.x), goss_table_rows_free(a.lengths);
    free(a.y), free(a.out);
    if (s != GOSS_OK) return cli_fail(&err);
    if (!q->more && q->out && strcmp(q->out, "-") != 0) cli_put_path(q->out);
    return cli_close_stdout();
}
