/* SPDX-License-Identifier: Apache-2.0 */
/* fusion.h: which operations can be fused with a root, and how. */
#ifndef GOSS_SCHEDULE_FUSION_H
#define GOSS_SCHEDULE_FUSION_H

#include "schedule/schedule.h"

/* The position of the neighbour. */
typedef enum goss__side {
    GOSS__PROLOGUE, /* before: the root computes it where it would read its result */
    GOSS__EPILOGUE, /* after: the root computes it where it would write its own result */
    GOSS__BESIDE    /* after, and both results are needed: one pass over the common operand computes both */
} goss__side;

typedef struct goss__fusion goss__fusion;
struct goss__fusion {
    goss__pass off; /* the switch that disables it */
    goss__side side;
    const goss__op *root, *neighbour[2]; /* either; NULL: there is only one */
    const goss__op *fused;               /* the fused operation, with the root's attributes; NULL: the root's */
    int replaced;    /* number of the root's operands that are the prologue's result; 0: not a prologue */
    bool repeatable; /* a square may have other readers, which keep it; the root recomputes it */
    /* Whether `fused` computes these two values from operands `in`: for a prologue its operands (a single one twice)
     * and the root's others, for an epilogue the root's and its others. May permute them. NULL: another file
     * decides. */
    bool (*fits)(const goss_schedule *p, uint32_t root, uint32_t neighbour, uint32_t *in);
};

/* Rows in the order in which they are tried; NULL behind the last. */
const goss__fusion *goss__fusion_at(int i);
/* The row for these two operations; NULL: none, or disabled. */
const goss__fusion *goss__fusion_find(goss__passes off, goss__side side, const goss__op *root,
                                      const goss__op *neighbour);
#endif
