/* SPDX-License-Identifier: Apache-2.0 */
/* exec.h (private): a run's resolved tables. Filled when counts are set, read-only while tiles run. */
#ifndef GOSS_RUNTIME_EXEC_H
#define GOSS_RUNTIME_EXEC_H

#include "base/pool.h"
#include "schedule/loop.h"

struct goss_threads {
    goss__pool *pool;
};

/* Where an operand's bytes are: base[storage] + offset + unit * step; when private, the thread's arena + offset + the
 * unit's place in its tile * step; in a loop's body it may be an address of the call + offset. */
typedef struct goss__place_at {
    uint32_t storage;
    bool is_private;
    int32_t arg; /* of the call's addresses; -1: none */
    int64_t offset, step;
} goss__place_at;

/* A step of a chain as a kernel call on one block: where its operands begin comes with the unit. */
typedef struct goss__link {
    goss__ew_fn fn;
    int ops; /* steps that fn does: 1; more: a row of fused.def; 0: the step belongs to one before */
    goss__ew block;
    int64_t move[4]; /* bytes to the next block: output, operands; 0 for what stays in one place */
    int64_t item[4]; /* bytes to the next item of the unit, where the chain goes by items */
} goss__link;

typedef struct goss__step {
    const goss__value *value;
    goss__run_fn run;
    goss__shapes shapes[2]; /* of a full unit, and of the last one */
    goss__tensor *tensors;  /* 2 * (1 + n_in): full and last unit */
    char *plans;            /* two of the op's plans; NULL where it has none */
    goss__place_at *at;     /* 1 + n_in: output, operands */
    int64_t first_step;     /* elements of the output a unit */
    uint32_t stretch;       /* first of that many steps that go unit by unit together; 0: inside one */
    bool batched;           /* its unit is the tile */
    void *attr;             /* the attributes with counts for symbols; NULL: they have no extents */
    bool along;             /* makes the next step's output, too */
    int chain;              /* first of that many elementwise steps that run block by block; 0: alone */
    goss__link link;        /* of a chain */
    bool by_rows;           /* of a chain's first: its blocks are whole rows */
    int64_t item;        /* of a chain's first: elements of an item, when it goes item by item; 0: the unit at once */
    uint32_t busy_until; /* of a chain: the last step that reads what is in this one's place */
    goss_exec *body;     /* of a scan: its body's tables (run_unit.c) */
} goss__step;

typedef struct goss__phase_run {
    int64_t items, unit, tile, tiles, groups, tiles_a_group; /* unit, tile: in items */
    int parts;
    bool parallel;
} goss__phase_run;

struct goss_exec {
    const goss_schedule *program;
    goss_params *params;
    goss_threads *threads;
    const goss__kernels *kernels;
    int n_threads;
    int64_t counts[GOSS__MAX_SYMBOLS];
    bool dirty; /* counts changed: resolve before the next run */
    uint64_t seed, step;
    char **storage;  /* base address by value: inputs, parameters, constants, the slab */
    int64_t repeats; /* of a run: of a loop's body its steps, else 1 */
    bool is_body;    /* of a loop: the tables alone. Memory is the call's, inputs are its addresses */
    char *slab, *constants, *arenas;
    size_t arena_stride;
    goss__step *steps; /* one an instruction */
    goss__phase_run *phase_runs;
    goss__tensor *tensors;
    char *plans, *attrs;
    goss__place_at *places;
    uint32_t bad_value;            /* 1 + the value whose operation met an index outside its table; 0: none */
    struct goss__profile *profile; /* NULL: not profiled */
};

/* The items that a step works on: unit `index` of the phase, `place` of its tile. */
typedef struct goss__unit {
    int64_t index, place;
    bool last;  /* of the phase: may be smaller */
    bool first; /* of its group: a sum begins */
    int64_t group;
    int worker;
    char *arena;      /* the thread's, or of a loop's body what its call has */
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

/* Shapes, places and plans at the counts. */
void goss__exec_resolve(goss_exec *e);
/* The tables of a loop's body; NULL where memory is out. Freed with those of the program that it is in. */
goss_exec *goss__body_new(const goss_exec *e, const goss_schedule *body);
/* Instructions of a phase on one unit, in order. */
void goss__run_unit(goss_exec *e, uint32_t first, uint32_t count, const goss__unit *u);
/* One instruction on one unit; out overrides its place (slots). */
void goss__run_instr(goss_exec *e, goss__step *s, const goss__unit *u, void *out, int part, int parts);
/* to += from, in the program's precision. */
void goss__add_block(const goss_exec *e, void *to, const void *from, size_t bytes);
/* Finds the chains among the instructions of a phase. */
void goss__resolve_chains(goss_exec *e, uint32_t phase);
/* Writes a chain to the log, before its steps are fused. */
void goss__print_chain(const goss_exec *e, uint32_t phase, uint32_t first, uint32_t count);
/* Makes one call of steps of a chain that are a row of kernel/fused.def. */
void goss__fuse_chain(goss_exec *e, uint32_t first, uint32_t count);
/* Elementwise steps first .. first + chain - 1 on one unit, block by block. */
void goss__run_chain(goss_exec *e, uint32_t first, const goss__unit *u);
void goss__exec_steps(goss_exec *e, uint32_t phase, int64_t group, int worker); /* one parallel unit */
#endif
