/* SPDX-License-Identifier: Apache-2.0 */
/* data_prior.c: a prior over tables as the data of a run: an unbounded stream of tasks without repetition, and
 * validation tasks of another seed and of full size. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "base/str.h"
#include "train/run.h"

static goss_status check(const goss__run_settings *s, goss_error *err) {
    if (!*s->data.path) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "data.path = %s, but data.kind = prior draws its tables from [prior] alone: one of the two",
                          s->data.path);
}

/* Any objective of numbers or of classes; auto is classification. */
static goss_status open_source(const goss__run_settings *s, bool validation, goss_task_source *out, goss_error *err) {
    goss_prior_source_options o = s->prior;
    const goss_objective *objective = s->table.objective;
    o.prior.regression = objective && !objective->classes ? 1 : 0;
    o.prior.seed = s->run.seed;
    if (validation) o.prior.seed ^= (uint64_t)1 << 62, o.prior.curriculum = 0;
    GOSS_TRY(goss_error_prefix(err, goss_prior_source_open(&o, out, err), "[prior]"));
    if (objective) out->spec.objective = objective;
    return GOSS_OK;
}

static goss_status hash(const goss__run_settings *s, uint64_t *out, goss_error *err) {
    goss__str text = {0};
    const goss_prior_options *p = &s->prior.prior;
    goss__str_addf(&text, "%d %d %d %d %d %d %d %a %a %llu %s", p->least_columns, p->columns, p->classes,
                   s->prior.least_support, s->prior.support, s->prior.queries, p->group, p->missing, p->categorical,
                   (unsigned long long)p->curriculum, p->families);
    const goss_status status = text.failed ? goss_error_set(err, GOSS_E_NOMEM, "out of memory") : GOSS_OK;
    if (status == GOSS_OK) *out = goss__hash64(text.data, text.size, s->run.seed);
    goss__str_free(&text);
    return status;
}

static goss_status open_prior(goss__run_data *d, const goss__run_settings *s, const goss__run_place *place,
                              goss_error *err) {
    (void)place;
    GOSS_TRY(open_source(s, false, &d->source, err));
    d->validates = s->validate.every > 0;
    if (d->validates) GOSS_TRY(open_source(s, true, &d->validation, err));
    d->spec = goss_data_spec_tasks("tables", &d->source.spec);
    d->judged = s->validate.episodes;
    GOSS_TRY(hash(s, &d->hash, err));
    snprintf(d->size, sizeof d->size, "a prior");
    snprintf(d->about, sizeof d->about, "tables of a prior, at most %d rows and %d columns",
             s->prior.support + s->prior.queries, s->prior.prior.columns);
    goss__log(GOSS_LOG_INFO, "data: %s; %d inputs, %s", d->about, (int)d->spec.task.input[0],
              goss_task_objective(&d->spec.task)->name);
    return GOSS_OK;
}

static void close_prior(goss__run_data *d) { d->own = NULL; }

static goss_status mark(const goss__run_data *d, goss_model *m, goss_error *err) {
    return goss_model_note(m, "data.trained_tasks", d->about, err);
}

static void validated_on(const goss__run_data *d, const goss__run_settings *s, char *out, size_t size) {
    snprintf(out, size, "%d tables of the prior, support %d..%d, %s", d->judged, s->prior.least_support,
             s->prior.support, d->metric->name);
}

const goss__data_kind goss__data_prior = {.name = "prior",
                                          .check = check,
                                          .open = open_prior,
                                          .close = close_prior,
                                          .mark = mark,
                                          .validated_on = validated_on,
                                          .pathless = true,
                                          .things = "tables"};
