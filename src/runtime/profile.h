/* SPDX-License-Identifier: Apache-2.0 */
/* profile.h: what an exec notes while it is profiled. Each worker writes to rows of its own. */
#ifndef GOSS_RUNTIME_PROFILE_H
#define GOSS_RUNTIME_PROFILE_H

#include <stdint.h>

struct goss_exec;

enum { GOSS__EVENTS = 1 << 14 }; /* a worker keeps so many for the trace, the first ones */

typedef struct goss__event {
    double start, seconds; /* start: since the profile began */
    uint32_t first, last;  /* instructions; of a phase: its number twice */
} goss__event;

/* What an instruction did in all runs, by the counts of each: operations, bytes of operands and results, and of those
 * that pass between phases. */
typedef struct goss__work {
    double flops, bytes, passed;
} goss__work;

typedef struct goss__profile {
    int runs, n_rows;    /* rows: one a worker, and one for phases */
    double began, wall;  /* wall: sum over runs */
    double *seconds;     /* by worker and instruction */
    goss__work *work;    /* by instruction */
    double *phase_wall;  /* by phase */
    goss__event *events; /* GOSS__EVENTS a row */
    int *n_events;       /* by row */
} goss__profile;

/* Time of one instruction. */
void goss__profile_add(struct goss_exec *e, int worker, uint32_t k, double seconds);
/* Instructions k .. last, done by one call that began at `start`, take equal shares of its time. */
void goss__profile_steps(struct goss_exec *e, int worker, uint32_t k, uint32_t last, double start);
/* Seconds of a clock; 0 where nothing is profiled. */
double goss__profile_clock(const struct goss_exec *e);
/* A run that began at `start` is over. */
void goss__profile_run(struct goss_exec *e, double start);
/* Something from `start` until now, for the trace; the row after the last worker's is for phases. */
void goss__profile_event(struct goss_exec *e, int row, uint32_t first, uint32_t last, double start);
#endif
