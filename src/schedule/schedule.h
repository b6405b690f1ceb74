/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.h: the compiled form, private to this floor.
 *
 * A program is the needed nodes of a graph (values), the ones among them that compute (instructions), cut into phases.
 * A phase has one parallel axis of L items; a thread takes a tile of items through the whole chain of the phase's
 * instructions, so that what only the chain reads lives in that thread's private arena and stays in its cache. Where
 * some instructions prepare their weights at each call (batched: they want many items), a tile is more than the cache
 * holds: those take it at once, stretches of others between them go through it in units. Elsewhere a tile is one unit.
 * All sizes are planned for the symbols' maxima; smaller counts use less of the same memory. */
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
    GOSS__AT_CONST,   /* computed when counts are set: depends on nothing that a run brings */
    GOSS__AT_SHARED,  /* the run's slab, planned offset */
    GOSS__AT_PRIVATE, /* the thread's arena: lives within one tile */
    GOSS__AT_ALIAS,   /* operand 0's memory at an element offset */
    GOSS__AT_VIEW,    /* a broadcast that is never materialised */
    GOSS__AT_MERGED,  /* nowhere: its only reader computes it along the way */
    GOSS__AT_ARG,     /* of a loop's body: an argument, whose address comes with the call (loop.h) */
    GOSS__AT_NOWHERE  /* an assignment */
} goss__place;

typedef struct goss__value {
    const goss__op *op;
    const goss__node *node; /* a copy owned by the program: shape, attr, name, scope */
    const uint32_t *in;     /* value numbers */
    uint16_t n_in;
    goss__place place;
    int64_t alias_offset; /* elements */
    int32_t phase;        /* that computes it; -1: none */
    uint32_t instr;       /* that computes it */
    int32_t last_phase;   /* that reads it; INT32_MAX: an output */
    uint32_t last_instr;  /* of its own phase that reads it; 0: none */
    bool partial;         /* its phase gives addends in slots */
    int32_t in_place_of;  /* the parameter in whose memory it is computed; -1: none */
    bool in_place;        /* an assignment that is done by then */
    bool staged;          /* an assignment whose value is a parameter's memory: copied before any parameter changes */
    size_t bytes;         /* of the whole, at the maxima */
    size_t offset;        /* in the slab or the private arena */
    size_t slots_offset;  /* partial: its phase's slots, blocks in the slab, each rounded to 64 bytes */
    size_t spare_offset;  /* partial: one block in the private arena, for a slot's second and later units */
    size_t kept_offset;   /* kept: in the slab */
    bool kept;            /* an output that is (part of) a parameter which is assigned: copied before it changes */
    bool bf16;            /* a parameter kept as bfloat16 */
    int64_t copy_of;      /* the value that this is computed again from (rematerialise.c); -1: none */
    bool moved;           /* to the phase that reads it (sink.c) */
    bool whole_tile;      /* private: one stretch of units hands it to another, so it holds a tile and not a unit */
    struct goss__loop *loop;    /* a scan: its compiled body (loop.h) */
    const goss_program *region; /* a scan, while it is compiled: its body */
    int64_t result_of;          /* of a scan's result: the scan, which computes it; -1: it is none */
    int32_t arg; /* of a loop's body: the place in the call's table that its address comes from; -1: none */
} goss__value;

typedef struct goss__instr {
    uint32_t value;
    goss__cut *cut; /* of each operand */
    bool batched;   /* takes a whole tile at once: its unit is the tile */
    bool whole;     /* of a loop's body: computes all of its result for any unit, from whole operands */
    bool addend;    /* of a loop's body: a unit's addend of a sum over items */
} goss__instr;

typedef struct goss__phase {
    goss_extent items;            /* L; 1: one serial item */
    bool parts;                   /* one instruction that divides itself */
    int slots;                    /* most addends of a sum over items; 0: there is no such sum */
    uint32_t first, count;        /* instructions */
    double item_bytes, item_cost; /* at the maxima */
    double batch;                 /* items that its batched instructions want; 0: none is */
} goss__phase;

typedef struct goss__storage_name {
    uint32_t value;
    const char *name;
} goss__storage_name;

struct goss_schedule {
    goss__arena arena;
    goss_precision precision;
    goss_schedule_options options;
    goss__symbols symbols; /* names are the schedule's own */
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
    goss__passes off;  /* switched off when it was compiled */
    bool ordered;      /* instructions are listed: set by the pass that does so */
    bool is_body;      /* of a loop (loop.h) */
    double cost;       /* of all its instructions at the maxima */
    bool print_chains; /* that runs find, to the log */
    size_t slab_bytes, const_bytes, private_bytes, scratch_bytes;
};

static inline size_t goss__elem_size(const goss_schedule *p, const goss__value *v) {
    return v->bf16 ? 2 : v->node->type == GOSS_INDEX ? 4 : p->precision == GOSS_F64 ? 8 : 4;
}
static inline size_t goss__round64(size_t n) { return (n + 63) & ~(size_t)63; }
/* What the operation's rules see of value v. */
void goss__value_site(goss__site *s, const goss_schedule *p, uint32_t v);
/* Whether addends in slots pay for `sum`, a result of `maker`: they cost memory and a pass over the sum, which has
 * to be small against what is summed. */
bool goss__slots_pay(const goss_schedule *p, const goss__value *maker, const goss__value *sum);
/* Items of a unit and of a tile, whole units, when the phase has `items` of them. */
int64_t goss__unit_items(const goss__phase *ph, int64_t items);
int64_t goss__tile_items(const goss__phase *ph, int64_t items);
/* At least goss__tile_items for these and fewer items. */
int64_t goss__tile_bound(const goss__phase *ph, int64_t items);
/* Whether the run of instruction k makes the output of the one behind it, too. */
bool goss__goes_along(const goss_schedule *p, const goss__phase *ph, uint32_t k);
/* The instructions [*from, *to] around k that go through a tile unit by unit together; a batched one stands alone. */
void goss__stretch_of(const goss_schedule *p, const goss__phase *ph, uint32_t k, uint32_t *from, uint32_t *to);
/* Instructions [*from, *to] around k that run together: those that runtime/chain.c may run block by block, elementwise
 * neighbours of one shape, and two of which one goes along with the other. All that they read and write must lie apart,
 * since a block of the last one is written before the next block of the first one is read. */
void goss__chain_around(const goss_schedule *p, const goss__phase *ph, uint32_t k, int64_t *from, int64_t *to);
/* Whether neighbours [from, to] are one chain for any counts, but where a unit has fewer than GOSS__COST_CHAIN_WORTH
 * elements: of what only they read each block overwrites the one before. */
bool goss__is_one_chain(const goss_schedule *p, int64_t from, int64_t to);
/* The most bytes of a chain's block of what k makes. */
size_t goss__block_bytes(const goss_schedule *p, uint32_t k);
/* The value whose memory v's is (through aliases), with the element offset added up. */
uint32_t goss__root(const goss_schedule *p, uint32_t v, int64_t *offset);

/* v itself is an operand of val. */
static inline bool goss__reads(const goss__value *val, uint32_t v) {
    for (int i = 0; i < val->n_in; i++)
        if (val->in[i] == v) return true;
    return false;
}

/* The value that is computed or kept, behind v's views and aliases. */
uint32_t goss__source(const goss_schedule *p, uint32_t v);

/* The schedule's outputs have v among them. */
bool goss__is_output(const goss_schedule *p, uint32_t v);
/* An update assigns that parameter. */
bool goss__is_assigned(const goss_schedule *p, uint32_t param);

/* Whether anything outside the instructions first .. first + count - 1 of a phase reads what instruction k makes. */
bool goss__leaves(const goss_schedule *p, uint32_t k, uint32_t first, uint32_t count);

/* v is known before a run begins: it is an input, or all of it follows from the counts. */
static inline bool goss__is_given(const goss_schedule *p, uint32_t v) {
    const goss__place place = p->values[goss__source(p, v)].place;
    return place == GOSS__AT_INPUT || place == GOSS__AT_CONST;
}

/* Whether the one result of an operation had better be computed again by every reader than kept. */
bool goss__is_cheap(const goss_schedule *p, const goss_program *from, const goss__operation *o);
/* From values in order to phases, instructions and offsets: the passes of passes.c, one after the other. */
goss_status goss__run_passes(goss_schedule *p, const goss_program *from, goss_error *err);
/* What options and the environment want printed. */
goss_status goss__passes_printed(const goss_schedule_options *o, uint64_t *printed, goss_error *err);
/* A goss__after_pass that logs the program if that is among what is to be printed. */
goss_status goss__print_program(void *printed, const goss__program_pass *pass, const goss_program *p, goss_error *err);

/* The values of a program that `needed` (one for each operation; NULL: all) names, in order. number: one for each of
 * the program's values, its value here; NULL: not wanted. False: out of memory. */
bool goss__copy_program(goss_schedule *p, const goss_program *from, const uint8_t *needed, uint32_t *number);

/* Resolved shape of value v at counts: dims, dense strides (or a view's strides). tile_items > 0: a slice of that many
 * of L's items. */
void goss__resolve(const goss_schedule *p, uint32_t v, const int64_t *counts, goss_extent L, int64_t tile_items,
                   goss__tensor *out);
/* The strides of a lazily broadcast value: those of its source, 0 where it repeats. */
void goss__resolve_operand(const goss_schedule *p, uint32_t v, goss__cut cut, const int64_t *counts, goss_extent L,
                           int64_t tile_items, goss__tensor *out, uint32_t *source, goss__cut *source_cut);
#endif
