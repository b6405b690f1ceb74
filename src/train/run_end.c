/* SPDX-License-Identifier: Apache-2.0 */
/* run_end.c: whether a training has ended with a model. A step whose gradients are not finite is
 * skipped, so that the weights stay finite where a training has diverged; a run that ends among such steps, or whose
 * validations saw no finite answers, is an error, and what it validated best before is kept. */
#include <math.h>
#include <stdio.h>

#include "base/log.h"
#include "train/run.h"

enum { BAD_STEPS = 25 }; /* in a row before the run gives up */

static const char advice[] =
    "Train anew in another run.dir with a smaller optimizer.rate, a longer optimizer.warmup or a smaller "
    "optimizer.clip_norm above 0";

/* The error of a run that has diverged, with what is kept of it. */
static goss_status diverged(const goss__run *r, const char *what, goss_error *err) {
    if (!goss__run_has_best(r)) return goss_error_set(err, GOSS_E_NUMERIC, "%s. %s", what, advice);
    return goss_error_set(
        err, GOSS_E_NUMERIC, "%s. The best model so far, of step %lld (%s %.4g), is kept: %s/best.safetensors. %s",
        what, (long long)r->state.best_step, r->data.metric->name, r->state.best, r->dir ? r->dir : "", advice);
}

goss_status goss__run_step_done(goss__run *r, const goss_step_result *x, double rate, goss_error *err) {
    char what[200];
    const bool good = x->applied && isfinite(x->loss);
    if (!good && r->state.step == 0 && *r->set.train.start)
        return goss_error_set(
            err, GOSS_E_NUMERIC,
            "train.start = %s: with its weights the loss of the first step is %g, or its gradients are "
            "not finite: start from another model",
            r->set.train.start, x->loss);
    r->state.step++;
    r->state.bad = good ? 0 : r->state.bad + 1;
    if (r->state.bad < BAD_STEPS) return GOSS_OK;
    snprintf(what, sizeof what,
             "step %lld: the loss or the gradients of %d steps in a row were not finite (loss %g, learning rate %g)",
             (long long)r->state.step, BAD_STEPS, x->loss, rate);
    return diverged(r, what, err);
}

/* Validations without a number: of answers that are not finite, or of a metric that is undefined for all tasks. */
static goss_status check_validations(goss__run *r, goss_error *err) {
    bool finite;
    if (!r->data.validates || r->n_history == 0 || !isnan(r->history[r->n_history - 1])) return GOSS_OK;
    goss__run_export(r);
    GOSS_TRY(goss__run_answers(r, &finite, err));
    if (goss__run_has_best(r)) {
        goss__log(GOSS_LOG_WARN, "the last validation is no number%s: the model is that of step %lld, the best before",
                  finite ? "" : ", since answers were not finite", (long long)r->state.best_step);
        return GOSS_OK;
    }
    if (!finite)
        return diverged(r, "no validation was finite: the trained network's answers are not, and no model is written",
                        err);
    goss__log(GOSS_LOG_WARN,
              "%s is not defined for any validation task (as with queries of one class alone): the model is the last "
              "one, which is not validated",
              r->data.metric->name);
    return GOSS_OK;
}

/* Over all processes of the run: the optimiser counts them in its state. */
static void tell_skipped(const goss__run *r) {
    const int at = goss_params_find(r->params, "optimizer.skipped");
    const int64_t n = at >= 0 ? (int64_t) * (const float *)goss_params_data(r->params, at) : 0;
    if (n > 0)
        goss__log(
            GOSS_LOG_WARN,
            "%lld of %lld steps were not applied, since their gradients were not finite: a smaller optimizer.rate, "
            "a longer optimizer.warmup or a smaller optimizer.clip_norm above 0 may prevent it",
            (long long)n, (long long)r->state.step);
}

goss_status goss__run_end_check(goss__run *r, goss_error *err) {
    char what[200];
    if (r->state.bad > 0) {
        snprintf(what, sizeof what,
                 "the training ended with %lld step%s whose loss or gradients were not finite: no model is written",
                 (long long)r->state.bad, r->state.bad == 1 ? "" : "s in a row");
        return diverged(r, what, err);
    }
    GOSS_TRY(check_validations(r, err));
    tell_skipped(r);
    goss__regularizers_tell(&r->regularizers, r->step);
    return GOSS_OK;
}
