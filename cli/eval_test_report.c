/* SPDX-License-Identifier: Apache-2.0 */
/* eval_test_report.c: what gossamer eval --split test found: each task, their mean, and the worst. */
#include <math.h>
#include <stdio.h>

#include "eval_summary.h"
#include "eval_test.h"

static eval_summary summarize(const eval_test *e, const eval_test_model *m) {
    return eval_summarize(m->value, e->model[0].value, e->tasks, e->tasks, e->work);
}

/* -1 where none has a value. */
static int worst_task(const eval_test *e, const eval_test_model *m) {
    int worst = -1;
    for (int k = 0; k < e->tasks; k++)
        if (!isnan(m->value[k]) && (worst < 0 || goss_metric_better(e->metric, m->value[worst], m->value[k])))
            worst = k;
    return worst;
}

static const char *name_at(const void *context, int method) { return ((const eval_test *)context)->model[method].name; }

static const double *part_at(const void *context, int method, int k) {
    const eval_test *e = context;
    return e->model[method].part + k * e->tasks;
}

static void put_tasks(const void *context, const double *value) {
    const eval_test *e = context;
    printf(", \"per_task\": {");
    for (int k = 0; k < e->tasks; k++) {
        if (k) printf(", ");
        cli_json_name(e->task[k]);
        cli_json_number(": ", value[k]);
    }
    printf("}");
}

static eval_horizons horizons_of(const eval_test *e) {
    return (eval_horizons){.series = e->series,
                           .methods = e->models,
                           .tasks = e->tasks,
                           .judged = e->tasks,
                           .work = e->work,
                           .name = name_at,
                           .values = part_at,
                           .json_tasks = put_tasks,
                           .context = e};
}

/* ---- text ---- */

static void print_method(const eval_test *e, const eval_test_model *m) {
    char value[80], gap[80] = "";
    const eval_summary s = summarize(e, m);
    const int worst = worst_task(e, m);
    eval_interval(value, sizeof value, "%.5g", s.value, s.ci95);
    if (m != e->model) eval_interval(gap, sizeof gap, "%+.4g", s.difference, s.difference_ci95);
    cli_put_name(m->name, 24);
    printf(" %20s %24s", value, gap);
    if (worst >= 0) {
        printf("  ");
        cli_put_name(e->task[worst], 0);
        printf(" (%.5g)", m->value[worst]);
    }
    if (s.undefined) printf("  (not defined for %d task%s)", s.undefined, s.undefined == 1 ? "" : "s");
    putchar('\n');
}

void eval_test_print(const eval_test *e) {
    char better[CLI_BETTER];
    printf("%d test samples of %d training tasks; %s, %s; mean over tasks, 95 %% intervals\n", e->samples, e->tasks,
           e->metric->name, cli_better(e->metric, better));
    printf("%-24s %20s %24s  worst task\n", "method", e->metric->name, "difference");
    for (int i = 0; i < e->models; i++) print_method(e, &e->model[i]);
    const eval_horizons horizons = horizons_of(e);
    if (e->series) eval_print_horizons(&horizons);
}

/* ---- JSON ---- */

static void put_method(const eval_test *e, const eval_test_model *m) {
    const eval_summary s = summarize(e, m);
    const eval_horizons horizons = horizons_of(e);
    const int worst = worst_task(e, m);
    printf("{\"name\": ");
    cli_json_name(m->name);
    eval_json_summary(&s);
    cli_json_number(", \"seconds_per_task\": ", m->seconds / e->tasks);
    printf(", \"undefined\": %d, \"worst_task\": ", s.undefined);
    if (worst >= 0) {
        printf("{\"task\": ");
        cli_json_name(e->task[worst]);
        cli_json_number(", \"value\": ", m->value[worst]);
        printf("}");
    } else {
        printf("null");
    }
    put_tasks(e, m->value);
    if (e->series) eval_json_horizons(&horizons, (int)(m - e->model));
    printf("}");
}

void eval_test_json(const eval_test *e) {
    printf("{\"split\": \"test\", \"tasks\": %d, \"samples\": %d, \"support\": %d, ", e->tasks, e->samples, e->support);
    cli_json_metric(e->metric);
    printf(", \"data\": ");
    cli_json_name(e->path);
    printf(", \"methods\": [");
    for (int i = 0; i < e->models; i++) {
        if (i) printf(", ");
        put_method(e, &e->model[i]);
    }
    printf("]}\n");
}
