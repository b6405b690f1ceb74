/* SPDX-License-Identifier: Apache-2.0 */
/* check.c: checks, error texts, emission and slicing rules shared by the operation families.
 *
 * An error is recorded once, in the graph; its text names the operation, the shapes and what does not fit. */
#include <stdarg.h>
#include <stdio.h>

#include "base/number.h"
#include "ops/ops.h"

bool goss__typed(const char *op, const goss_val *v, int n, goss_type type) {
    if (!goss__all_valid(v, n)) return false;
    for (int i = 0; i < n; i++) {
        if (goss__node_of(v[i])->type == type) continue;
        goss_graph_fail(v[i].graph, GOSS_E_ARGUMENT, "%s: operand %d is %s", op, i + 1,
                        type == GOSS_REAL ? "an index, not a real tensor" : "a real tensor, not an index");
        return false;
    }
    return true;
}

goss_val goss__misfit(const char *op, goss_val a, const char *fmt, ...) {
    char text[256], shape[GOSS__SHAPE_TEXT];
    va_list ap;
    va_start(ap, fmt);
    goss__vformat(text, sizeof text, fmt, ap);
    va_end(ap);
    goss_shape s = goss_shape_of(a);
    return goss_graph_fail(a.graph, GOSS_E_SHAPE, "%s: %s: %s", op,
                           goss__shape_text(&a.graph->symbols, &s, shape, sizeof shape), text);
}

goss_val goss__misfit2(const char *op, goss_val a, goss_val b, const char *fmt, ...) {
    char text[256], one[GOSS__SHAPE_TEXT], two[GOSS__SHAPE_TEXT];
    va_list ap;
    va_start(ap, fmt);
    goss__vformat(text, sizeof text, fmt, ap);
    va_end(ap);
    goss_shape s = goss_shape_of(a), t = goss_shape_of(b);
    return goss_graph_fail(a.graph, GOSS_E_SHAPE, "%s: %s x %s: %s", op,
                           goss__shape_text(&a.graph->symbols, &s, one, sizeof one),
                           goss__shape_text(&a.graph->symbols, &t, two, sizeof two), text);
}

goss_val goss__differ(const char *op, goss_val a, goss_val b, int which, goss_extent e, goss_extent f) {
    char one[GOSS__EXTENT_TEXT], two[GOSS__EXTENT_TEXT], where[24] = "inner ";
    if (which >= 0) snprintf(where, sizeof where, "axis %d: ", which);
    return goss__misfit2(op, a, b, "%sextents %s and %s", where,
                         goss__extent_text(&a.graph->symbols, e, one, sizeof one),
                         goss__extent_text(&a.graph->symbols, f, two, sizeof two));
}

bool goss__axis_ok(const char *op, goss_val a, int *axis) {
    int rank = goss_rank(a), i = *axis < 0 ? *axis + rank : *axis;
    if (i < 0 || i >= rank) {
        goss__misfit(op, a, "there is no axis %d", *axis);
        return false;
    }
    *axis = i;
    return true;
}

bool goss__fixed_ok(const char *op, goss_val a, int axis, int64_t *extent) {
    goss_extent e = goss_dim(a, axis);
    if (e.symbols != 0) {
        goss__misfit(op, a, "axis %d must have a fixed extent", axis);
        return false;
    }
    *extent = e.count;
    return true;
}

/* Canonical order of commuting operands, so that a + b and b + a become one node: constants last, then the older node
 * first. */
static bool is_out_of_order(const goss_val *in) {
    double v;
    const bool constant = goss__is_full(in[0], &v);
    if (constant != goss__is_full(in[1], &v)) return constant;
    return !goss__in_order(goss__node_of(in[0]), goss__node_of(in[1]));
}

goss_val goss__make_proto(const goss__proto *p) {
    goss_graph *g = p->in[0].graph;
    if (!goss__all_valid(p->in, p->n_in)) return (goss_val){goss__graph_of(p->in, p->n_in), 0};
    goss_val swapped[2], out;
    goss__proto q = *p;
    if (p->op->commutative && is_out_of_order(p->in)) {
        swapped[0] = p->in[1], swapped[1] = p->in[0];
        q.in = swapped;
    }
    if (g->folds && q.op->fold && q.op->fold(&q, &out)) return out;
    return goss__emit(g, &q);
}

goss_val goss__make(const goss__op *op, goss_type type, goss_shape shape, const goss_val *in, int n_in,
                    const void *attr) {
    goss__proto p = {.op = op, .type = type, .shape = shape, .n_in = n_in, .in = in, .attr = attr};
    return goss__make_proto(&p);
}

bool goss__made_by(goss_val a, const goss__op *op, int i, goss_val *operand) {
    const goss__node *n = goss__node_of(a);
    if (n->op != op || n->barrier) return false;
    *operand = goss__val(a.graph, n->in[i]);
    return true;
}

bool goss__is_full(goss_val a, double *value) {
    if (!goss_valid(a)) return false;
    goss_val source = a;
    goss__made_by(a, &goss__op_broadcast, 0, &source);
    const goss__node *n = goss__node_of(source);
    if (n->op != &goss__op_const || n->barrier) return false;
    *value = GOSS__ATTR(n, const)->value;
    return true;
}

goss__slicing goss__slice_leading(const goss__site *s, goss_extent L, goss__cut *cut, int axes) {
    goss_extent rest;
    int p = goss__cut_prefix(s->out, L, &rest);
    if (p == 0 || p > axes) return GOSS__NO_SLICES;
    for (int i = 0; i < s->n_in; i++) cut[i] = GOSS__CUT;
    return GOSS__LOCAL;
}

goss__slicing goss__slice_same(const goss__site *s, goss_extent L, goss__cut *cut) {
    return goss__slice_leading(s, L, cut, s->out->rank);
}

bool goss__cut_operand(const goss_shape *out, const goss_shape *in, int p, goss__cut *cut) {
    bool equal = true, ones = true;
    for (int i = 0; i < p; i++) {
        equal &= goss_extent_equal(in->dim[i], out->dim[i]);
        ones &= goss_extent_is(in->dim[i], 1);
    }
    *cut = equal ? GOSS__CUT : GOSS__WHOLE;
    return equal || ones;
}

uint32_t goss__batch_axes(const goss__site *s, int i) {
    uint32_t axes = s->op->batch_axes ? s->op->batch_axes(s, i) : s->op->elementwise ? UINT32_MAX : 0, equal = 0;
    for (int a = 0; a < s->out->rank && a < s->in[i]->rank; a++)
        if (goss_extent_equal(s->out->dim[a], s->in[i]->dim[a])) equal |= GOSS_AXIS(a);
    return axes & equal;
}

uint32_t goss__batch_of_matrices(const goss__site *s, int i) { return goss__first_axes(s->in[i]->rank - 2); }
