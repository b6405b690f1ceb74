/* SPDX-License-Identifier: Apache-2.0 */
/* table_network.h: a labelled table becomes a small network in one pass (method "tables", docs/tables-model.md).
 *
 * The model has read many tables and none of this one: columns, classes and rows are those of the table, in any number
 * up to the limits below. The network is an ordinary one for rows of tables, with its preprocessing: `predict` reads
 * other files by the names of their columns.
 *
 *     GOSS_TRY(goss_table_roles(table, &(goss_roles_declared){.target = "outcome", .task = ""}, &roles, err));
 *     GOSS_TRY(goss_table_network_adapt(model, table, &roles, NULL, 0, NULL, &network, err));
 *     GOSS_TRY(goss_network_save(network, "outcome.net", err));
 *
 * Gradient steps on the rows may follow (goss_network_tune, distil.h).
 *
 * Neither the order of the table's columns nor what its classes are called matters to what comes out. Threads: any. */
#ifndef GOSSAMER_TABLE_NETWORK_H
#define GOSSAMER_TABLE_NETWORK_H

#include "gossamer/model.h"
#include "gossamer/table_data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Limits of what is read; beyond the first two goss_table_network_adapt fails. */
#define GOSS_TABLE_NETWORK_CLASSES 256 /* the most classes; more than 10 by output coding */
#define GOSS_TABLE_NETWORK_SLOTS 512   /* the most columns; a category of more than two values counts once for each */
#define GOSS_TABLE_NETWORK_LEVELS 32   /* a category of more values is no input */

/* How a network is made; defaults in brackets. */
typedef struct goss_table_network_options {
    /* Of an ensemble, each of which has been told the classes in another order, or a number upside down (0: 1; with
     * more than 10 classes 4, which are told other groups of them) */
    int networks;
    /* The most rows that attention reads, of each class as many as its share; the head is fitted to all (0: 256, or as
     * many as there is memory for) */
    int rows;
    /* "classification", or "gaussian": a number with its variance; NULL: classes, if the target is no number, or has
     * two whole ones */
    const goss_objective *objective;
    /* The most bytes of all tensors of the network's file, of an ensemble as a whole (0: no limit). Above it the first
     * layer and the head become products of lower rank, those that lose least, and an ensemble may become a smaller
     * one; notes "rank.first", "rank.head", "rank.networks" say so */
    int64_t budget;
    bool budget_each;             /* the budget is that of each network of an ensemble, all of which stay (false) */
    goss_weight_precision stored; /* what these bytes are counted in; weights are not rounded here (F32) */
    uint64_t seed;                /* of both draws */
    goss_threads *threads;        /* NULL: created for the call */
} goss_table_network_options;

/* Whether a model makes networks of tables: its method is "tables". */
GOSS_API bool goss_table_network_is(const goss_model *m);

/* Makes a network for the target of `roles` from rows [n] of a table (NULL: all; those without a target are left out,
 * with a warning). Inputs are roles->role INPUT; a category of more than GOSS_TABLE_NETWORK_LEVELS values is left out,
 * with a warning. options: NULL: the defaults. Errors: GOSS_E_ARGUMENT: another model, no target, a single class or too
 * many, a target that is the same in all rows, too many columns, more than two networks for a number, a budget below
 * the smallest network; errors of
 * goss_table_fit_create and goss_model_adapt_task. Owns: *out goss_network_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_network_adapt(const goss_model *m, const goss_table *table,
                                                            const goss_roles *roles, const int32_t *rows, int n,
                                                            const goss_table_network_options *options,
                                                            goss_network **out, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
