/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.h: the compiled form.
 *
 * A schedule consists of values and of the instructions that compute them, partitioned into phases. A phase has one
 * parallel axis of L items; a thread passes a tile of items through all instructions of the phase, so that values
 * private to the phase live in the thread's arena and stay in its cache. If some instructions pack or transform their
 * weights at each call (batched: they prefer many items), a tile exceeds the cache: batched instructions compute it at
 * once, and pipelines of others between them process it unit by unit. Otherwise a tile is one unit. All sizes are
 * planned for the symbols' maxima; smaller counts use less of the same memory. */
#ifndef GOSS_SCHEDULE_SCHEDULE_H
#define GOSS_SCHEDULE_SCHEDULE_H

#include "base/arena.h"
#include "base/disable.h"
#include "gossamer/exec.h"
#include "graph/node.h"
#include "ir/program.h"

typedef enum goss__place {
    GOSS__AT_INPUT,   /* caller's memory */
    GOSS__AT_PARAM,   /* the parameter store */
    GOSS__AT_CONST,   /* computed when counts are bound: independent of a run's inputs */
    GOSS__AT_SHARED,  /* the executor's slab, at a planned offset */
    GOSS__AT_PRIVATE, /* the thread's arena, within one tile */
    GOSS__AT_ALIAS,   /* operand 0's memory at an element offset */
    GOSS__AT_VIEW,    /* a broadcast that is never materialised */
    GOSS__AT_MERGED,  /* fused into its reader */
    GOSS__AT_ARG,     /* of a loop's body: an argument, whose address is supplied by the call (loop.h) */
    GOSS__AT_NOWHERE  /* an assignment */
} goss__place;

typedef struct goss__value {
    const goss__op *op;
    const goss__node *node; /* a copy owned by the schedule: shape, attr, name, scope */
    const uint32_t *in;     /* value numbers */
    uint16_t n_in;
    goss__place place;
    int64_t alias_offset;       /* elements */
    int32_t phase;              /* that computes it; -1: none */
    uint32_t instr;             /* that computes it */
    int32_t last_phase;         /* that reads it; INT32_MAX: an output */
    uint32_t last_instr;        /* of its own phase that reads it; 0: none */
    bool partial;               /* its phase computes addends in slots */
    int32_t in_place_of;        /* the parameter in whose memory it is computed; -1: none */
    int64_t within;             /* the value of whose memory its own is a range (ranges.c); -1: none */
    int64_t within_offset;      /* elements, within an item */
    bool in_place;              /* an assignment that was done in place */
    bool staged;                /* its value is in a parameter's memory: copied before any parameter changes */
    size_t bytes;               /* of the whole, at the maxima */
    size_t offset;              /* in the slab or the private arena */
    size_t slots_offset;        /* partial: its phase's slots, blocks in the slab, each rounded to 64 bytes */
    size_t spare_offset;        /* partial: one block in the private arena, for a slot's second and later units, unless
                                   the operation adds them to the slot */
    size_t kept_offset;         /* kept: in the slab */
    bool kept;                  /* an output that is (part of) an assigned parameter: copied before it changes */
    bool bf16;                  /* a parameter stored as bfloat16 */
    int64_t copy_of;            /* the value that this rematerialises (rematerialise.c); -1: none */
    bool moved;                 /* sunk to the phase that reads it (sink.c) */
    bool whole_tile;            /* private: passed between pipelines, so that it has a tile instead of a unit */
    struct goss__loop *loop;    /* a scan: its compiled body (loop.h) */
    const goss_program *region; /* a scan, while it is compiled: its body */
    int64_t result_of;          /* of a scan's result: the scan, which computes it; -1: not a result */
    int32_t arg;                /* of a loop's body: the index of its address in the call's table; -1: none */
} goss__value;

typedef struct goss__instr {
    uint32_t value;
    goss__cut *cut; /* of each operand */
    bool batched;   /* computes a whole tile at once: its unit is the tile */
    bool whole;     /* of a loop's body: computes all of its result for any unit, from whole operands */
    bool addend;    /* of a loop's body: a unit's addend of a sum over items */
    bool adds;      /* partial: a slot's second and later units are added to it by the operation (slots.c) */
} goss__instr;

typedef struct goss__phase {
    goss_extent items;            /* L; 1: one serial item */
    bool parts;                   /* one instruction that divides into parts */
    int slots;                    /* number of slots of its sums over items; 0: no such sum */
    size_t addend_bytes;          /* of one slot of all these sums, at the maxima */
    uint32_t first, count;        /* instructions */
    double item_bytes, item_cost; /* at the maxima */
    int64_t least;                /* items of a unit that its loops are worth running for */
    double batch;                 /* items that its batched instructions prefer; 0: none is batched */
} goss__phase;

typedef struct goss__storage_name {
    uint32_t value;
    const char *name;
} goss__storage_name;

struct goss_schedule {
    goss__arena arena;
    goss_precision precision;
    goss_schedule_options options;
    goss__symbols symbols; /* names are owned by the schedule */
    goss__value *values;
    uint32_t n_values;
    goss__instr *instrs; /* constants first, then phase by phase */
    uint32_t n_instrs, n_const;
    goss__phase *phases;
    uint32_t n_phases;
    uint32_t *outputs;
    int n_outputs;
    uint32_t *updates; /* values of assign nodes */
    int n_updates;
    goss__passes off;  /* disabled when it was compiled */
    bool ordered;      /* instructions are listed (set by the pass `order`) */
    bool is_body;      /* of a loop (loop.h) */
    double cost;       /* of all its instructions at the maxima */
    bool print_chains; /* log the chains found when counts are bound */
    size_t slab_bytes, const_bytes, private_bytes, scratch_bytes;
};

static inline size_t goss__elem_size(const goss_schedule *p, const goss__value *v) {
    return v->bf16 ? 2 : v->node->type == GOSS_INDEX ? 4 : p->precision == GOSS_F64 ? 8 : 4;
}
static inline size_t goss__round64(size_t n) { return (n + 63) & ~(size_t)63; }
/* The site of value v, for the operation's rules. */
void goss__value_site(goss__site *s, const goss_schedule *p, uint32_t v);
/* Whether slots pay for `sum`, a result of `maker`: they cost memory and a pass over the sum, which must be small
 * relative to the addends. */
bool goss__slots_pay(const goss_schedule *p, const goss__value *maker, const goss__value *sum);
/* Items of a unit, and of a tile of whole units, if the phase has `items` items. */
int64_t goss__unit_items(const goss__phase *ph, int64_t items);
int64_t goss__tile_items(const goss__phase *ph, int64_t items);
/* An upper bound of goss__tile_items for these and fewer items. */
int64_t goss__tile_bound(const goss__phase *ph, int64_t items);
/* Whether a call of instruction k computes the output of the next one as well. */
bool goss__goes_along(const goss_schedule *p, const goss__phase *ph, uint32_t k);
/* The pipeline [*from, *to] of instruction k: instructions that process a tile unit by unit; a batched one is a
 * pipeline of its own. */
void goss__pipeline_of(const goss_schedule *p, const goss__phase *ph, uint32_t k, uint32_t *from, uint32_t *to);
/* The instructions [*from, *to] around k that run interleaved: adjacent elementwise ones of one shape, which
 * runtime/chain.c may run block by block, and two that are fused by `along`. Their buffers must not overlap, since a
 * block of the last one is written before the next block of the first one is read. */
void goss__chain_around(const goss_schedule *p, const goss__phase *ph, uint32_t k, int64_t *from, int64_t *to);
/* Whether the instructions [from, to] are one chain for all counts, except for units with fewer than
 * GOSS__COST_CHAIN_WORTH elements: blocks of results private to it overwrite each other. */
bool goss__is_one_chain(const goss_schedule *p, int64_t from, int64_t to);
/* The largest size of a block of k's result in a chain. */
size_t goss__block_bytes(const goss_schedule *p, uint32_t k);
/* The value whose memory v aliases, with the total element offset. */
uint32_t goss__root(const goss_schedule *p, uint32_t v, int64_t *offset);
/* The same through ranges of other values' memory: the value that has memory of its own. */
uint32_t goss__memory_of(const goss_schedule *p, uint32_t v, int64_t *offset);

/* Whether v itself is an operand of val. */
static inline bool goss__reads(const goss__value *val, uint32_t v) {
    for (int i = 0; i < val->n_in; i++)
        if (val->in[i] == v) return true;
    return false;
}

/* The computed or stored value behind v's views and aliases. */
uint32_t goss__source(const goss_schedule *p, uint32_t v);

/* Whether v is an output of the schedule. */
bool goss__is_output(const goss_schedule *p, uint32_t v);
/* Whether an update assigns that parameter. */
bool goss__is_assigned(const goss_schedule *p, uint32_t param);

/* Whether the result of instruction k has a reader outside the instructions first .. first + count - 1 of a phase. */
bool goss__leaves(const goss_schedule *p, uint32_t k, uint32_t first, uint32_t count);

/* Whether v is known before a run: an input, or determined by the counts. */
static inline bool goss__is_given(const goss_schedule *p, uint32_t v) {
    const goss__place place = p->values[goss__source(p, v)].place;
    return place == GOSS__AT_INPUT || place == GOSS__AT_CONST;
}

/* Whether the result of an operation is cheaper to rematerialise at every reader than to store. */
bool goss__is_cheap(const goss_schedule *p, const goss_program *from, const goss__operation *o);
/* Runs the passes of passes.c: from ordered values to phases, instructions and offsets. */
goss_status goss__run_passes(goss_schedule *p, const goss_program *from, goss_error *err);
/* What options and environment request to print. */
goss_status goss__passes_printed(const goss_schedule_options *o, uint64_t *printed, goss_error *err);
/* A goss__after_pass that logs the program if requested. */
goss_status goss__print_program(void *printed, const goss__program_pass *pass, const goss_program *p, goss_error *err);

/* Copies the operations of a program, in order; of several results only those that are read. False: out of memory. */
bool goss__copy_program(goss_schedule *p, const goss_program *from);
/* Copies the operations with a result that `needed` selects (an entry for each of the program's values, as in number,
 * which receives the schedule's). */
bool goss__copy_needed(goss_schedule *p, const goss_program *from, const uint8_t *needed, uint32_t *number);

/* Of an instruction's largest call, at the maxima: the result and its operands. L, ph: of the phase; ph NULL: none. */
void goss__largest_call(const goss_schedule *p, const goss__instr *in, goss_extent L, const goss__phase *ph,
                        goss__tensor *t, goss__shapes *out);

/* Resolved shape of value v at counts: dims, dense strides (or a view's strides). tile_items > 0: a slice of that many
 * of L's items. */
void goss__resolve(const goss_schedule *p, uint32_t v, const int64_t *counts, goss_extent L, int64_t tile_items,
                   goss__tensor *out);
/* The strides of a broadcast view: those of its source, 0 along broadcast axes. */
void goss__resolve_operand(const goss_schedule *p, uint32_t v, goss__cut cut, const int64_t *counts, goss_extent L,
                           int64_t tile_items, goss__tensor *out, uint32_t *source, goss__cut *source_cut);
#endif
