/* again.c: what is cheaper to compute again than to keep.
 *
 * A sum or product of one large array with numbers that repeat along it (x minus a mean that all pixels share) costs less where
 * it is read than its way through memory, and so does a convolution of few products an output, whose map is many times the image.
 * While the graph is copied, every reader of such a value but the first gets a copy of its own, of what it is made from, too, if that
 * is cheap; once phases are known and each copy has moved to its reader (late.c), those of one phase become one again. */
#include "base/disable.h"
#include "exec/build.h"

#define FAR_BYTES 4e6 /* smaller arrays stay in some cache from one phase to the next */

static bool repeats(const goss__node *n) { return n->op->is_broadcast; }

/* What n shows under another shape. */
static const goss__node *behind(const goss_graph *g, const goss__node *n) {
    while (n->op->alias) n = goss__in(g, n, 0);
    return n;
}

static bool is_large(const goss_graph *g, const goss__node *n) {
    int64_t counts[32];
    for (int i = 0; i < 32; i++) counts[i] = i < g->n_symbols ? g->symbols[i].maximum : 1;
    const goss_extent numbers = goss__shape_product(&n->shape, 0, n->shape.rank);
    return sizeof(float) * (double)goss__extent_eval(numbers, counts) >= FAR_BYTES;
}

/* x minus a mean, a map times its factors. */
static bool is_spread(const goss_graph *g, const goss__node *n) {
    const bool sum = n->op == &goss__op_ew[GOSS__EW_add] || n->op == &goss__op_ew[GOSS__EW_sub];
    if (!sum && n->op != &goss__op_ew[GOSS__EW_mul]) return false;
    const goss__node *a = goss__in(g, n, 0), *b = goss__in(g, n, 1);
    return repeats(a) != repeats(b) && !behind(g, repeats(a) ? b : a)->op->views;
}

bool goss__cheap_again(const goss_graph *g, const goss__node *n) {
    const bool cheap = n->op->again ? n->op->again(g, n) : is_spread(g, n);
    return cheap && is_large(g, n) && !goss__disabled("again");
}

static void read_instead(goss_program *p, uint32_t v, uint32_t instead) {
    for (uint32_t r = v + 1; r < p->n_values; r++) {
        uint32_t *in = (uint32_t *)(uintptr_t)p->values[r].in; /* the program's own */
        for (int i = 0; i < p->values[r].n_in; i++)
            if (in[i] == v) in[i] = instead;
    }
}

void goss__join_again(goss_program *p) {
    for (uint32_t v = 0; v < p->n_values; v++) {
        goss__value *copy = &p->values[v];
        if (copy->copy_of < 0 || !goss__is_instr(copy)) continue;
        for (uint32_t u = (uint32_t)copy->copy_of; u < v; u++) {
            const goss__value *other = &p->values[u];
            const bool same = u == (uint32_t)copy->copy_of || other->copy_of == copy->copy_of;
            if (!same || !goss__is_instr(other) || other->phase != copy->phase) continue;
            read_instead(p, v, u);
            copy->place = GOSS__AT_MERGED;
            break;
        }
    }
}
