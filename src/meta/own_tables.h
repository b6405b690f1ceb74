/* SPDX-License-Identifier: Apache-2.0 */
/* own_tables.h: tables of files as tasks of the method "tables": each file is a table with columns of its own, as
 * tables of the prior have them, and a task is one division of its rows. */
#ifndef GOSS_META_OWN_TABLES_H
#define GOSS_META_OWN_TABLES_H

#include "gossamer/model.h"
#include "gossamer/table.h"
#include "gossamer/task.h"

typedef struct goss__own_tables goss__own_tables;

typedef struct goss__own_options {
    const char *path;        /* a file, or a folder or .zip of them */
    const char *target;      /* NULL or "": the last column of each */
    goss_table_options read; /* its lists may name columns that some tables lack */
    const goss_objective *objective;
    int slots, classes;                  /* of a table, at most */
    int least_support, support, queries; /* rows; support log-uniform, at most three quarters of a table's */
    double hold_out;                     /* share of the tables that are validated on */
    uint64_t seed;                       /* of all draws */
} goss__own_options;

/* Reads all tables. Errors: those of goss_table_open, of goss_table_roles and of goss__slots_fit; GOSS_E_ARGUMENT, with
 * the file: too many classes, too few rows. Owns: *out goss__own_tables_free. */
GOSS_MUST_USE goss_status goss__own_tables_open(const goss__own_options *o, goss__own_tables **out, goss_error *err);
void goss__own_tables_free(goss__own_tables *p);
/* Tables to train on, or those held out. */
int goss__own_tables_count(const goss__own_tables *p, bool held);
/* Of what is read. */
uint64_t goss__own_tables_hash(const goss__own_tables *p);
/* Records what the model was trained on and chosen by, row by row (goss_table_row_hash of all columns). */
GOSS_MUST_USE goss_status goss__own_tables_mark(const goss__own_tables *p, goss_model *m, goss_error *err);
/* Task k is a pure function of (seed, k): a table, and support and query rows of it. Borrows p.
 * Owns: *out goss_task_source_free. */
GOSS_MUST_USE goss_status goss__own_tables_source(const goss__own_tables *p, bool held, goss_task_source *out,
                                                  goss_error *err);
#endif
