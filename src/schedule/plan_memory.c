/* SPDX-License-Identifier: Apache-2.0 */
/* plan_memory.c: offsets. Shared values live from the phase that computes them to the last one that reads them; private
 * ones within a tile, from instruction to instruction. Both are placed by the same first fit over intervals, largest
 * first (8 to 23 % of the sum of all tensors on the graphs measured). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "schedule/loop.h"

typedef struct block {
    size_t size, *offset; /* receives the offset */
    int64_t from, to;     /* live range, inclusive */
} block;

static int larger_first(const void *a, const void *b) {
    const block *x = a, *y = b;
    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    return x->from != y->from ? (x->from > y->from) - (x->from < y->from)
                              : (x->offset > y->offset) - (x->offset < y->offset);
}

/* The limit of memory of one kind, and of a value, so that their sums do not overflow. */
#define MOST_BYTES ((size_t)1 << 52)

static goss_status too_large(goss_error *err) {
    return goss_error_set(err, GOSS_E_SHAPE, "compile: the run needs more than 2^52 bytes at the planned maxima");
}

/* Placed blocks, by offset. */
typedef struct placed {
    size_t offset, end;
    int64_t from, to;
} placed;

/* The lowest offset without conflict with a placed block whose live range overlaps. */
static size_t first_fit(const placed *p, size_t n, const block *b) {
    size_t at = 0;
    for (size_t j = 0; j < n && p[j].offset < at + b->size; j++)
        if (p[j].end > at && p[j].from <= b->to && b->from <= p[j].to) at = p[j].end;
    return at;
}

static void insert(placed *p, size_t n, placed new) {
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (p[middle].offset <= new.offset)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(p + low + 1, p + low, (n - low) * sizeof *p);
    p[low] = new;
}

/* Places blocks; *out: the total bytes. */
static goss_status place_blocks(block *blocks, size_t n, size_t *out, goss_error *err) {
    size_t total = 0;
    placed *p = goss__alloc((n + 1) * sizeof *p);
    if (!p) return goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory");
    qsort(blocks, n, sizeof *blocks, larger_first);
    for (size_t i = 0; i < n && total <= MOST_BYTES; i++) {
        const block *b = &blocks[i];
        const size_t at = first_fit(p, i, b), end = at + b->size;
        *b->offset = at;
        if (end > total) total = end;
        insert(p, i, (placed){at, end, b->from, b->to});
    }
    goss__free(p);
    *out = total;
    return total <= MOST_BYTES ? GOSS_OK : too_large(err);
}

/* An assignment whose value is (part of) a parameter needs a copy, since that parameter may be assigned earlier. */
static void plan_staged(goss_schedule *p, goss__value *v, block *blocks, size_t *n) {
    if (v->place != GOSS__AT_NOWHERE) return;
    uint32_t value = v->in[v->n_in - 1];
    if (v->in_place) return;
    v->staged = p->values[goss__source(p, value)].place == GOSS__AT_PARAM;
    if (v->staged) blocks[(*n)++] = (block){goss__round64(p->values[value].bytes), &v->offset, 0, INT32_MAX};
}

/* An output that is (part of) a parameter has its value before the assignment. */
static void plan_outputs(goss_schedule *p, block *blocks, size_t *n) {
    for (int i = 0; i < p->n_outputs; i++) {
        const uint32_t source = goss__source(p, p->outputs[i]);
        goss__value *v = &p->values[p->outputs[i]];
        if (v->kept || p->values[source].place != GOSS__AT_PARAM || !goss__is_assigned(p, source)) continue;
        v->kept = true;
        blocks[(*n)++] = (block){goss__round64(v->bytes), &v->kept_offset, 0, INT32_MAX};
    }
}

static goss_status plan_shared(goss_schedule *p, block *blocks, goss_error *err) {
    size_t n = 0;
    for (uint32_t i = 0; i < p->n_values; i++) {
        goss__value *v = &p->values[i];
        plan_staged(p, v, blocks, &n);
        if (v->place != GOSS__AT_SHARED || v->in_place_of >= 0) continue;
        bool forever = p->options.no_reuse;
        int64_t last = v->last_phase < v->phase ? v->phase : v->last_phase;
        blocks[n++] = (block){goss__round64(v->bytes), &v->offset, forever ? 0 : v->phase, forever ? INT32_MAX : last};
        if (v->partial)
            blocks[n++] = (block){(size_t)p->phases[v->phase].slots * goss__round64(v->bytes), &v->slots_offset,
                                  v->phase, v->phase};
    }
    plan_outputs(p, blocks, &n);
    return place_blocks(blocks, n, &p->slab_bytes, err);
}

static goss_status plan_const(goss_schedule *p, goss_error *err) {
    size_t at = 0;
    for (uint32_t i = 0; i < p->n_values && at <= MOST_BYTES; i++)
        if (p->values[i].place == GOSS__AT_CONST) {
            p->values[i].offset = at;
            at += goss__round64(p->values[i].bytes);
        }
    p->const_bytes = at;
    return at <= MOST_BYTES ? GOSS_OK : too_large(err);
}

/* The state of each value with memory of its own: the last instruction of its live range; its block; the value whose
 * memory it reuses, -1: none; whether other values are ranges of its memory. */
typedef struct life {
    int64_t last;
    size_t block;
    int64_t host;
    bool placed, has_ranges;
} life;

static uint32_t memory_of(const goss_schedule *p, uint32_t v) {
    int64_t offset;
    return goss__memory_of(p, v, &offset);
}

/* The chain of instruction k, and its pipeline. */
typedef struct around {
    int64_t from, to;
    uint32_t begin, end;
    bool chain; /* [from, to] is a chain of elementwise instructions */
} around;

/* For ascending k: instructions of one pipeline share the result. */
static void look_around(const goss_schedule *p, const goss__phase *ph, uint32_t k, around *a) {
    const bool first = k == ph->first, elementwise = p->values[p->instrs[k].value].op->elementwise;
    if (first || !elementwise || !a->chain || k > a->to) {
        goss__chain_around(p, ph, k, &a->from, &a->to);
        a->chain = elementwise;
    }
    if (first || k > a->end) goss__pipeline_of(p, ph, k, &a->begin, &a->end);
}

/* What passes between pipelines has a tile, and so has the memory of which it is a range. */
static void find_tiles(goss_schedule *p, const goss__phase *ph) {
    around a;
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++)
        p->values[p->instrs[k].value].whole_tile = p->instrs[k].batched;
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++) {
        const goss__value *v = &p->values[p->instrs[k].value];
        look_around(p, ph, k, &a);
        for (int i = 0; i < v->n_in; i++) {
            goss__value *in = &p->values[goss__source(p, v->in[i])];
            in->whole_tile |= in->instr < a.begin;
            p->values[memory_of(p, v->in[i])].whole_tile |= in->whole_tile;
        }
    }
}

/* The last reader of each private value, as an instruction number: the end of that reader's chain, or, if the value
 * passes between pipelines, of that reader's pipeline, whose later units run after its earlier ones. */
static void private_lives(goss_schedule *p, const goss__phase *ph, life *lives) {
    around a;
    find_tiles(p, ph);
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++) {
        const uint32_t value = p->instrs[k].value, own = memory_of(p, value);
        const goss__value *v = &p->values[value];
        look_around(p, ph, k, &a);
        lives[own].has_ranges |= own != value;
        lives[own].last = own != value && p->values[own].whole_tile ? (int64_t)a.end : a.to;
        for (int i = 0; i < v->n_in; i++) {
            const uint32_t in = memory_of(p, goss__source(p, v->in[i]));
            lives[in].last = p->values[in].whole_tile ? (int64_t)a.end : a.to;
        }
    }
    /* Results of a loop's body are copied out after its last instruction. */
    for (int i = 0; p->is_body && i < p->n_outputs; i++)
        lives[goss__source(p, p->outputs[i])].last = (int64_t)ph->first + ph->count;
}

/* Whether adjacent instructions from .. k read x as an array of their shape, and none of k + 1 .. to does. */
static bool is_read_before(const goss_schedule *p, uint32_t x, int64_t from, int64_t k, int64_t to) {
    bool before = false;
    for (int64_t j = from; j <= to; j++) {
        const goss__value *r = &p->values[p->instrs[j].value];
        for (int i = 0; i < r->n_in; i++) {
            if (goss__source(p, r->in[i]) != x) continue;
            if (r->in[i] != x || j > k || !goss_shape_equal(r->node->shape, p->values[x].node->shape)) return false;
            before = true;
        }
    }
    return before;
}

/* An array from before the chain from .. to whose memory the result of k, which others read afterwards, can reuse: each
 * element is read for the last time before the result's is written. The earliest of several; -1: none. */
static int64_t find_host(const goss_schedule *p, const life *lives, uint32_t first, int64_t from, int64_t k,
                         int64_t to) {
    const uint32_t value = p->instrs[k].value;
    const goss__value *v = &p->values[value];
    int64_t host = -1;
    if (!v->op->elementwise || v->whole_tile || v->arg >= 0 || lives[value].last <= to) return -1;
    for (int64_t j = from; j <= k; j++) {
        const goss__value *reader = &p->values[p->instrs[j].value];
        for (int i = 0; i < reader->n_in; i++) {
            const uint32_t x = reader->in[i];
            const goss__value *o = &p->values[x];
            if (o->place != GOSS__AT_PRIVATE || o->instr < first || o->instr >= from || o->arg >= 0 || o->partial ||
                o->whole_tile || o->bytes != v->bytes || o->within >= 0 || lives[x].has_ranges || lives[x].last != to)
                continue;
            if ((host < 0 || o->instr < p->values[host].instr) && is_read_before(p, x, from, k, to)) host = x;
        }
    }
    return host;
}

/* The size of a private result: a unit, or a tile. */
static size_t held_bytes(const goss_schedule *p, const goss__phase *ph, uint32_t k, int64_t items) {
    const goss__value *v = &p->values[p->instrs[k].value];
    if (p->instrs[k].whole || p->instrs[k].addend) return v->bytes;
    return v->bytes / (size_t)items *
           (size_t)(v->whole_tile ? goss__tile_bound(ph, items) : goss__unit_items(ph, items));
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* The block of the private memory that the result of k, the first of those in it, is in. */
static block block_of(goss_schedule *p, const goss__phase *ph, uint32_t k, const around *a, int64_t items,
                      const life *own, goss__value *holder) {
    const goss__value *v = &p->values[p->instrs[k].value];
    const int64_t from = v->result_of >= 0 ? p->values[v->result_of].instr : a->from; /* the scan computes it */
    size_t bytes = held_bytes(p, ph, holder->instr, items);
    if (own->last <= a->to && goss__is_one_chain(p, a->from, a->to)) bytes = least(bytes, goss__block_bytes(p, k));
    block b = {goss__round64(bytes), &holder->offset, holder->whole_tile ? (int64_t)a->begin : from, own->last};
    if (p->options.no_reuse && p->is_body) b.from = 0, b.to = INT32_MAX;
    return b;
}

/* Offsets of values in the memory of others, once that is placed. */
static void place_guests(goss_schedule *p, const goss__phase *ph, const life *lives) {
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++) {
        const uint32_t value = p->instrs[k].value;
        goss__value *v = &p->values[value];
        int64_t offset;
        const uint32_t holder = goss__memory_of(p, value, &offset);
        if (v->place != GOSS__AT_PRIVATE || v->arg >= 0 || p->values[holder].place != GOSS__AT_PRIVATE) continue;
        if (holder != value)
            v->offset = p->values[holder].offset + (size_t)offset * goss__elem_size(p, v);
        else if (lives[value].host >= 0)
            v->offset = p->values[lives[value].host].offset;
    }
}

/* The schedule's private bytes are those of the largest phase. */
static goss_status plan_private(goss_schedule *p, const goss__phase *ph, block *blocks, life *lives, goss_error *err) {
    size_t n = 0, total;
    int64_t counts[GOSS__MAX_SYMBOLS];
    goss__symbol_maxima(&p->symbols, counts);
    const int64_t items = goss__extent_eval(ph->items, counts);
    around a;
    private_lives(p, ph, lives);
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++) {
        goss__value *v = &p->values[p->instrs[k].value];
        look_around(p, ph, k, &a);
        if (v->partial && !p->instrs[k].adds)
            blocks[n++] = (block){goss__round64(v->bytes), &v->spare_offset,
                                  v->result_of >= 0 ? p->values[v->result_of].instr : k, k};
        if (v->place != GOSS__AT_PRIVATE || v->arg >= 0) continue;
        const uint32_t holder = memory_of(p, p->instrs[k].value);
        life *own = &lives[holder];
        if (own->placed || p->values[holder].place != GOSS__AT_PRIVATE) continue;
        own->placed = true;
        own->host = own->has_ranges ? -1 : find_host(p, lives, ph->first, a.from, k, a.to);
        if (own->host >= 0) {
            life *host = &lives[own->host];
            own->block = host->block, blocks[own->block].to = own->last, host->last = -1; /* can be reused only once */
            continue;
        }
        own->block = n;
        blocks[n++] = block_of(p, ph, k, &a, items, own, &p->values[holder]);
    }
    GOSS_TRY(place_blocks(blocks, n, &total, err));
    place_guests(p, ph, lives);
    if (total > p->private_bytes) p->private_bytes = total;
    return GOSS_OK;
}

static size_t instr_scratch(const goss_schedule *p, const goss__instr *in, goss_extent L, const goss__phase *ph) {
    const goss__value *v = &p->values[in->value];
    if (v->loop) return goss__loop_scratch(v->loop);
    if (!v->op->kernel.scratch) return 0;
    goss__tensor t[GOSS__MAX_IN + 1];
    goss__shapes s;
    goss__largest_call(p, in, L, ph, t, &s);
    return v->op->kernel.scratch(&s, p->precision == GOSS_F64, goss__kernels_best());
}

static goss_status plan_scratch(goss_schedule *p, goss_error *err) {
    size_t most = 0;
    for (uint32_t k = 0; k < p->n_const; k++) {
        size_t n = instr_scratch(p, &p->instrs[k], goss_n(1), NULL);
        if (n > most) most = n;
    }
    for (uint32_t f = 0; f < p->n_phases; f++)
        for (uint32_t k = p->phases[f].first; k < p->phases[f].first + p->phases[f].count; k++) {
            size_t n = instr_scratch(p, &p->instrs[k], p->phases[f].items, &p->phases[f]);
            if (n > most) most = n;
        }
    p->scratch_bytes = goss__round64(most);
    return most <= MOST_BYTES ? GOSS_OK : too_large(err);
}

static goss_status plan_all(goss_schedule *p, block *blocks, life *lives, goss_error *err) {
    if (!p->is_body) GOSS_TRY(plan_shared(p, blocks, err));
    GOSS_TRY(plan_const(p, err));
    /* Loop-invariant values live as long as the call: loop_plan.c. */
    for (uint32_t f = p->is_body ? GOSS__LOOP_STEP : 0; f < p->n_phases; f++)
        GOSS_TRY(plan_private(p, &p->phases[f], blocks, lives, err));
    return plan_scratch(p, err);
}

goss_status goss__plan_memory(goss_schedule *p, goss_error *err) {
    block *blocks = goss__calloc(2 * (size_t)p->n_values + (size_t)p->n_outputs + 1, sizeof *blocks);
    life *lives = goss__calloc(p->n_values + 1u, sizeof *lives);
    goss_status s =
        blocks && lives ? plan_all(p, blocks, lives, err) : goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory");
    goss__free(blocks), goss__free(lives);
    return s;
}
