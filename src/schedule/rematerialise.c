/* SPDX-License-Identifier: Apache-2.0 */
/* rematerialise.c: what is cheaper to compute again than to keep.
 *
 * A sum or product of one large array with numbers that repeat along it (x minus a mean that all pixels share) costs
 * less where it is read than its way through memory, and so does a convolution of few products an output, whose map is
 * many times the image. While the graph is copied, every reader of such a value but the first gets a copy of its own,
 * of what it is made from, too, if that is cheap; once phases are known and each copy that can has moved to its reader
 * (sink.c), those of one phase become one again, and one that could not move is read where it was first computed. */
#include "schedule/build.h"

#define FAR_BYTES 4e6 /* smaller arrays stay in some cache from one phase to the next */

static bool repeats(const goss__node *n) { return n->op->broadcast; }

/* What n shows under another shape. */
static const goss__node *behind(const goss_graph *g, const goss__node *n) {
    while (n->op->slicing.alias) n = goss__in(g, n, 0);
    return n;
}

static bool is_large(const goss_graph *g, const goss__node *n) {
    int64_t numbers;
    return goss__extent_most(&g->symbols, goss__shape_product(&n->shape, 0, n->shape.rank), &numbers) &&
           sizeof(float) * (double)numbers >= FAR_BYTES;
}

/* x minus a mean, a map times its factors. */
static bool adds_or_scales(const goss_graph *g, const goss__node *n) {
    const bool sum = n->op == &goss__op_ew[GOSS__EW_add] || n->op == &goss__op_ew[GOSS__EW_sub];
    if (!sum && n->op != &goss__op_ew[GOSS__EW_mul]) return false;
    const goss__node *a = goss__in(g, n, 0), *b = goss__in(g, n, 1);
    return repeats(a) != repeats(b) && !behind(g, repeats(a) ? b : a)->op->elementwise;
}

bool goss__is_cheap(const goss_schedule *p, const goss_graph *g, const goss__node *n) {
    if (goss__has_pass(p->off, GOSS__PASS_REMATERIALISE)) return false;
    if (!n->op->cost.is_cheap) return adds_or_scales(g, n) && is_large(g, n);
    goss__site site;
    goss__site_of(&site, g, n);
    return n->op->cost.is_cheap(&site) && is_large(g, n);
}

static void read_instead(goss_schedule *p, uint32_t v, uint32_t instead) {
    for (uint32_t r = v + 1; r < p->n_values; r++) {
        uint32_t *in = (uint32_t *)(uintptr_t)p->values[r].in; /* the program's own */
        for (int i = 0; i < p->values[r].n_in; i++)
            if (in[i] == v) in[i] = instead;
    }
}

/* Copy v may be read from u, an earlier value of the same. */
static bool stands_for(const goss_schedule *p, uint32_t u, uint32_t v) {
    const goss__value *copy = &p->values[v], *other = &p->values[u];
    if (u != (uint32_t)copy->copy_of && other->copy_of != copy->copy_of) return false;
    if (!goss__is_instr(other)) return false;
    return other->phase == copy->phase || (!copy->moved && other->phase < copy->phase);
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
    for (uint32_t v = 0; v < p->n_values; v++) {
        goss__value *copy = &p->values[v];
        if (copy->copy_of < 0 || !goss__is_instr(copy)) continue;
        uint32_t u = (uint32_t)copy->copy_of;
        while (u < v && !stands_for(p, u, v)) u++;
        if (u == v) continue;
        read_instead(p, v, u);
        copy->place = GOSS__AT_MERGED;
    }
    /* What only such copies were made from. */
    for (uint32_t v = p->n_values; v-- > 0;)
        if (p->values[v].copy_of >= 0 && goss__is_instr(&p->values[v]) && !is_read(p, v))
            p->values[v].place = GOSS__AT_MERGED;
}
