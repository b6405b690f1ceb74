/* SPDX-License-Identifier: Apache-2.0 */
/* data_own_tables.c: the user's own tables as the data of a run of the method "tables": each file is a table with
 * columns of its own, and some of them may be held out to validate on. What was trained on tables of a prior goes on
 * from there (train.start). */
#include <stdio.h>

#include "base/log.h"
#include "meta/own_tables.h"
#include "train/run.h"

static goss_status check(const goss__run_settings *s, goss_error *err) {
    if (*s->data.path) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "data.kind = tables: data.path names the file, or the folder or .zip of "
                          "them");
}

static const char *given(const char *text) { return text && *text ? text : NULL; }

static goss_status open_all(const goss__run_settings *s, goss__own_tables **out, goss_error *err) {
    goss__own_options o = {.path = s->data.path,
                           .target = s->table.target,
                           .read = goss_table_options_defaults(),
                           .objective = s->table.objective,
                           .slots = s->prior.prior.columns,
                           .classes = s->prior.prior.classes,
                           .least_support = s->prior.least_support,
                           .support = s->prior.support,
                           .queries = s->prior.queries,
                           .hold_out = s->table.hold_out,
                           .seed = s->run.seed};
    o.read.missing = given(s->table.missing), o.read.categorical = given(s->table.categorical);
    o.read.ignore = given(s->table.ignore), o.read.section = "data.";
    if (!o.objective) GOSS_TRY(goss_objective_find("classification", &o.objective, err));
    return goss_error_prefix(err, goss__own_tables_open(&o, out, err), "data.path");
}

static goss_status open_validation(goss__run_data *d, const goss__run_settings *s, goss_error *err) {
    d->judged = s->validate.episodes, d->validates = s->validate.every > 0;
    if (!d->validates) return GOSS_OK;
    if (goss__own_tables_count(d->own, true) == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.hold_out = %g of %d tables is none to validate on: raise it, or set "
                              "validate.every=0 to train without validation",
                              s->table.hold_out, goss__own_tables_count(d->own, false));
    return goss__own_tables_source(d->own, true, &d->validation, err);
}

static goss_status open_tables(goss__run_data *d, const goss__run_settings *s, const goss__run_place *place,
                               goss_error *err) {
    goss__own_tables *p;
    (void)place;
    GOSS_TRY(check(s, err));
    GOSS_TRY(open_all(s, &p, err));
    d->own = p;
    if (goss__own_tables_count(p, false) == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "data.hold_out = %g leaves no table to train on",
                              s->table.hold_out);
    GOSS_TRY(goss__own_tables_source(p, false, &d->source, err));
    GOSS_TRY(open_validation(d, s, err));
    d->spec = goss_data_spec_tasks("tables", &d->source.spec);
    d->hash = goss__own_tables_hash(p);
    const int train = goss__own_tables_count(p, false), held = goss__own_tables_count(p, true);
    snprintf(d->size, sizeof d->size, "%d tables", train + held);
    snprintf(d->about, sizeof d->about, "%d tables of files", train + held);
    goss__log(GOSS_LOG_INFO, "data: %d table%s to train on, %d to validate on; %d inputs, %s", train,
              train == 1 ? "" : "s", held, (int)d->spec.task.input[0], goss_task_objective(&d->spec.task)->name);
    return GOSS_OK;
}

static void close_tables(goss__run_data *d) {
    goss__own_tables_free(d->own);
    d->own = NULL;
}

static goss_status mark(const goss__run_data *d, goss_model *m, goss_error *err) {
    GOSS_TRY(goss__own_tables_mark(d->own, m, err));
    return goss_model_note(m, "data.trained_tasks", d->about, err);
}

static void validated_on(const goss__run_data *d, const goss__run_settings *s, char *out, size_t size) {
    snprintf(out, size, "%d divisions of %d tables held out, support %d..%d, %s", d->judged,
             goss__own_tables_count(d->own, true), s->prior.least_support, s->prior.support, d->metric->name);
}

const goss__data_kind goss__data_own_tables = {.name = "tables",
                                               .check = check,
                                               .open = open_tables,
                                               .close = close_tables,
                                               .mark = mark,
                                               .validated_on = validated_on,
                                               .things = "tables"};
