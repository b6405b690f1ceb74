/* SPDX-License-Identifier: Apache-2.0 */
/* any_table_adapt.c: gossamer adapt with a model of any table: its labelled rows become a network. How good that is is
 * estimated on rows held out of them, beside a linear model, before all of them become the network. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data_kinds.h"
#include "gossamer/table_data.h"
#include "gossamer/table_network.h"
#include "whole_table.h"

enum { REPEATS = 4, LEAST_ROWS = 20 };

/* ---- the estimate ---- */

/* Four digits that count; of shares three behind the point. */
static const char *digits(double v, bool share, char text[32]) {
    const int before = v > 0 ? (int)floor(log10(v)) : 0;
    if (share || (before > -10 && before < 7))
        snprintf(text, 32, "%.*f", share ? 3 : before >= 3 ? 0 : 3 - before, v);
    else
        snprintf(text, 32, "%.4g", v);
    return text;
}

/* Of one division: the metric on the held-out rows, NaN where it is undefined: one class among them, or support rows
 * that say nothing, as where their target is the same in all. */
static goss_status judge(const whole_method *method, const goss_model *m, const whole_split *s,
                         const goss_metric *metric, double *value, goss_error *err) {
    const int outputs = s->set->classes ? s->set->classes : 1;
    const size_t n = (size_t)s->n_query;
    whole_cost cost;
    float *out = calloc(n * ((size_t)outputs + 3), sizeof *out), *y = out + n * (size_t)outputs;
    if (!out) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    goss_status done = method->run(method, m, s, out, &cost, err);
    for (int i = 0; done == GOSS_OK && i < s->n_query; i++) y[i] = s->set->y[s->query[i]];
    const goss_answers a = {.count = s->n_query, .outputs = outputs, .output = out, .target = y, .scratch = y + n};
    if (done == GOSS_OK) *value = metric->value(&a);
    free(out);
    return done == GOSS_E_ARGUMENT ? GOSS_OK : done;
}

enum { NETWORK, LINEAR, FLOATS, JUDGED }; /* FLOATS: the network before it is rounded, where it is */

/* Means over divisions of 3 to 1, and how many of them have a value. */
static goss_status estimate(const goss_model *m, const whole_set *set, const whole_making *making,
                            const goss_metric *metric, double of[JUDGED], int *counted, goss_error *err) {
    const int judged = making->precision == GOSS_WEIGHTS_F32 ? FLOATS : JUDGED;
    whole_method network = whole_network, floats = whole_network;
    const whole_method *method[JUDGED] = {[NETWORK] = &network, [FLOATS] = &floats};
    network.making = floats.making = *making, floats.making.unrounded = true;
    of[NETWORK] = of[LINEAR] = of[FLOATS] = *counted = 0;
    GOSS_TRY(whole_method_find("linear", 6, &method[LINEAR], err));
    for (int r = 0; r < REPEATS; r++) {
        const goss_table_split_options o = {.share = 0.75, .seed = 1, .repeat = r};
        whole_split s = {0};
        double value[JUDGED] = {NAN, NAN, NAN};
        goss_status done = whole_split_open(&s, set, &o, err);
        for (int i = 0; done == GOSS_OK && i < judged; i++) done = judge(method[i], m, &s, metric, &value[i], err);
        whole_split_close(&s);
        GOSS_TRY(done);
        if (isnan(value[NETWORK]) || isnan(value[LINEAR])) continue;
        for (int i = 0; i < judged; i++) of[i] += value[i];
        ++*counted;
    }
    for (int i = 0; i < judged; i++) of[i] /= *counted ? *counted : 1;
    return GOSS_OK;
}

static goss_status tell_estimate(const goss_model *m, const whole_set *set, const whole_making *making,
                                 goss_error *err) {
    const char *const linear = set->classes ? "logistic regression" : "ridge regression";
    char text[JUDGED][32], rounded[80] = "";
    const goss_objective *o;
    const goss_metric *metric;
    double of[JUDGED];
    int counted;
    if (set->n < LEAST_ROWS) {
        cli_tell("%d rows are too few to hold some out: there is no estimate of how good the network is", set->n);
        return GOSS_OK;
    }
    GOSS_TRY(whole_objective(set, &o, err));
    GOSS_TRY(goss_metric_find(o, set->classes ? "auc" : "rmse", &metric, err));
    GOSS_TRY(estimate(m, set, making, metric, of, &counted, err));
    if (making->precision != GOSS_WEIGHTS_F32)
        snprintf(rounded, sizeof rounded, " in %s, %s in f32", goss_weight_precision_name(making->precision),
                 digits(of[FLOATS], set->classes > 0, text[FLOATS]));
    if (counted == 0)
        cli_tell("no estimate: in no division of the rows did %s differ both in those held out and in the others",
                 set->classes ? "classes" : "the numbers and their columns");
    else
        cli_tell("on rows held out (%d division%s): %s %s%s, %s %s: %s%s", counted, counted == 1 ? "" : "s",
                 metric->name, digits(of[NETWORK], set->classes > 0, text[NETWORK]), rounded, linear,
                 digits(of[LINEAR], set->classes > 0, text[LINEAR]),
                 goss_metric_better(metric, of[LINEAR], of[NETWORK]) ? linear : "use the network",
                 goss_metric_better(metric, of[LINEAR], of[NETWORK]) ? " does better on this table" : "");
    return GOSS_OK;
}

/* ---- adapting ---- */

/* Fewer than the table's inputs, where some say nothing. */
static goss_status count_columns(const goss_network *n, int *columns, goss_error *err) {
    goss_table_fit *fit;
    GOSS_TRY(goss_table_fit_parse(goss_network_data(n)->transform, &fit, err));
    *columns = goss_encoding_columns(goss_table_transform_inputs(fit->transform));
    goss_table_fit_free(fit);
    return GOSS_OK;
}

/* What a budget has left of the network. */
static void tell_ranks(const goss_network *n) {
    const char *first = goss_network_note_of(n, "rank.first"), *head = goss_network_note_of(n, "rank.head"),
               *members = goss_network_note_of(n, "rank.networks");
    if (!first && !head && !members) return;
    cli_tell("--budget: %s%s%s%s%s%s%s%s; %lld bytes in all", members ? members : "", members ? " networks" : "",
             members && (first || head) ? ", " : "", first ? "first layer of rank " : "", first ? first : "",
             first && head ? ", " : "", head ? "head of rank " : "", head ? head : "",
             (long long)goss_network_bytes(n));
}

static goss_status tell(const goss_network *n, const whole_set *set, goss_error *err) {
    const int members = goss_network_members(n);
    int inputs;
    char what[40] = "a number";
    GOSS_TRY(count_columns(n, &inputs, err));
    if (set->classes) snprintf(what, sizeof what, "%d classes", goss_network_classes(n));
    cli_tell("%s rows of %d columns became %d network%s of %lld weights for %s (%s)",
             goss_network_note_of(n, "support.samples"), inputs, members, members == 1 ? "" : "s",
             (long long)goss_layout_total(goss_target_layout(goss_network_target(n))),
             goss_table_name(set->table, set->roles.target), what);
    tell_ranks(n);
    return GOSS_OK;
}

static goss_status adapt(const goss_model *m, const adapt_request *q, const whole_set *set, goss_network **out,
                         goss_error *err) {
    whole_making making = {.network = {.networks = q->o.networks, .budget = q->o.budget.bytes, .threads = q->o.threads},
                           .fine_tune = q->o.fine_tune,
                           .precision = q->o.precision,
                           .distil = q->distil,
                           .tells = true};
    GOSS_TRY(whole_make_network(m, set, set->rows, set->n, &making, out, err));
    GOSS_TRY(tell(*out, set, err));
    making.tells = false;
    return q->no_estimate ? GOSS_OK : tell_estimate(m, set, &making, err);
}

/* A metric of what is asked for, which decides where a column can be both; NULL: the column's values do. */
static goss_status read_objective(const char *text, const char **metric, goss_error *err) {
    *metric = NULL;
    if (!text) return GOSS_OK;
    *metric = strcmp(text, "classification") == 0 ? "auc" : strcmp(text, "regression") == 0 ? "rmse" : NULL;
    return *metric ? GOSS_OK
                   : goss_error_set(err, GOSS_E_ARGUMENT, "--objective %.40s: classification or regression", text);
}

static goss_status open_set(const adapt_request *q, whole_set *set, goss_error *err) {
    const char *metric;
    any_table_view view = q->table;
    view.as_classes = "--objective classification", view.as_numbers = "--objective regression";
    GOSS_TRY(read_objective(q->objective, &metric, err));
    GOSS_TRY(whole_set_open(set, q->support, &view, metric, err));
    if (!metric || strcmp(metric, "rmse") != 0 || !set->classes) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "--objective regression: the target %s of %s holds texts, not numbers",
                          goss_table_name(set->table, set->roles.target), q->support);
}

/* A model that comes with another one for numbers beside it. */
static goss_status open_model(const adapt_request *q, const whole_set *set, char path[CLI_MODEL_PATH], goss_model **out,
                              goss_error *err) {
    *out = NULL;
    return set->classes || !cli_model_beside(q->model, path) ? GOSS_OK : goss_model_load(path, out, err);
}

goss_status adapt_any_table(const goss_model *m, const adapt_request *q, goss_network **out, goss_error *err) {
    whole_set set = {0};
    goss_model *numbers = NULL;
    char path[CLI_MODEL_PATH];
    *out = NULL;
    goss_status s = open_set(q, &set, err);
    if (s == GOSS_OK) s = open_model(q, &set, path, &numbers, err);
    if (numbers) m = numbers;
    if (s == GOSS_OK) s = adapt(m, q, &set, out, err);
    if (s == GOSS_OK && numbers) s = goss_network_note(*out, "model.file", path, err);
    whole_set_close(&set);
    goss_model_free(numbers);
    if (s == GOSS_OK) return s;
    goss_network_free(*out);
    *out = NULL;
    return s;
}
