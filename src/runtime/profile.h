/* SPDX-License-Identifier: Apache-2.0 */
/* profile.h: the records of a profiled executor. Each worker writes to its own rows. */
#ifndef GOSS_RUNTIME_PROFILE_H
#define GOSS_RUNTIME_PROFILE_H

#include <stdint.h>

struct goss_exec;

enum { GOSS__EVENTS = 1 << 14 }; /* the first events of a worker, for the trace */

typedef struct goss__event {
    double start, seconds; /* start: since the profile began */
    uint32_t first, last;  /* instructions; for a phase: its number twice */
} goss__event;

/* The work of an instruction in all runs, by the counts of each: flops, bytes of operands and results, and of those
 * passed between phases. */
typedef struct goss__work {
    double flops, bytes, passed;
} goss__work;

typedef struct goss__profile {
    int runs, n_rows;    /* rows: one per worker, and one for phases */
    double began, wall;  /* wall: sum over runs */
    double *seconds;     /* by worker and instruction */
    goss__work *work;    /* by instruction */
    double *phase_wall;  /* by phase */
    goss__event *events; /* GOSS__EVENTS per row */
    int *n_events;       /* by row */
} goss__profile;

/* Time of one instruction. */
void goss__profile_add(struct goss_exec *e, int worker, uint32_t k, double seconds);
/* Instructions k .. last, executed by one call that started at `start`, get equal shares of its time. */
void goss__profile_steps(struct goss_exec *e, int worker, uint32_t k, uint32_t last, double start);
/* Clock in seconds; 0 if not profiled. */
double goss__profile_clock(const struct goss_exec *e);
/* Records the end of a run that started at `start`. */
void goss__profile_run(struct goss_exec *e, double start);
/* Records an event from `start` until now for the trace; the row after the last worker's is for phases. */
void goss__profile_event(struct goss_exec *e, int row, uint32_t first, uint32_t last, double start);
#endif
