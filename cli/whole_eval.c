/* SPDX-License-Identifier: Apache-2.0 */
/* whole_eval.c: gossamer eval tables: every method on every division of every table. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data_kinds.h"
#include "gossamer/table_network.h"
#include "whole_table.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

/* ---- methods ---- */

static goss_status add_runner(whole_eval *e, const whole_method *m, const char *name, goss_model *model,
                              goss_error *err) {
    for (int i = 0; i < e->runners; i++)
        if (e->runner[i].method == m)
            return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: \"%s\" is listed twice", m->name);
    if (e->runners == WHOLE_METHODS)
        return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: more than %d", WHOLE_METHODS);
    whole_runner *r = &e->runner[e->runners];
    *r = (whole_runner){.method = m, .name = name, .model = model};
    r->value = calloc((size_t)e->sets, sizeof *r->value);
    if (!r->value) return no_memory(err);
    e->runners++;
    return GOSS_OK;
}

static goss_status add_methods(whole_eval *e, const char *list, goss_error *err) {
    for (const char *at = list; *at;) {
        const size_t length = strcspn(at, ",");
        const whole_method *m;
        if (length > 0) {
            GOSS_TRY(whole_method_find(at, length, &m, err));
            GOSS_TRY(add_runner(e, m, m->name, NULL, err));
        }
        at += length + (at[length] == ',');
    }
    return e->runners ? GOSS_OK : goss_error_set(err, GOSS_E_ARGUMENT, "--methods names none");
}

static goss_status find_metric(whole_eval *e, const char *name, goss_error *err) {
    const goss_objective *o;
    const bool classes = e->set[0].classes > 0;
    GOSS_TRY(goss_objective_find(classes ? "classification" : "regression", &o, err));
    if (!name) name = classes ? "auc" : "rmse";
    return goss_error_prefix(err, goss_metric_find(o, name, &e->metric, err), "--metric");
}

/* ---- the files of divisions ---- */

static void put_part(goss_csv *csv, const whole_split *s, int repeat, const int32_t *rows, int n, const char *part) {
    for (int i = 0; i < n; i++) {
        goss_csv_text(csv, s->set->name);
        goss_csv_number(csv, repeat);
        goss_csv_number(csv, rows[i] + 1);
        goss_csv_text(csv, part);
        goss_csv_row(csv);
    }
}

static goss_status write_splits(whole_eval *e, const char *path, goss_error *err) {
    goss_csv *csv;
    GOSS_TRY(goss_csv_create(cli_output(path), &csv, err));
    goss_csv_text(csv, "data"), goss_csv_text(csv, "repeat"), goss_csv_text(csv, "row"), goss_csv_text(csv, "part");
    goss_csv_row(csv);
    for (int i = 0; i < e->sets; i++)
        for (e->split.repeat = 0; e->split.repeat < e->repeats; e->split.repeat++) {
            whole_split s;
            const goss_status done = whole_split_open(&s, &e->set[i], &e->split, err);
            if (done == GOSS_OK) {
                put_part(csv, &s, e->split.repeat + 1, s.support_rows, s.n_support, "support");
                put_part(csv, &s, e->split.repeat + 1, s.query_rows, s.n_query, "query");
            }
            whole_split_close(&s);
            if (done == GOSS_OK) continue;
            goss_csv_abandon(csv);
            return done;
        }
    return goss_csv_close(csv, err);
}

/* ---- judging ---- */

/* Some tables are beyond a model: more classes or columns than it reads. That is told, and its value is undefined. */
static bool is_beyond(const whole_eval *e, const whole_runner *r, const whole_split *s, goss_status done,
                      const goss_error *why) {
    if (!r->model || (done != GOSS_E_ARGUMENT && done != GOSS_E_UNSUPPORTED)) return false;
    if (e->split.repeat == 0) cli_tell("%s: %s: %s", s->set->name, r->name, why->text);
    return true;
}

static goss_status judge(const whole_eval *e, whole_runner *r, const whole_split *s, double *value, goss_error *err) {
    const int outputs = s->set->classes ? s->set->classes : 1;
    const size_t n = (size_t)s->n_query;
    whole_cost cost = {0};
    float *out = calloc(n * ((size_t)outputs + 3), sizeof *out), *y = out + n * (size_t)outputs;
    if (!out) return no_memory(err);
    goss_status done = r->method->run(r->method, r->model, s, out, &cost, err);
    if (done == GOSS_OK) {
        for (int i = 0; i < s->n_query; i++) y[i] = s->set->y[s->query[i]];
        const goss_answers a = {.count = s->n_query, .outputs = outputs, .output = out, .target = y, .scratch = y + n};
        *value = e->metric->value(&a);
        r->fit += cost.fit, r->predict += cost.predict, r->bytes += cost.bytes;
        r->rows += s->n_query, r->divisions++;
    }
    free(out);
    if (is_beyond(e, r, s, done, err)) return GOSS_OK;
    return goss_error_prefix(err, done, "%s", r->name);
}

typedef struct sum {
    double value;
    int n;
} sum;

static goss_status judge_set(whole_eval *e, int i, sum *of, goss_error *err) {
    goss_status done = GOSS_OK;
    memset(of, 0, (size_t)e->runners * sizeof *of);
    for (e->split.repeat = 0; done == GOSS_OK && e->split.repeat < e->repeats; e->split.repeat++) {
        whole_split s;
        done = whole_split_open(&s, &e->set[i], &e->split, err);
        for (int r = 0; done == GOSS_OK && r < e->runners; r++) {
            double value = NAN;
            done = judge(e, &e->runner[r], &s, &value, err);
            if (done == GOSS_OK && !isnan(value)) of[r].value += value, of[r].n++;
        }
        whole_split_close(&s);
    }
    for (int r = 0; r < e->runners; r++) e->runner[r].value[i] = of[r].n ? of[r].value / of[r].n : NAN;
    return goss_error_prefix(err, done, "%s", e->set[i].name);
}

/* budget: 0: none */
static goss_status add_one(whole_eval *e, goss_model *model, const whole_making *making, int64_t budget,
                           goss_weight_precision precision, const char *name, goss_error *err) {
    if (e->owns == WHOLE_OWN) return goss_error_set(err, GOSS_E_ARGUMENT, "--budget: more than %d methods", WHOLE_OWN);
    const bool rounded = precision != GOSS_WEIGHTS_F32;
    whole_method *m = &e->own[e->owns];
    char *own = e->own_name[e->owns++], limit[40] = "";
    *m = whole_network, m->making = *making;
    m->making.network.budget = budget, m->making.precision = precision;
    if (budget) snprintf(limit, sizeof limit, " in %lld bytes", (long long)budget);
    snprintf(own, sizeof e->own_name[0], "%.200s%s%s%s", name, limit, rounded ? "+" : "",
             rounded ? goss_weight_precision_name(precision) : "");
    return add_runner(e, m, own, model, err);
}

/* The model's networks as `making` says; within budgets, and in 8 bits, too, if that was asked for. */
static goss_status add_own(whole_eval *e, const eval_request *q, goss_model *model, const whole_making *making,
                           const char *name, goss_error *err) {
    for (int b = -1; b < e->budgets.n; b++)
        for (int p = GOSS_WEIGHTS_F32; p <= (int)q->precision; p++)
            GOSS_TRY(add_one(e, model, making, b < 0 ? 0 : e->budgets.bytes[b], (goss_weight_precision)p, name, err));
    return GOSS_OK;
}

/* The model's networks; and, if they were asked for, gradient steps behind them. */
static goss_status add_model(whole_eval *e, const eval_request *q, goss_model *model, const char *name,
                             goss_error *err) {
    char text[300];
    if (!goss_table_network_is(model))
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: method %s makes no network of a whole table", name,
                              goss_method_name(goss_model_method(model)));
    const whole_making plain = {.network = {.networks = q->networks, .seed = q->seed}};
    whole_making distilled = plain, tuned = plain;
    distilled.distil = true, tuned.fine_tune = q->fine_tune;
    GOSS_TRY(add_own(e, q, model, &plain, name, err));
    snprintf(text, sizeof text, "%.200s distilled", name);
    if (q->distil) GOSS_TRY(add_own(e, q, model, &distilled, text, err));
    if (!q->fine_tune) return GOSS_OK;
    if (q->fine_tune == GOSS_FINE_TUNE_AUTO)
        snprintf(text, sizeof text, "%.200s + auto steps", name);
    else
        snprintf(text, sizeof text, "%.200s + %d steps", name, q->fine_tune);
    return add_own(e, q, model, &tuned, text, err);
}

static int by_hash(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* A table is one that the model was trained on if most of its rows are: single rows may be alike by chance. */
static goss_status check_unseen(const whole_set *s, const goss_model *model, bool allowed, goss_error *err) {
    size_t n;
    int seen = 0;
    const uint64_t *samples = goss_model_samples(model, GOSS_USE_TRAIN, &n);
    for (int i = 0; n && i < s->n; i++) {
        const uint64_t hash = goss_table_row_hash(s->table, NULL, 0, s->rows[i]);
        seen += bsearch(&hash, samples, n, sizeof hash, by_hash) != NULL;
    }
    if (2 * seen <= s->n) return GOSS_OK;
    if (!allowed)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: %d of its %d rows were trained on; judge on other tables, or with --allow-seen on "
                              "this one",
                              s->name, seen, s->n);
    cli_tell("%s: %d of its %d rows were trained on", s->name, seen, s->n);
    return GOSS_OK;
}

/* A model that comes with another one for numbers beside it. Owns: *model. */
static goss_status choose_model(const whole_eval *e, const char *name, goss_model **model, goss_error *err) {
    char file[CLI_MODEL_PATH], numbers[CLI_MODEL_PATH];
    if (e->set[0].classes || !*model || !cli_model_beside(cli_model_path(name, file), numbers)) return GOSS_OK;
    goss_model_free(*model);
    *model = NULL;
    return goss_model_load(numbers, model, err);
}

static goss_status evaluate(whole_eval *e, const eval_request *q, goss_model **first, const char *name,
                            goss_error *err) {
    sum of[WHOLE_METHODS];
    GOSS_TRY(whole_sets_open(e, q->data, &q->table, q->metric, err));
    GOSS_TRY(find_metric(e, q->metric, err));
    GOSS_TRY(choose_model(e, name, first, err));
    goss_model *const model = *first;
    GOSS_TRY(cli_read_budgets(q->budgets, &e->budgets, err));
    if (model) GOSS_TRY(add_model(e, q, model, name, err));
    for (int i = 0; model && i < e->sets; i++) GOSS_TRY(check_unseen(&e->set[i], model, q->allow_seen, err));
    GOSS_TRY(add_methods(e, q->methods ? q->methods : "linear,knn", err));
    if (q->splits) GOSS_TRY(write_splits(e, q->splits, err));
    for (int i = 0; i < e->sets; i++) GOSS_TRY(judge_set(e, i, of, err));
    return GOSS_OK;
}

int eval_whole_tables(const eval_request *q, const cli_verb *verb, goss_model *first, char **words, int n) {
    goss_error err;
    whole_eval e = {.split = {.share = q->share > 0 ? q->share : 0.5, .most_rows = q->most_rows, .seed = q->seed},
                    .repeats = q->repeats ? q->repeats : 5};
    const char *of_model = q->fine_tune   ? "fine-tune"
                           : q->networks  ? "networks"
                           : q->distil    ? "distil"
                           : q->precision ? "precision"
                           : q->budgets   ? "budget"
                                          : NULL;
    if (!first && of_model) cli_usage(verb, "--%s is for a model, and there is none", of_model);
    if (q->metric && !*q->metric) cli_usage(verb, "--metric names none");
    if (q->allow_seen && !first) cli_usage(verb, "--allow-seen is for a model, and there is none");
    if (n > 1) cli_usage(verb, "\"%s\" is an extra argument: whole tables have no folds", words[1]);
    const goss_status s = evaluate(&e, q, &first, words[0], &err);
    if (s == GOSS_OK) (q->json ? whole_json : whole_print)(&e);
    for (int i = 0; i < e.runners; i++) free(e.runner[i].value);
    whole_sets_close(&e);
    goss_model_free(first);
    return s == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
}
