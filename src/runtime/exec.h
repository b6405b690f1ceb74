/* SPDX-License-Identifier: Apache-2.0 */
/* exec.h (private): the executor's resolved tables. Filled when counts are bound, read-only during a run. */
#ifndef GOSS_RUNTIME_EXEC_H
#define GOSS_RUNTIME_EXEC_H

#include "base/pool.h"
#include "schedule/loop.h"

/* The address of an operand: base[storage] + offset + unit * step; if private, the thread's arena + offset + the unit's
 * index in its tile * step; in a loop's body possibly an address of the call + offset. */
typedef struct goss__place_at {
    uint32_t storage;
    bool is_private;
    int32_t arg; /* of the call's addresses; -1: none */
    int64_t offset, step;
} goss__place_at;

/* A step of a chain as a kernel call on a block; the addresses of its operands are those of the unit. */
typedef struct goss__link {
    goss__ew_fn fn;
    int ops; /* steps that fn computes: 1; more: a row of fused.def; 0: fused with an earlier step */
    goss__ew block;
    int64_t move[4]; /* bytes to the next block: output, operands; 0: fixed */
    int64_t item[4]; /* bytes to the next item of the unit, if the chain runs item by item */
} goss__link;

typedef struct goss__step {
    const goss__value *value;
    goss__run_fn run;
    goss__shapes shapes[2]; /* of a full unit, and of the last one */
    goss__tensor *tensors;  /* 2 * (1 + n_in): full and last unit */
    char *plans;            /* two call plans; NULL: none */
    goss__place_at *at;     /* 1 + n_in: output, operands */
    int64_t first_step;     /* elements of the output per unit */
    uint32_t pipeline;      /* first of a pipeline of that many steps; 0: inside one */
    bool batched;           /* its unit is the tile */
    bool adds;              /* to a slot: schedule/slots.c */
    void *attr;             /* the attributes with resolved extents; NULL: they have none */
    bool along;             /* computes the next step's output too */
    int chain;              /* first of that many elementwise steps that run block by block; 0: alone */
    goss__link link;        /* of a chain */
    bool by_rows;           /* of a chain's first: its blocks are whole rows */
    int64_t item;           /* of a chain's first: elements of an item, if it runs item by item; 0: the whole unit */
    uint32_t busy_until;    /* of a chain: the last step that reads this one's buffer */
    goss_exec *body;        /* of a scan: its body's tables (run_unit.c) */
} goss__step;

typedef struct goss__phase_run {
    int64_t items, unit, tile, tiles, groups, tiles_a_group; /* unit, tile: in items */
    int parts;
    bool parallel;
} goss__phase_run;

struct goss_exec {
    const goss_schedule *schedule;
    goss_params *params;
    goss_threads *threads;
    const goss__kernels *kernels;
    int n_threads;
    int64_t counts[GOSS__MAX_SYMBOLS];
    bool dirty; /* counts changed: resolve before the next run */
    uint64_t seed, step;
    char **storage;  /* base address by value: inputs, parameters, constants, the slab */
    int64_t repeats; /* executions per run: of a loop's body its steps, else 1 */
    bool is_body;    /* of a loop: tables only; memory and inputs are those of the call */
    char *slab, *constants, *arenas;
    size_t arena_stride;
    goss__step *steps; /* one per instruction */
    goss__phase_run *phase_runs;
    goss__tensor *tensors;
    char *plans, *attrs;
    goss__place_at *places;
    uint32_t bad_value;            /* 1 + the value with an index outside its table; 0: none */
    struct goss__profile *profile; /* NULL: not profiled */
};

/* The items of a step: unit `index` of the phase, `place` in its tile. */
typedef struct goss__unit {
    int64_t index, place;
    bool last;  /* of the phase: may be smaller */
    bool first; /* of its group: sums start */
    int64_t group;
    int worker;
    char *arena;      /* the thread's; for a loop's body the call's */
    char *const *arg; /* of a loop's body: the call's addresses */
} goss__unit;

static inline char *goss__arena_of(const goss_exec *e, int worker) {
    return e->arenas + (size_t)worker * e->arena_stride;
}

static inline char *goss__address(const goss_exec *e, const goss__place_at *at, const goss__unit *u) {
    if (at->arg >= 0) return u->arg[at->arg] + at->offset;
    if (at->is_private) return u->arena + at->offset + u->place * at->step;
    return e->storage[at->storage] + at->offset + u->index * at->step;
}

/* Resolves shapes, addresses and plans at the counts. */
void goss__exec_resolve(goss_exec *e);
/* The tables of a loop's body; NULL: out of memory. Freed with those of the enclosing schedule. */
goss_exec *goss__body_new(const goss_exec *e, const goss_schedule *body);
/* Runs instructions of a phase on one unit, in order. */
void goss__run_unit(goss_exec *e, uint32_t first, uint32_t count, const goss__unit *u);
/* Runs one instruction on one unit; out overrides its address (slots). */
void goss__run_instr(goss_exec *e, goss__step *s, const goss__unit *u, void *out, int part, int parts);
/* to += from, in the schedule's precision. */
void goss__add_block(const goss_exec *e, void *to, const void *from, size_t bytes);
/* Finds the chains of a phase. */
void goss__resolve_chains(goss_exec *e, uint32_t phase);
/* Logs a chain before its steps are fused. */
void goss__print_chain(const goss_exec *e, uint32_t phase, uint32_t first, uint32_t count);
/* Fuses steps of a chain that match a row of kernel/fused.def into one call. */
void goss__fuse_chain(goss_exec *e, uint32_t first, uint32_t count);
/* Runs elementwise steps first .. first + chain - 1 on one unit, block by block. */
void goss__run_chain(goss_exec *e, uint32_t first, const goss__unit *u);
void goss__exec_steps(goss_exec *e, uint32_t phase, int64_t group, int worker); /* one parallel unit */
#endif
