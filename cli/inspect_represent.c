/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_represent.c: runs the samples of a model's run through it and shows what each published value is like, over
 * all tasks and for each, and how similar the tasks' networks are. */
#include "inspect_represent.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "gossamer/representation.h"
#include "gossamer/run_samples.h"

enum { NAME = 28, SHAPE = 20, MOST_TASKS = 12 };

/* The numbers of a line, for people and programs alike. */
static const struct {
    const char *head, *key, *format;
    size_t at;
} column[] = {
    {"rank", "effective_rank", "%.2f", offsetof(goss_matrix_figures, effective_rank)},
    {"centred", "centred_rank", "%.2f", offsetof(goss_matrix_figures, centred_rank)},
    {"stable", "stable_rank", "%.2f", offsetof(goss_matrix_figures, stable_rank)},
    {"entropy", "entropy", "%.3f", offsetof(goss_matrix_figures, entropy)},
    {"norm", "norm", "%.4g", offsetof(goss_matrix_figures, norm)},
    {"dead", "dead", "%.3f", offsetof(goss_matrix_figures, dead)},
};
enum { COLUMNS = sizeof column / sizeof *column };

static double number_at(const goss_matrix_figures *f, int i) {
    double v;
    memcpy(&v, (const char *)f + column[i].at, sizeof v);
    return v;
}

static const struct {
    const char *word;
    goss_run_part part;
} part[] = {{"test", GOSS_RUN_TEST}, {"validation", GOSS_RUN_VALIDATION}, {"training", GOSS_RUN_TRAINING}};
enum { PARTS = sizeof part / sizeof *part };

static const char *word_of(goss_run_part of) {
    for (int i = 0; i < PARTS; i++)
        if (part[i].part == of) return part[i].word;
    return "";
}

bool cli_represent_split(const char *word) {
    for (int i = 0; i < PARTS; i++)
        if (strcmp(part[i].word, word) == 0) return true;
    return false;
}

static goss_run_part part_of(const char *word) {
    for (int i = 0; word && i < PARTS; i++)
        if (strcmp(part[i].word, word) == 0) return part[i].part;
    return GOSS_RUN_HELD_OUT;
}

static const char *task_name(const goss_task_source *source, int64_t t, char number[24]) {
    snprintf(number, 24, "%lld", (long long)t);
    return source->name ? source->name(source, (uint64_t)t) : number;
}

/* ---- for people ---- */

static void put_number(const char *format, double v) {
    char text[40] = "";
    if (!isnan(v)) snprintf(text, sizeof text, format, v);
    printf(" %8s", text);
}

static void put_line(const goss_matrix_figures *f, double similarity) {
    printf(" %7lld", (long long)f->rows);
    for (int i = 0; i < COLUMNS; i++) put_number(column[i].format, number_at(f, i));
    put_number("%.4f", similarity);
    printf("\n");
}

static void put_task(const goss_representation *r, const goss_task_source *source, int64_t t) {
    char number[24];
    printf("  ");
    cli_put_name(task_name(source, t, number), NAME - 2 + 1 + SHAPE);
    put_line(&r->task[t], r->similar ? r->similar[t] : (double)NAN);
}

/* The task of the least (sign 1) or greatest (-1) effective rank; -1: none has one. */
static int64_t extreme(const goss_representation *r, int64_t tasks, int sign) {
    int64_t best = -1;
    for (int64_t t = 0; t < tasks; t++) {
        const double v = r->task[t].effective_rank;
        if (!isnan(v) && (best < 0 || sign * v < sign * r->task[best].effective_rank)) best = t;
    }
    return best;
}

/* Of many tasks the two whose ranks differ most. */
static void put_tasks(const goss_representation *r, const goss_task_source *source, int64_t tasks) {
    const int64_t least = extreme(r, tasks, 1), most = extreme(r, tasks, -1);
    for (int64_t t = 0; tasks <= MOST_TASKS && t < tasks; t++) put_task(r, source, t);
    if (tasks <= MOST_TASKS || least < 0) return;
    put_task(r, source, least);
    if (most != least) put_task(r, source, most);
}

static void put_value(const goss_representation *r, const goss_task_source *source, int64_t tasks) {
    cli_put_name(r->name, NAME);
    printf(" %-*s", SHAPE, r->shape);
    if (!r->measured) {
        printf(" not measured: its extents differ between tasks\n");
        return;
    }
    put_line(&r->all, r->similarity);
    if (r->every > 1) printf("  of every %lldth row\n", (long long)r->every);
    if (r->task && tasks > 1) put_tasks(r, source, tasks);
}

static void print_all(const goss_representations *all, const goss_run_samples *samples) {
    const char *path = goss_run_samples_path(samples);
    printf("%lld task%s, %s samples%s", (long long)all->tasks, all->tasks == 1 ? "" : "s",
           word_of(goss_run_samples_part(samples)), *path ? " of " : "");
    cli_put_path(path);
    printf("\n%-*s %-*s %7s", NAME, "value", SHAPE, "shape", "rows");
    for (int i = 0; i < COLUMNS; i++) printf(" %8s", column[i].head);
    printf(" %8s\n", "similar");
    for (int i = 0; i < all->n; i++) put_value(&all->of[i], goss_run_samples_source(samples), all->tasks);
    printf(
        "\nrank: effective rank (Roy and Vetterli 2007); centred: that of deviations from the mean row; stable: sum of "
        "squared singular values over the largest;\nentropy: nats a dimension, Gaussian; norm: of a row, mean; dead: "
        "share of units that are the same in all rows; similar: linear CKA of tasks' networks");
    if (all->common >= 2) printf("\non %d common samples", all->common);
    if (all->tasks > MOST_TASKS) printf("; of the tasks, those of least and greatest rank (--json has all)");
    printf("\n");
}

/* ---- for programs ---- */

static void json_figures(const goss_matrix_figures *f) {
    char key[40];
    printf("\"rows\": %lld, \"columns\": %lld", (long long)f->rows, (long long)f->columns);
    for (int i = 0; i < COLUMNS; i++) {
        snprintf(key, sizeof key, ", \"%s\": ", column[i].key);
        cli_json_number(key, number_at(f, i));
    }
}

static void json_tasks(const goss_representation *r, const goss_task_source *source, int64_t tasks) {
    char number[24];
    printf(", \"tasks\": [");
    for (int64_t t = 0; r->task && t < tasks; t++) {
        printf("%s{\"task\": ", t ? ", " : "");
        cli_json_name(task_name(source, t, number));
        printf(", ");
        json_figures(&r->task[t]);
        if (r->similar) cli_json_number(", \"similarity\": ", r->similar[t]);
        printf("}");
    }
    printf("]");
}

static void json_value(const goss_representation *r, const goss_task_source *source, int64_t tasks) {
    printf("{\"name\": ");
    cli_json_text(r->name);
    printf(", \"shape\": \"%s\", \"measured\": %s", r->shape, r->measured ? "true" : "false");
    if (r->measured) {
        printf(", \"rows_are\": \"%s\", \"every\": %lld, ", r->of_samples ? "samples" : "tasks", (long long)r->every);
        json_figures(&r->all);
        cli_json_number(", \"similarity\": ", r->similarity);
        json_tasks(r, source, tasks);
    }
    printf("}");
}

static void json_all(const goss_representations *all, const goss_run_samples *samples) {
    printf("{\"data\": ");
    cli_json_name(goss_run_samples_path(samples));
    printf(", \"split\": \"%s\", \"tasks\": %lld, \"common_samples\": %d, \"representations\": [",
           word_of(goss_run_samples_part(samples)), (long long)all->tasks, all->common);
    for (int i = 0; i < all->n; i++) {
        if (i) printf(", ");
        json_value(&all->of[i], goss_run_samples_source(samples), all->tasks);
    }
    printf("]}\n");
}

/* ---- the whole ---- */

static goss_status represent(const goss_model *m, const goss_run_samples *samples, const cli_represent *r, bool json,
                             goss_error *err) {
    goss_representations all;
    goss_representation_options o = {.on = r->on, .tasks = goss_run_samples_tasks(samples)};
    GOSS_TRY(goss_threads_new(r->threads, &o.threads, err));
    const goss_status s = goss_model_representations(m, goss_run_samples_source(samples), &o, &all, err);
    if (s == GOSS_OK) (json ? json_all : print_all)(&all, samples);
    if (s == GOSS_OK) goss_representations_free(&all);
    goss_threads_free(o.threads);
    return s;
}

int cli_inspect_represent(const char *path, const cli_represent *r, bool json) {
    goss_error err;
    goss_model *m = NULL;
    goss_run_samples *samples = NULL;
    cli_log_once_to_stderr();
    goss_status s = goss_model_load(path, &m, &err);
    if (s == GOSS_OK) s = goss_run_samples_open(m, part_of(r->split), r->data, NULL, &samples, &err);
    if (s == GOSS_OK) s = represent(m, samples, r, json, &err);
    goss_run_samples_free(samples);
    goss_model_free(m);
    return s == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
}
