/* exec.h (private): a run's resolved tables. Filled when counts are set, read-only while tiles run. */
#ifndef GOSS_EXEC_EXEC_H
#define GOSS_EXEC_EXEC_H

#include "base/pool.h"
#include "exec/program.h"

struct goss_threads {
    goss__pool *pool;
};

/* Where an operand's bytes are: base[storage] + offset + unit * step; when private, the thread's arena + offset + the
 * unit's place in its tile * step. */
typedef struct goss__place_at {
    uint32_t storage;
    bool is_private;
    int64_t offset, step;
} goss__place_at;

typedef struct goss__step {
    const goss__value *value;
    goss__run_fn run;
    goss__shapes shapes[2]; /* of a full unit, and of the last one */
    goss__tensor *tensors;  /* 5 * (1 + n_in): full and last unit, three kinds of block */
    char *plans;            /* as many of the op's plans; NULL where it has none */
    goss__place_at *at;     /* 1 + n_in: output, operands */
    int64_t first_step;     /* elements of the output a unit */
    uint32_t stretch;       /* first of that many steps that go unit by unit together; 0: inside one */
    bool batched;           /* its unit is the tile */
    int64_t extent;         /* resolved attr of "extent" */
    int chain;              /* first of that many elementwise steps that run block by block; 0: alone */
    int64_t block_rows, inner;
    goss__shapes block_shapes[3];
    bool moves[4];          /* output, operands: along with the blocks; what only the chain reads stays in one place */
    uint32_t busy_until;    /* of a chain: the last step that reads what is in this one's place */
} goss__step;

typedef struct goss__phase_run {
    int64_t items, unit, tile, tiles, groups, tiles_a_group; /* unit, tile: in items */
    int parts;
    bool parallel;
} goss__phase_run;

struct goss_exec {
    const goss_program *program;
    goss_params *params;
    goss_threads *threads;
    const goss__kernels *kernels;
    int n_threads;
    int64_t counts[32];
    bool dirty; /* counts changed: resolve before the next run */
    uint64_t seed, step;
    char **storage; /* base address by value: inputs, parameters, constants, the slab */
    char *slab, *constants, *arenas;
    size_t arena_stride;
    goss__step *steps; /* one an instruction */
    goss__phase_run *phase_runs;
    goss__tensor *tensors;
    char *plans;
    goss__place_at *places;
    uint32_t bad_value;  /* 1 + the value whose operation met an index outside its table; 0: none */
    struct goss__profile *profile; /* NULL: not profiled */
};

void goss__exec_resolve(goss_exec *e);
/* Works out the plan of shapes number i of a step: 0 a full unit, 1 the last one, 2 to 4 blocks. */
void goss__step_plan(goss__step *s, goss__shapes *shapes, int i);
/* Finds the chains among the instructions of a phase. */
void goss__resolve_chains(goss_exec *e, uint32_t phase);
void goss__exec_steps(goss_exec *e, uint32_t phase, int64_t group, int worker); /* one parallel unit */
void goss__exec_constants(goss_exec *e);
#endif
