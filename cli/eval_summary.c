/* SPDX-License-Identifier: Apache-2.0 */
/* eval_summary.c: means over tasks, and those of each horizon, as text and as JSON. */
#include "eval_summary.h"

#include <math.h>
#include <stdio.h>

#include "cli.h"
#include "gossamer/interval.h"

/* Differences are over tasks for which both have a value. */
eval_summary eval_summarize(const double *own, const double *first, int tasks, int judged, double *work) {
    eval_summary s = {0};
    int count;
    s.ci95 = goss_student_ci95(own, tasks, &s.value, &count);
    s.undefined = judged - count;
    for (int i = 0; i < tasks; i++) work[i] = own[i] - first[i];
    if (own != first) s.difference_ci95 = goss_student_ci95(work, tasks, &s.difference, NULL);
    return s;
}

void eval_interval(char *out, size_t size, const char *format, double mean, double half) {
    const int n = snprintf(out, size, format, mean);
    if (isnan(half))
        snprintf(out + n, size - (size_t)n, " +- n/a");
    else
        snprintf(out + n, size - (size_t)n, " +- %.4g", half);
}

void eval_json_summary(const eval_summary *s) {
    cli_json_number(", \"value\": ", s->value), cli_json_number(", \"ci95\": ", s->ci95);
    cli_json_number(", \"difference\": ", s->difference);
    cli_json_number(", \"difference_ci95\": ", s->difference_ci95);
}

/* ---- horizons ---- */

static eval_summary of_horizon(const eval_horizons *h, int method, int k) {
    return eval_summarize(h->values(h->context, method, k), h->values(h->context, 0, k), h->tasks, h->judged, h->work);
}

bool eval_same_horizons(const goss_series_options *a, const goss_series_options *b) {
    if (!a || !b) return a == b;
    bool same = a->n_later == b->n_later;
    for (int k = 0; same && k < goss_series_horizons(a); k++)
        same = goss_series_horizon(a, k) == goss_series_horizon(b, k);
    return same;
}

/* Over how many tasks the means of a line are, where these are not all. */
static void print_tasks(const eval_horizons *h, int method) {
    const int n = goss_series_horizons(h->series);
    bool all = true;
    for (int k = 0; k < n; k++) all &= of_horizon(h, method, k).undefined == 0;
    if (all) return;
    printf("%-24s", "  tasks with a value");
    for (int k = 0; k < n; k++) printf(" %9d", h->judged - of_horizon(h, method, k).undefined);
    putchar('\n');
}

void eval_print_horizons(const eval_horizons *h) {
    const int n = goss_series_horizons(h->series);
    printf("\n%-24s", "steps ahead");
    for (int k = 0; k < n; k++) printf(" %9d", goss_series_horizon(h->series, k));
    putchar('\n');
    for (int i = 0; i < h->methods; i++) {
        cli_put_name(h->name(h->context, i), 24);
        for (int k = 0; k < n; k++) printf(" %9.4g", of_horizon(h, i, k).value);
        putchar('\n');
        print_tasks(h, i);
    }
}

void eval_json_horizons(const eval_horizons *h, int method) {
    for (int k = 0; k < goss_series_horizons(h->series); k++) {
        const eval_summary s = of_horizon(h, method, k);
        printf("%s{\"horizon\": %d", k ? ", " : ", \"horizons\": [", goss_series_horizon(h->series, k));
        eval_json_summary(&s);
        printf(", \"undefined\": %d", s.undefined);
        h->json_tasks(h->context, h->values(h->context, method, k));
        printf("}");
    }
    printf("]");
}
