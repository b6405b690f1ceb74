/* SPDX-License-Identifier: Apache-2.0 */
/* eval_table.c: gossamer eval on tables: which methods run on which tasks. */
#include "eval_table.h"
#include "data_kinds.h"
#include "eval_summary.h"
#include "method_list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

static const goss_series_options *series_of(const table_fold *f) {
    return goss_encoding_series(goss_table_transform_inputs(f->fit->transform));
}

static int parts_of(const table_fold *f) {
    return goss_table_transform_relative(f->fit->transform) ? goss_series_horizons(series_of(f)) : 1;
}

/* ---- folds ---- */

static const char *order_of(const eval_table *e, const table_fold *f) {
    return e->order ? e->order : goss_table_transform_order(f->fit->transform);
}

/* The column for nearest and line: that of the order, or the model's if rows are random; the position in the file if
 * that is the order. */
static goss_status find_at(const eval_table *e, table_fold *f, goss_error *err) {
    const char *order = order_of(e, f), *own = goss_table_transform_order(f->fit->transform);
    const int rows = goss_table_rows(f->table);
    int column = goss_table_tasks_order_column(f->tasks);
    if (column < 0 && strcmp(order, "random") == 0) column = goss_table_find(f->table, own);
    if (column < 0 && strcmp(order, "first") != 0) return GOSS_OK;
    const goss_column_type type = column < 0 ? GOSS_COLUMN_NUMBER : goss_table_type(f->table, column);
    if (type != GOSS_COLUMN_NUMBER && type != GOSS_COLUMN_DATE) return GOSS_OK;
    const size_t n = (size_t)rows * (size_t)parts_of(f);
    f->at = calloc(n + 1, sizeof *f->at);
    int32_t *ahead = calloc(n + 1, sizeof *ahead);
    goss_status s = f->at && ahead ? GOSS_OK : no_memory(err);
    for (size_t i = 0; s == GOSS_OK && i < n; i++) ahead[i] = (int32_t)i;
    if (s == GOSS_OK && parts_of(f) > 1) s = goss_series_ahead(f->table, series_of(f), NULL, 0, ahead, err);
    for (size_t i = 0; s == GOSS_OK && i < n; i++)
        f->at[i] = ahead[i] < 0 ? (double)NAN
                   : column < 0 ? ahead[i]
                                : goss_table_order_key(f->table, column, ahead[i]);
    bool known = true; /* nearest and line say that there is no order where a date is none */
    for (size_t i = 0; s == GOSS_OK && i < n; i++)
        known &= type != GOSS_COLUMN_DATE || ahead[i] < 0 || !isnan(f->at[i]);
    if (!known) free(f->at), f->at = NULL;
    free(ahead);
    return s;
}

static goss_status find_seen(table_fold *f, goss_error *err) {
    uint64_t *hash = calloc((size_t)goss_table_rows(f->table) + 1, sizeof *hash);
    f->base.seen = calloc((size_t)goss_table_tasks_count(f->tasks), sizeof *f->base.seen);
    goss_status s = hash && f->base.seen ? GOSS_OK : no_memory(err);
    for (int task = 0; s == GOSS_OK && task < goss_table_tasks_count(f->tasks); task++) {
        int n;
        const int32_t *rows = goss_table_tasks_rows(f->tasks, task, &n);
        s = goss_table_transform_hashes(f->fit->transform, f->table, rows, n, hash, err);
        if (s == GOSS_OK) f->base.seen[task] = eval_field_saw(f->base.model, hash, n);
    }
    free(hash);
    return s;
}

static bool names_column(const char *order) {
    return order && strcmp(order, "random") != 0 && strcmp(order, "first") != 0;
}

static goss_status open_rows(const eval_table *e, table_fold *f, goss_error *err) {
    const goss_table_needs needs = {.target = true, .task = true};
    int column;
    GOSS_TRY(goss_table_fit_open(f->fit, e->data, needs, &f->table, &f->roles, err));
    if (names_column(e->order)) GOSS_TRY(goss_table_need(f->table, e->order, "--order", &column, err));
    if (series_of(f)) GOSS_TRY(goss_series_check(f->table, series_of(f), err));
    GOSS_TRY(goss_table_tasks_open(f->table, &f->roles, order_of(e, f), &f->tasks, err));
    if (series_of(f)) GOSS_TRY(goss_table_tasks_by_series(f->tasks, series_of(f), err));
    if (goss_table_transform_relative(f->fit->transform))
        GOSS_TRY(goss_table_fit_origins(f->fit, f->table, &f->from, err));
    if (f->fit->role) GOSS_TRY(goss_table_tasks_by_role(f->tasks, f->fit->role, err));
    if (f->fit->descriptors && !e->descriptors)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "the model requires a descriptor of each task: --descriptor FILE with a row per task");
    if (f->fit->descriptors) GOSS_TRY(goss_table_open(e->descriptors, NULL, &f->described, err));
    GOSS_TRY(find_at(e, f, err));
    GOSS_TRY(goss_table_fit_review(f->fit, e->data, f->table, err));
    return find_seen(f, err);
}

/* Takes ownership of the model in any case. */
static goss_status add_fold(eval_table *e, const char *path, goss_model *model, int *at, goss_error *err) {
    GOSS_TRY(eval_field_fold(&e->field, path, model, "table", "tables", at, err));
    table_fold *f = &e->fold[*at];
    goss_status s = goss_table_fit_parse(goss_model_data(f->base.model)->transform, &f->fit, err);
    if (s == GOSS_OK) s = open_rows(e, f, err);
    return goss_error_prefix(err, s, "%s", path);
}

static const char *target_of(const table_fold *f) { return goss_table_transform_target(f->fit->transform); }
static const goss_objective *objective_of(const table_fold *f) {
    return goss_table_transform_objective(f->fit->transform);
}

/* Steps from the end of a window to what is predicted. */
static const char *ahead(const table_fold *f, char out[80]) {
    return series_of(f) ? goss_series_horizons_text(series_of(f), out, 80) : "0";
}

/* All must predict the same target of the same tasks. */
static goss_status check_alike(const eval_table *e, const table_fold *f, goss_error *err) {
    const table_fold *first = &e->fold[0];
    char here[80], there[80];
    if (strcmp(target_of(f), target_of(first)) != 0 || objective_of(f)->classes != objective_of(first)->classes)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s predicts %s (%s), and %s predicts %s (%s)", f->base.path,
                              target_of(f), objective_of(f)->name, first->base.path, target_of(first),
                              objective_of(first)->name);
    if (goss_table_transform_relative(f->fit->transform) != goss_table_transform_relative(first->fit->transform) ||
        !eval_same_horizons(series_of(f), series_of(first)))
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s predicts %s steps ahead, and %s %s", f->base.path,
                              ahead(f, here), first->base.path, ahead(first, there));
    if (goss_table_tasks_count(f->tasks) != goss_table_tasks_count(first->tasks) ||
        strcmp(goss_table_transform_task(f->fit->transform), goss_table_transform_task(first->fit->transform)) != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s has tasks by %s, and %s by %s", f->base.path,
                              goss_table_transform_task(f->fit->transform), first->base.path,
                              goss_table_transform_task(first->fit->transform));
    return GOSS_OK;
}

/* ---- runners ---- */

static const char *baseline_name(int i) {
    const goss_baseline_kind *kind = goss_baseline_at(i);
    return kind ? kind->name : NULL;
}

/* A method from the models' files: a baseline, or another method on their weights. */
static goss_status add_derived(eval_table *e, const char *name, goss_error *err) {
    int at;
    GOSS_TRY(eval_field_derived(&e->field, name, &at, err));
    table_runner *r = &e->runner[at];
    r->kind = goss_baseline_find(name);
    for (int i = 0; r->kind && i < e->field.models; i++)
        if (!e->fold[i].fit->baselines)
            return goss_error_set(err, GOSS_E_ARGUMENT, "--methods %s: %s keeps no baselines%s", name,
                                  e->fold[i].base.path,
                                  goss_model_data(e->fold[i].base.model)->task.input_rank == 1
                                      ? ": they would have taken minutes or millions of numbers (docs/table-tasks.md)"
                                      : ": they take rows of numbers, and its samples are sequences");
    if (r->kind && objective_of(&e->fold[0])->classes && !r->kind->classes)
        return goss_error_set(err, GOSS_E_ARGUMENT, "--methods %s is not defined for classes", name);
    if (r->kind && r->kind->order && !e->fold[0].at)
        return goss_error_set(err, GOSS_E_ARGUMENT, "--methods %s requires the column that orders rows: --order COLUMN",
                              name);
    return GOSS_OK;
}

/* The models' own weights in networks of another structure. */
static goss_status add_structure(eval_table *e, goss_structure_source source, goss_error *err) {
    int at;
    GOSS_TRY(cli_need_structures(e->fold[0].base.model, e->fold[0].base.path, goss_structure_source_name(source), err));
    GOSS_TRY(eval_field_of_models(&e->field, goss_structure_source_name(source), &at, err));
    e->runner[at].structured = true, e->runner[at].source = source;
    return GOSS_OK;
}

/* NAME=FILE; a repeated name adds a fold. */
static goss_status add_file(eval_table *e, const char *name, const char *path, goss_error *err) {
    int at, which;
    GOSS_TRY(eval_field_named(&e->field, name, &which, err));
    GOSS_TRY(goss_error_prefix(err, add_fold(e, path, NULL, &at, err), "--methods %s", name));
    table_runner *r = &e->runner[which];
    r->base.fold[r->base.folds++] = at;
    r->structured = cli_has_structures(e->fold[at].base.model);
    return check_alike(e, &e->fold[at], err);
}

static goss_status add_method(void *owner, const char *name, const char *file, goss_error *err) {
    eval_table *e = owner;
    if (!file && strcmp(name, e->runner[0].base.name) == 0) return GOSS_OK; /* the models themselves are that method */
    goss_structure_source source;
    if (!file && goss_structure_source_find(name, &source, NULL) == GOSS_OK) return add_structure(e, source, err);
    return file ? add_file(e, name, file, err) : add_derived(e, name, err);
}

static goss_status add_rounded(eval_table *e, int of, goss_error *err) {
    int at;
    GOSS_TRY(eval_field_rounded(&e->field, of, e->precision, &at, err));
    e->runner[at].structured = e->runner[0].structured;
    return GOSS_OK;
}

static goss_status add_tuned(eval_table *e, goss_error *err) {
    int at;
    GOSS_TRY(eval_field_tuned(&e->field, e->fine_tune, &at, err));
    e->runner[at].structured = e->runner[0].structured;
    return add_rounded(e, at, err);
}

/* Baselines have quantiles (goss_race_baseline), but no variances. */
static goss_status check_runner(const eval_table *e, const table_runner *r, goss_error *err) {
    const goss_objective *first = objective_of(&e->fold[0]);
    if (r->kind) return first->levels ? GOSS_OK : cli_metric_judges(e->metric, first, NULL, err);
    for (int i = 0; i < r->base.folds; i++)
        GOSS_TRY(cli_metric_judges(e->metric, first, objective_of(&e->fold[r->base.fold[i]]), err));
    return GOSS_OK;
}

static goss_status check_metric(const eval_table *e, goss_error *err) {
    for (int i = 0; i < e->field.entrants; i++) {
        const table_runner *r = &e->runner[i];
        GOSS_TRY(goss_error_prefix(err, check_runner(e, r, err), "--methods %s", r->base.name));
    }
    return GOSS_OK;
}

static goss_status gather(eval_table *e, goss_model *first, char **words, int n, goss_error *err) {
    int at;
    for (int i = 0; i < n; i++) {
        GOSS_TRY(add_fold(e, words[i], i ? NULL : first, &at, err));
        GOSS_TRY(check_alike(e, &e->fold[at], err));
        GOSS_TRY(eval_field_same_method(&e->field, at, err));
    }
    e->field.models = e->field.folds;
    e->parts = parts_of(&e->fold[0]);
    e->metric = e->fold[0].fit->metric;
    if (e->metric_name)
        GOSS_TRY(goss_error_prefix(err, goss_metric_find(objective_of(&e->fold[0]), e->metric_name, &e->metric, err),
                                   "--metric"));
    GOSS_TRY(eval_field_of_models(&e->field, eval_field_method(&e->field, 0), &at, err));
    e->runner[at].structured = cli_has_structures(e->fold[0].base.model);
    if (e->budgets.n > 0) GOSS_TRY(cli_need_structures(e->fold[0].base.model, words[0], "--budget", err));
    if (e->structures) GOSS_TRY(cli_need_structures(e->fold[0].base.model, words[0], "--structures", err));
    if (e->plot) GOSS_TRY(cli_need_structures(e->fold[0].base.model, words[0], "--plot", err));
    GOSS_TRY(add_rounded(e, 0, err));
    if (e->fine_tune > 0) GOSS_TRY(add_tuned(e, err));
    if (e->control) GOSS_TRY(add_structure(e, GOSS_STRUCTURE_SHUFFLED, err));
    if (e->mean_budget) GOSS_TRY(add_structure(e, GOSS_STRUCTURE_EQUAL, err));
    GOSS_TRY(cli_methods_each(e->methods, "ridge,maml=FILE", add_method, e, &e->list, err));
    return check_metric(e, err);
}

/* ---- tasks ---- */

static goss_status none_left(const eval_table *e, goss_error *err) {
    if (e->field.left_out && !e->field.skipped)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: all %d tasks were trained on; judge on others, or with --allow-seen on these",
                              e->data, e->field.left_out);
    if (e->fold[0].fit->role)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: no task is left to judge on: by the column %s, %d have fewer than --support %d rows "
                              "of support, or no query, and %d were trained on",
                              e->data, e->fold[0].fit->role, e->field.skipped, e->support, e->field.left_out);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: no task is left to judge on: %d have no more than --support %d rows, %d were trained on",
                          e->data, e->field.skipped, e->support, e->field.left_out);
}

static goss_status choose_tasks(eval_table *e, goss_error *err) {
    e->tasks = goss_table_tasks_count(e->fold[0].tasks);
    e->judged = calloc((size_t)e->tasks, sizeof *e->judged), e->work = calloc((size_t)e->tasks, sizeof *e->work);
    if (!e->judged || !e->work) return no_memory(err);
    GOSS_TRY(eval_field_tasks(e->fold[0].tasks, e->tasks_file, e->judged, err));
    for (int task = 0; task < e->tasks; task++) {
        bool few = false;
        if (!e->judged[task]) continue;
        for (int i = 0; i < e->field.folds; i++)
            few |= !goss_table_tasks_enough(e->fold[i].tasks, task, e->support, GOSS_PART_TRAIN);
        e->judged[task] = eval_field_judges(&e->field, task, few);
    }
    return e->field.n_judged ? GOSS_OK : none_left(e, err);
}

static void tell_tasks(const eval_table *e) {
    int target, task;
    goss_table_tasks_left_out(e->fold[0].tasks, &target, &task);
    if (target) cli_tell("%d rows without a target are left out", target);
    if (task) cli_tell("%d rows without a task are left out", task);
    if (e->field.skipped && e->fold[0].fit->role)
        cli_tell("%d tasks have fewer than --support %d rows of support, or no query, and are left out",
                 e->field.skipped, e->support);
    eval_field_tell(&e->field, e->support, "tasks", e->fold[0].fit->role ? NULL : "rows");
}

/* ---- the verb ---- */

/* What a runner has by task. */
static void forget(table_runner *r) { free(r->value), free(r->part), free(r->answers), free(r->bytes); }
static void moved(table_runner *r) { r->value = r->part = r->bytes = NULL, r->answers = NULL; }

static void close_all(eval_table *e) {
    for (int i = 0; i < e->field.folds; i++) {
        table_fold *f = &e->fold[i];
        goss_table_tasks_free(f->tasks);
        goss_roles_free(&f->roles);
        goss_table_close(f->table), goss_table_close(f->described);
        goss_table_fit_free(f->fit);
        free(f->at), goss_table_rows_free(f->from);
    }
    for (int i = 0; i < e->field.entrants; i++) forget(&e->runner[i]);
    for (int i = 0; i < CLI_BUDGETS; i++)
        for (int k = 0; k < e->field.entrants; k++) forget(&e->raced[i][k]);
    cli_rows_close(&e->rows);
    eval_field_free(&e->field);
    free(e->judged), free(e->work), free(e->list);
}

static goss_status race(eval_table *e, int i, goss_error *err) {
    cli_rows_begin(&e->rows, e->budgets.n > 0 ? e->budgets.bytes[i] : 0);
    if (e->budgets.n == 0) {
        GOSS_TRY(eval_table_race(e, 0, err));
    } else {
        GOSS_TRY(goss_error_prefix(err, eval_table_race(e, e->budgets.bytes[i], err), "--budget %lld bytes",
                                   (long long)e->budgets.bytes[i]));
    }
    if (e->rows.space) e->variety[i] = cli_rows_variety(&e->rows), cli_rows_end(&e->rows);
    memcpy(e->raced[i], e->runner, sizeof e->runner);
    for (int k = 0; k < e->field.entrants; k++) moved(&e->runner[k]);
    return GOSS_OK;
}

static const char *space_of(const table_fold *f) {
    return goss_target_text(goss_method_target(goss_model_method(f->base.model)));
}

static goss_status open_structures(eval_table *e, goss_error *err) {
    if (!e->structures && !e->plot) return GOSS_OK;
    for (int i = 1; i < e->field.models; i++)
        if (strcmp(space_of(&e->fold[i]), space_of(&e->fold[0])) != 0)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "%s: the spaces of %s and %s differ, and so do their structures: evaluate them apart",
                                  e->structures ? "--structures" : "--plot", e->fold[0].base.path,
                                  e->fold[i].base.path);
    return cli_rows_open(&e->rows, e->fold[0].base.model, e->metric, e->structures, e->plot, err);
}

/* The report begins when all races are over: an error leaves no half of one. */
static goss_status race_all(eval_table *e, const eval_table_form *form, goss_error *err) {
    const int races = e->budgets.n > 0 ? e->budgets.n : 1;
    GOSS_TRY(open_structures(e, err));
    for (int i = 0; i < races; i++) GOSS_TRY(race(e, i, err));
    GOSS_TRY(cli_rows_write(&e->rows, err));
    for (int i = 0; i < races; i++) {
        memcpy(e->runner, e->raced[i], sizeof e->runner);
        if (i == 0) form->begin(e);
        form->race(e, e->budgets.n > 0 ? i : -1);
        for (int k = 0; k < e->field.entrants; k++) moved(&e->runner[k]);
    }
    form->end(e);
    return GOSS_OK;
}

static goss_status run(eval_table *e, goss_model *first, char **words, int n, goss_error *err) {
    goss_status read = cli_read_budgets(e->budget_list, &e->budgets, err);
    if (read == GOSS_OK) read = cli_check_mean(e->mean_budget, &e->budgets, err);
    const goss_status gathered = gather(e, first, words, n, read == GOSS_OK ? err : NULL); /* takes the model */
    GOSS_TRY(read);
    GOSS_TRY(gathered);
    cli_tell_control(e->control, &e->budgets);
    int described = 0;
    for (int i = 0; i < e->field.folds; i++) described += e->fold[i].fit->descriptors != NULL;
    if (e->descriptors && !described)
        return goss_error_set(err, GOSS_E_ARGUMENT, "--descriptor %s: no model here reads descriptors", e->descriptors);
    if (e->repeats > 1 && goss_table_tasks_order(e->fold[0].tasks) != GOSS_ORDER_RANDOM)
        cli_tell("--repeats %d: rows are in an order, so that all draws of a task have the same support rows",
                 e->repeats);
    if (!e->repeats) e->repeats = goss_table_tasks_order(e->fold[0].tasks) == GOSS_ORDER_RANDOM ? 5 : 1;
    GOSS_TRY(choose_tasks(e, err));
    tell_tasks(e);
    return race_all(e, e->json ? &eval_table_json : &eval_table_text, err);
}

int eval_tables(const eval_request *q, const cli_verb *verb, goss_model *first, char **words, int n) {
    static eval_table e;
    goss_error err;
    if (q->support < 0) cli_usage(verb, "--support is missing: how many labelled rows of each task a method sees");
    e.field = (eval_field){.baseline = baseline_name, .allow_seen = q->allow_seen};
    for (int i = 0; i < EVAL_FOLDS; i++) e.field.fold[i] = &e.fold[i].base;
    for (int i = 0; i < EVAL_ENTRANTS; i++) e.field.entrant[i] = &e.runner[i].base;
    e.data = q->data, e.methods = q->methods, e.order = q->order, e.tasks_file = q->tasks_file;
    e.metric_name = q->metric, e.descriptors = q->descriptors, e.support = q->support, e.repeats = q->repeats;
    e.precision = q->precision, e.fine_tune = q->fine_tune, e.threads = q->threads, e.seed = q->seed;
    e.json = q->json, e.budget_list = q->budgets, e.control = q->control;
    e.mean_budget = q->mean_budget, e.structures = q->structures, e.plot = q->plot;
    const int status = run(&e, first, words, n, &err) == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
    close_all(&e);
    return status;
}
