/* SPDX-License-Identifier: Apache-2.0 */
/* build.h: the state shared by the passes of the schedule. */
#ifndef GOSS_SCHEDULE_BUILD_H
#define GOSS_SCHEDULE_BUILD_H

#include "schedule/heap.h"
#include "schedule/schedule.h"

typedef struct goss__builder {
    goss_schedule *p;
    uint8_t *done;     /* value is computed by an earlier phase (or is not an instruction) */
    uint8_t *in_phase; /* value is computed by the phase being built: 1 local, 2 partial */
    uint32_t *order;   /* instructions of the phase being built */
    uint32_t n_order;
    uint32_t *best;
    goss__cut *cuts;                  /* scratch of one instruction's operands */
    double *cost, *setup;             /* of each value at the maxima */
    uint32_t *readers_from, *readers; /* of value v: readers[readers_from[v] .. readers_from[v + 1]], one per read */
    uint32_t *missing;                /* partition.c: of each value, its operands not yet computed */
    uint32_t *ready, *ready_before, n_ready;
    goss__heap newly;
    uint8_t *moved;             /* sink.c: state of each value */
    uint32_t *moving, n_moving; /* sink.c: candidates, highest first */
} goss__builder;

static inline bool goss__is_instr(const goss__value *v) {
    return v->place == GOSS__AT_SHARED || v->place == GOSS__AT_PRIVATE;
}

/* Storage of all values; private ones are decided once phases are known. */
void goss__place_values(goss_schedule *p);
void goss__place_private(goss_schedule *p);
/* Records that an instruction reads v. */
void goss__note_instr(goss_schedule *p, uint32_t v, const goss__value *reader);
/* The same without private memory. */
void goss__place_unshared(goss_schedule *p);
/* Inserts conversions of parameters stored as bfloat16 at their readers. */
goss_status goss__keep_bf16(goss_schedule *p, goss_error *err);
/* Merges products into the sums and additions that alone read them. */
goss_status goss__fuse(goss_schedule *p, goss_error *err);
/* How operands of v are sliced for L items. */
goss__slicing goss__slice_rule(const goss_schedule *p, uint32_t v, goss_extent L, goss__cut *cut);
/* Whether v can join a phase of L items, given earlier phases and the present one. 0: no; 1: local; 2: partial. */
int goss__joins(goss__builder *b, uint32_t v, goss_extent L);
/* Bytes and costs at the maxima. Errors: a value that is too large. */
goss_status goss__measure(goss__builder *b, goss_error *err);
/* The instructions that run once, when counts are bound. */
goss_status goss__list_constants(goss__builder *b, goss_error *err);
/* Fills readers_from and readers, which the caller frees in either case. False: out of memory. */
bool goss__find_readers(goss__builder *b);
/* Instructions of phase f: members[from[f] .. from[f + 1]], in order. The caller frees both. False: out of memory. */
bool goss__find_members(const goss_schedule *p, uint32_t **from, uint32_t **members);
/* Groups instructions into phases. False: out of memory. */
bool goss__partition(goss__builder *b);
/* Sinks cheap work into the phase that reads its results, if that saves memory traffic. */
bool goss__sink(goss__builder *b); /* false: out of memory */
/* Merges copies of a value within a phase. */
void goss__merge_copies(goss_schedule *p);
/* Orders the values of each phase as instructions; removes empty phases. */
goss_status goss__order_phases(goss__builder *b, goss_error *err);
/* Orders n values for execution. b->in_phase: zero. */
void goss__order_values(goss__builder *b, uint32_t *order, uint32_t n);
/* Determines units and tiles, once private values are known. */
void goss__size_phases(goss__builder *b);
/* Slices become ranges of their arrays, and parts of concatenations ranges of the results. */
void goss__place_ranges(goss__builder *b);
/* Products add units to the slots of their sums over items. */
void goss__add_in_slots(goss_schedule *p);
/* Computes assigned values in the parameter's memory. */
void goss__assign_in_place(goss_schedule *p);
/* Offsets in the slab, the constants and a thread's arena. */
goss_status goss__plan_memory(goss_schedule *p, goss_error *err);

/* As goss__schedule_pass.off: a part of the pass is mandatory; it reads the switch of its name itself. */
enum { GOSS__PASS_INSIDE = GOSS__PASS_COUNT + 1 };
/* A row of the table of passes.c. */
typedef struct goss__schedule_pass {
    const char *name;
    goss_status (*run)(goss__builder *b, goss_error *err);
    int off; /* the switch that disables it; GOSS__PASS_COUNT: it is mandatory */
    const char *what;
} goss__schedule_pass;
/* In order; NULL behind the last. */
const goss__schedule_pass *goss__schedule_pass_at(int i);
/* Checks that each name of a list can be disabled; `source` names the list. rules: rewrite rules among them. */
goss_status goss__disable_check(const char *list, const char *source, bool rules, goss_error *err);
#endif
