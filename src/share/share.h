/* SPDX-License-Identifier: Apache-2.0 */
/* share.h: sharing inside: the table of parts, and what each tensor of a target is made of.
 *
 * A part is coefficients times a matrix: c [T,K] M [K,P]. Kinds differ in where both come from. */
#ifndef GOSS_SHARE_SHARE_H
#define GOSS_SHARE_SHARE_H

#include "gossamer/share.h"

/* Where coefficients come from. */
typedef enum goss__codes {
    GOSS__CODES_NONE,    /* one tensor: M alone */
    GOSS__CODES_TASK,    /* row t of M */
    GOSS__CODES_MERGED,  /* row t of M, drawn into the mean of all rows by a learned degree */
    GOSS__CODES_FREE,    /* learned numbers */
    GOSS__CODES_SOFTMAX, /* of learned logits */
    GOSS__CODES_GUMBEL   /* the same with noise in training */
} goss__codes;

typedef struct goss__part_kind {
    const char *word;
    goss__codes codes;
    bool takes_number;
    bool square; /* K is the number of tasks */
    bool train;  /* M is a product of cores */
    bool bank;   /* M is shared by tensors of equal shape */
} goss__part_kind;

/* One part of one tensor; entries of the share's layout. */
typedef struct goss__part {
    const goss__part_kind *kind;
    int64_t K;
    bool sized;           /* K is options.size */
    int matrix, matrices; /* first entry, and how many: a tensor train has several */
    int codes;            /* -1: none */
} goss__part;

typedef struct goss__parts {
    goss__part part[GOSS_SHARE_PARTS];
    int n;
    int gates; /* entry, -1: none */
} goss__parts;

struct goss_share {
    const goss_target *target;
    goss_share_options options;
    goss_gate_options gates; /* options.gates points here */
    char *rules;
    bool heads_differ; /* options.own_heads decides what they are */
    goss_layout *layout;
    goss__parts *tensor; /* one a tensor of the target's layout */
};

/* ---- share_rules.c ---- */
/* Reads the rules into kinds and numbers of the parts. */
goss_status goss__share_read_rules(goss_share *s, goss_error *err);
/* ---- share_plan.c ---- */
/* Adds the entries of all parts, codes and gates to the layout. */
goss_status goss__share_plan(goss_share *s, goss_error *err);
/* The name in front of a tensor's last dot. */
int goss__share_layer_size(const char *tensor);
/* Whether starting values are one constant: of gains and biases. */
bool goss__share_is_constant(const goss_entry *e);
#endif
