/* SPDX-License-Identifier: Apache-2.0 */
/* objective.c: the table of objectives, and finding one, or one of its metrics, by name. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "task/task.h"

static const goss_objective *const all[] = {&goss__classification, &goss__regression, &goss__huber,    &goss__gaussian,
                                            &goss__student,        &goss__quantile,   &goss__bpr,      &goss__softmax,
                                            &goss__logistic,       &goss__labelling,  &goss__language, NULL};

const goss_objective *const *goss_objectives(void) { return all; }

/* "there is no X; there are A, B": the names so far are in the list. */
static goss_status unknown(const char *what, const char *name, goss__str *list, goss_error *err) {
    goss_status s = goss_error_set(err, GOSS_E_ARGUMENT, "there is no %s \"%.60s\"; there are %s", what, name,
                                   list->failed || !list->data ? "others" : list->data);
    goss__str_free(list);
    return s;
}

goss_status goss_objective_find(const char *name, const goss_objective **out, goss_error *err) {
    goss__str list = {0};
    GOSS_TRY(goss__quantile_find(name, out, err));
    if (*out) return GOSS_OK;
    for (int i = 0; all[i]; i++) {
        if (strcmp(all[i]->name, name) == 0) *out = all[i];
        goss__str_addf(&list, "%s%s", i ? ", " : "", all[i]->name);
    }
    if (!*out) return unknown("objective", name, &list, err);
    goss__str_free(&list);
    return GOSS_OK;
}

goss_status goss_metric_find(const goss_objective *objective, const char *name, const goss_metric **out,
                             goss_error *err) {
    char what[80] = "metric of ";
    goss__str list = {0};
    *out = !name || !*name ? objective->metrics[0] : NULL;
    for (int i = 0; objective->metrics[i]; i++) {
        if (name && strcmp(objective->metrics[i]->name, name) == 0) *out = objective->metrics[i];
        goss__str_addf(&list, "%s%s", i ? ", " : "", objective->metrics[i]->name);
    }
    strncat(what, objective->name, sizeof what - strlen(what) - 1);
    if (!*out) return unknown(what, name, &list, err);
    goss__str_free(&list);
    return GOSS_OK;
}

goss_status goss_metrics_find(const goss_objective *objective, const char *names, const goss_metric **out, int *n,
                              goss_error *err) {
    static const char between[] = ", \t";
    *n = 0;
    for (const char *at = names ? names + strspn(names, between) : ""; *at; at += strspn(at, between)) {
        char name[64];
        const size_t size = strcspn(at, between);
        if (*n == GOSS_METRICS_MOST)
            return goss_error_set(err, GOSS_E_ARGUMENT, "more than %d metrics", GOSS_METRICS_MOST);
        snprintf(name, sizeof name, "%.*s", (int)(size < 63 ? size : 63), at);
        GOSS_TRY(goss_metric_find(objective, name, &out[*n], err));
        for (int i = 0; i < *n; i++)
            if (out[i] == out[*n]) return goss_error_set(err, GOSS_E_ARGUMENT, "metric %s is named twice", name);
        ++*n, at += size;
    }
    if (*n > 0) return GOSS_OK;
    out[(*n)++] = objective->metrics[0];
    return GOSS_OK;
}

int goss_objective_width(const goss_objective *o, int outputs) {
    return o->numbers > 1 ? o->numbers * outputs : outputs;
}

goss_status goss_metric_chooses(const goss_metric *metric, goss_error *err) {
    if (!(metric->nominal > 0)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s should be %g, neither more nor less, which a model that knows nothing may reach: choose "
                          "by another metric, as coverage_error; gossamer eval --metric %s reports it",
                          metric->name, metric->nominal, metric->name);
}

bool goss_metric_better(const goss_metric *metric, double a, double b) {
    if (isnan(a)) return false;
    if (isnan(b)) return true;
    if (metric->nominal > 0) return fabs(a - metric->nominal) < fabs(b - metric->nominal);
    return metric->higher ? a > b : a < b;
}
