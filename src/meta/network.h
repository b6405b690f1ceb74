/* SPDX-License-Identifier: Apache-2.0 */
/* network.h: internals of an adapted network. */
#ifndef GOSS_META_NETWORK_H
#define GOSS_META_NETWORK_H

#include "gossamer/model.h"
#include "meta/data_spec.h"
#include "meta/notes.h"

struct goss_network {
    goss_target *target;             /* with a head of as many outputs as there are classes, or numbers */
    goss__data_spec data;            /* of the model */
    int members;                     /* networks of this target: more than one is an ensemble */
    float *slab, *statistics;        /* [members, total]; statistics: NULL without batch norm */
    goss_weight_precision precision; /* of the file; INT8: the slab holds what rounding has left of it */
    goss_layout *items;              /* of the table of items; NULL: samples are of none */
    float *item_rows;                /* its numbers, the same for all members, in any precision floats */
    int outputs;                     /* of the target */
    char **names;                    /* [outputs] of the classes, or of the targets */
    goss__notes notes;
};

/* Room for slabs, statistics and names of the target and the number of members that are there. */
goss_status goss__network_room(goss_network *n, int outputs, goss_error *err);
/* The program of a network, or (any) of every network of its target: x [1,N,...] of up to `batch` samples to answers
 * [1,N,W], and where goss__network_beside is not 0 that beside them [1,N], [1,N,W] or [1,N,Q W]. Sequences that have
 * lengths have L steps, and an input "length" [1,N]. Parameters "weights" and "statistics", and one a tensor that
 * differs among members; gates > 0: also those of a structure [1,gates] that masks it. */
#define GOSS__NETWORK_GATES "structure"
goss_status goss__network_compile(const goss_network *n, int batch, bool any, int gates, goss_schedule **out,
                                  goss_error *err);
/* The same in a graph, applied to x in that context: answers, and what is beside them. */
goss_status goss__network_build(const goss_network *n, goss_graph *g, goss_val x, goss_target_context c, bool any,
                                goss_val out[2], goss_error *err);
/* How many numbers are predicted beside the answers of a sample: its uncertainty (of numbers, of each), its quantiles,
 * or none. */
int goss__network_beside(const goss_network *n);
/* Standardised numbers [count, W] in the user's units. */
void goss__network_to_units(const goss_network *n, float *out, int count);
/* The same of what is beside them: quantiles, or deviations. */
void goss__network_beside_to_units(const goss_network *n, float *beside, int count);
/* Its parameters' values: weights and statistics, and the items' table, which all networks of a model have. */
void goss__network_store(const goss_network *n, goss_params *params);
void goss__network_store_items(const goss_network *n, goss_params *params);
/* Notes of what goss__network_narrow has done, "46 of 192". */
#define GOSS__RANK_FIRST "rank.first"
#define GOSS__RANK_HEAD "rank.head"
#define GOSS__RANK_MEMBERS "rank.networks"
/* Brings a network of rows, whose text begins with a dense layer and ends in a head, within a number of bytes, as its
 * file of that precision counts them: where they are more, its first layer and its head become products of lower rank,
 * those which lose least on rows x [rows, inputs] that it was made of, and later members of an ensemble go where they
 * would lose much. Errors: GOSS_E_ARGUMENT names the smallest there
 * is; GOSS_E_NUMERIC; GOSS_E_NOMEM. The network is then as it was, or to be freed. */
typedef struct goss__rank_limit {
    int64_t bytes;
    goss_weight_precision stored; /* that bytes are counted in */
    bool each;                    /* of each member, all of which stay */
} goss__rank_limit;
GOSS_MUST_USE goss_status goss__network_narrow(goss_network *n, const float *x, int rows, const goss__rank_limit *limit,
                                               goss_error *err);
/* Whether tensor i of the members' slabs of a layout is the same in all of them. */
bool goss__network_agrees(const goss_network *n, const goss_layout *l, const float *slab, int i);
#endif
