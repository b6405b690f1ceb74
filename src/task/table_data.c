/* SPDX-License-Identifier: Apache-2.0 */
/* table_data.c: a table as the data of a training: everything that is fitted before the first step. */
#include "gossamer/table_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/str.h"
#include "gossamer/text.h"
#include "task/table_data.h"
#include "task/table_task.h"
#include "task/transform_text.h"

enum { MOST_QUERIES = 500 }; /* of a validation task */

struct goss_table_data {
    goss_table_data_options o;
    goss_table *table, *described;
    goss_roles roles;
    goss_table_tasks *tasks;
    goss_task_division division;
    goss_table_fit fit;
    char *text;
    uint64_t *rows[2]; /* hashes: trained on, validated on */
    size_t n_rows[2];
    bool within; /* a split inside of tasks */
};

goss_table_data_options goss_table_data_defaults(void) {
    return (goss_table_data_options){.hold_out = 0.1,
                                     .support = 5,
                                     .queries = 64,
                                     .thin = 0.5,
                                     .baselines = true,
                                     .seed = 1,
                                     .texts = goss_text_options_defaults()};
}

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the tasks of a table");
}

static const char *given(const char *text) { return text && *text ? text : NULL; }

void goss_table_data_free(goss_table_data *d) {
    if (!d) return;
    goss__table_fit_clear(&d->fit);
    goss_task_division_free(&d->division);
    goss_table_tasks_free(d->tasks);
    goss_roles_free(&d->roles);
    goss_table_close(d->table), goss_table_close(d->described);
    goss__free(d->text), goss__free(d->rows[0]), goss__free(d->rows[1]);
    goss__free(d);
}

const char *goss_table_data_text(const goss_table_data *d) { return d->text; }
const char *goss_table_data_format(const goss_table_data *d) { return goss_table_format(d->table); }
const goss_table_tasks *goss_table_data_tasks(const goss_table_data *d) { return d->tasks; }
const goss_task_division *goss_table_data_division(const goss_table_data *d) { return &d->division; }
const goss_table_transform *goss_table_data_transform(const goss_table_data *d) { return d->fit.transform; }

const uint64_t *goss_table_data_rows(const goss_table_data *d, bool validated, size_t *n) {
    *n = d->n_rows[validated];
    return d->rows[validated];
}

/* ---- the table and its tasks ---- */

static goss_status read_table(goss_table_data *d, goss_error *err) {
    goss_table_options read = goss_table_options_defaults();
    goss__str categorical = {0};
    read.categorical = given(d->o.categorical), read.ignore = given(d->o.ignore), read.section = "data.";
    if (given(d->o.text)) { /* texts may look like numbers, and so may labels of their steps */
        goss__name_list_add(&categorical, d->o.text);
        if (d->o.objective && d->o.objective->steps && given(d->o.target))
            goss__name_list_add(&categorical, d->o.target);
        if (read.categorical) goss__str_addf(&categorical, ",%s", read.categorical);
        read.categorical = categorical.data;
    }
    if (given(d->o.missing)) read.missing = d->o.missing;
    if (d->o.series.window > 0) read.time = given(d->o.series.time);
    const goss_status s = categorical.failed ? no_memory(err) : goss_table_open(d->o.path, &read, &d->table, err);
    goss__str_free(&categorical);
    return s == GOSS_E_ARGUMENT ? s : goss_error_prefix(err, s, "data.path"); /* of a list, which the error names */
}

/* Integers that are read as dates look like numbers. */
static void tell_compact(const goss_table_data *d) {
    char cell[GOSS_CELL_TEXT];
    const int column = goss_table_find(d->table, d->o.series.time);
    if (column < 0 || goss_table_type(d->table, column) != GOSS_COLUMN_DATE || goss_table_rows(d->table) == 0) return;
    const char *text = goss_table_text(d->table, column, 0, cell);
    if (*text && strspn(text, "0123456789") == strlen(text))
        goss__log(GOSS_LOG_INFO, "data.time: %s holds dates such as %s, which are no numbers", d->o.series.time, text);
}

/* Whether the target's past is seen is known before rows are chosen by it: so is the objective. */
static goss_status choose_series(goss_table_data *d, goss_error *err) {
    goss_series_options *o = &d->o.series;
    if (!given(o->time))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "series want a column of times that orders their rows: data.time=COLUMN");
    if (d->roles.target < 0) return GOSS_OK; /* told where tasks are made */
    if (!d->o.objective) GOSS_TRY(goss__objective_of(d->table, d->roles.target, NULL, 0, &d->o.objective, err));
    if (o->n_later && !goss__sees_target(d->o.objective, o))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.horizon: several horizons are of numbers, and task.objective = %s is not about "
                              "such: one horizon, or regression, huber, gaussian, student, quantile",
                              d->o.objective->name);
    if (d->roles.task >= 0) o->task = goss_table_name(d->table, d->roles.task);
    o->target = goss__sees_target(d->o.objective, o) ? goss_table_name(d->table, d->roles.target) : NULL;
    if (o->stride > 0 && !given(d->o.order)) d->o.order = o->time;
    tell_compact(d);
    return goss_series_check(d->table, o, err);
}

/* Adds a column with a use of its own to those that are no inputs. */
static goss_status leave_out(const goss_table_data *d, const char *column, const char *key, goss__str *ignore,
                             goss_error *err) {
    int at;
    if (!given(column)) return GOSS_OK;
    GOSS_TRY(goss_table_need(d->table, column, key, &at, err));
    if (given(d->o.task) && strcmp(column, d->o.task) == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: column %s is data.task already", key, column);
    if (d->table->column[at].ignored)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "data.ignore: column %s is used, as %s, and is no input for that: take it out of the list", column, key);
    goss__name_list_add(ignore, column);
    return GOSS_OK;
}

/* Columns of series are seen as times, or not at all, and a role of rows says what they are for. */
static goss_status leave_uses_out(const goss_table_data *d, goss__str *ignore, goss_error *err) {
    const bool series = d->o.series.window > 0;
    GOSS_TRY(leave_out(d, d->o.role, "data.role", ignore, err));
    if (series) GOSS_TRY(leave_out(d, d->o.series.time, "data.time", ignore, err));
    return series ? leave_out(d, d->o.series.series, "data.series", ignore, err) : GOSS_OK;
}

static goss_status open_table(goss_table_data *d, goss_error *err) {
    if (d->o.objective && d->o.objective->next && given(d->o.target))
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "data.target = %s: a language model predicts the text itself (data.text); leave the target "
            "out",
            d->o.target);
    if (d->o.objective && d->o.objective->steps && !given(d->o.text))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "task.objective = %s is about the tokens of texts: data.text names the column",
                              d->o.objective->name);
    GOSS_TRY(read_table(d, err));
    goss__str ignore = {0};
    if (given(d->o.ignore)) goss__str_add(&ignore, d->o.ignore);
    const goss_status added = leave_uses_out(d, &ignore, err);
    const bool whole = given(d->o.task) && strcmp(d->o.task, "all") == 0 && goss_table_find(d->table, "all") < 0;
    const goss_roles_declared declared = {.target = given(d->o.target),
                                          .task = whole ? "" : given(d->o.task), /* "": there is none */
                                          .ignore = ignore.data,
                                          .text = given(d->o.text),
                                          .section = "data."};
    goss_status found = added;
    if (added == GOSS_OK)
        found = ignore.failed ? no_memory(err) : goss_table_roles(d->table, &declared, &d->roles, err);
    goss__str_free(&ignore);
    GOSS_TRY(found);
    d->roles.whole = whole;
    if (d->o.objective && d->o.objective->next) d->roles.target = -1, d->roles.target_guessed = false;
    if (d->roles.target_guessed)
        goss__log(GOSS_LOG_WARN, "data.target is not set: %s (%s)", goss_table_name(d->table, d->roles.target),
                  d->roles.reason[d->roles.target]);
    if (d->roles.task_guessed)
        goss__log(GOSS_LOG_WARN, "data.task is not set: %s (%s)", goss_table_name(d->table, d->roles.task),
                  d->roles.reason[d->roles.task]);
    if (d->o.series.window > 0) GOSS_TRY(choose_series(d, err));
    GOSS_TRY(goss_table_tasks_open(d->table, &d->roles, given(d->o.order), &d->tasks, err));
    if (d->o.series.window > 0) GOSS_TRY(goss_table_tasks_by_series(d->tasks, &d->o.series, err));
    return given(d->o.role) ? goss_table_tasks_by_role(d->tasks, d->o.role, err) : GOSS_OK;
}

static goss_status divide(goss_table_data *d, goss_error *err) {
    goss_task_division_options o = {.train = d->o.train_tasks,
                                    .validate = d->o.val_tasks,
                                    .hold_out = d->o.hold_out,
                                    .fold = d->o.fold,
                                    .folds = d->o.folds,
                                    .seed = d->o.seed};
    d->within = d->o.split[0] != 0 || d->o.split[1] != 0 || d->o.split[2] != 0;
    if (d->within) {
        const goss_row_fold fold = {o.fold, o.folds};
        if (given(d->o.role))
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "data.split and data.role both divide the rows of every task: give one of them");
        if (given(o.validate))
            return goss_error_set(
                err, GOSS_E_ARGUMENT,
                "data.split divides the rows of every task; data.val_tasks divides tasks: give one of "
                "them");
        o.hold_out = 0, o.fold = o.folds = 0;
        GOSS_TRY(
            goss_error_prefix(err, goss_table_tasks_split(d->tasks, d->o.split, fold, d->o.seed, err), "data.split"));
    }
    return goss_table_tasks_divide(d->tasks, &o, &d->division, err);
}

static void tell_left_out(const goss_table_data *d) {
    int target, task;
    goss_table_tasks_left_out(d->tasks, &target, &task);
    if (target) goss__log(GOSS_LOG_WARN, "%d rows without a target are left out", target);
    if (task) goss__log(GOSS_LOG_WARN, "%d rows without a task are left out", task);
    const goss_table_transform *f = d->fit.transform;
    for (int i = 0; i < f->n_dropped; i++)
        goss__log(GOSS_LOG_WARN, "column %s is no input: it is the same in all rows to train on", f->dropped[i]);
}

/* An input that is the target under another name makes everything that follows worthless. */
static goss_status tell_leaks(const goss_table_data *d, goss_error *err) {
    goss_finding *f;
    int n;
    GOSS_TRY(goss_table_findings(d->table, &d->roles, &f, &n, err));
    for (int i = 0; i < n; i++)
        if (f[i].kind == GOSS_FINDING_LEAK) goss__log(GOSS_LOG_WARN, "%s; data.ignore takes it out", f[i].text);
    goss_findings_free(f);
    return GOSS_OK;
}

/* ---- what is fitted ---- */

static goss_status fit_transform(goss_table_data *d, goss_error *err) {
    const goss_table_transform_options o = {.objective = d->o.objective,
                                            .texts = given(d->o.text) ? &d->o.texts : NULL,
                                            .series = d->o.series.window > 0 ? &d->o.series : NULL};
    GOSS_TRY(goss_table_transform_fit(d->tasks, &d->roles, d->division.train.tasks, d->division.train.n, &o,
                                      &d->fit.transform, err));
    tell_left_out(d);
    return o.texts ? GOSS_OK : tell_leaks(d, err); /* texts that differ in every row name the target, too */
}

static goss_status fit_descriptors(goss_table_data *d, goss_error *err) {
    if (!given(d->o.descriptor)) return GOSS_OK;
    goss_status s = goss_table_open(d->o.descriptor, NULL, &d->described, err);
    if (s == GOSS_OK)
        s = goss_descriptors_fit(d->described, d->tasks, d->division.train.tasks, d->division.train.n,
                                 &d->fit.descriptors, err);
    return goss_error_prefix(err, s, "data.descriptor");
}

#define A_SECOND 5e9               /* multiplications of a core */
#define MOST_WORK (120 * A_SECOND) /* two minutes */
#define TOLD_WORK (10 * A_SECOND)  /* from there on the wait is announced */
#define MOST_KEPT 4e6              /* numbers in a model, 20 bytes each */

static bool are_left_out(const goss_table_data *d, const goss_rows *rows, const goss_baselines_options *o) {
    const double times = o->classes ? 1 : goss_table_transform_outputs(d->fit.transform);
    const double work = times * goss_baselines_work(rows, d->division.train.n, o);
    const double kept = times * goss_baselines_numbers(o);
    char classes[40] = "", why[60];
    int64_t n = 0;
    if (work <= MOST_WORK && kept <= MOST_KEPT) {
        if (work > TOLD_WORK)
            goss__log(GOSS_LOG_INFO, "fitting baselines (ridge, mean-ridge, nearest ...): some %.0f seconds of a core",
                      work / A_SECOND);
        return false;
    }
    for (int i = 0; i < d->division.train.n; i++) n += rows[i].n;
    if (o->classes) snprintf(classes, sizeof classes, " and %d classes", o->classes);
    if (work > MOST_WORK)
        snprintf(why, sizeof why, "take some %.0f minutes of a core", work / A_SECOND / 60);
    else
        snprintf(why, sizeof why, "be %.0f MB of a model", kept * 20e-6);
    goss__log(GOSS_LOG_WARN,
              "baselines (ridge, mean-ridge, nearest ...) are left out: %lld rows of %d inputs%s would %s; eval "
              "--methods has those that are trained",
              (long long)n, o->width, classes, why);
    return true;
}

/* Those of component k, of the tasks that have it. `own` [n] is rows, memory [n] theirs. */
static goss_status fit_component(goss_table_data *d, const goss_rows *rows, const goss_baselines_options *o, int k,
                                 goss_rows *own, double **memory, goss_error *err) {
    const int all = d->fit.n_baselines, n = d->division.train.n;
    const size_t width = (size_t)o->width;
    goss_status s = GOSS_OK;
    int tasks = 0;
    for (int i = 0; s == GOSS_OK && i < n; i++) {
        double *m = memory[i] = goss__calloc((size_t)rows[i].n * (width + 2) + 1, sizeof *m);
        if (!m) {
            s = no_memory(err);
            break;
        }
        goss_rows *to = &own[tasks];
        *to = (goss_rows){.x = m, .y = m + (size_t)rows[i].n * width};
        if (rows[i].at) to->at = to->y + rows[i].n;
        goss_rows_component(&rows[i], width, all, k, to, NULL);
        tasks += to->n > 0;
    }
    if (s == GOSS_OK) s = goss_baselines_fit(own, tasks, o, &d->fit.baselines[k], err);
    for (int i = 0; i < n; i++) goss__free(memory[i]), memory[i] = NULL;
    return s;
}

static goss_status fit_each(goss_table_data *d, const goss_rows *rows, const goss_baselines_options *o,
                            goss_error *err) {
    const size_t n = (size_t)d->division.train.n;
    GOSS_TRY(goss__baselines_room(&d->fit, err));
    if (d->fit.n_baselines == 1) return goss_baselines_fit(rows, (int)n, o, d->fit.baselines, err);
    goss_rows *own = goss__calloc(n + 1, sizeof *own);
    double **memory = goss__calloc(n + 1, sizeof *memory);
    goss_status s = own && memory ? GOSS_OK : no_memory(err);
    for (int k = 0; s == GOSS_OK && k < d->fit.n_baselines; k++) s = fit_component(d, rows, o, k, own, memory, err);
    goss__free(own), goss__free(memory);
    return s;
}

static goss_status fit_baselines(goss_table_data *d, goss_error *err) {
    const goss_task_list *train = &d->division.train;
    goss_baselines_options o = goss_baselines_defaults();
    goss__task_numbers *t = goss__calloc((size_t)train->n + 1, sizeof *t);
    goss_rows *rows = goss__calloc((size_t)train->n + 1, sizeof *rows);
    goss_status s = t && rows ? GOSS_OK : no_memory(err);
    for (int i = 0; s == GOSS_OK && i < train->n; i++) {
        s = goss__task_numbers_of(d->tasks, d->fit.transform, train->tasks[i], &t[i], err);
        rows[i] = t[i].rows;
    }
    o.width = goss_encoding_width(d->fit.transform->inputs), o.classes = d->fit.transform->classes;
    o.ordered = d->tasks->order != GOSS_ORDER_RANDOM, o.seed = d->o.seed, o.threads = d->o.threads;
    if (s == GOSS_OK && !are_left_out(d, rows, &o)) s = fit_each(d, rows, &o, err);
    for (int i = 0; t && i < train->n; i++) goss__free(t[i].memory);
    goss__free(rows), goss__free(t);
    return s;
}

static bool trained_on(const goss_table_data *d, int task, int i) {
    return d->tasks->by_role || goss_table_tasks_part(d->tasks, task, i) == GOSS_PART_TRAIN;
}

static bool validated_on(const goss_table_data *d, int task, int i) {
    return !d->within || goss_table_tasks_part(d->tasks, task, i) == GOSS_PART_VALIDATE;
}

static goss_status hash_rows(goss_table_data *d, const goss_task_list *list,
                             bool (*in)(const goss_table_data *d, int task, int i), int which, goss_error *err) {
    const size_t all = (size_t)goss_table_rows(d->table) + 1;
    int32_t *rows = goss__calloc(all, sizeof *rows);
    d->rows[which] = goss__calloc(all, sizeof **d->rows);
    goss_status s = rows && d->rows[which] ? GOSS_OK : no_memory(err);
    int n = 0;
    for (int k = 0; s == GOSS_OK && k < list->n; k++) {
        int size;
        const int32_t *own = goss_table_tasks_rows(d->tasks, list->tasks[k], &size);
        for (int i = 0; i < size; i++)
            if (in(d, list->tasks[k], i)) rows[n++] = own[i];
    }
    if (s == GOSS_OK) s = goss_table_transform_hashes(d->fit.transform, d->table, rows, n, d->rows[which], err);
    d->n_rows[which] = (size_t)n;
    goss__free(rows);
    return s;
}

static goss_status fit_all(goss_table_data *d, goss_error *err) {
    GOSS_TRY(fit_transform(d, err));
    GOSS_TRY(fit_descriptors(d, err));
    /* Baselines take rows of numbers: texts are none, and windows are. */
    if (d->o.baselines && (!goss__transform_has_steps(d->fit.transform) || d->o.series.window > 0))
        GOSS_TRY(fit_baselines(d, err));
    if (given(d->o.missing) && !(d->fit.missing = goss__strdup(d->o.missing))) return no_memory(err);
    GOSS_TRY(goss_error_prefix(
        err, goss_metric_find(d->fit.transform->objective, given(d->o.metric), &d->fit.metric, err), "task.metric"));
    GOSS_TRY(goss_error_prefix(err, goss_metric_chooses(d->fit.metric, err), "task.metric"));
    if (given(d->o.role) && !(d->fit.role = goss__strdup(d->o.role))) return no_memory(err);
    d->fit.support = d->o.support, d->fit.most_support = d->o.most_support;
    for (int i = 0; i < d->division.train.n; i++)
        if (!goss__add_name(&d->fit.task_names, &d->fit.ids,
                            goss_table_tasks_name(d->tasks, d->division.train.tasks[i])))
            return no_memory(err);
    goss_table_fit kept = d->fit;
    if (d->o.descriptor_in_training) kept.descriptors = NULL;
    GOSS_TRY(goss_table_fit_text(&kept, &d->text, err));
    GOSS_TRY(hash_rows(d, &d->division.train, trained_on, 0, err));
    return hash_rows(d, d->within ? &d->division.train : &d->division.validate, validated_on, 1, err);
}

goss_status goss_table_data_open(const goss_table_data_options *options, goss_table_data **out, goss_error *err) {
    *out = NULL;
    goss_table_data *d = goss__calloc(1, sizeof *d);
    if (!d) return no_memory(err);
    d->o = *options;
    if (d->o.most_support == 0) d->o.most_support = d->o.support;
    goss_status s = open_table(d, err);
    if (s == GOSS_OK) s = divide(d, err);
    if (s == GOSS_OK) s = fit_all(d, err);
    if (s == GOSS_OK)
        *out = d;
    else
        goss_table_data_free(d);
    return s;
}

/* By content: rows as they are divided. */
uint64_t goss_table_data_hash(const goss_table_data *d) {
    uint64_t h[3] = {goss_table_hash(d->table, true), 0, 0};
    for (int i = 0; i < 2; i++) h[1 + i] = goss__hash64(d->rows[i], d->n_rows[i] * sizeof **d->rows, 1 + (uint64_t)i);
    return goss__hash64(h, sizeof h, d->described ? goss_table_hash(d->described, false) : 0);
}

/* ---- sources ---- */

static goss_table_source_options source_options(const goss_table_data *d) {
    goss_table_source_options o = goss_table_source_defaults();
    o.tasks = d->division.train.tasks, o.n_tasks = d->division.train.n;
    o.support = d->o.support, o.most_support = d->o.most_support, o.queries = d->o.queries;
    o.thin = d->o.thin, o.any = d->o.any, o.number = true, o.seed = d->o.seed;
    if (!d->o.descriptor_in_training) o.descriptors = d->fit.descriptors, o.described = d->described;
    return o;
}

static goss_status open_source(const goss_table_data *d, const goss_table_source_options *o, const char *what,
                               goss_task_source *out, goss_error *err) {
    int skipped;
    GOSS_TRY(goss_error_prefix(err, goss_table_source_open(d->tasks, d->fit.transform, o, out, &skipped, err),
                               "tasks to %s on", what));
    if (skipped && o->support == 0)
        goss__log(GOSS_LOG_WARN, "%d of %d tasks to %s on have no rows and are left out", skipped, o->n_tasks, what);
    else if (skipped && d->tasks->by_role)
        goss__log(
            GOSS_LOG_WARN,
            "%d of %d tasks to %s on have fewer than task.support = %d rows of support, or no query, and are left "
            "out",
            skipped, o->n_tasks, what, o->support);
    else if (skipped)
        goss__log(GOSS_LOG_WARN, "%d of %d tasks to %s on have no more than task.support = %d rows and are left out",
                  skipped, o->n_tasks, what, o->support);
    return GOSS_OK;
}

goss_status goss_table_data_train(const goss_table_data *d, goss_task_source *out, goss_error *err) {
    goss_table_source_options o = source_options(d);
    o.shuffle = !d->o.in_turns;
    o.descriptors = d->fit.descriptors, o.described = d->described;
    GOSS_TRY(open_source(d, &o, "train", out, err));
    if (!d->o.in_turns || out->tasks == o.n_tasks) return GOSS_OK;
    const int64_t there = out->tasks;
    goss_task_source_free(out);
    return goss_error_set(
        err, GOSS_E_ARGUMENT,
        "%d of %d tasks have too few rows to train on, and every step wants all tasks: leave them out "
        "(a list of tasks to train on), or give more of their rows to training",
        o.n_tasks - (int)there, o.n_tasks);
}

bool goss_table_data_validates(const goss_table_data *d) {
    return d->within ? d->n_rows[1] > 0 : d->division.validate.n > 0;
}

goss_status goss_table_data_validate(const goss_table_data *d, goss_task_source *out, goss_error *err) {
    goss_table_source_options o = source_options(d);
    o.queries = MOST_QUERIES;
    if (d->within)
        o.query_part = GOSS_PART_VALIDATE;
    else
        o.tasks = d->division.validate.tasks, o.n_tasks = d->division.validate.n, o.number = false;
    return open_source(d, &o, "validate", out, err);
}

bool goss_table_data_tests(const goss_table_data *d) {
    for (int k = 0; d->within && k < d->division.train.n; k++) {
        int n;
        goss_table_tasks_rows(d->tasks, d->division.train.tasks[k], &n);
        for (int i = 0; i < n; i++)
            if (goss_table_tasks_part(d->tasks, d->division.train.tasks[k], i) == GOSS_PART_TEST) return true;
    }
    return false;
}

goss_status goss_table_data_test(const goss_table_data *d, goss_task_source *out, goss_error *err) {
    goss_table_source_options o = source_options(d);
    *out = (goss_task_source){0};
    if (!d->within || !(d->o.split[2] > 0))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "no rows are kept apart for testing: data.split says which, as .6,.15,.25 (training, "
                              "validation, test)");
    o.queries = 0, o.query_part = GOSS_PART_TEST;
    return open_source(d, &o, "test", out, err);
}
