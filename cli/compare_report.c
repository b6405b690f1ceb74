/* SPDX-License-Identifier: Apache-2.0 */
/* compare_report.c: the table of a comparison, its JSON, and the values of each task as a csv file. */
#include "compare_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "gossamer/table.h"

/* ---- text ---- */

static void put_interval(const char *format, double mean, double half, int width) {
    char text[80];
    if (isnan(mean)) {
        printf(" %*s", width, "");
        return;
    }
    int n = snprintf(text, sizeof text, format, mean);
    if (isnan(half))
        snprintf(text + n, sizeof text - (size_t)n, " +- n/a");
    else
        snprintf(text + n, sizeof text - (size_t)n, " +- %.2g", half);
    printf(" %*s", width, text);
}

/* The difference of row i to the row of that name, where there is one. */
static void put_against(const goss_comparison *s, int i, const char *name) {
    for (int k = 0; k < s->differences; k++) {
        const goss_compare_difference *d = &s->difference[k];
        if (d->a != i || strcmp(s->row[d->b].name, name) != 0) continue;
        put_interval("%+.3f", d->value, d->ci95, 17);
        return;
    }
    printf(" %17s", "");
}

static int widest(const goss_comparison *s) {
    size_t n = 12;
    for (int i = 0; i < s->rows; i++) n = strlen(s->row[i].name) > n ? strlen(s->row[i].name) : n;
    return (int)n;
}

static void put_number(const char *format, double value, int width) {
    char text[40] = "";
    if (!isnan(value)) snprintf(text, sizeof text, format, value);
    printf(" %*s", width, text);
}

/* "rank PATTERN", which may be long. */
static int rank_width(const goss_comparison *s, int k) { return (int)strlen(s->rank_of[k]) + (int)strlen("rank "); }

static void put_row(const goss_comparison *s, int i, int width, bool explained, bool closed) {
    const goss_compare_row *r = &s->row[i];
    cli_put_name(r->name, width);
    put_interval("%.4g", r->value, r->ci95, 16);
    put_against(s, i, "alone");
    if (closed) put_against(s, i, "mean-ridge");
    put_number("%.2g", r->seed_deviation, 8);
    for (int k = 0; k < s->noises; k++) put_number("%.4g", r->noisy[k], 10);
    for (int k = 0; k < s->ranks; k++) put_number("%.2f", r->rank[k], rank_width(s, k));
    if (explained) put_number("%.4f", r->explained, 9);
    if (r->worse_than_alone >= 0)
        printf(" %6d", r->worse_than_alone);
    else
        printf(" %6s", "");
    put_number("%.3g", r->strength, 8), put_number("%.1f", r->seconds, 8);
    printf(" %5d  ", r->seeds);
    if (r->worst_task) {
        cli_put_name(r->worst_task, 0);
        printf(" (%.4g)", r->worst_value);
    }
    if (r->undefined) printf("  (not defined for %d tasks)", r->undefined);
    putchar('\n');
}

static bool has_row(const goss_comparison *s, const char *name) {
    for (int i = 0; i < s->rows; i++)
        if (strcmp(s->row[i].name, name) == 0) return true;
    return false;
}

void compare_print(const goss_compare *c, const goss_comparison *s) {
    const int width = widest(s);
    const bool closed = has_row(s, "mean-ridge");
    char better[CLI_BETTER];
    bool explained = false;
    for (int i = 0; i < s->rows; i++) explained |= !isnan(s->row[i].explained);
    printf("%d tasks, %d of %d cells; %s, %s; mean over tasks and seeds, 95 %% intervals, paired differences; "
           "each task: %s/tasks.csv\n",
           s->tasks, s->done, s->cells, s->metric->name, cli_better(s->metric, better), goss_compare_folder(c));
    printf("%-*s %16s %17s", width, "row", s->metric->name, "to alone");
    if (closed) printf(" %17s", "to mean-ridge");
    printf(" %8s", "seeds sd");
    for (int k = 0; k < s->noises; k++) {
        char head[32];
        snprintf(head, sizeof head, "noise %.3g", s->noise[k]);
        printf(" %10s", head);
    }
    for (int k = 0; k < s->ranks; k++) printf(" rank %s", s->rank_of[k]);
    if (explained) printf(" %9s", "explained");
    printf(" %6s %8s %8s %5s  %s\n", "worse", "strength", "seconds", "seeds", "worst task");
    for (int i = 0; i < s->rows; i++) put_row(s, i, width, explained, closed);
    cli_put_text(s->verdict);
    putchar('\n');
}

/* ---- JSON ---- */

static void put_json_noise(const goss_comparison *s, const goss_compare_row *r) {
    printf(", \"noise\": [");
    for (int i = 0; i < s->noises; i++) {
        cli_json_number(i ? ", {\"level\": " : "{\"level\": ", s->noise[i]);
        cli_json_number(", \"value\": ", r->noisy[i]);
        printf("}");
    }
    printf("]");
}

static void put_json_ranks(const goss_comparison *s, const goss_compare_row *r) {
    printf(", \"ranks\": [");
    for (int i = 0; i < s->ranks; i++) {
        printf(i ? ", {\"on\": " : "{\"on\": ");
        cli_json_name(s->rank_of[i]);
        cli_json_number(", \"effective_rank\": ", r->rank[i]);
        printf("}");
    }
    printf("]");
}

static void put_json_row(const goss_comparison *s, const goss_compare_row *r) {
    printf("{\"name\": ");
    cli_json_name(r->name);
    printf(", \"model\": ");
    cli_json_name(r->model);
    printf(", \"regularizer\": ");
    cli_json_name(r->regularizer);
    cli_json_number(", \"value\": ", r->value), cli_json_number(", \"ci95\": ", r->ci95);
    printf(", \"seeds\": %d, \"worst_task\": ", r->seeds);
    if (r->worst_task) {
        printf("{\"task\": ");
        cli_json_name(r->worst_task);
        cli_json_number(", \"value\": ", r->worst_value);
        printf("}");
    } else {
        printf("null");
    }
    cli_json_number(", \"worse_than_alone\": ", r->worse_than_alone < 0 ? (double)NAN : r->worse_than_alone);
    cli_json_number(", \"explained_variance\": ", r->explained);
    cli_json_number(", \"seed_deviation\": ", r->seed_deviation);
    put_json_noise(s, r), put_json_ranks(s, r);
    printf(", \"undefined\": %d", r->undefined);
    cli_json_number(", \"strength\": ", r->strength), cli_json_number(", \"seconds\": ", r->seconds);
    printf("}");
}

void compare_json(const goss_comparison *s) {
    printf("{");
    cli_json_metric(s->metric);
    printf(", \"tasks\": %d, \"cells\": %d, \"done\": %d, \"rows\": [", s->tasks, s->cells, s->done);
    for (int i = 0; i < s->rows; i++) {
        if (i) printf(", ");
        put_json_row(s, &s->row[i]);
    }
    printf("], \"differences\": [");
    for (int i = 0; i < s->differences; i++) {
        const goss_compare_difference *d = &s->difference[i];
        printf("%s{\"a\": ", i ? ", " : "");
        cli_json_name(s->row[d->a].name);
        printf(", \"b\": ");
        cli_json_name(s->row[d->b].name);
        cli_json_number(", \"value\": ", d->value), cli_json_number(", \"ci95\": ", d->ci95);
        printf("}");
    }
    printf("], \"verdict\": ");
    cli_json_name(s->verdict);
    printf("}\n");
}

/* ---- each task ---- */

goss_status compare_write_tasks(const goss_compare *c, const goss_comparison *s, goss_error *err) {
    char path[4200];
    goss_csv *csv;
    snprintf(path, sizeof path, "%s/tasks.csv", goss_compare_folder(c));
    GOSS_TRY(goss_csv_create(path, &csv, err));
    goss_csv_text(csv, "task");
    for (int i = 0; i < s->rows; i++) goss_csv_text(csv, s->row[i].name);
    goss_csv_row(csv);
    for (int k = 0; k < s->tasks; k++) {
        goss_csv_text(csv, s->task[k]);
        for (int i = 0; i < s->rows; i++) goss_csv_number(csv, s->each[(size_t)i * (size_t)s->tasks + (size_t)k]);
        goss_csv_row(csv);
    }
    return goss_csv_close(csv, err);
}
