/* SPDX-License-Identifier: Apache-2.0 */
/* regularizer_state.c: state of regularisers that is stored with a model: given and learned graphs. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/number.h"
#include "base/str.h"
#include "train/regularizers.h"

enum { HELD = 64 }; /* rows to validate on of a task, at most */

static bool ties_by_task(const goss__regularizer *r) {
    return r->strength > 0 && r->graph != GOSS__GRAPH_NONE && !r->options.branches;
}

static goss_status resolve(goss__regularizer *r, const goss__run_data *data, goss_error *err) {
    const goss_task_spec *task = &data->source.spec;
    if (task->ids == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "graph: is over tasks, and those of this data have no numbers: a task that is a column's "
                              "value, or a folder, has");
    if (r->graph == GOSS__GRAPH_SIDE && task->descriptor == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "graph: side is by what data.descriptor says of tasks, and that names no file");
    r->nodes = task->ids;
    if (r->graph != GOSS__GRAPH_FILE) return GOSS_OK;
    if (!data->spec.task_names)
        return goss_error_set(err, GOSS_E_ARGUMENT, "graph: the tasks of this data have no names for a file to call");
    return goss__reg_edges(r, data->spec.task_names, task->ids, err);
}

/* Held rows are limited to the largest number of queries of a task. */
static goss_status hold_rows(goss__regularizers *all, goss__run_data *data, goss_error *err) {
    const goss__regularizer *r = NULL;
    for (int i = 0; i < all->n && !r; i++)
        if (goss__reg_learns_on_held(&all->at[i])) r = &all->at[i];
    if (!r) return GOSS_OK;
    all->held_rows = data->source.spec.queries < HELD ? data->source.spec.queries : HELD;
    return goss_error_prefix(err, goss__run_data_hold(data, all->held_rows, &all->held, err), "[regularizer.%s]",
                             r->name);
}

/* Weights beside the loss: the loss is one of their terms. */
static goss_status check_loss(const goss__regularizer *r, const goss_objective *o, goss_error *err) {
    if (!goss__reg_weighs_positive(r) || !o->negative) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "[regularizer.%s]: weight: %s is for terms above 0, and the loss of task.objective = %s may "
                          "be below: take fixed, entropy, hypergradient or conditioned",
                          r->name, goss__reg_scheme_name(r->scheme), o->name);
}

goss_status goss__regularizers_resolve(goss__regularizers *all, const goss_method *m, goss__run_data *data,
                                       goss_error *err) {
    all->data = data;
    for (int i = 0; i < all->n; i++) GOSS_TRY(check_loss(&all->at[i], goss_task_objective(&data->source.spec), err));
    GOSS_TRY(hold_rows(all, data, err));
    GOSS_TRY(goss__reg_path_plan(all, m, err));
    all->method = m;
    for (int i = 0; i < all->n; i++)
        if (ties_by_task(&all->at[i]))
            GOSS_TRY(goss_error_prefix(err, resolve(&all->at[i], data, err), "[regularizer.%s]", all->at[i].name));
    return GOSS_OK;
}

/* Sets a parameter that is never trained. */
static void give(goss_params *params, const char *name, const float *numbers, int64_t n) {
    const int at = numbers ? goss_params_find(params, name) : -1;
    if (at >= 0) memcpy(goss_params_data(params, at), numbers, (size_t)n * sizeof *numbers);
}

void goss__regularizers_start(const goss__regularizers *all, uint64_t seed, goss_params *params) {
    const int learned = goss_params_find(params, GOSS__REGULARIZERS);
    if (learned >= 0 && all->learned) goss_layout_initialize(all->learned, seed, goss_params_data(params, learned));
    if (all->held) give(params, GOSS__REGULARIZERS_HELD, all->held, all->data->source.spec.ids);
    for (int i = 0; i < all->n; i++) {
        const goss__regularizer *r = &all->at[i];
        char features[GOSS__REGULARIZER_NAME];
        snprintf(features, sizeof features, GOSS__REGULARIZERS ".%s.features", r->name);
        give(params, r->matrix, r->adjacency, r->nodes * r->nodes);
        give(params, features, r->feature, r->features);
    }
}

/* ---- what a model keeps ---- */

void goss__regularizers_measured(goss__regularizers *all, const goss_step_result *x) {
    all->measured = all->n_measures > 0;
    memcpy(all->last, x->measure + all->first_measure, (size_t)all->n_measures * sizeof *all->last);
}

/* The weight of r in the last step that was told, by its strength; NaN: it has none. */
static double last_factor(const goss__regularizers *all, const goss__regularizer *r, const goss_step *step) {
    for (int i = 0; i < all->n_measures && all->measured; i++)
        if (strcmp(goss_step_measure_name(step, all->first_measure + i), r->weight) == 0)
            return all->last[i] / r->strength;
    return NAN;
}

void goss__regularizers_tell(const goss__regularizers *all, const goss_step *step) {
    for (int i = 0; i < all->n; i++) {
        const goss__regularizer *r = &all->at[i];
        const bool learned = r->scheme == GOSS__WEIGHT_HYPERGRADIENT;
        if (r->strength == 0 || !(learned || goss__reg_weighs_positive(r))) continue;
        const double factor = last_factor(all, r, step);
        if (factor > 0.999 * GOSS__REG_FACTOR)
            goss__log(GOSS_LOG_WARN, "[regularizer.%s] weight = %s ended at its limit, %g times the strength: %s",
                      r->name, goss__reg_scheme_name(r->scheme), GOSS__REG_FACTOR,
                      learned ? "a larger strength to start from may help"
                              : "the penalty came near 0, where the weight has no bound (docs/regularisers.md)");
        else if (learned && factor < 1.001 / GOSS__REG_FACTOR)
            goss__log(
                GOSS_LOG_WARN,
                "[regularizer.%s] weight = %s ended at its limit, 1/%g of the strength: validation rows are better "
                "off without this penalty",
                r->name, goss__reg_scheme_name(r->scheme), GOSS__REG_FACTOR);
    }
}

static goss_status note(goss_model *m, const goss__regularizer *r, const char *what, const char *text,
                        goss_error *err) {
    char name[2 * GOSS__REGULARIZER_NAME];
    snprintf(name, sizeof name, "%s.%s", r->measure, what);
    return goss_model_note(m, name, text, err);
}

static goss_status note_settings(goss_model *m, const goss__regularizer *r, goss_error *err) {
    char strength[GOSS__NUMBER_TEXT];
    goss__number_print(r->strength, strength);
    GOSS_TRY(note(m, r, "kind", r->kind->name, err));
    GOSS_TRY(note(m, r, "on", r->on, err));
    GOSS_TRY(note(m, r, "strength", strength, err));
    GOSS_TRY(note(m, r, "scheme", goss__reg_scheme_name(r->scheme), err));
    return r->graph ? note(m, r, "graph", r->graph_path, err) : GOSS_OK;
}

/* "regularizer.tie" is what the section adds; the others are "regularizer.tie.WHAT". */
static goss_status note_numbers(const goss__regularizers *all, const goss_step *step, goss_model *m, goss_error *err) {
    for (int i = 0; i < all->n_measures && all->measured; i++) {
        const char *name = goss_step_measure_name(step, all->first_measure + i);
        char text[32], own[3 * GOSS__REGULARIZER_NAME];
        const bool added = strchr(strchr(name, '.') + 1, '.') == NULL;
        snprintf(own, sizeof own, "%s%s", name, added ? ".adds" : "");
        goss__format(text, sizeof text, "%.6g", all->last[i]);
        GOSS_TRY(goss_model_note(m, own, text, err));
    }
    return GOSS_OK;
}

static float softplus(double x) { return (float)(x > 30 ? x : log1p(exp(x))); }

/* The adjacency of theta [k, k], as goss_reg_adjacency. */
static void adjacency_of(const float *theta, int64_t k, float *out) {
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < k; j++)
            out[i * k + j] = i == j ? 0 : softplus(((double)theta[i * k + j] + (double)theta[j * k + i]) / 2);
}

/* Uses the moving average if there is one, as for the weights. */
static const float *learned_numbers(const goss_params *params) {
    int at = goss_params_find(params, "ema." GOSS__REGULARIZERS);
    if (at < 0) at = goss_params_find(params, GOSS__REGULARIZERS);
    return at < 0 ? NULL : goss_params_data(params, at);
}

static goss_status keep_learned(const goss__regularizers *all, const goss__regularizer *r, const goss_params *params,
                                goss_model *m, goss_error *err) {
    char theta[GOSS__REGULARIZER_NAME];
    snprintf(theta, sizeof theta, "%s.theta", r->name);
    const int at = all->learned ? goss_layout_find(all->learned, theta) : -1;
    const float *numbers = learned_numbers(params);
    if (at < 0 || !numbers) return GOSS_OK;
    const int64_t k = goss_layout_entry(all->learned, at)->dim[0], shape[2] = {k, k};
    float *a = goss__alloc((size_t)(k * k) * sizeof *a);
    if (!a) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    adjacency_of(numbers + goss_layout_offset(all->learned, at), k, a);
    const goss_status s = goss_model_keep(m, r->matrix, 2, shape, a, err);
    goss__free(a);
    return s;
}

static goss_status keep_graph(const goss__regularizers *all, const goss__regularizer *r, const goss_step *step,
                              goss_model *m, goss_error *err) {
    const int64_t shape[2] = {r->nodes, r->nodes};
    if (r->graph == GOSS__GRAPH_FILE) return goss_model_keep(m, r->matrix, 2, shape, r->adjacency, err);
    return r->graph == GOSS__GRAPH_LEARNED ? keep_learned(all, r, goss_step_params(step), m, err) : GOSS_OK;
}

goss_status goss__regularizers_keep(const goss__regularizers *all, const goss_step *step, goss_model *m,
                                    goss_error *err) {
    goss__str names = {0};
    goss_status s = GOSS_OK;
    for (int i = 0; i < all->n && step && s == GOSS_OK; i++) {
        const goss__regularizer *r = &all->at[i];
        if (r->strength == 0) continue;
        goss__str_addf(&names, "%s%s", names.size ? ", " : "", r->name);
        s = note_settings(m, r, err);
        if (s == GOSS_OK && r->branches) s = note(m, r, "branches", r->branches, err);
        if (s == GOSS_OK && r->branches && r->graph) s = note(m, r, "nodes", r->branches, err);
        if (s == GOSS_OK) s = keep_graph(all, r, step, m, err);
    }
    if (s == GOSS_OK && step) s = goss__reg_path_keep(all, m, err);
    if (s == GOSS_OK && names.failed) s = goss_error_set(err, GOSS_E_NOMEM, "no memory for names");
    if (s == GOSS_OK && names.size) s = goss_model_note(m, "regularizers", names.data, err);
    goss__str_free(&names);
    return s == GOSS_OK && step ? note_numbers(all, step, m, err) : s;
}
