/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c: runs adjacent elementwise instructions of one shape block by block instead of one after the other, so that
 * intermediate results stay in L1. Results are bit-identical. */
#include "base/os.h"
#include "graph/cost_model.h"
#include "runtime/exec.h"
#include "runtime/profile.h"
#include "ops/elementwise.h"

enum { BLOCK = GOSS__COST_BLOCK, LINKS = GOSS__COST_CHAIN_STEPS };

typedef enum operand_kind { DENSE, ROW, SCALAR, OTHER } operand_kind;

/* The layout of an operand's axes from `from` on relative to a dense output: the same, one row, one number, or
 * other. */
static operand_kind kind_of(const goss__tensor *t, const goss__tensor *out, int from) {
    bool dense = true, row = true, scalar = true;
    if (t->rank != out->rank) return t->numel == 1 ? SCALAR : OTHER;
    for (int i = from; i < out->rank; i++) {
        if (out->dim[i] == 1) continue;
        dense &= t->stride[i] == out->stride[i];
        scalar &= t->stride[i] == 0;
        row &= t->stride[i] == (i == out->rank - 1);
    }
    return scalar ? SCALAR : dense ? DENSE : row ? ROW : OTHER;
}

/* The axis of a unit's items: the first whose extent is not 1, at most the last but one. */
static int item_axis(const goss__tensor *out) {
    int axis = 0;
    while (axis < out->rank - 2 && out->dim[axis] == 1) axis++;
    return axis;
}

/* How a step can join a chain: over the whole unit, or item by item if an operand has a row or number per item. */
typedef enum fit { ALONE, AT_ONCE, BY_ITEMS } fit;

static bool kinds_fit(const goss__step *s, int from) {
    for (int i = 0; i < s->value->n_in; i++)
        if (kind_of(&s->shapes[0].in[i], s->shapes[0].out, from) == OTHER) return false;
    return true;
}

static fit fit_of(const goss__step *s) {
    const goss__tensor *out = s->shapes[0].out;
    if (!s->value->op->elementwise || s->value->n_in > 3 || out->numel < GOSS__COST_CHAIN_WORTH) return ALONE;
    if (kinds_fit(s, 0)) return AT_ONCE;
    if (out->rank < 2) return ALONE;
    const int axis = item_axis(out);
    return out->numel / out->dim[axis] >= BLOCK && kinds_fit(s, axis + 1) ? BY_ITEMS
                                                                          : ALONE; /* an item has at least a block */
}

/* Equal shapes for all counts, which memory planning relies on. */
static bool same_shape(const goss_exec *e, uint32_t j, uint32_t k) {
    const goss__instr *a = &e->schedule->instrs[j], *b = &e->schedule->instrs[k];
    return a->whole == b->whole && goss_shape_equal(e->steps[j].value->node->shape, e->steps[k].value->node->shape);
}

/* A block is a number of rows of `inner` elements if an operand is one row for all, else a number of elements. */
static void set_rows(goss__ew *e, int64_t rows, bool by_rows) { *(by_rows ? &e->outer : &e->inner) = rows; }

/* The iteration of the chain: over axes from `from` on, in blocks of elements, or of rows of `inner` elements. */
typedef struct walk {
    int from;
    int64_t inner, block;
    bool by_rows;
} walk;

static void set_link(const goss_exec *e, goss__step *s, const walk *w) {
    const bool f64 = e->schedule->precision == GOSS_F64;
    const goss__tensor *out = s->shapes[0].out;
    const int64_t size = f64 ? 8 : 4, bytes = w->block * w->inner * size;
    const int axis = w->from - 1;
    s->link = (goss__link){.fn = goss__ew_kernel(s->value->op, f64, e->kernels),
                           .ops = 1,
                           .block = {.outer = 1, .inner = w->inner},
                           .move = {bytes}};
    set_rows(&s->link.block, w->block, w->by_rows);
    if (axis >= 0) s->link.item[0] = out->stride[axis] * size;
    for (int i = 0; i < s->value->n_in; i++) {
        const goss__tensor *in = &s->shapes[0].in[i];
        const operand_kind kind = kind_of(in, out, w->from);
        s->link.block.in_inner[i] = kind != SCALAR;
        s->link.block.in_outer[i] = kind == DENSE ? w->inner : 0;
        s->link.move[i + 1] = kind == DENSE ? bytes : 0;
        if (axis >= 0 && in->rank == out->rank) s->link.item[i + 1] = in->stride[axis] * size;
    }
}

/* The first buffer of the chain that is free from step k on; values that die in k may be overwritten. */
static goss__step *free_place(goss_exec *e, uint32_t k, uint32_t first) {
    for (uint32_t j = first; j < k; j++)
        if (!e->steps[j].link.move[0] && e->steps[j].busy_until <= k) return &e->steps[j];
    return &e->steps[k];
}

/* Values private to the chain are kept for a block only: they share a few buffers, which stay in L1. */
static void place_locals(goss_exec *e, uint32_t f, uint32_t first, uint32_t count) {
    const goss_schedule *p = e->schedule;
    for (uint32_t k = first; k < first + count; k++) {
        const uint32_t value = p->instrs[k].value;
        if (p->values[value].place != GOSS__AT_PRIVATE || goss__leaves(p, k, first, count)) continue;
        e->steps[k].link.move[0] = e->steps[k].link.item[0] = 0;
        uint32_t last = k;
        goss__step *place = free_place(e, k, first);
        const int64_t offset = p->values[p->instrs[place - e->steps].value].offset;
        e->steps[k].at[0].offset = offset;
        for (uint32_t j = k + 1; j < first + count; j++)
            for (int i = 0; i < e->steps[j].value->n_in; i++) {
                if (goss__source(p, e->steps[j].value->in[i]) != value) continue;
                e->steps[j].at[i + 1].offset = offset, e->steps[j].link.move[i + 1] = e->steps[j].link.item[i + 1] = 0;
                last = j;
            }
        e->steps[k].busy_until = 0, place->busy_until = last;
    }
}

static void set_chain(goss_exec *e, uint32_t f, uint32_t first, uint32_t count, fit how) {
    const goss__tensor *out = e->steps[first].shapes[0].out;
    walk w = {.from = how == BY_ITEMS ? item_axis(out) + 1 : 0};
    for (uint32_t k = first; k < first + count; k++)
        for (int i = 0; i < e->steps[k].value->n_in; i++)
            w.by_rows |= kind_of(&e->steps[k].shapes[0].in[i], out, w.from) == ROW;
    w.inner = w.by_rows ? out->dim[out->rank - 1] : 1, w.block = w.inner < BLOCK ? BLOCK / w.inner : 1;
    for (uint32_t k = first; k < first + count; k++) set_link(e, &e->steps[k], &w);
    if (e->schedule->print_chains) goss__print_chain(e, f, first, count);
    goss__fuse_chain(e, first, count);
    place_locals(e, f, first, count);
    e->steps[first].chain = (int)count, e->steps[first].by_rows = w.by_rows;
    e->steps[first].item = w.from ? out->numel / out->dim[w.from - 1] : 0;
}

void goss__resolve_chains(goss_exec *e, uint32_t f) {
    const uint32_t first = e->schedule->phases[f].first, count = e->schedule->phases[f].count;
    for (uint32_t k = first; k < first + count;) {
        uint32_t n = 0;
        fit how = AT_ONCE;
        for (; n < LINKS && k + n < first + count; n++) {
            const fit own = fit_of(&e->steps[k + n]);
            e->steps[k + n].chain = 0;
            if (own == ALONE || !same_shape(e, k, k + n)) break;
            if (own == BY_ITEMS) how = BY_ITEMS;
        }
        if (n >= 2) set_chain(e, f, k, n, how);
        k += n ? n : 1;
    }
}

/* ---- runs ---- */

/* A chain's calls: resolved, with their addresses in a unit. */
typedef struct bound {
    const goss__step *head;
    int n;
    bool by_rows;
    goss__ew block[LINKS];
    int moving[LINKS], n_moving; /* those of which an address changes from block to block */
} bound;

static bool moves(const goss__link *l) { return l->move[0] || l->move[1] || l->move[2] || l->move[3]; }

/* At the first block of a unit's item. */
static void bind_links(bound *b, const goss_exec *e, const goss__step *head, const goss__unit *u, int64_t item) {
    b->head = head, b->n = head->chain, b->by_rows = head->by_rows, b->n_moving = 0;
    for (int k = 0; k < b->n; k++) {
        const goss__step *s = head + k;
        if (moves(&s->link)) b->moving[b->n_moving++] = k;
        b->block[k] = s->link.block;
        b->block[k].out = goss__address(e, &s->at[0], u) + item * s->link.item[0];
        for (int i = 0; i < s->value->n_in; i++)
            b->block[k].in[i] = goss__address(e, &s->at[i + 1], u) + item * s->link.item[i + 1];
    }
}

static void move_on(goss__ew *e, const int64_t *move) {
    e->out = (char *)e->out + move[0];
    for (int i = 0; i < 3; i++) e->in[i] = (const char *)e->in[i] + move[i + 1];
}

static void move_all(bound *b) {
    for (int i = 0; i < b->n_moving; i++) move_on(&b->block[b->moving[i]], b->head[b->moving[i]].link.move);
}

static void run_block(bound *b) {
    for (int k = 0; k < b->n; k += b->head[k].link.ops) b->head[k].link.fn(&b->block[k]);
}

static void run_blocks(bound *b, int64_t rows, int64_t block) {
    for (; rows > block; rows -= block) {
        run_block(b);
        move_all(b);
    }
    for (int k = 0; k < b->n && rows < block; k++) set_rows(&b->block[k], rows, b->by_rows);
    if (rows > 0) run_block(b);
}

/* Runs the first block call by call and times each step; steps of a fused call get equal shares. */
static int64_t weigh_block(bound *b, int64_t rows, double *weight) {
    for (int k = 0; k < b->n; k++) set_rows(&b->block[k], rows, b->by_rows);
    for (int k = 0; k < b->n; k += b->head[k].link.ops) {
        const goss__link *l = &b->head[k].link;
        const double from = goss__now();
        l->fn(&b->block[k]);
        const double each = (goss__now() - from) / l->ops;
        for (int i = 0; i < l->ops; i++) weight[k + i] = each;
    }
    move_all(b);
    return rows;
}

/* A profiled chain: the first block determines how its time is divided among steps, since reading the clock at every
 * call would cost more than the calls. */
static void note_chain(goss_exec *e, uint32_t first, int worker, const double *weight, int n, double start) {
    const double seconds = goss__now() - start;
    double sum = 0;
    for (int i = 0; i < n; i++) sum += weight[i];
    for (int i = 0; i < n; i++)
        goss__profile_add(e, worker, first + (uint32_t)i, sum > 0 ? seconds * weight[i] / sum : 0);
    goss__profile_event(e, worker, first, first + (uint32_t)n - 1, start);
}

void goss__run_chain(goss_exec *e, uint32_t first, const goss__unit *u) {
    const goss__step *head = &e->steps[first];
    const goss__ew *shape = &head->link.block;
    const int64_t all = head->shapes[u->last].out->numel, each = head->item ? head->item : all;
    const int64_t rows = head->by_rows ? each / shape->inner : each,
                  block = head->by_rows ? shape->outer : shape->inner;
    bound b;
    double weight[LINKS], start = e->profile ? goss__now() : 0;
    for (int64_t item = 0; item * each < all; item++) {
        int64_t done = 0;
        bind_links(&b, e, head, u, item);
        if (e->profile && item == 0) done = weigh_block(&b, rows < block ? rows : block, weight);
        run_blocks(&b, rows - done, block);
    }
    if (e->profile) note_chain(e, first, u->worker, weight, b.n, start);
}
