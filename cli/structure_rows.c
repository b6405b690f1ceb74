/* SPDX-License-Identifier: Apache-2.0 */
/* structure_rows.c: which task got which structure. Distances count gates; bytes are held against the score, since a
 * model that gives hard tasks more shows it there. */
#include "structure_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/file.h"
#include "structures.h"

/* ---- collecting ---- */

goss_status cli_rows_open(cli_structure_rows *r, const goss_model *m, goss_error *err) {
    *r = (cli_structure_rows){.metric = goss_task_objective(&goss_model_data(m)->task)->metrics[0]};
    return goss_space_create(goss_method_target(goss_model_method(m)), &r->space, err);
}

static void forget_tasks(cli_structure_rows *r) {
    for (int i = 0; i < r->tasks; i++) goss_text_free(r->structure[i]);
    r->tasks = 0;
}

void cli_rows_close(cli_structure_rows *r) {
    forget_tasks(r);
    free(r->structure), free(r->bytes), free(r->score), free(r->text);
    goss_space_free(r->space);
    *r = (cli_structure_rows){0};
}

void cli_rows_begin(cli_structure_rows *r, int64_t budget) {
    forget_tasks(r);
    r->budget = budget;
}

static bool make_room(cli_structure_rows *r) {
    if (r->tasks < r->capacity) return true;
    const int capacity = r->capacity ? 2 * r->capacity : 256;
    char **structure = realloc(r->structure, (size_t)capacity * sizeof *structure);
    if (structure) r->structure = structure;
    double *bytes = realloc(r->bytes, (size_t)capacity * sizeof *bytes);
    if (bytes) r->bytes = bytes;
    double *score = realloc(r->score, (size_t)capacity * sizeof *score);
    if (score) r->score = score;
    if (!structure || !bytes || !score) return false;
    r->capacity = capacity;
    return true;
}

static bool add_line(cli_structure_rows *r, const char *line, size_t n) {
    if (r->size + n + 1 > r->room) {
        const size_t room = 2 * r->room + n + 4096;
        char *text = realloc(r->text, room);
        if (!text) return false;
        r->text = text, r->room = room;
    }
    memcpy(r->text + r->size, line, n + 1);
    r->size += n;
    return true;
}

void cli_rows_add(cli_structure_rows *r, const goss_answers *a) {
    char numbers[200];
    if (!r->space || !a->structure || r->failed) return;
    const goss_space_figures f = goss_space_cost_of(r->space, a->structure, a->outputs);
    char *structure = goss_space_write(r->space, a->structure);
    const double score = r->metric->value(a);
    r->failed = !structure || !make_room(r);
    if (!r->failed) {
        const int n = snprintf(numbers, sizeof numbers, "%lld,%d,%.9g,%lld,%lld,%lld,", (long long)r->budget, r->tasks,
                               score, (long long)f.bytes, (long long)f.macs, (long long)f.ram);
        r->failed =
            !add_line(r, numbers, (size_t)n) || !add_line(r, structure, strlen(structure)) || !add_line(r, "\n", 1);
    }
    if (r->failed) {
        goss_text_free(structure);
        return;
    }
    r->bytes[r->tasks] = (double)f.bytes, r->score[r->tasks] = score;
    r->structure[r->tasks++] = structure;
}

/* ---- what they have in common ---- */

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int count_distinct(const cli_structure_rows *r) {
    char **sorted = malloc((size_t)(r->tasks + 1) * sizeof *sorted);
    int n = r->tasks > 0;
    if (!sorted) return -1;
    for (int i = 0; i < r->tasks; i++) sorted[i] = r->structure[i];
    qsort(sorted, (size_t)r->tasks, sizeof *sorted, by_text); /* equal ones are alike: their order does not matter */
    for (int i = 1; i < r->tasks; i++) n += strcmp(sorted[i], sorted[i - 1]) != 0;
    free(sorted);
    return n;
}

/* Over all pairs: a gate that is open in k of n tasks differs in k (n - k) of n (n - 1) / 2 pairs. */
static double mean_distance(const cli_structure_rows *r) {
    const double n = r->tasks;
    double sum = 0;
    if (r->tasks < 2) return NAN;
    for (size_t place = 0; r->structure[0][place]; place++) {
        double open = 0;
        for (int i = 0; i < r->tasks; i++) open += r->structure[i][place] == '1';
        sum += open * (n - open);
    }
    return sum / (n * (n - 1) / 2);
}

cli_variety cli_rows_variety(const cli_structure_rows *r) {
    return (cli_variety){.tasks = r->tasks,
                         .distinct = count_distinct(r),
                         .distance = mean_distance(r),
                         .correlation = cli_correlation(r->bytes, r->score, r->tasks)};
}

/* ---- the file ---- */

goss_status cli_rows_write(const cli_structure_rows *r, const char *path, goss_error *err) {
    char head[120];
    const int n = snprintf(head, sizeof head, "budget,task,%s,bytes,macs,ram,structure\n", r->metric->name);
    char *all = r->failed ? NULL : malloc((size_t)n + r->size + 1);
    if (!all) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a table of structures");
    memcpy(all, head, (size_t)n);
    if (r->size) memcpy(all + n, r->text, r->size);
    const goss_status s = goss_file_write(path, all, (size_t)n + r->size, err);
    free(all);
    return s;
}
