/* SPDX-License-Identifier: Apache-2.0 */
/* whole_table.h: gossamer eval tables: methods that turn any table into a predictor, on random divisions of the rows of
 * whole tables. A table is a task here; support rows are its training rows. */
#ifndef GOSS_CLI_WHOLE_TABLE_H
#define GOSS_CLI_WHOLE_TABLE_H

#include "cli.h"
#include "data_kinds.h"
#include "structures.h"
#include "gossamer/model.h"
#include "gossamer/table.h"
#include "gossamer/table_network.h"
#include "gossamer/table_split.h"

enum { WHOLE_METHODS = 32, WHOLE_OWN = WHOLE_METHODS };

/* A table with its target. */
typedef struct whole_set {
    char *name; /* of its file */
    goss_table *table;
    goss_roles roles;
    int classes;   /* 0: a number is predicted */
    int n;         /* rows with a target */
    int32_t *rows; /* [n] */
    int32_t *of;   /* [n] class numbers; NULL: none */
    double *value; /* [classes] the code, or the number, that each is in the target's column */
    float *y;      /* [n] class numbers, or numbers */
} whole_set;

/* A division: places in set->rows, and the rows themselves. */
typedef struct whole_split {
    const whole_set *set;
    int32_t *support, *query, *support_rows, *query_rows;
    int n_support, n_query;
} whole_split;

/* What a method took for one division. */
typedef struct whole_cost {
    double fit, predict; /* seconds, for the support set and for all queries */
    double bytes;        /* of what predicts */
} whole_cost;

/* How a model's networks are made. */
typedef struct whole_making {
    goss_table_network_options network; /* its objective is the set's */
    int fine_tune;                      /* gradient steps on the rows behind it, or GOSS_FINE_TUNE_AUTO */
    goss_weight_precision precision;    /* of the network that comes out */
    bool unrounded;                     /* bytes are counted in that precision, but weights stay floats */
    bool distil;                        /* an ensemble (of 8, of a number 2, unless options say) becomes one network */
    bool tells;                         /* what became of that */
} whole_making;

typedef struct whole_method {
    const char *name;
    /* Fits to the support rows and predicts the queries. Shapes: out [n_query], or [n_query, classes] logits. model: of
     * a method that has one. */
    goss_status (*run)(const struct whole_method *self, const goss_model *model, const whole_split *split, float *out,
                       whole_cost *cost, goss_error *err);
    whole_making making; /* of a model's networks */
} whole_method;

/* A method in the comparison. */
typedef struct whole_runner {
    const whole_method *method;
    const char *name;
    goss_model *model;          /* NULL: none */
    double *value;              /* [sets] the mean over the divisions of the metric; NaN: undefined */
    double fit, predict, bytes; /* sums over divisions */
    int64_t rows;               /* predicted */
    int divisions;
} whole_runner;

typedef struct whole_eval {
    whole_set *set;
    int sets;
    whole_runner runner[WHOLE_METHODS];
    int runners;
    whole_method own[WHOLE_OWN]; /* the model's networks, made in several ways */
    char own_name[WHOLE_OWN][300];
    int owns;
    cli_budgets budgets; /* of the model's networks */
    const goss_metric *metric;
    goss_table_split_options split;
    int repeats;
    double *work; /* [sets] */
} whole_eval;

/* ---- whole_sets.c ---- */
/* Opens a table. metric (may be NULL) decides where a column of numbers can be both classes and numbers to predict. Its
 * name is NULL. whole_set_close whatever happens. */
goss_status whole_set_open(whole_set *s, const char *path, const any_table_view *view, const char *metric,
                           goss_error *err);
void whole_set_close(whole_set *s);
/* Opens the tables of a list of files joined by ','. All have classes, or all have numbers to predict; metric (may be
 * NULL) decides where a column of numbers can be both. */
goss_status whole_sets_open(whole_eval *e, const char *files, const any_table_view *view, const char *metric,
                            goss_error *err);
void whole_sets_close(whole_eval *e);
/* The division of a set. Owns: whole_split_close. */
goss_status whole_split_open(whole_split *s, const whole_set *set, const goss_table_split_options *o, goss_error *err);
void whole_split_close(whole_split *s);
/* What a network of the set is for: "classification" or "gaussian". */
goss_status whole_objective(const whole_set *s, const goss_objective **out, goss_error *err);
/* The class of that name; -1: none. */
int whole_class_of(const whole_set *s, const char *name);

/* ---- whole_methods.c ---- */
/* The method of that name. Errors: GOSS_E_ARGUMENT lists all. */
goss_status whole_method_find(const char *name, size_t length, const whole_method **out, goss_error *err);

/* Seconds. */
double whole_now(void);

/* ---- whole_network.c ---- */
/* Of a model that makes networks of tables (goss_table_network_is). */
extern const whole_method whole_network;

/* ---- whole_make.c ---- */
/* A network of rows [n] of a set. Owns: *out. */
goss_status whole_make_network(const goss_model *model, const whole_set *set, const int32_t *rows, int n,
                               const whole_making *making, goss_network **out, goss_error *err);

/* ---- whole_report.c ---- */
void whole_print(const whole_eval *e);
void whole_json(const whole_eval *e);
#endif
