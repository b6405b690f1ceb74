/* SPDX-License-Identifier: Apache-2.0 */
/* whole_report.c: the results of gossamer eval tables: means over tables with Student's intervals, and paired
 * differences to the first method. A table's value is the mean over its divisions. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gossamer/interval.h"
#include "whole_table.h"

typedef struct summary {
    double value, ci95, difference, difference_ci95, rank;
    int undefined;
} summary;

/* The mean place among the methods over the tables where all have a value; equal ones share theirs. */
static double rank_of(const whole_eval *e, const whole_runner *r) {
    double sum = 0;
    int n = 0;
    for (int i = 0; i < e->sets; i++) {
        double before = 0, equal = 0;
        bool all = true;
        for (int k = 0; k < e->runners; k++) {
            const double other = e->runner[k].value[i], own = r->value[i];
            all = all && !isnan(other);
            before += goss_metric_better(e->metric, other, own), equal += other == own;
        }
        if (all) sum += 1 + before + (equal - 1) / 2, n++;
    }
    return n ? sum / n : NAN;
}

static summary summarize(const whole_eval *e, const whole_runner *r) {
    int count;
    summary s = {.rank = rank_of(e, r)};
    s.ci95 = goss_student_ci95(r->value, e->sets, &s.value, &count);
    s.undefined = e->sets - count;
    for (int i = 0; i < e->sets; i++) e->work[i] = r->value[i] - e->runner[0].value[i];
    if (r != e->runner) s.difference_ci95 = goss_student_ci95(e->work, e->sets, &s.difference, NULL);
    return s;
}

static double seconds(const whole_runner *r) { return r->fit / r->divisions; }
static double microseconds(const whole_runner *r) { return 1e6 * r->predict / (double)r->rows; }
static double bytes(const whole_runner *r) { return r->bytes / r->divisions; }

/* ---- text ---- */

/* "-": it has no value. */
static void put_number(const char *format, double v, int width) {
    char text[60] = "-";
    if (!isnan(v)) snprintf(text, sizeof text, format, v);
    printf(" %*s", width, text);
}

static void put_interval(double mean, double half, const char *format) {
    char text[60] = "-";
    const int n = isnan(mean) ? 1 : snprintf(text, sizeof text, format, mean);
    if (!isnan(half)) snprintf(text + n, sizeof text - (size_t)n, " +- %.3g", half);
    printf(" %19s", text);
}

/* Columns are as wide as what is above them. */
static int width_of(const whole_runner *r, int least) {
    const int n = (int)strlen(r->name);
    return n > least ? n : least;
}

static void print_summary(const whole_eval *e) {
    int width = 16;
    for (int i = 0; i < e->runners; i++) width = width_of(&e->runner[i], width);
    printf("\n%-*s %19s %19s %6s %11s %9s %9s\n", width, "method", e->metric->name, "difference", "rank", "ms to fit",
           "us a row", "bytes");
    for (int i = 0; i < e->runners; i++) {
        const whole_runner *r = &e->runner[i];
        const summary s = summarize(e, r);
        cli_put_name(r->name, width);
        put_interval(s.value, s.ci95, "%.4g");
        if (i)
            put_interval(s.difference, s.difference_ci95, "%+.4g");
        else
            printf(" %19s", "");
        put_number("%.2f", s.rank, 6), put_number("%.2f", 1e3 * seconds(r), 11);
        put_number("%.2f", microseconds(r), 9), put_number("%.0f", bytes(r), 9);
        printf("\n");
        if (s.undefined) printf("  (undefined for %d of %d)\n", s.undefined, e->sets);
    }
}

void whole_print(const whole_eval *e) {
    char better[CLI_BETTER];
    printf("%d table%s, %d division%s each: %g of the rows are support", e->sets, e->sets == 1 ? "" : "s", e->repeats,
           e->repeats == 1 ? "" : "s", e->split.share);
    if (e->split.most_rows) printf(", at most %d", e->split.most_rows);
    printf("; %s, %s\n\n%-24s", e->metric->name, cli_better(e->metric, better), "table");
    for (int k = 0; k < e->runners; k++) putchar(' '), cli_put_name(e->runner[k].name, width_of(&e->runner[k], 10));
    printf("\n");
    for (int i = 0; i < e->sets; i++) {
        cli_put_name(e->set[i].name, 24);
        for (int k = 0; k < e->runners; k++) put_number("%.4g", e->runner[k].value[i], width_of(&e->runner[k], 10));
        printf("\n");
    }
    print_summary(e);
}

/* ---- JSON ---- */

static void put_method(const whole_eval *e, const whole_runner *r) {
    const summary s = summarize(e, r);
    printf("{\"name\": ");
    cli_json_name(r->name);
    cli_json_number(", \"value\": ", s.value), cli_json_number(", \"ci95\": ", s.ci95);
    cli_json_number(", \"difference\": ", s.difference), cli_json_number(", \"difference_ci95\": ", s.difference_ci95);
    cli_json_number(", \"rank\": ", s.rank);
    cli_json_number(", \"seconds_per_task\": ", seconds(r));
    cli_json_number(", \"microseconds_per_row\": ", microseconds(r));
    cli_json_number(", \"bytes\": ", round(bytes(r)));
    printf(", \"undefined\": %d, \"per_task\": {", s.undefined);
    for (int i = 0; i < e->sets; i++) {
        if (i) printf(", ");
        cli_json_name(e->set[i].name);
        cli_json_number(": ", r->value[i]);
    }
    printf("}}");
}

void whole_json(const whole_eval *e) {
    printf("{\"tasks\": %d, ", e->sets);
    cli_json_metric(e->metric);
    printf(", \"split\": %g, \"repeats\": %d, ", e->split.share, e->repeats);
    printf("\"max_rows\": %d, \"seed\": %llu, \"methods\": [", e->split.most_rows, (unsigned long long)e->split.seed);
    for (int i = 0; i < e->runners; i++) {
        if (i) printf(", ");
        put_method(e, &e->runner[i]);
    }
    printf("]}\n");
}
