/* SPDX-License-Identifier: Apache-2.0 */
/* space.h: a space inside: a target's gates by name, and its costs as sums of products. */
#ifndef GOSS_SPACE_SPACE_H
#define GOSS_SPACE_SPACE_H

#include "nn/target.h"

/* What a number of a network is counted for. */
typedef enum goss__measure { GOSS__BYTES, GOSS__MACS, GOSS__RAM } goss__measure;

/* coef times the live units of two groups, the area of a kernel and the gates that the layer exists by. -1: without. */
typedef struct goss__term {
    goss__measure measure;
    double coef;
    int in, out; /* unit groups */
    int kernel;  /* layer */
    int inside;  /* innermost gate */
    int layer;   /* that costs it; t->n_layers: the head of `outputs` classes, once for each class if per_class */
    bool per_class;
    int stage; /* RAM: terms of one moment are added; the largest moment counts */
} goss__term;

struct goss_space {
    const goss_target *t;
    goss_weight_precision stored; /* that bytes are of */
    char **names;                 /* [G] */
    goss__term *terms;
    int n_terms, capacity, n_stages;
};

/* Fills in the terms. */
goss_status goss__space_terms(goss_space *s, goss_error *err);
/* Bytes and MACs of one layer in a structure. */
void goss__space_layer_cost(const goss_space *s, const float *structure, int64_t outputs, int layer, int64_t *bytes,
                            int64_t *macs);
/* What absent parts would have becomes closed (first alternatives open), so that equal networks are equal vectors. */
void goss__space_settle(const goss_space *s, float *structure);
/* Everything closed that can be, and the alternatives that cost least of that measure, then of the next ones. */
void goss__space_least(const goss_space *s, goss__measure first, int64_t outputs, float *structure);
/* Whether figures are within the limits. */
bool goss__space_within(const goss_space_figures *f, const goss_space_budget *b);
/* The error that no structure is within the limits. */
goss_status goss__space_infeasible(const goss_space *s, const goss_space_budget *b, int64_t outputs, goss_error *err);
/* The group of a gate. */
int goss__space_group_of(const goss_space *s, int gate);
#endif
