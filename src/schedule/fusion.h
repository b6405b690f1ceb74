/* SPDX-License-Identifier: Apache-2.0 */
/* fusion.h: which operation may be fused into which root, and on which side of it. */
#ifndef GOSS_SCHEDULE_FUSION_H
#define GOSS_SCHEDULE_FUSION_H

#include "schedule/schedule.h"

/* Where the neighbour stands. */
typedef enum goss__side {
    GOSS__PROLOGUE, /* in front: the root computes it where it would read its result */
    GOSS__EPILOGUE, /* behind: the root computes it where it would write its own result */
    GOSS__BESIDE    /* behind, and both results are wanted: one pass over what both read makes them */
} goss__side;

typedef struct goss__fusion goss__fusion;
struct goss__fusion {
    goss__pass off; /* the switch that leaves it out */
    goss__side side;
    const goss__op *root, *neighbour[2]; /* either; NULL: there is only one */
    const goss__op *fused; /* what one instruction of them is, with the root's attributes; NULL: the root */
    int replaced;          /* operands of the root that a prologue's result is; 0: of another side */
    bool repeatable;       /* a square may have other readers: they keep it, the root squares anew */
    /* Whether these two values are what `fused` computes from operands `in`: of a prologue its own (one counts twice)
     * and those that the root has besides, of an epilogue the root's and those that it has besides. May change them.
     * NULL: another file decides. */
    bool (*fits)(const goss_schedule *p, uint32_t root, uint32_t neighbour, uint32_t *in);
};

/* Rows in the order in which they are tried; NULL behind the last. */
const goss__fusion *goss__fusion_at(int i);
/* The row for these two operations; NULL: there is none, or it is switched off. */
const goss__fusion *goss__fusion_find(goss__passes off, goss__side side, const goss__op *root,
                                      const goss__op *neighbour);
#endif
