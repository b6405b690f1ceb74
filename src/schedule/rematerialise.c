/* SPDX-License-Identifier: Apache-2.0 */
/* rematerialise.c: values that are cheaper to recompute than to store.
 *
 * A sum or product of a large array with a broadcast operand (x minus a mean common to all pixels) is cheaper to
 * recompute where it is read than to store and load, and so is a convolution with few products per output, whose map is
 * many times the image. When the program is copied, every reader of such a value but the first gets its own copy,
 * including cheap operands. The same holds for a flop or two of an array and of numbers, as in a GELU. Once phases are
 * known and copies have been sunk to their readers (sink.c), those within a phase are merged unless so much is stored
 * between them that the first has left the caches, and one that could not be sunk is replaced by the first. */
#include "graph/cost_model.h"
#include "ops/attrs.h"
#include "schedule/build.h"

static bool repeats(const goss__operation *o) { return o->op->broadcast; }

/* The value behind operand i, through reshapes. */
static const goss__operation *behind(const goss_program *from, const goss__operation *o, int i) {
    const goss__operation *in = goss__maker(from, o->shown.operands[i]);
    while (in->op->slicing.alias) in = goss__maker(from, in->shown.operands[0]);
    return in;
}

static bool is_large(const goss_program *from, const goss__operation *o) {
    const goss_shape *s = &from->values[o->shown.first_result].shape;
    int64_t numbers;
    return goss__extent_most(&from->symbols, goss__shape_product(s, 0, s->rank), &numbers) &&
           sizeof(float) * (double)numbers >= GOSS__COST_FAR_BYTES;
}

/* x minus a mean, a map times its factors. */
static bool adds_or_scales(const goss_program *from, const goss__operation *o) {
    const bool sum = o->op == &goss__op_ew[GOSS__EW_add] || o->op == &goss__op_ew[GOSS__EW_sub];
    if (!sum && o->op != &goss__op_ew[GOSS__EW_mul]) return false;
    const bool a = repeats(goss__maker(from, o->shown.operands[0])),
               b = repeats(goss__maker(from, o->shown.operands[1]));
    return a != b && !behind(from, o, a ? 1 : 0)->op->elementwise;
}

static bool is_number(const goss_program *from, int value) {
    const goss__operation *o = goss__maker(from, value);
    if (!repeats(o)) return false;
    const goss_shape *s = &from->values[o->shown.operands[0]].shape;
    return goss_extent_is(goss__shape_product(s, 0, s->rank), 1);
}

/* A flop or two of one array and of numbers: half of x, 1 + x, the square. Its operand is live instead of it, so that
 * no more is stored in any case, and less where the operand is read again, too. */
static bool is_of_numbers(const goss_program *from, const goss__operation *o) {
    static const enum goss__ew_op few[] = {GOSS__EW_add, GOSS__EW_sub, GOSS__EW_mul, GOSS__EW_neg, GOSS__EW_square};
    bool is_few = false;
    int arrays = 0;
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) is_few |= o->op == &goss__op_ew[few[i]];
    for (int i = 0; is_few && i < o->shown.n_operands; i++) arrays += !is_number(from, o->shown.operands[i]);
    return is_few && arrays == 1;
}

static int times_read(const goss_program *from, int value) {
    int times = 0;
    for (int i = 0; i < from->n_operations; i++)
        for (int j = 0; j < from->operations[i].shown.n_operands; j++)
            times += from->operations[i].shown.operands[j] == value;
    return times;
}

/* A sum that a product's epilogue computes (fusion.c): a copy would keep the product, which nothing else reads, beside
 * the sum. */
static bool is_epilogue(const goss_schedule *p, const goss_program *from, const goss__operation *o) {
    if (o->op != &goss__op_ew[GOSS__EW_add] || goss__has_pass(p->off, GOSS__PASS_FUSE_ADDEND)) return false;
    for (int i = 0; i < 2; i++) {
        const int value = o->shown.operands[i];
        const goss__operation *in = goss__maker(from, value);
        if (in->op == &goss__op_matmul && !GOSS__ATTR(in, matmul)->transpose_a && times_read(from, value) == 1)
            return true;
    }
    return false;
}

static bool is_few_flops(const goss_schedule *p, const goss_program *from, const goss__operation *o) {
    return (adds_or_scales(from, o) || is_of_numbers(from, o)) && is_large(from, o) && !is_epilogue(p, from, o);
}

bool goss__is_cheap(const goss_schedule *p, const goss_program *from, const goss__operation *o) {
    if (goss__has_pass(p->off, GOSS__PASS_REMATERIALISE)) return false;
    if (!o->op->cost.is_cheap) return is_few_flops(p, from, o);
    goss__site site;
    goss__operation_site(&site, from, o);
    return o->op->cost.is_cheap(&site) && is_large(from, o);
}

static void read_instead(goss_schedule *p, uint32_t v, uint32_t instead) {
    for (uint32_t r = v + 1; r < p->n_values; r++) {
        uint32_t *in = (uint32_t *)(uintptr_t)p->values[r].in; /* owned by the schedule */
        for (int i = 0; i < p->values[r].n_in; i++)
            if (in[i] == v) in[i] = instead;
    }
}

/* The first value from `first` on that is still in the caches where v is computed: more of an item than they hold is
 * stored by v's phase between earlier ones and v. counts: the symbols' maxima. */
static uint32_t first_cached(const goss_schedule *p, uint32_t first, uint32_t v, const int64_t *counts) {
    const int32_t phase = p->values[v].phase;
    if (phase < 0) return first; /* constants */
    const double most = GOSS__COST_UNIT_BYTES * (double)goss__extent_eval(p->phases[phase].items, counts);
    double bytes = 0;
    for (uint32_t w = v; w > first; w--) {
        const goss__value *val = &p->values[w];
        if (w < v && val->phase == phase && goss__is_instr(val) && !val->op->elementwise) bytes += (double)val->bytes;
        if (bytes > most) return w;
    }
    return first;
}

/* Copy v may be replaced by u, an earlier computation of the same; values from `cached` on are in the caches. */
static bool stands_for(const goss_schedule *p, uint32_t u, uint32_t v, uint32_t cached) {
    const goss__value *copy = &p->values[v], *other = &p->values[u];
    if (u != (uint32_t)copy->copy_of && other->copy_of != copy->copy_of) return false;
    if (!goss__is_instr(other)) return false;
    if (other->phase == copy->phase) return u >= cached;
    return !copy->moved && other->phase < copy->phase;
}

static bool is_read(const goss_schedule *p, uint32_t v) {
    if (goss__is_output(p, v)) return true;
    for (uint32_t r = 0; r < p->n_values; r++) {
        if (!goss__is_instr(&p->values[r]) && p->values[r].place != GOSS__AT_NOWHERE) continue;
        for (int i = 0; i < p->values[r].n_in; i++)
            if (goss__source(p, p->values[r].in[i]) == v) return true;
    }
    return false;
}

void goss__merge_copies(goss_schedule *p) {
    int64_t counts[GOSS__MAX_SYMBOLS];
    goss__symbol_maxima(&p->symbols, counts);
    for (uint32_t v = 0; v < p->n_values; v++) {
        goss__value *copy = &p->values[v];
        if (copy->copy_of < 0 || !goss__is_instr(copy)) continue;
        uint32_t u = (uint32_t)copy->copy_of;
        const uint32_t cached = first_cached(p, u, v, counts);
        while (u < v && !stands_for(p, u, v, cached)) u++;
        if (u == v) continue;
        read_instead(p, v, u);
        copy->place = GOSS__AT_MERGED;
    }
    /* Values that only such copies read. */
    for (uint32_t v = p->n_values; v-- > 0;)
        if (p->values[v].copy_of >= 0 && goss__is_instr(&p->values[v]) && !is_read(p, v))
            p->values[v].place = GOSS__AT_MERGED;
}
