/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h: the compiled body of a scan.
 *
 * A scan is one instruction. Its body is a nested schedule with two phases: loop-invariant instructions, which run once
 * per call, and a step. All values of a body are in the caller's scratch, and its arguments (carries, slices,
 * constants, the step) are addresses in a table of the call, so that threads share one set of resolved calls. A unit of
 * the phase's items runs all steps. */
#ifndef GOSS_SCHEDULE_LOOP_H
#define GOSS_SCHEDULE_LOOP_H

#include "ops/scan.h"
#include "schedule/build.h"

/* The state of a body's value when the scan is sliced into items. */
typedef enum goss__loop_state {
    GOSS__LOOP_OPEN,   /* an argument without a reader so far */
    GOSS__LOOP_GIVEN,  /* known before a run: whole, and any slice of it */
    GOSS__LOOP_WHOLE,  /* independent of items */
    GOSS__LOOP_CUT,    /* a unit's slice */
    GOSS__LOOP_PARTIAL /* a unit's addend of a sum over items */
} goss__loop_state;

typedef struct goss__loop_arg {
    int64_t value; /* of the body's schedule; -1: dead */
    int64_t axis, piece;
    size_t buffer;   /* in the body's memory: of a copied slice, the step, or a carry */
    size_t buffer_2; /* a carry's second buffer: its next value */
    int64_t next;    /* of a carry: its next value; -1: dead */
    bool direct;     /* of a carry: the next value is computed in its buffer */
} goss__loop_arg;

typedef struct goss__loop_result {
    uint32_t value; /* of the enclosing schedule */
    goss__scan_kind kind;
    uint32_t of; /* GOSS__SCAN_LAST: the carry; else a value of the body */
    int64_t axis;
} goss__loop_result;

typedef struct goss__loop {
    goss_schedule *body;
    goss_extent steps, length; /* length: of the time axis of pieces */
    int64_t stride;            /* positions on the time axis per step */
    bool reverse;
    int carries, slices, consts, n_args, n_results; /* n_args: including the step */
    goss__loop_arg *arg;
    goss__loop_result *result;
    /* The slicing for these items: */
    goss_extent items;
    bool fits;               /* it is possible */
    goss__loop_state *state; /* of each value of the body */
} goss__loop;

enum { GOSS__LOOP_ONCE, GOSS__LOOP_STEP, GOSS__LOOP_PHASES }; /* phases of a body */

/* Creates the loop of scan v with its body's values, before any pass. */
goss_status goss__copy_body(goss_schedule *p, uint32_t v, goss_error *err);
/* Once phases are known: instructions and memory of the bodies. */
goss_status goss__plan_bodies(goss_schedule *p, goss_error *err);
/* How operands of scan v are sliced for L items, and its result v. */
goss__slicing goss__loop_slice(const goss_schedule *p, uint32_t v, goss_extent L, goss__cut *cut);
goss__slicing goss__loop_slice_result(const goss_schedule *p, uint32_t v, goss_extent L, goss__cut *cut);
/* Sets the states of the body's values of scan v for a phase over L items. */
void goss__loop_states(const goss_schedule *p, uint32_t v, goss_extent L);
/* The steps at these counts, and the flops of all of them. */
int64_t goss__loop_steps(const goss__loop *l, const int64_t *counts);
double goss__loop_cost(const goss__loop *l, const int64_t *counts);
/* The table of a call's addresses: arguments, then next carries. */
static inline int goss__loop_addresses(const goss__loop *l) { return l->n_args + l->carries; }
/* Bytes of the caller's scratch used by a call. */
static inline size_t goss__loop_scratch(const goss__loop *l) {
    return goss__round64(l->body->private_bytes) + l->body->scratch_bytes;
}
#endif
