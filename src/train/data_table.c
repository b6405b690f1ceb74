/* SPDX-License-Identifier: Apache-2.0 */
/* data_table.c: the rows of a table as the data of a run: a task is the rows of one value of a column, or of one
 * file. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "gossamer/table_data.h"
#include "train/run.h"

typedef struct table {
    goss_table_data *data;
    const char **names, **task_names;
    char *horizon_names; /* of the outputs, where there are several horizons */
    int ids;
} table;

static goss_status check(const goss__run_settings *s, goss_error *err) {
    const bool series = s->data.kind == GOSS__DATA_SERIES;
    if (series && !*s->ratings.column[GOSS_RATINGS_TIME])
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.kind = series wants a column of times that orders the rows: data.time=COLUMN");
    if (series && *s->table.text)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.text: a text is a sequence by itself, and data.kind = series makes them of rows: "
                              "give one of them");
    GOSS_TRY(goss__run_check_descriptor(s, err));
    GOSS_TRY(goss__run_file_is_there("data.train_tasks", s->table.train_tasks, err));
    return goss__run_file_is_there("data.val_tasks", s->table.val_tasks, err);
}

/* ---- opening ---- */

static void close_table(goss__run_data *data) {
    table *t = data->own;
    if (!t) return;
    goss_table_data_free(t->data);
    goss__free(t->names), goss__free(t->task_names), goss__free(t->horizon_names);
    goss__free(t);
    data->own = NULL;
}

/* The target by horizon, "load_h3". */
static goss_status name_horizons(table *t, const goss_table_transform *f, goss_error *err) {
    const char *target = goss_table_transform_target(f);
    const goss_series_options *o = goss_encoding_series(goss_table_transform_inputs(f));
    const size_t size = strlen(target) + 16;
    const int n = goss_table_transform_outputs(f);
    t->horizon_names = goss__calloc((size_t)n, size);
    if (!t->horizon_names) return goss_error_set(err, GOSS_E_NOMEM, "no memory for names");
    for (int k = 0; k < n; k++) {
        char *name = t->horizon_names + (size_t)k * size;
        snprintf(name, size, "%s_h%d", target, goss_series_horizon(o, k));
        t->names[k] = name;
    }
    return GOSS_OK;
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
    if (classes == 0 && outputs > 1) GOSS_TRY(name_horizons(t, f, err));
    spec->names = t->names;
    if (t->ids > 0) spec->task_names = t->task_names;
    return GOSS_OK;
}

/* Whether a task's support set differs between draws. */
static bool is_drawn(const goss_table_data_options *o) {
    return o->most_support > 0 && (strcmp(o->order, "random") == 0 || o->most_support > o->support);
}

static goss_status open_validation(goss__run_data *d, const table *t, const goss__run_settings *s, goss_error *err) {
    if (s->validate.every == 0) return GOSS_OK;
    if (!goss_table_data_validates(t->data))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "no task is left to validate on: name some by data.val_tasks, split their rows by "
                              "data.split=.6,.2,.2, or set validate.every=0 to train without validation");
    GOSS_TRY(goss_table_data_validate(t->data, &d->validation, err));
    /* All tasks equally often; once where nothing is random. */
    const int64_t tasks = d->validation.tasks,
                  rounds = is_drawn(&s->table) ? (s->validate.episodes + tasks - 1) / tasks : 1;
    d->judged = (int)(rounds * tasks);
    d->validates = true;
    return GOSS_OK;
}

int goss__describe_inputs(const goss_encoding *e, char *out, size_t size) {
    goss_text_shape text = {0};
    const goss_series_options *series = goss_encoding_series(e);
    char horizons[40];
    int steps, channels;
    if (series && goss_encoding_steps(e, &steps, &channels))
        snprintf(out, size, "windows of %d steps of %d numbers, %s ahead", steps, channels,
                 goss_series_horizons_text(series, horizons, sizeof horizons));
    else if (!goss_encoding_texts(e, &text))
        snprintf(out, size, "%d input%s", goss_encoding_width(e), goss_encoding_width(e) == 1 ? "" : "s");
    else if (text.steps == 0)
        snprintf(out, size, "texts as one vector of %d numbers", text.channels);
    else if (text.tokens)
        snprintf(out, size, "texts of up to %d tokens, embedding %d", text.steps, text.tokens);
    else
        snprintf(out, size, "texts of up to %d words of %d numbers", text.steps, text.channels);
    return text.tokens;
}

static void describe(goss__run_data *d, const table *t, const goss__run_settings *s) {
    const goss_table_tasks *tasks = goss_table_data_tasks(t->data);
    const goss_task_division *division = goss_table_data_division(t->data);
    const int rows = goss_table_rows(goss_table_tasks_table(tasks)), n = goss_table_tasks_count(tasks);
    char inputs[80];
    d->encoding = goss_table_transform_inputs(goss_table_data_transform(t->data));
    d->tokens = goss__describe_inputs(d->encoding, inputs, sizeof inputs);
    snprintf(d->size, sizeof d->size, "%d of %d", rows, n);
    snprintf(d->about, sizeof d->about, "%d rows of %d tasks", rows, n);
    if (s->table.split[0] > 0) {
        goss__log(GOSS_LOG_INFO,
                  "data: %s, %s, target %s (%s); of each task's rows %g to train, %g to validate, %g to test on",
                  d->about, inputs, goss_table_transform_target(goss_table_data_transform(t->data)),
                  goss_task_objective(&d->spec.task)->name, s->table.split[0], s->table.split[1], s->table.split[2]);
        return;
    }
    goss__log(GOSS_LOG_INFO, "data: %s, %s, target %s (%s); %d task%s to train on, %d to validate on, %d kept apart",
              d->about, inputs, goss_table_transform_target(goss_table_data_transform(t->data)),
              goss_task_objective(&d->spec.task)->name, division->train.n, division->train.n == 1 ? "" : "s",
              division->validate.n, division->test.n);
}

/* data.kind = arrays is for NumPy arrays alone. */
static goss_status check_kind(goss__data_word kind, const goss_table_data *data, goss_error *err) {
    const char *format = goss_table_data_format(data);
    if (kind != GOSS__DATA_ARRAYS || strncmp(format, "NumPy", 5) == 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "data.kind = arrays, but data.path holds no NumPy arrays (%s): use data.kind = table or auto",
                          format);
}

static goss_status open_table(goss__run_data *d, const goss__run_settings *s, const goss__run_place *place,
                              goss_error *err) {
    table *t = d->own = goss__calloc(1, sizeof *t);
    goss_table_data_options o = s->table;
    if (!t) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a table");
    o.baselines = !place->bare;
    if (!goss__run_reads_descriptors(s)) o.descriptor = NULL;
    o.descriptor_in_training = !goss__run_sees_descriptors(s);
    GOSS_TRY(goss_table_data_open(&o, &t->data, err));
    GOSS_TRY(check_kind(s->data.kind, t->data, err));
    GOSS_TRY(goss_table_data_train(t->data, &d->source, err));
    if (goss_task_objective(&d->source.spec)->steps && s->train.mixup > 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "train.mixup = %g: tokens of texts are no numbers that can be mixed", s->train.mixup);
    d->spec = goss_data_spec_tasks("table", &d->source.spec);
    if (o.descriptor_in_training) d->spec.task.descriptor = 0;
    d->spec.transform = goss_table_data_text(t->data);
    d->hash = goss_table_data_hash(t->data);
    GOSS_TRY(take_names(t, &d->spec, err));
    GOSS_TRY(open_validation(d, t, s, err));
    describe(d, t, s);
    return GOSS_OK;
}

static bool tests(const goss__run_data *d) { return goss_table_data_tests(((const table *)d->own)->data); }

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

static void validated_on(const goss__run_data *d, const goss__run_settings *s, char *out, size_t size) {
    char support[40];
    const goss_table_data_options *o = &s->table;
    snprintf(support, sizeof support, o->most_support > o->support ? "%d..%d" : "%d", o->support, o->most_support);
    snprintf(out, size, "%d draws of %lld tasks, support %s, order %s, %s", d->judged, (long long)d->validation.tasks,
             support, o->order, d->metric->name);
}

const goss_table_data *goss__data_table_of(const goss__run_data *d) {
    return d->kind == &goss__data_table && d->own ? ((const table *)d->own)->data : NULL;
}

const goss__data_kind goss__data_table = {.name = "table",
                                          .check = check,
                                          .open = open_table,
                                          .close = close_table,
                                          .tests = tests,
                                          .test = test,
                                          .mark = mark,
                                          .validated_on = validated_on,
                                          .things = "rows, tasks or divisions"};
