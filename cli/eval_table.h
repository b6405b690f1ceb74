/* SPDX-License-Identifier: Apache-2.0 */
/* eval_table.h: shared by the files of gossamer eval on tables.
 A fold has its view of the table. */
#ifndef GOSS_EVAL_TABLE_H
#define GOSS_EVAL_TABLE_H

#include "cli.h"
#include "eval_field.h"
#include "gossamer/race.h"
#include "gossamer/table_data.h"
#include "structure_rows.h"
#include "structures.h"

typedef struct table_fold {
    eval_fold base;
    goss_table_fit *fit;
    goss_table *table;
    goss_roles roles;
    goss_table_tasks *tasks;
    double *at;            /* [rows, parts] the order column of what is predicted, for baselines; NULL: none */
    double *from;          /* [rows] what targets are counted from (series), NULL: 0 */
    goss_table *described; /* descriptors; NULL: none */
} table_fold;

typedef struct table_runner {
    eval_entrant base;
    const goss_baseline_kind *kind; /* NULL: a model */
    bool structured;                /* its networks have structures, generated or as `source` says */
    goss_structure_source source;
    goss_structure_figures figures; /* of all folds; sums in place of means until the race is over */
    double *value;                  /* [tasks] mean over draws and folds; NaN: not evaluated, or undefined */
    double *part;                   /* [parts, tasks] the same of each horizon alone; NULL: there is one */
    double *bytes;                  /* [tasks] of their networks, likewise; 0: it has no structures */
    int *answers;                   /* [tasks] folds that were evaluated */
} table_runner;

typedef struct eval_table {
    const char *data, *order, *tasks_file, *methods, *metric_name, *descriptors;
    int support, repeats, fine_tune, threads;
    goss_weight_precision precision;
    uint64_t seed;
    bool json;
    const char *budget_list, *structures, *plot;
    bool control, mean_budget;
    cli_budgets budgets;
    char *list; /* the items of --methods */
    /* found */
    eval_field field; /* of the folds and runners below */
    table_fold fold[EVAL_FOLDS];
    table_runner runner[EVAL_ENTRANTS];
    table_runner raced[CLI_BUDGETS][EVAL_ENTRANTS]; /* as they were after each race */
    cli_structure_rows rows;                        /* of the model's own networks, of all draws */
    cli_variety variety[CLI_BUDGETS];               /* by budget */
    const goss_metric *metric;
    int parts;    /* horizons of a series; 1: one, or other rows */
    int tasks;    /* of the table */
    bool *judged; /* [tasks] */
    double *work; /* [tasks] of the report */
} eval_table;

/* ---- eval_table_race.c ---- */
/* bytes: the budget of structures; 0: the most that was trained for. */
goss_status eval_table_race(eval_table *e, int64_t bytes, goss_error *err);

/* ---- eval_table_report.c ---- */
/* The tasks, before any race; a race's methods, budget: its place among the budgets, -1: none; the end. */
typedef struct eval_table_form {
    void (*begin)(const eval_table *e);
    void (*race)(const eval_table *e, int budget);
    void (*end)(const eval_table *e);
} eval_table_form;
extern const eval_table_form eval_table_text, eval_table_json;
#endif
