/* SPDX-License-Identifier: Apache-2.0 */
/* eval_field.c: which methods gossamer eval compares on tables and on ratings, and which tasks they are judged on. */
#include "eval_field.h"
#include "cli.h"
#include "method_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

/* ---- folds ---- */

goss_status eval_field_fold(eval_field *e, const char *path, goss_model *model, const char *kind, const char *kinds,
                            int *at, goss_error *err) {
    if (e->folds == EVAL_FOLDS) {
        goss_model_free(model);
        return goss_error_set(err, GOSS_E_ARGUMENT, "more than %d model files", EVAL_FOLDS);
    }
    eval_fold *f = e->fold[ *at = e->folds++];
    f->path = path, f->model = model;
    if (!model) GOSS_TRY(goss_model_load(path, &f->model, err));
    const goss_data_spec *data = goss_model_data(f->model);
    if (strcmp(data->kind, kind) == 0 && data->transform) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: a model of %s, not of %s", path, data->kind, kinds);
}

const char *eval_field_method(const eval_field *e, int fold) {
    return goss_method_name(goss_model_method(e->fold[fold]->model));
}

goss_status eval_field_same_method(const eval_field *e, int fold, goss_error *err) {
    const char *own = eval_field_method(e, fold), *first = eval_field_method(e, 0);
    if (strcmp(own, first) == 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s is of method %s and %s of %s: models given together are folds of one method; "
                          "another is raced with --methods NAME=FILE",
                          e->fold[fold]->path, own, e->fold[0]->path, first);
}

static int by_hash(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y); /* equal hashes are equal samples */
}

static bool saw_most(const goss_model *m, goss_use use, const uint64_t *hash, int n) {
    size_t all;
    int found = 0;
    const uint64_t *sorted = goss_model_samples(m, use, &all);
    for (int i = 0; all && i < n; i++) found += bsearch(&hash[i], sorted, all, sizeof *hash, by_hash) != NULL;
    return 2 * found >= n;
}

eval_seen eval_field_saw(const goss_model *m, const uint64_t *hash, int n) {
    if (saw_most(m, GOSS_USE_TRAIN, hash, n)) return SEEN_TRAINED;
    return saw_most(m, GOSS_USE_VALIDATE, hash, n) ? SEEN_VALIDATED : SEEN_NOTHING;
}

/* ---- entrants ---- */

static int find(const eval_field *e, const char *name) {
    for (int i = 0; i < e->entrants; i++)
        if (strcmp(e->entrant[i]->name, name) == 0) return i;
    return -1;
}

goss_status eval_field_add(eval_field *e, const char *name, int *at, goss_error *err) {
    if (e->entrants == EVAL_ENTRANTS)
        return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: more than %d", EVAL_ENTRANTS);
    if (find(e, name) >= 0) return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: two are called %s", name);
    char *copy = strdup(name);
    if (!copy) return no_memory(err);
    e->entrant[ *at = e->entrants++]->name = copy;
    return GOSS_OK;
}

goss_status eval_field_of_models(eval_field *e, const char *name, int *at, goss_error *err) {
    GOSS_TRY(eval_field_add(e, name, at, err));
    eval_entrant *r = e->entrant[*at];
    for (int i = 0; i < e->models; i++) r->fold[r->folds++] = i;
    return GOSS_OK;
}

goss_status eval_field_tuned(eval_field *e, int steps, int *at, goss_error *err) {
    char name[100];
    snprintf(name, sizeof name, "%.60s+finetune%d", e->entrant[0]->name, steps);
    GOSS_TRY(eval_field_of_models(e, name, at, err));
    e->entrant[*at]->fine_tune = steps;
    return GOSS_OK;
}

goss_status eval_field_rounded(eval_field *e, int of, goss_weight_precision precision, int *at, goss_error *err) {
    char name[120];
    *at = of;
    if (precision == GOSS_WEIGHTS_F32) return GOSS_OK;
    snprintf(name, sizeof name, "%.100s+%s", e->entrant[of]->name, goss_weight_precision_name(precision));
    GOSS_TRY(eval_field_of_models(e, name, at, err));
    e->entrant[*at]->fine_tune = e->entrant[of]->fine_tune, e->entrant[*at]->precision = precision;
    return GOSS_OK;
}

static bool is_baseline(const eval_field *e, const char *name) {
    for (int i = 0; e->baseline(i); i++)
        if (strcmp(e->baseline(i), name) == 0) return true;
    return false;
}

goss_status eval_field_derived(eval_field *e, const char *name, int *at, goss_error *err) {
    GOSS_TRY(eval_field_of_models(e, name, at, err));
    eval_entrant *r = e->entrant[*at];
    r->baseline = is_baseline(e, name);
    if (r->baseline) return GOSS_OK;
    r->derive = r->name;
    for (int i = 0; i < e->models; i++) GOSS_TRY(cli_method_derives(e->fold[i]->model, name, e->baseline, err));
    return GOSS_OK;
}

goss_status eval_field_named(eval_field *e, const char *name, int *at, goss_error *err) {
    *at = find(e, name);
    if (*at < 0) return eval_field_add(e, name, at, err);
    const eval_entrant *r = e->entrant[*at];
    if (!r->baseline && !r->derive && r->fold[0] >= e->models) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: two are called %s; in NAME=FILE the name may be any other",
                          name);
}

/* ---- tasks ---- */

goss_status eval_field_tasks(const goss_table_tasks *tasks, const char *file, bool *wanted, goss_error *err) {
    goss_task_list list;
    for (int i = 0; i < goss_table_tasks_count(tasks); i++) wanted[i] = !file;
    if (!file) return GOSS_OK;
    GOSS_TRY(goss_error_prefix(err, goss_table_tasks_list(tasks, file, &list, err), "--tasks"));
    for (int i = 0; i < list.n; i++) wanted[list.tasks[i]] = true;
    goss_task_list_free(&list);
    return GOSS_OK;
}

static eval_seen least_seen(const eval_field *e, const eval_entrant *r, int task) {
    eval_seen least = SEEN_TRAINED;
    for (int i = 0; i < r->folds; i++)
        if (e->fold[r->fold[i]]->seen[task] < least) least = e->fold[r->fold[i]]->seen[task];
    return least;
}

bool eval_field_may(const eval_field *e, const eval_entrant *r, int fold, int task) {
    const eval_seen least = least_seen(e, r, task);
    return e->fold[fold]->seen[task] == least && (least != SEEN_TRAINED || e->allow_seen);
}

int eval_field_choose(const eval_field *e, const eval_entrant *r, int fold, const bool *judged, int tasks,
                      int32_t *chosen) {
    int n = 0;
    for (int task = 0; task < tasks; task++)
        if (judged[task] && eval_field_may(e, r, fold, task)) chosen[n++] = task;
    return n;
}

bool eval_field_judges(eval_field *e, int task, bool few) {
    eval_seen most = SEEN_NOTHING;
    for (int i = 0; i < e->entrants; i++) {
        const eval_seen seen = least_seen(e, e->entrant[i], task);
        most = seen > most ? seen : most;
    }
    const bool trained = most == SEEN_TRAINED && !e->allow_seen, judged = !few && !trained;
    e->skipped += few, e->left_out += !few && trained;
    e->n_judged += judged, e->validated += judged && most == SEEN_VALIDATED;
    e->trained += judged && most == SEEN_TRAINED;
    return judged;
}

/* Of "tasks": "1 task", "2 tasks". */
static const char *counted(int n, const char *things, char out[60]) {
    snprintf(out, 60, "%d %.*s", n, (int)strlen(things) - (n == 1), things);
    return out;
}

void eval_field_tell(const eval_field *e, int support, const char *tasks, const char *samples) {
    char n[60], rows[60];
    const bool one = e->left_out == 1;
    if (e->left_out)
        cli_tell("%s %s trained on and %s left out (--allow-seen judges on %s)", counted(e->left_out, tasks, n),
                 one ? "was" : "were", one ? "is" : "are", one ? "it" : "them");
    if (e->skipped && samples)
        cli_tell("%s %s no more than --support %s and %s left out", counted(e->skipped, tasks, n),
                 e->skipped == 1 ? "has" : "have", counted(support, samples, rows), e->skipped == 1 ? "is" : "are");
    if (e->trained)
        cli_tell("%d of the %s judged %s trained on: no unseen %s", e->trained, counted(e->n_judged, tasks, n),
                 e->trained == 1 ? "was" : "were", tasks);
    if (e->validated)
        cli_tell("%d of the %s judged %s validated on: weights were chosen by %s", e->validated,
                 counted(e->n_judged, tasks, n), e->validated == 1 ? "was" : "were", e->validated == 1 ? "it" : "them");
}

double eval_field_seconds(const eval_entrant *r) { return r->draws ? r->seconds / (double)r->draws : 0; }

void eval_field_free(eval_field *e) {
    for (int i = 0; i < e->folds; i++) goss_model_free(e->fold[i]->model), free(e->fold[i]->seen);
    for (int i = 0; i < e->entrants; i++) free(e->entrant[i]->name);
}
