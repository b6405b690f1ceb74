/* SPDX-License-Identifier: Apache-2.0 */
/* eval_classes_report.c: the results of gossamer eval on episodes of classes, as a table or as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "eval_classes.h"

/* ---- of one value of the group ---- */

/* The accuracies of a contender's episodes of that value; returns how many there are. */
static int pick(const eval_classes *e, int contender, int value, double *out) {
    int n = 0;
    for (int k = 0; k < e->q->episodes; k++)
        if (e->of[k] == value) out[n++] = e->each[(size_t)contender * (size_t)e->q->episodes + (size_t)k];
    return n;
}

/* Calls put for every value with episodes. work [episodes]. */
static void each_value(const eval_classes *e, int contender, double *work,
                       void (*put)(const char *value, int n, double mean, double ci95, int index)) {
    const goss_class_field *f = &e->view[0].set->field[e->group];
    for (int v = 0, index = 0; v < f->values; v++) {
        double mean;
        const int n = pick(e, contender, v, work);
        if (n == 0) continue;
        const double ci95 = goss_mean_ci95(work, n, &mean);
        put(f->text[v], n, mean, ci95, index++);
    }
}

/* ---- text ---- */

static void interval(char *out, size_t size, const char *format, double mean, double half) {
    const int n = snprintf(out, size, format, 100 * mean);
    if (isnan(half))
        snprintf(out + n, size - (size_t)n, " +- n/a");
    else
        snprintf(out + n, size - (size_t)n, " +- %.2f", 100 * half);
}

static void print_protocol(const eval_classes *e) {
    const goss_class_set *set = e->view[0].set;
    printf("%d ways, %d shot%s, %d queries a class, %d episodes", e->q->episode.ways, e->q->episode.shots,
           e->q->episode.shots == 1 ? "" : "s", e->q->episode.queries, e->q->episodes);
    if (e->group >= 0) {
        printf(" of one ");
        cli_put_name(set->field[e->group].name, 0);
        printf(" each (%d)", e->scope.groups);
    }
    if (e->q->unknown) printf(", %d unknown classes%s", e->q->unknown, e->view[0].set->silence ? " and silence" : "");
    printf("\n");
    if (e->seen)
        printf("seen in training, so not unseen tasks: %d of %d %s, in %d of %d classes\n", e->seen, e->samples,
               set->things, e->seen_classes, e->classes);
    if (e->validated)
        printf("validated on, so weights were chosen by them: %d of %d %s\n", e->validated, e->samples, set->things);
}

static void print_value(const char *value, int n, double mean, double ci95, int index) {
    char text[40];
    (void)index;
    interval(text, sizeof text, "%.2f", mean, ci95);
    printf("  ");
    cli_put_name(value, 22);
    printf(" %18s %22s %d episodes\n", text, "", n);
}

void eval_classes_print(const eval_classes *e) {
    print_protocol(e);
    printf("%-24s %18s %22s %10s  %s%s\n", "method", "accuracy %", "difference", "ms/task",
           e->q->unknown ? "at 5 % false accepts  " : "", "weights");
    for (int i = 0; i < e->n; i++) {
        const goss_score *s = &e->score[i];
        char accuracy[40], difference[40] = "";
        interval(accuracy, sizeof accuracy, "%.2f", s->accuracy, s->ci95);
        if (i) interval(difference, sizeof difference, "%+.2f", s->difference, s->difference_ci95);
        cli_put_name(e->runner[i].name, 24);
        printf(" %18s %22s %10.2f  ", accuracy, difference, 1000 * s->seconds_per_task);
        if (e->q->unknown) printf("%20.2f  ", 100 * e->doubts[i].accuracy);
        cli_put_name(e->runner[i].weights, 0);
        putchar('\n');
        if (e->group >= 0 && e->scope.groups > 1) {
            double *work = calloc((size_t)e->q->episodes, sizeof *work);
            if (work) each_value(e, i, work, print_value);
            free(work);
        }
    }
}

/* ---- JSON ---- */

static void put_open_set(const eval_classes *e, int i) {
    if (e->q->unknown)
        printf(", \"open_set\": {\"unknown\": %d, \"accuracy_at_5_far\": %.6f, \"silence\": %s}", e->q->unknown,
               e->doubts[i].accuracy, e->view[0].set->silence ? "true" : "false");
}

static void put_value(const char *value, int n, double mean, double ci95, int index) {
    if (index) printf(", ");
    cli_json_name(value);
    printf(": {\"episodes\": %d", n);
    cli_json_number(", \"accuracy\": ", mean);
    cli_json_number(", \"ci95\": ", ci95);
    printf("}");
}

static void put_groups(const eval_classes *e, int i) {
    double *work = e->group >= 0 ? calloc((size_t)e->q->episodes, sizeof *work) : NULL;
    if (!work) return;
    printf(", \"groups\": {");
    each_value(e, i, work, put_value);
    printf("}");
    free(work);
}

static void put_method(const eval_classes *e, int i) {
    const eval_runner *r = &e->runner[i];
    const goss_score *s = &e->score[i];
    printf("{\"name\": ");
    cli_json_name(r->name);
    printf(", \"accuracy\": %.6f", s->accuracy);
    cli_json_number(", \"ci95\": ", s->ci95);
    printf(", \"seconds_per_task\": %.6g", s->seconds_per_task);
    cli_json_number(", \"difference\": ", s->difference);
    cli_json_number(", \"difference_ci95\": ", s->difference_ci95);
    printf(", \"weights\": ");
    cli_json_name(r->weights);
    printf(", \"seen\": %d, \"validated\": %d", r->trained.images, r->validated.images);
    put_open_set(e, i);
    put_groups(e, i);
    printf("}");
}

void eval_classes_json(const eval_classes *e) {
    const eval_request *q = e->q;
    printf("{\"ways\": %d, \"shots\": %d, \"queries\": %d, \"episodes\": %d, \"seed\": %llu, \"data\": ",
           q->episode.ways, q->episode.shots, q->episode.queries, q->episodes, (unsigned long long)q->episode.seed);
    cli_json_name(q->data);
    printf(", \"classes\": %d, \"least_ways\": %d, \"most_ways\": %d, \"group\": ", e->classes, q->episode.ways,
           q->episode.ways);
    if (q->group)
        cli_json_name(q->group);
    else
        printf("null");
    printf(", \"samples\": %d, \"seen\": %d, \"validated\": %d", e->samples, e->seen, e->validated);
    put_open_set(e, 0);
    printf(", \"methods\": [");
    for (int i = 0; i < e->n; i++) {
        if (i) printf(", ");
        put_method(e, i);
    }
    printf("]}\n");
}
