/* SPDX-License-Identifier: Apache-2.0 */
/* eval_test_report.c: what gossamer eval --split test found: each task, their mean, and the worst. */
#include <math.h>
#include <stdio.h>

#include "eval_test.h"
#include "gossamer/interval.h"

typedef struct summary {
    double value, ci95, difference, difference_ci95;
    int undefined, worst; /* worst: a task, -1 where none has a value */
} summary;

static summary summarize(const eval_test *e, const eval_test_model *m) {
    summary s = {.worst = -1};
    int count;
    s.ci95 = goss_student_ci95(m->value, e->tasks, &s.value, &count);
    s.undefined = e->tasks - count;
    for (int k = 0; k < e->tasks; k++) {
        e->work[k] = m->value[k] - e->model[0].value[k];
        if (!isnan(m->value[k]) && (s.worst < 0 || goss_metric_better(e->metric, m->value[s.worst], m->value[k])))
            s.worst = k;
    }
    if (m != e->model) s.difference_ci95 = goss_student_ci95(e->work, e->tasks, &s.difference, NULL);
    return s;
}

/* ---- text ---- */

static void put_interval(const char *format, double mean, double half, int width) {
    char text[80];
    int n = snprintf(text, sizeof text, format, mean);
    if (isnan(half))
        snprintf(text + n, sizeof text - (size_t)n, " +- n/a");
    else
        snprintf(text + n, sizeof text - (size_t)n, " +- %.4g", half);
    printf(" %*s", width, text);
}

void eval_test_print(const eval_test *e) {
    char better[CLI_BETTER];
    printf("%d test samples of %d training tasks; %s, %s; mean over tasks, 95 %% intervals\n", e->samples, e->tasks,
           e->metric->name, cli_better(e->metric, better));
    printf("%-24s %20s %24s  worst task\n", "method", e->metric->name, "difference");
    for (int i = 0; i < e->models; i++) {
        const summary s = summarize(e, &e->model[i]);
        cli_put_name(e->model[i].name, 24);
        put_interval("%.5g", s.value, s.ci95, 20);
        if (i)
            put_interval("%+.4g", s.difference, s.difference_ci95, 24);
        else
            printf(" %24s", "");
        if (s.worst >= 0) {
            printf("  ");
            cli_put_name(e->task[s.worst], 0);
            printf(" (%.5g)", e->model[i].value[s.worst]);
        }
        if (s.undefined) printf("  (not defined for %d tasks)", s.undefined);
        putchar('\n');
    }
}

/* ---- JSON ---- */

static void put_method(const eval_test *e, const eval_test_model *m) {
    const summary s = summarize(e, m);
    printf("{\"name\": ");
    cli_json_name(m->name);
    cli_json_number(", \"value\": ", s.value), cli_json_number(", \"ci95\": ", s.ci95);
    cli_json_number(", \"difference\": ", s.difference), cli_json_number(", \"difference_ci95\": ", s.difference_ci95);
    cli_json_number(", \"seconds_per_task\": ", m->seconds / e->tasks);
    printf(", \"undefined\": %d, \"worst_task\": ", s.undefined);
    if (s.worst >= 0) {
        printf("{\"task\": ");
        cli_json_name(e->task[s.worst]);
        cli_json_number(", \"value\": ", m->value[s.worst]);
        printf("}");
    } else {
        printf("null");
    }
    printf(", \"per_task\": {");
    for (int k = 0; k < e->tasks; k++) {
        if (k) printf(", ");
        cli_json_name(e->task[k]);
        cli_json_number(": ", m->value[k]);
    }
    printf("}}");
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
