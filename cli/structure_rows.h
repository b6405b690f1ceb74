/* SPDX-License-Identifier: Apache-2.0 */
/* structure_rows.h: which task got which structure: a table and a drawing of an evaluation, and what they say as a
 * whole. */
#ifndef GOSS_CLI_STRUCTURE_ROWS_H
#define GOSS_CLI_STRUCTURE_ROWS_H

#include <stdio.h>

#include "gossamer/model.h"
#include "gossamer/objective.h"
#include "gossamer/space.h"
#include "gossamer/table.h"

/* Of one budget. NaN: unknown. */
typedef struct cli_variety {
    int tasks, distinct; /* structures that differ */
    double distance;     /* gates that differ between two tasks, on average */
    double correlation;  /* of bytes with the score (Pearson) */
    double mantel;       /* correlation over pairs of tasks of the two distances below (Mantel 1967) */
} cli_variety;

/* Tasks of the present budget. */
typedef struct cli_structure_tasks {
    char **structure; /* [n] as text */
    double *bytes, *score;
    float *explained; /* [n, inputs] of goss_structure_log */
    int n, capacity;
} cli_structure_tasks;

typedef struct cli_structure_rows {
    const char *table, *drawing; /* files; NULL: none */
    goss_space *space;           /* NULL: nothing is collected */
    const goss_metric *metric;
    size_t inputs;
    goss_csv *csv;       /* NULL: no table */
    FILE *rows, *panels; /* in memory: what the files will hold; NULL: not wanted */
    char *rows_text, *panels_text;
    size_t rows_size, panels_size;
    int height;   /* of the panels so far */
    bool undrawn; /* one is missing for lack of memory */
    int64_t budget;
    cli_structure_tasks task;
    goss_structure_log log; /* room for the draws of one evaluation */
} cli_structure_rows;

/* Begins with a model of structures, whose tasks are judged by `metric`. The files are not written yet; both NULL:
 * nothing is collected. */
goss_status cli_rows_open(cli_structure_rows *r, const goss_model *m, const goss_metric *metric, const char *table,
                          const char *drawing, goss_error *err);
void cli_rows_close(cli_structure_rows *r);
/* The tasks that follow are judged within so many bytes (0: without limit). */
void cli_rows_begin(cli_structure_rows *r, int64_t budget);
/* Room for the draws of an evaluation, which goss_structure_ask.log is; zeros if nothing is collected. Its `bytes` are
 * the caller's (may be NULL). */
goss_status cli_rows_log(cli_structure_rows *r, int64_t draws, double *bytes, goss_structure_log *log, goss_error *err);
/* What that evaluation was: scores [draws]; name (may be NULL): of a draw's task. */
goss_status cli_rows_take(cli_structure_rows *r, int64_t draws, const double *score,
                          const char *(*name)(const void *context, int64_t draw), const void *context, goss_error *err);
/* What the tasks since cli_rows_begin have in common. */
cli_variety cli_rows_variety(const cli_structure_rows *r);
/* The budget is over: its panels of the drawing. */
void cli_rows_end(cli_structure_rows *r);
/* Writes the table, budget,task,SCORE,bytes,macs,ram,structure, and the drawing. */
goss_status cli_rows_write(cli_structure_rows *r, goss_error *err);
/* "; the gates' ..." behind a budget's figures, and as JSON. */
void cli_print_variety(const cli_variety *v);
void cli_json_variety(const cli_variety *v);
/* Distances of two tasks: the number of gates that differ, and the Euclidean one of goss_structure_log.explained. */
int cli_rows_gate_distance(const cli_structure_rows *r, int a, int b);
double cli_rows_task_distance(const cli_structure_rows *r, int a, int b);

/* ---- structure_plot.c ---- */
/* Panels of the present budget, from `y` on: the gates of tasks by score, bytes against the score, and of pairs of
 * tasks gates that differ against the distance of the tasks. Returns their height; -1: no memory. */
int cli_rows_draw(const cli_structure_rows *r, int y, FILE *to);
enum { CLI_PLOT_WIDTH = 960 };
#endif
