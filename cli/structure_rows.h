/* SPDX-License-Identifier: Apache-2.0 */
/* structure_rows.h: which task got which structure: a table of an evaluation, and what it says as a whole. */
#ifndef GOSS_CLI_STRUCTURE_ROWS_H
#define GOSS_CLI_STRUCTURE_ROWS_H

#include "gossamer/model.h"
#include "gossamer/objective.h"
#include "gossamer/space.h"

/* Of one budget. NaN: unknown. */
typedef struct cli_variety {
    int tasks, distinct; /* structures that differ */
    double distance;     /* gates that differ between two tasks, on average */
    double correlation;  /* of bytes with the score (Pearson) */
} cli_variety;

typedef struct cli_structure_rows {
    goss_space *space; /* NULL: nothing is collected */
    const goss_metric *metric;
    char *text; /* rows of csv */
    size_t size, room;
    /* Of the present budget. */
    int64_t budget;
    char **structure; /* [tasks] as text */
    double *bytes, *score;
    int tasks, capacity;
    bool failed; /* no memory */
} cli_structure_rows;

/* Begins with a model of structures. */
goss_status cli_rows_open(cli_structure_rows *r, const goss_model *m, goss_error *err);
void cli_rows_close(cli_structure_rows *r);
/* The tasks that follow are judged within so many bytes (0: without limit). */
void cli_rows_begin(cli_structure_rows *r, int64_t budget);
void cli_rows_add(cli_structure_rows *r, const goss_answers *answers);
/* What the tasks since then have in common. */
cli_variety cli_rows_variety(const cli_structure_rows *r);
/* Writes all rows: budget,task,SCORE,bytes,macs,ram,structure. */
goss_status cli_rows_write(const cli_structure_rows *r, const char *path, goss_error *err);
#endif
