/* SPDX-License-Identifier: Apache-2.0 */
/* run_strengths.c: end of a run conditioned on strengths: its best model is validated along each range and set to
 * the best strength. The trained weights are the same for all. */
#include <math.h>
#include <stdio.h>

#include "base/log.h"
#include "base/number.h"
#include "base/str.h"
#include "train/run.h"

enum { POINTS = 13 }; /* from low to high, in equal steps of the logarithm */

typedef struct validated {
    double mean, ci95;
} validated;

static goss_status at_strength(goss__run *r, goss_model *m, const goss__regularizer *g, double strength, validated *out,
                               goss_error *err) {
    GOSS_TRY(goss_model_set_strength(m, g->name, strength, err));
    return goss__run_judge(r, m, &out->mean, &out->ci95, err);
}

static goss_status note_path(goss_model *m, const goss__regularizer *g, const goss__str *path, goss_error *err) {
    char name[2 * GOSS__REGULARIZER_NAME];
    snprintf(name, sizeof name, "%s.path", g->measure);
    if (path->failed) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the validations of strengths");
    return goss_model_note(m, name, path->data, err);
}

/* The best of a range, and the validations there as a note "0.001: 1.2, ...". */
static goss_status choose(goss__run *r, goss_model *m, const goss__regularizer *g, validated *best, goss_error *err) {
    double strength = g->strength;
    goss__str path = {0};
    goss_status s = at_strength(r, m, g, strength, best, err);
    for (int i = 0; i < POINTS && s == GOSS_OK; i++) {
        const double at = g->low * pow(g->high / g->low, (double)i / (POINTS - 1));
        const double within = at < g->low ? g->low : at > g->high ? g->high : at;
        validated v = {0};
        s = at_strength(r, m, g, within, &v, err);
        goss__str_addf(&path, "%s%.4g: %.6g", i ? ", " : "", within, v.mean);
        if (s == GOSS_OK && goss_metric_better(r->data.metric, v.mean, best->mean)) *best = v, strength = within;
    }
    if (s == GOSS_OK) s = goss_model_set_strength(m, g->name, strength, err);
    if (s == GOSS_OK) s = note_path(m, g, &path, err);
    goss__str_free(&path);
    if (s == GOSS_OK)
        goss__log(GOSS_LOG_INFO, "[regularizer.%s] of strengths from %g to %g %.4g is best: %s %.6g", g->name, g->low,
                  g->high, strength, r->data.metric->name, best->mean);
    return s;
}

static goss_status note_metric(goss_model *m, const validated *v, goss_error *err) {
    char text[64];
    goss__format(text, sizeof text, "%.6f", v->mean);
    GOSS_TRY(goss_model_note(m, "metrics.validation", text, err));
    if (isnan(v->ci95)) return GOSS_OK;
    goss__format(text, sizeof text, "%.6f", v->ci95);
    return goss_model_note(m, "metrics.validation_ci95", text, err);
}

goss_status goss__run_choose_strengths(goss__run *r, goss_model *m, goss_error *err) {
    for (int i = 0; i < r->regularizers.n; i++) {
        const goss__regularizer *g = &r->regularizers.at[i];
        validated best;
        if (g->strength == 0 || g->scheme != GOSS__WEIGHT_CONDITIONED || !r->judged) continue;
        GOSS_TRY(choose(r, m, g, &best, err));
        GOSS_TRY(note_metric(m, &best, err));
    }
    return GOSS_OK;
}
