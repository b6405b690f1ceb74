/* SPDX-License-Identifier: Apache-2.0 */
/* prior.h: a prior over tables: random tables of rows to train a network on that turns a table into a network.
 *
 * A table is rows x of columns (numbers, ordered levels, categories, some values missing) with a target y (a class, or
 * a number). Its target is made by one of the families below, with everything about it drawn at random: a network that
 * has seen enough of them has learned to learn from tables (Mueller et al. 2022, "Transformers can do Bayesian
 * inference"; Hollmann et al. 2023, "TabPFN"; Mueller, Curino and Ramakrishnan 2023, "MotherNet"). Then columns become
 * what columns of real tables are: rounded, cut into levels, categories without an order, with heavy tails, duplicated,
 * irrelevant, with missing values at random and not at random.
 *
 * Table k is a pure function of (options, k): the same bits on every machine with the same C library, for any number of
 * threads. No table comes twice.
 *
 *     goss_prior_options o = goss_prior_defaults();
 *     o.rows = 200, o.columns = 20, o.seed = 1;
 *     GOSS_TRY(goss_prior_create(&o, &prior, err));
 *     goss_prior_table t = {.x = x, .y = y, .column = column};       // x [200, 20], y [200], column [20]
 *     goss_prior_draw(prior, 0, &t);
 *
 * Threads: a prior has scratch memory and belongs to one thread at a time; each thread creates its own. */
#ifndef GOSSAMER_PRIOR_H
#define GOSSAMER_PRIOR_H

#include "gossamer/status.h"
#include "gossamer/task.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GOSS_PRIOR_MOST_CLASSES 10
#define GOSS_PRIOR_MOST_LEVELS 31
#define GOSS_PRIOR_MOST_COLUMNS 1000
#define GOSS_PRIOR_MOST_ROWS 100000

/* ---- families ---- */

/* A way to make a table's inputs and target, one row of a table. */
typedef struct goss_prior_family {
    const char *name; /* "mlp", "causal", "graph", "tree", "rule", "process", "additive", "linear", "cluster" */
    double weight;    /* how often it is drawn by default, relative to the others */
    const char *doc;  /* one line */
} goss_prior_family;
/* Row i of the table, from 0; NULL behind the last. Static storage. */
GOSS_API const goss_prior_family *goss_prior_family_at(int i);

/* ---- options ---- */

/* What is drawn. */
typedef struct goss_prior_options {
    int least_rows, rows;       /* rows of a table, log-uniform between both (50, 200) */
    int least_columns, columns; /* columns of a table, uniform between both (2, 20) */
    int classes;                /* the most classes of a target, 2 to 10, drawn from 2 with a preference for few (10) */
    double regression;          /* the share of tables whose target is a number (0) */
    double missing;             /* the share of tables with missing values (.3) */
    double categorical;         /* the mean share of columns that are categories or ordered levels (.3) */
    /* "mlp=2,tree=1": families and their relative weights; those that are not listed are not drawn. NULL: all, with
     * the weights of their rows. */
    const char *families;
    /* Table sizes grow: of table k < curriculum the most rows and columns are those of the least ones that are
     * k / curriculum of the way (in the logarithm) to the most ones. 0: no curriculum (0). */
    uint64_t curriculum;
    /* Tables k of one k / group have the same numbers of rows and columns, so that a batch of tasks wastes nothing on
     * padding; 1: each has its own (1). */
    int group;
    uint64_t seed;
} goss_prior_options;
/* The defaults, in parentheses above. */
GOSS_API goss_prior_options goss_prior_defaults(void);

/* ---- tables ---- */

/* What a column's values are. */
typedef enum goss_prior_kind {
    GOSS_PRIOR_NUMBER,  /* any number, of any location and scale */
    GOSS_PRIOR_ORDINAL, /* levels 0 .. levels - 1 that have an order */
    GOSS_PRIOR_CATEGORY /* codes 0 .. levels - 1 without an order */
} goss_prior_kind;

/* A column. */
typedef struct goss_prior_column {
    goss_prior_kind kind;
    int levels;   /* 0: a number */
    bool missing; /* some values are missing */
} goss_prior_column;

/* A table in the caller's memory, with room for the maxima of the options. Any pointer may be NULL: not wanted. */
typedef struct goss_prior_table {
    float *x; /* [rows, columns] of the options: row i begins at i * the options' columns. NaN: missing;
                                  0 beyond the table's rows and columns */
    float *y; /* [rows] of the options: class numbers from 0, or numbers; 0 beyond the table's rows */
    goss_prior_column *column; /* [columns] of the options */
    int rows, columns;         /* written: of this table */
    int classes;               /* written: at least two, each of at least two rows; 0: y is a number */
    int family;                /* written: the row of its family */
} goss_prior_table;

/* A prior with the memory to draw from it. */
typedef struct goss_prior goss_prior;

/* Creates a prior. options NULL: the defaults. Errors: GOSS_E_ARGUMENT names the option that is out of range, and lists
 * the families for one that does not exist; GOSS_E_NOMEM. Owns: goss_prior_free. */
GOSS_API GOSS_MUST_USE goss_status goss_prior_create(const goss_prior_options *options, goss_prior **out,
                                                     goss_error *err);
/* Frees a prior; NULL is allowed. */
GOSS_API void goss_prior_free(goss_prior *prior);
/* Its options. Borrowed. */
GOSS_API const goss_prior_options *goss_prior_options_of(const goss_prior *prior);
/* Numbers of rows and columns of table k, without drawing it. Either pointer may be NULL. */
GOSS_API void goss_prior_size(const goss_prior *prior, uint64_t k, int *rows, int *columns);
/* Draws table k. Allocates nothing and cannot fail. Rows are exchangeable: any of them may be the support set. */
GOSS_API void goss_prior_draw(goss_prior *prior, uint64_t k, goss_prior_table *table);

/* ---- tasks ---- */

/* Tables as tasks: some rows are the support set, the others queries.
 *
 * A row has C = prior.columns slots and is 2 C numbers: the slots' values, then 1 for each slot whose value is
 * missing (which is 0). A number, an ordered level and a category of two levels have one slot. A category of K levels
 * has K adjacent slots, 1 for its level; or one with the code where fewer than K are left. Numbers and levels are
 * standardised with the support rows' mean and deviation and cut off at 10 deviations. Slots that a table does not
 * need are 0. */
typedef struct goss_prior_source_options {
    /* rows and least_rows do not count. columns: slots; least_columns: least slots of a table. regression: 0
     * (classification), or 1, where the target is standardised with the support rows. */
    goss_prior_options prior;
    int least_support, support; /* support rows of a task, log-uniform between both (24, 128) */
    int queries;                /* of each task (96) */
} goss_prior_source_options;
/* The defaults: those of the prior with slots from 3 to 20, groups of 8, and those in parentheses. */
GOSS_API goss_prior_source_options goss_prior_source_defaults(void);
/* A source of tasks without end: task k is table k, with as many rows as its support set and queries need. Each class
 * has at least two rows in the support set; for the rest rows are drawn at random. The numbers of rows and slots are
 * common to a group; the curriculum is that of support sets and slots. Tasks have classes of their own (spec.outputs is
 * the most). Errors: as goss_prior_create; GOSS_E_ARGUMENT: a support set too small for two rows of each class, a share
 * of regression between 0 and 1. Owns: goss_task_source_free. */
GOSS_API GOSS_MUST_USE goss_status goss_prior_source_open(const goss_prior_source_options *options,
                                                          goss_task_source *out, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
