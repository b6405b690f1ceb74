/* SPDX-License-Identifier: Apache-2.0 */
/* eval_test.h: gossamer eval --split test: models on the samples that their runs kept apart inside of their tasks. */
#ifndef GOSS_EVAL_TEST_H
#define GOSS_EVAL_TEST_H

#include "cli.h"
#include "gossamer/model.h"
#include "gossamer/table_data.h"

enum { EVAL_TEST_MODELS = 32 };

typedef struct eval_test_model {
    char *name;
    goss_model *model;
    goss_table_fit *fit; /* of a table with several numbers to predict; NULL: other data */
    double *value;       /* [tasks] NaN: not defined */
    double *part;        /* [horizons, tasks] of each horizon of a series; NULL: there is one */
    double seconds;
} eval_test_model;

typedef struct eval_test {
    const char *data; /* NULL: where the model's run had it */
    const char *methods, *metric_name;
    int threads;
    bool json;
    /* found */
    eval_test_model model[EVAL_TEST_MODELS]; /* the first one is the word of the command */
    int models;
    const goss_metric *metric;
    const goss_objective *objective; /* of the first model */
    char **task;                     /* [tasks] */
    char *path;                      /* of the data */
    int tasks, samples, support;
    const goss_series_options *series; /* of several horizons, in the first model; NULL: there is one */
    double *work;                      /* [tasks] */
} eval_test;

/* Takes the model. Returns the verb's exit status. */
int eval_test_run(eval_test *e, goss_model *first);

/* ---- eval_test_report.c ---- */
void eval_test_print(const eval_test *e);
void eval_test_json(const eval_test *e);
#endif
