/* SPDX-License-Identifier: Apache-2.0 */
/* data_own.c: task sources that a program makes itself as the data of a run (train.h, goss_train_tasks). */
#include <stdio.h>

#include "base/log.h"
#include "train/run.h"

static goss_status check(const goss__run_settings *s, goss_error *err) {
    (void)s, (void)err;
    return GOSS_OK;
}

/* Freeing the run's copy leaves the program's source. */
static goss_task_source borrow(const goss_task_source *s) {
    goss_task_source copy = *s;
    copy.free = NULL;
    return copy;
}

static goss_status check_same(const goss_task_spec *a, const goss_task_spec *b, goss_error *err) {
    if (goss_task_input_size(a) == goss_task_input_size(b) && goss_task_objective(a) == goss_task_objective(b) &&
        goss_task_fixed_outputs(a) == goss_task_fixed_outputs(b) && a->descriptor == b->descriptor &&
        (a->outputs == b->outputs || !goss_task_fixed_outputs(a)))
        return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "tasks to validate on have other inputs, outputs or descriptors than those to train on");
}

static goss_status open_validation(goss__run_data *d, const goss_train_tasks *t, const goss__run_settings *s,
                                   goss_error *err) {
    if (s->validate.every == 0) return GOSS_OK;
    if (!t->validation)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "there are no tasks to validate on: give some, or set validate.every=0");
    GOSS_TRY(goss_task_spec_check(&t->validation->spec, err));
    GOSS_TRY(check_same(&t->train->spec, &t->validation->spec, err));
    if (t->validation->spec.queries < 1)
        return goss_error_set(err, GOSS_E_ARGUMENT, "tasks to validate on have no queries");
    d->validation = borrow(t->validation);
    d->validates = true;
    return GOSS_OK;
}

static goss_status open_own(goss__run_data *d, const goss__run_settings *s, const goss__run_place *place,
                            goss_error *err) {
    const goss_train_tasks *t = place->tasks;
    GOSS_TRY(goss_task_spec_check(&t->train->spec, err));
    GOSS_TRY(open_validation(d, t, s, err));
    d->source = borrow(t->train);
    d->spec = goss_data_spec_tasks(t->kind ? t->kind : "tasks", &t->train->spec);
    d->spec.names = t->names, d->spec.task_names = t->task_names, d->spec.transform = t->transform;
    d->judged = t->judged > 0 ? t->judged : s->validate.episodes;
    d->hash = t->hash;
    snprintf(d->size, sizeof d->size, "%.40s", d->spec.kind);
    snprintf(d->about, sizeof d->about, "tasks of kind \"%.40s\"", d->spec.kind);
    return GOSS_OK;
}

static void close_own(goss__run_data *d) { d->own = NULL; }

static goss_status mark(const goss__run_data *d, goss_model *m, goss_error *err) {
    (void)d, (void)m, (void)err;
    return GOSS_OK;
}

static void validated_on(const goss__run_data *d, const goss__run_settings *s, char *out, size_t size) {
    (void)s;
    snprintf(out, size, "%d tasks, %s", d->judged, d->metric->name);
}

const goss__data_kind goss__data_own = {.name = "own",
                                        .check = check,
                                        .open = open_own,
                                        .close = close_own,
                                        .mark = mark,
                                        .validated_on = validated_on,
                                        .pathless = true,
                                        .things = "tasks"};
