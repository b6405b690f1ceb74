/* SPDX-License-Identifier: Apache-2.0 */
/* eval_test.c: gossamer eval --split test. A model's run says what it kept apart; models that are raced with it come
 * from runs that kept the same apart. */
#include "eval_test.h"

#include <stdlib.h>
#include <string.h>

#include "eval_summary.h"
#include "gossamer/race.h"
#include "gossamer/run_samples.h"
#include "method_list.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

/* ---- who runs ---- */

/* Takes the model. */
static goss_status add(eval_test *e, const char *name, goss_model *model, goss_error *err) {
    if (e->models == EVAL_TEST_MODELS) {
        goss_model_free(model);
        return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: more than %d", EVAL_TEST_MODELS);
    }
    eval_test_model *m = &e->model[e->models++];
    m->model = model, m->name = strdup(name);
    for (int i = 0; m->name && i + 1 < e->models; i++)
        if (strcmp(e->model[i].name, name) == 0)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "--methods: two are called %s; in NAME=FILE the name may be any other", name);
    if (!m->name) return no_memory(err);
    const goss_data_spec *data = goss_model_data(model);
    const bool numbers = data->task.outputs > 1 && !goss_task_objective(&data->task)->classes;
    return numbers && strcmp(data->kind, "table") == 0 ? goss_table_fit_parse(data->transform, &m->fit, err) : GOSS_OK;
}

static char *trim(char *word) {
    static const char blanks[] = " \t\n\r";
    word += strspn(word, blanks);
    for (size_t n = strlen(word); n > 0 && strchr(blanks, word[n - 1]); n--) word[n - 1] = 0;
    return word;
}

/* The same rows are kept apart where the same content was divided in the same way. */
static goss_status same_run(const eval_test *e, const char *name, const goss_model *m, goss_error *err) {
    const char *first = goss_model_note_of(e->model[0].model, "data.hash"), *own = goss_model_note_of(m, "data.hash");
    if (first && own && strcmp(first, own) == 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "--methods %s: its run had other data, or divided it otherwise (data.split, run.seed)", name);
}

static goss_status add_file(eval_test *e, char *word, goss_error *err) {
    char *name = trim(word), *file = strchr(name, '=');
    goss_model *m;
    if (file) *file++ = 0, name = trim(name), file = trim(file);
    if (!*name || !file || !*file)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "--methods: with --split test it is a list of models, as alone=FILE,mine=FILE");
    GOSS_TRY(goss_error_prefix(err, goss_model_load(file, &m, err), "--methods %s", name));
    goss_status s = same_run(e, name, m, err);
    if (s == GOSS_OK) return add(e, name, m, err);
    goss_model_free(m);
    return s;
}

static goss_status gather(eval_test *e, goss_model *first, goss_error *err) {
    GOSS_TRY(add(e, goss_method_name(goss_model_method(first)), first, err));
    if (!e->methods) return GOSS_OK;
    char *list = strdup(e->methods), *rest = list, *word;
    if (!list) return no_memory(err);
    goss_status s = GOSS_OK;
    while (s == GOSS_OK && (word = strsep(&rest, ","))) s = add_file(e, word, err);
    free(list);
    return s;
}

/* ---- what they are judged on ---- */

/* Of a series of several horizons; NULL: other data. */
static const goss_series_options *series_of(const eval_test_model *m) {
    if (!m->fit || !goss_table_transform_relative(m->fit->transform)) return NULL;
    return goss_encoding_series(goss_table_transform_inputs(m->fit->transform));
}

static goss_status same_horizons(const eval_test *e, const eval_test_model *m, goss_error *err) {
    if (eval_same_horizons(series_of(m), series_of(&e->model[0]))) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "it has other horizons than %s (data.horizon)", e->model[0].name);
}

static goss_status describe(eval_test *e, const goss_run_samples *t, goss_error *err) {
    const goss_task_source *source = goss_run_samples_source(t);
    e->metric = goss_run_samples_metric(t), e->objective = goss_task_objective(&source->spec);
    if (e->metric_name)
        GOSS_TRY(goss_error_prefix(
            err, goss_metric_find(goss_task_objective(&source->spec), e->metric_name, &e->metric, err), "--metric"));
    e->series = series_of(&e->model[0]);
    e->tasks = (int)source->tasks, e->support = source->spec.supports;
    e->task = calloc((size_t)e->tasks + 1, sizeof *e->task), e->work = calloc((size_t)e->tasks, sizeof *e->work);
    e->path = strdup(goss_run_samples_path(t));
    if (!e->task || !e->work || !e->path) return no_memory(err);
    for (int k = 0; k < e->tasks; k++) {
        goss_task task = {.outputs = source->spec.outputs};
        source->draw(source, (uint64_t)k, &task);
        e->samples += task.queries;
        e->task[k] = strdup(source->name ? source->name(source, (uint64_t)k) : "");
        if (!e->task[k]) return no_memory(err);
    }
    return GOSS_OK;
}

/* each: [tasks, horizons], NULL: there is one. */
static goss_status run(const eval_test *e, eval_test_model *m, const goss_task_source *source, double *each,
                       goss_threads *threads, goss_error *err) {
    const int n = e->series ? goss_series_horizons(e->series) : 0;
    GOSS_TRY(goss_race_structure(m->model, &(goss_race_networks){0}, NULL, source, e->metric, e->tasks, threads,
                                 m->value, each, &m->seconds, NULL, err));
    for (int i = 0; i < n * e->tasks; i++) m->part[i] = each[i % e->tasks * n + i / e->tasks];
    return GOSS_OK;
}

static goss_status run_in_room(const eval_test *e, eval_test_model *m, const goss_task_source *source,
                               goss_threads *threads, goss_error *err) {
    const size_t n = (size_t)e->tasks, parts = n * (size_t)(e->series ? goss_series_horizons(e->series) : 0);
    double *each = parts ? calloc(parts, sizeof *each) : NULL;
    m->value = calloc(n, sizeof *m->value), m->part = parts ? calloc(parts, sizeof *m->part) : NULL;
    const bool room = m->value && (!parts || (each && m->part));
    const goss_status s = room ? run(e, m, source, each, threads, err) : no_memory(err);
    free(each);
    return s;
}

static goss_status judge(eval_test *e, eval_test_model *m, goss_threads *threads, goss_error *err) {
    goss_run_samples *t;
    GOSS_TRY(goss_run_samples_open(m->model, GOSS_RUN_TEST, e->data, NULL, &t, err));
    goss_status s = e->task ? GOSS_OK : describe(e, t, err);
    const goss_task_source *source = goss_run_samples_source(t);
    if (s == GOSS_OK) s = cli_metric_judges(e->metric, e->objective, goss_task_objective(&source->spec), err);
    if (s == GOSS_OK) s = same_horizons(e, m, err);
    if (s == GOSS_OK) s = run_in_room(e, m, source, threads, err);
    goss_run_samples_free(t);
    return s;
}

static goss_status judge_all(eval_test *e, goss_error *err) {
    goss_threads *threads;
    GOSS_TRY(goss_threads_new(e->threads, &threads, err));
    goss_status s = GOSS_OK;
    for (int i = 0; s == GOSS_OK && i < e->models; i++)
        s = goss_error_prefix(err, judge(e, &e->model[i], threads, err), "%s", e->model[i].name);
    goss_threads_free(threads);
    return s;
}

static void close_all(eval_test *e) {
    for (int i = 0; i < e->models; i++)
        free(e->model[i].name), free(e->model[i].value), free(e->model[i].part), goss_table_fit_free(e->model[i].fit),
            goss_model_free(e->model[i].model);
    for (int k = 0; e->task && k < e->tasks; k++) free(e->task[k]);
    free(e->task), free(e->work), free(e->path);
}

int eval_test_run(eval_test *e, goss_model *first) {
    goss_error err;
    goss_status s = gather(e, first, &err);
    if (s == GOSS_OK) s = judge_all(e, &err);
    if (s == GOSS_OK) (e->json ? eval_test_json : eval_test_print)(e);
    const int status = s == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
    close_all(e);
    return status;
}
