/* SPDX-License-Identifier: Apache-2.0 */
/* eval_ratings_report.c: the results of gossamer eval on ratings: means over users with Student's intervals, and paired
 * differences to the first method. */
#include <math.h>
#include <stdio.h>

#include "eval_ratings.h"
#include "gossamer/interval.h"

typedef struct summary {
    double value, ci95, difference, difference_ci95;
    int undefined; /* judged users without a value of the metric */
} summary;

/* Differences are over users for whom both have a value. */
static summary summarize(const eval_ratings_state *e, const rating_runner *r, int metric) {
    summary s = {0};
    int count;
    const double *own = r->value + (size_t)metric * (size_t)e->users;
    const double *first = e->runner[0].value + (size_t)metric * (size_t)e->users;
    s.ci95 = goss_student_ci95(own, e->users, &s.value, &count);
    s.undefined = e->field.n_judged - count;
    for (int u = 0; u < e->users; u++) e->work[u] = own[u] - first[u];
    if (r != e->runner) s.difference_ci95 = goss_student_ci95(e->work, e->users, &s.difference, NULL);
    return s;
}

/* The share of all items that are among the first for somebody. */
static double covered(const eval_ratings_state *e, const rating_runner *r, int which) {
    const int items = goss_ratings_items(e->ratings);
    int n = 0;
    for (int i = 0; i < items; i++) n += r->covered[(size_t)which * (size_t)items + (size_t)i];
    return (double)n / items;
}

static const char *column(const eval_ratings_state *e, goss_ratings_column which) {
    const bool clicks = which == GOSS_RATINGS_RATING && goss_ratings_clicks(e->ratings);
    return clicks ? "clicks" : goss_catalogue_column(e->fold[0].catalogue, which);
}

static const char *thing(const eval_ratings_state *e) { return goss_ratings_clicks(e->ratings) ? "click" : "rating"; }

/* ---- text ---- */

static void interval(char *out, size_t size, const char *format, double mean, double half) {
    const int n = snprintf(out, size, format, mean);
    if (isnan(half))
        snprintf(out + n, size - (size_t)n, " +- n/a");
    else
        snprintf(out + n, size - (size_t)n, " +- %.2g", half);
}

static void print_metric(const eval_ratings_state *e, int m) {
    char better[CLI_BETTER];
    printf("%s, %s: %s\n", e->metrics.metric[m]->name, cli_better(e->metrics.metric[m], better),
           e->metrics.metric[m]->meaning);
    for (int i = 0; i < e->field.entrants; i++) {
        char value[60], gap[60] = "";
        const summary s = summarize(e, &e->runner[i], m);
        interval(value, sizeof value, "%.4f", s.value, s.ci95);
        if (i) interval(gap, sizeof gap, "%+.4f", s.difference, s.difference_ci95);
        printf("  "), cli_put_name(e->runner[i].base.name, 24);
        printf(" %20s %24s", value, gap);
        if (m == 0) printf(" %10.3f ms/user", 1000 * eval_field_seconds(&e->runner[i].base));
        if (s.undefined) printf("  (not defined for %d users)", s.undefined);
        putchar('\n');
    }
}

void eval_ratings_print(const eval_ratings_state *e) {
    printf("%d users (", e->field.n_judged);
    cli_put_name(column(e, GOSS_RATINGS_USER), 0);
    printf("), %d %s%s each to adapt from (order: ", e->q->support, thing(e), e->q->support == 1 ? "" : "s");
    cli_put_name(e->order, 0);
    printf(")");
    if (e->q->most_queries) printf(", at most %d to predict", e->q->most_queries);
    if (goss_ratings_clicks(e->ratings) && e->candidates) printf(", among %d others", e->candidates);
    if (goss_ratings_clicks(e->ratings) && !e->candidates) printf(", among all others");
    printf(", %d draw%s a user, predicting ", e->repeats, e->repeats == 1 ? "" : "s");
    cli_put_name(column(e, GOSS_RATINGS_RATING), 0);
    printf("; means over users, 95 %% intervals, differences from the first method\n");
    for (int m = 0; m < e->metrics.n; m++) print_metric(e, m);
    for (int k = 0; k < e->metrics.coverages; k++) {
        printf("coverage@%d, higher is better: share of the %d items that are among the first for somebody\n",
               e->metrics.coverage[k], goss_ratings_items(e->ratings));
        for (int i = 0; i < e->field.entrants; i++) {
            printf("  "), cli_put_name(e->runner[i].base.name, 24);
            printf(" %20.4f\n", covered(e, &e->runner[i], k));
        }
    }
}

/* ---- JSON ---- */

static void put_users(const eval_ratings_state *e, const rating_runner *r) {
    bool any = false;
    printf(", \"per_task\": {");
    for (int u = 0; u < e->users; u++) {
        if (!e->judged[u]) continue;
        if (any) printf(", ");
        cli_json_name(goss_table_tasks_name(goss_ratings_users(e->ratings), u));
        cli_json_number(": ", r->value[u]);
        any = true;
    }
    printf("}");
}

/* "metrics": means; "intervals" and "differences": of each metric, and from the first method. */
static void put_metrics(const eval_ratings_state *e, const rating_runner *r) {
    static const char *const key[] = {"metrics", "metrics_ci95", "metrics_difference", "metrics_difference_ci95"};
    for (int k = 0; k < 4; k++) {
        printf(", \"%s\": {", key[k]);
        for (int m = 0; m < e->metrics.n; m++) {
            const summary s = summarize(e, r, m);
            const double v[] = {s.value, s.ci95, s.difference, s.difference_ci95};
            printf("%s\"%s\"", m ? ", " : "", e->metrics.metric[m]->name);
            cli_json_number(": ", v[k]);
        }
        for (int m = 0; k == 0 && m < e->metrics.coverages; m++) {
            printf(", \"coverage@%d\"", e->metrics.coverage[m]);
            cli_json_number(": ", covered(e, r, m));
        }
        printf("}");
    }
}

static void put_method(const eval_ratings_state *e, const rating_runner *r) {
    const summary s = summarize(e, r, 0);
    printf("{\"name\": ");
    cli_json_name(r->base.name);
    cli_json_number(", \"value\": ", s.value), cli_json_number(", \"ci95\": ", s.ci95);
    cli_json_number(", \"difference\": ", s.difference), cli_json_number(", \"difference_ci95\": ", s.difference_ci95);
    cli_json_number(", \"seconds_per_task\": ", eval_field_seconds(&r->base));
    printf(", \"undefined\": %d", s.undefined);
    put_metrics(e, r);
    put_users(e, r);
    printf("}");
}

void eval_ratings_json(const eval_ratings_state *e) {
    const rating_fold *f = &e->fold[0];
    printf("{\"tasks\": %d, \"support\": %d, ", e->field.n_judged, e->q->support);
    cli_json_metric(e->metrics.metric[0]);
    printf(", \"order\": ");
    cli_json_name(e->order);
    if (goss_ratings_clicks(e->ratings)) printf(", \"candidates\": %d", e->candidates);
    printf(", \"max_queries\": %d, \"repeats\": %d, \"seed\": %llu, \"skipped\": %d, \"seen\": %d, \"validated\": %d, "
           "\"items\": %d, "
           "\"unknown_items\": %d, \"unknown_without_features\": %d, \"data\": ",
           e->q->most_queries, e->repeats, (unsigned long long)e->q->seed, e->field.skipped,
           e->field.left_out + e->field.trained, e->field.validated, goss_ratings_items(e->ratings), f->unknown,
           f->without_features);
    cli_json_name(e->q->data);
    printf(", \"target\": ");
    cli_json_name(column(e, GOSS_RATINGS_RATING));
    printf(", \"methods\": [");
    for (int i = 0; i < e->field.entrants; i++) {
        if (i) printf(", ");
        put_method(e, &e->runner[i]);
    }
    printf("]}\n");
}
