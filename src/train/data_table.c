/* SPDX-License-Identifier: Apache-2.0 */
/* data_table.c: the rows of a table as the data of a run: a task is what a column's value, or a file, has. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/number.h"
#include "gossamer/table_data.h"
#include "train/run.h"

typedef struct table {
    goss_table_data *data;
    const char **names, **task_names;
    int ids;
} table;

/* ---- settings ---- */

/* "5" or "3..10". */
static goss_status read_support(const goss_config *c, int *least, int *most, goss_error *err) {
    const char *text = goss_config_text(c, "task.support");
    char end;
    *most = 0;
    int n = sscanf(text, "%d..%d%c", least, most, &end);
    if (n == 1 && sscanf(text, "%d%c", least, &end) == 1) *most = *least, n = 2;
    if (n == 2 && *least >= 0 && *most >= *least && *most <= 1000000) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "task.support: \"%.40s\" is no number of rows, as 5, and no range of them, as 3..10", text);
}

goss_status goss__run_read_split(const goss_config *c, double split[3], goss_error *err) {
    const char *text = goss_config_text(c, "data.split");
    split[0] = split[1] = split[2] = 0;
    if (!*text || goss__numbers_parse(text, split, 3) == 3) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "data.split: \"%.40s\" is no list of three shares, as .5,.2,.3 (training, validation, test)",
                          text);
}

/* "2/5"; empty: none. */
static goss_status read_fold(const goss_config *c, int *fold, int *folds, goss_error *err) {
    const char *text = goss_config_text(c, "train.fold");
    char end;
    *fold = *folds = 0;
    if (!*text) return GOSS_OK;
    if (sscanf(text, "%d/%d%c", fold, folds, &end) == 2 && *folds >= 2 && *fold >= 1 && *fold <= *folds) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "train.fold: \"%.40s\" is no part of the tasks, as 1/5", text);
}

static goss_status read_objective(const goss_config *c, const goss_objective **out, goss_error *err) {
    const char *word = goss_config_text(c, "task.objective");
    *out = NULL;
    return strcmp(word, "auto") == 0 ? GOSS_OK : goss_objective_find(word, out, err);
}

static goss_status read_options(const goss_config *c, goss_table_data_options *o, goss_error *err) {
    *o = goss_table_data_defaults();
    o->path = goss_config_text(c, "data.path");
    o->task = goss_config_text(c, "data.task"), o->target = goss_config_text(c, "data.target");
    o->ignore = goss_config_text(c, "data.ignore"), o->categorical = goss_config_text(c, "data.categorical");
    o->missing = goss_config_text(c, "data.missing"), o->descriptor = goss_config_text(c, "data.descriptor");
    o->train_tasks = goss_config_text(c, "data.train_tasks"), o->val_tasks = goss_config_text(c, "data.val_tasks");
    o->hold_out = goss_config_int(c, "validate.every") > 0 ? goss_config_real(c, "data.hold_out") : 0;
    o->order = goss_config_text(c, "task.order");
    o->queries = (int)goss_config_int(c, "task.queries");
    o->thin = goss_config_real(c, "task.thin"), o->any = goss_config_real(c, "task.any");
    o->metric = goss_config_text(c, "task.metric");
    o->in_turns = goss_config_int(c, "train.tasks") == 0;
    o->seed = (uint64_t)goss_config_int(c, "run.seed");
    GOSS_TRY(read_support(c, &o->support, &o->most_support, err));
    GOSS_TRY(goss__run_read_split(c, o->split, err));
    GOSS_TRY(read_fold(c, &o->fold, &o->folds, err));
    return read_objective(c, &o->objective, err);
}

static goss_status check(const goss_config *c, goss_error *err) {
    goss_table_data_options o;
    GOSS_TRY(goss__run_file_is_there(c, "data.descriptor", err));
    GOSS_TRY(goss__run_file_is_there(c, "data.train_tasks", err));
    GOSS_TRY(goss__run_file_is_there(c, "data.val_tasks", err));
    return read_options(c, &o, err);
}

/* ---- opening ---- */

static void close_table(goss__run_data *data) {
    table *t = data->own;
    if (!t) return;
    goss_table_data_free(t->data);
    goss__free(t->names), goss__free(t->task_names);
    goss__free(t);
    data->own = NULL;
}

/* Names of classes, or of the target, and of the training tasks in the order of their numbers. */
static goss_status take_names(table *t, goss_data_spec *spec, goss_error *err) {
    const goss_table_transform *f = goss_table_data_transform(t->data);
    const goss_task_list *train = &goss_table_data_division(t->data)->train;
    const int outputs = spec->task.outputs, classes = goss_table_transform_classes(f);
    t->ids = (int)spec->task.ids;
    t->names = goss__calloc((size_t)outputs + 1, sizeof *t->names);
    t->task_names = goss__calloc((size_t)t->ids + 1, sizeof *t->task_names);
    if (!t->names || !t->task_names) return goss_error_set(err, GOSS_E_NOMEM, "no memory for names");
    for (int i = 0; i < outputs; i++)
        t->names[i] = classes > 0 ? goss_table_transform_class(f, i) : goss_table_transform_target(f);
    for (int i = 0; i < t->ids && i < train->n; i++)
        t->task_names[i] = goss_table_tasks_name(goss_table_data_tasks(t->data), train->tasks[i]);
    spec->names = t->names;
    if (t->ids > 0) spec->task_names = t->task_names;
    return GOSS_OK;
}

static goss_status open_validation(goss__run_data *d, const table *t, const goss_config *c, goss_error *err) {
    const int64_t episodes = goss_config_int(c, "validate.episodes");
    if (goss_config_int(c, "validate.every") == 0) return GOSS_OK;
    if (!goss_table_data_validates(t->data))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "no task is left to validate on: name some by data.val_tasks, split their rows by "
                              "data.split=.6,.2,.2, or set validate.every=0 to train without validation");
    GOSS_TRY(goss_table_data_validate(t->data, &d->validation, err));
    /* Each task as often as the others. Where nothing is drawn, once. */
    const bool drawn =
        strcmp(goss_config_text(c, "task.support"), "0") != 0 &&
        (strcmp(goss_config_text(c, "task.order"), "random") == 0 || strchr(goss_config_text(c, "task.support"), '.'));
    const int64_t tasks = d->validation.tasks, rounds = drawn ? (episodes + tasks - 1) / tasks : 1;
    d->judged = (int)(rounds * tasks);
    d->validates = true;
    return GOSS_OK;
}

static void describe(goss__run_data *d, const table *t) {
    const goss_table_tasks *tasks = goss_table_data_tasks(t->data);
    const goss_task_division *division = goss_table_data_division(t->data);
    const int rows = goss_table_rows(goss_table_tasks_table(tasks)), n = goss_table_tasks_count(tasks);
    snprintf(d->size, sizeof d->size, "%d of %d", rows, n);
    snprintf(d->about, sizeof d->about, "%d rows of %d tasks", rows, n);
    goss__log(GOSS_LOG_INFO,
              "data: %s, %d inputs, target %s (%s); %d tasks to train on, %d to validate on, %d kept apart", d->about,
              (int)d->spec.task.input[0], goss_table_transform_target(goss_table_data_transform(t->data)),
              goss_task_objective(&d->spec.task)->name, division->train.n, division->validate.n, division->test.n);
}

/* data.kind = arrays holds for NumPy arrays alone. */
static goss_status check_kind(const goss_config *c, const goss_table_data *data, goss_error *err) {
    const char *format = goss_table_data_format(data);
    if (strcmp(goss_config_text(c, "data.kind"), "arrays") != 0 || strncmp(format, "NumPy", 5) == 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "data.kind = arrays, but data.path holds no NumPy arrays (%s): use data.kind = table or auto",
                          format);
}

static goss_status open_table(goss__run_data *d, const goss_config *c, const goss__run_place *place, goss_error *err) {
    table *t = d->own = goss__calloc(1, sizeof *t);
    goss_table_data_options o;
    if (!t) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a table");
    GOSS_TRY(read_options(c, &o, err));
    o.baselines = !place->bare;
    GOSS_TRY(goss_table_data_open(&o, &t->data, err));
    GOSS_TRY(check_kind(c, t->data, err));
    GOSS_TRY(goss_table_data_train(t->data, &d->source, err));
    d->spec = goss_data_spec_tasks("table", &d->source.spec);
    d->spec.transform = goss_table_data_text(t->data);
    d->hash = goss_table_data_hash(t->data);
    GOSS_TRY(take_names(t, &d->spec, err));
    GOSS_TRY(open_validation(d, t, c, err));
    describe(d, t);
    return GOSS_OK;
}

static goss_status test(const goss__run_data *d, goss_task_source *out, goss_error *err) {
    return goss_table_data_test(((const table *)d->own)->data, out, err);
}

static goss_status mark(const goss__run_data *d, goss_model *m, goss_error *err) {
    const table *t = d->own;
    char text[64];
    snprintf(text, sizeof text, "%d of %d", goss_table_data_division(t->data)->train.n,
             goss_table_tasks_count(goss_table_data_tasks(t->data)));
    GOSS_TRY(goss_model_note(m, "data.trained_tasks", text, err));
    for (int use = 0; use < GOSS_USES; use++) {
        size_t n;
        const uint64_t *rows = goss_table_data_rows(t->data, use == GOSS_USE_VALIDATE, &n);
        if (use == GOSS_USE_TRAIN || d->validates) GOSS_TRY(goss_model_mark_samples(m, (goss_use)use, rows, n, err));
    }
    return GOSS_OK;
}

static void validated_on(const goss__run_data *d, const goss_config *c, char *out, size_t size) {
    snprintf(out, size, "%d draws of %lld tasks, support %s, order %s, %s", d->judged, (long long)d->validation.tasks,
             goss_config_text(c, "task.support"), goss_config_text(c, "task.order"), d->metric->name);
}

const goss_table_data *goss__data_table_of(const goss__run_data *d) {
    return d->kind == &goss__data_table && d->own ? ((const table *)d->own)->data : NULL;
}

const goss__data_kind goss__data_table = {.name = "table",
                                          .check = check,
                                          .open = open_table,
                                          .close = close_table,
                                          .test = test,
                                          .mark = mark,
                                          .validated_on = validated_on,
                                          .things = "rows, tasks or divisions"};
