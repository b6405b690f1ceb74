/* chain.c: neighbouring elementwise instructions of one shape run block by block instead of one after the other, so that what
 * one writes the next reads from the first-level cache. The arithmetic of an element is the same either way, bit for bit. */
#include "exec/exec.h"

#define BLOCK 2048 /* elements: three operands and a result stay within 32 KiB */

typedef enum operand_kind { DENSE, ROW, SCALAR, OTHER } operand_kind;

/* How an operand lies against a dense output: like it, one row for all, one number for all, or some other way. */
static operand_kind kind_of(const goss__tensor *t, const goss__tensor *out) {
    bool dense = true, row = true, scalar = true;
    if (t->rank != out->rank) return t->numel == 1 ? SCALAR : OTHER;
    for (int i = 0; i < out->rank; i++) {
        if (out->dim[i] == 1) continue;
        dense &= t->stride[i] == out->stride[i];
        scalar &= t->stride[i] == 0;
        row &= t->stride[i] == (i == out->rank - 1);
    }
    return scalar ? SCALAR : dense ? DENSE : row ? ROW : OTHER;
}

static bool chainable(const goss__step *s) {
    if (!s->value->op->views || s->value->n_in > 3 || s->shapes[0].out->numel < 2 * BLOCK) return false;
    for (int i = 0; i < s->value->n_in; i++)
        if (kind_of(&s->shapes[0].in[i], s->shapes[0].out) == OTHER) return false;
    return true;
}

static bool same_dims(const goss__tensor *a, const goss__tensor *b) {
    bool same = a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++) same = a->dim[i] == b->dim[i];
    return same;
}

static goss__tensor block_tensor(operand_kind kind, int64_t rows, int64_t inner) {
    goss__tensor t = {.rank = 2, .dim = {rows, inner}, .numel = rows * inner};
    t.stride[0] = kind == DENSE ? inner : 0;
    t.stride[1] = kind == SCALAR ? 0 : 1;
    return t;
}

/* Block shapes of one step: variant 0 a whole block, 1 the last one of a full unit, 2 the last one of the last unit. */
static void set_blocks(goss__step *s, goss__tensor *t, int64_t inner, int64_t block) {
    int n = 1 + s->value->n_in;
    s->block_rows = block, s->inner = inner;
    for (int j = 0; j < 3; j++) {
        int64_t rows = s->shapes[j == 2].out->numel / inner, last = rows - (rows - 1) / block * block;
        int64_t r = j == 0 ? block : last;
        t[j * n] = block_tensor(DENSE, r, inner);
        for (int i = 0; i + 1 < n; i++) {
            operand_kind kind = kind_of(&s->shapes[0].in[i], s->shapes[0].out);
            t[j * n + 1 + i] = block_tensor(kind, r, inner);
            s->moves[i + 1] = kind == DENSE;
        }
        s->block_shapes[j] = (goss__shapes){.attr = s->value->node->attr, .n_in = s->value->n_in, .out = &t[j * n], .in = &t[j * n + 1]};
        goss__step_plan(s, &s->block_shapes[j], 2 + j);
    }
}

static bool reads(const goss_program *p, const goss__value *v, uint32_t value) {
    for (int i = 0; i < v->n_in; i++)
        if (goss__source(p, v->in[i]) == value) return true;
    return false;
}

/* Whether anything outside the chain reads what step k makes. */
static bool leaves_chain(const goss_exec *e, const goss__phase *ph, uint32_t k, uint32_t first, uint32_t count) {
    const goss_program *p = e->program;
    const uint32_t value = p->instrs[k].value;
    bool leaves = p->values[value].place != GOSS__AT_PRIVATE;
    for (uint32_t j = ph->first; j < ph->first + ph->count && !leaves; j++)
        leaves = (j < first || j >= first + count) && reads(p, e->steps[j].value, value);
    return leaves;
}

/* The first place of its own among the chain's that no value needs from step k on; what dies in k may be overwritten. */
static goss__step *free_place(goss_exec *e, uint32_t k, uint32_t first) {
    for (uint32_t j = first; j < k; j++)
        if (!e->steps[j].moves[0] && e->steps[j].busy_until <= k) return &e->steps[j];
    return &e->steps[k];
}

/* Values that nothing outside the chain reads are forgotten block by block: each block overwrites the one before, and
 * they share few places, which never leave the first-level cache. */
static void place_locals(goss_exec *e, uint32_t f, uint32_t first, uint32_t count) {
    const goss_program *p = e->program;
    for (uint32_t k = first; k < first + count; k++) {
        const uint32_t value = p->instrs[k].value;
        e->steps[k].moves[0] = leaves_chain(e, &p->phases[f], k, first, count);
        if (e->steps[k].moves[0]) continue;
        uint32_t last = k;
        goss__step *place = free_place(e, k, first);
        const int64_t offset = p->values[p->instrs[place - e->steps].value].offset;
        e->steps[k].at[0].offset = offset;
        for (uint32_t j = k + 1; j < first + count; j++)
            for (int i = 0; i < e->steps[j].value->n_in; i++) {
                if (goss__source(p, e->steps[j].value->in[i]) != value) continue;
                e->steps[j].at[i + 1].offset = offset, e->steps[j].moves[i + 1] = false;
                last = j;
            }
        e->steps[k].busy_until = 0, place->busy_until = last;
    }
}

static void set_chain(goss_exec *e, uint32_t f, uint32_t first, uint32_t count) {
    const goss__tensor *out = e->steps[first].shapes[0].out;
    bool rows = false;
    for (uint32_t k = first; k < first + count; k++)
        for (int i = 0; i < e->steps[k].value->n_in; i++) rows |= kind_of(&e->steps[k].shapes[0].in[i], out) == ROW;
    int64_t inner = rows ? out->dim[out->rank - 1] : 1, block = BLOCK / inner;
    for (uint32_t k = first; k < first + count; k++) set_blocks(&e->steps[k], e->steps[k].tensors + 2 * (1 + e->steps[k].value->n_in), inner, block < 1 ? 1 : block);
    place_locals(e, f, first, count);
    e->steps[first].chain = (int)count;
}

void goss__resolve_chains(goss_exec *e, uint32_t f) {
    const uint32_t first = e->program->phases[f].first, count = e->program->phases[f].count;
    for (uint32_t k = first; k < first + count;) {
        uint32_t n = 0;
        e->steps[k].chain = 0;
        while (k + n < first + count && chainable(&e->steps[k + n]) &&
               same_dims(e->steps[k + n].shapes[0].out, e->steps[k].shapes[0].out)) {
            e->steps[k + n].chain = 0;
            n++;
        }
        if (n >= 2) set_chain(e, f, k, n);
        k += n ? n : 1;
    }
}
