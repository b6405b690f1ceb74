/* SPDX-License-Identifier: Apache-2.0 */
/* match.c: pattern matching for rules. */
#include "rewrite/match.h"

#include "ops/elementwise.h"

bool goss__match_ew(goss_val y, enum goss__ew_op op, goss_val *a, int n) {
    for (int i = 0; i < n; i++)
        if (!goss__made_by(y, &goss__op_ew[op], i, &a[i])) return false;
    return true;
}

bool goss__match_scaled(goss_val y, goss_val *x, double *k) {
    goss_val in[2];
    if (!goss__match_ew(y, GOSS__EW_mul, in, 2) || !goss__is_full(in[1], k)) return false;
    *x = in[0];
    return true;
}

bool goss__match_spread(goss_val y, goss_val *x, goss_val *s) {
    goss_val in[2];
    if (!goss__match_ew(y, GOSS__EW_mul, in, 2)) return false;
    for (int i = 0; i < 2; i++)
        if (goss__made_by(in[i], &goss__op_broadcast, 0, s)) {
            *x = in[1 - i];
            return true;
        }
    return false;
}

/* Depth to which products are followed; shared factors are visited twice. */
enum { DEEP = 6 };

static bool is_positive(goss_val v, int depth) {
    goss_val inner, in[2];
    double k;
    if (depth > DEEP) return false;
    if (goss__match_ew(v, GOSS__EW_mul, in, 2)) return is_positive(in[0], depth + 1) && is_positive(in[1], depth + 1);
    if (goss__made_by(v, &goss__op_broadcast, 0, &inner)) return is_positive(inner, depth + 1);
    return goss__made_by(v, &goss__op_ew[GOSS__EW_rsqrt], 0, &inner) ||
           (goss__is_full(v, &k) && k > 0 && k < __builtin_inf());
}

bool goss__is_positive(goss_val v) { return is_positive(v, 0); }

/* ---- maps ---- */

static bool is_elementwise(const goss__node *n) {
    return n->op >= goss__op_ew && n->op < goss__op_ew + GOSS__EW_COUNT && !n->barrier;
}

bool goss__match_map(goss_val x, goss__map *m) {
    const goss__node *n = goss__node_of(x);
    if (!is_elementwise(n)) return false;
    *m = (goss__map){.f = n->op, .n = n->n_in, .full = -1};
    for (int i = 0; i < m->n; i++) {
        const goss_val in = goss__val(x.graph, n->in[i]);
        if (goss__made_by(in, &goss__op_broadcast, 0, &m->small[i])) continue;
        if (m->full >= 0) return false;
        m->full = i, m->u = in;
    }
    return m->full >= 0;
}

goss_val goss__map_of(const goss__map *m, goss_val v) {
    goss_val in[GOSS__MAX_IN];
    const goss_shape s = goss_shape_of(v);
    for (int i = 0; i < m->n; i++) in[i] = i == m->full ? v : goss_broadcast(m->small[i], s);
    return goss__make(m->f, GOSS_REAL, s, in, m->n, NULL);
}

bool goss__map_rises(const goss__map *m) {
    const enum goss__ew_op op = (enum goss__ew_op)(m->f - goss__op_ew);
    if (m->n == 1 && goss__ew_eval(op, -1, 0, 0) != goss__ew_eval(op, -1, 0, 0)) return false; /* a logarithm, a root */
    if (op == GOSS__EW_mul || (op == GOSS__EW_div && m->full == 0)) return goss__is_positive(m->small[1 - m->full]);
    return m->f->monotone & GOSS__OPERAND(m->full);
}

/* ---- from an operand to the result ---- */

bool goss__meets_result(goss_val y, int i, goss_val s) {
    goss__site site;
    const goss_shape small = goss_shape_of(s);
    if (small.rank == 0) return true;
    goss__site_of(&site, y.graph, goss__node_of(y));
    if (small.rank != site.out->rank || small.rank != site.in[i]->rank) return false;
    const uint32_t batch = goss__batch_axes(&site, i);
    for (int a = 0; a < small.rank; a++)
        if (!goss_extent_is(small.dim[a], 1) && !(batch & GOSS_AXIS(a))) return false;
    return true;
}

bool goss__map_meets_result(goss_val y, int i, const goss__map *m) {
    for (int k = 0; k < m->n; k++)
        if (k != m->full && !goss__meets_result(y, i, m->small[k])) return false;
    return true;
}

bool goss__is_smaller(goss_val y, int i, int64_t times) {
    goss__site s;
    int64_t out, in;
    goss__site_of(&s, y.graph, goss__node_of(y));
    return goss__extent_most(s.symbols, goss__shape_product(s.out, 0, s.out->rank), &out) &&
           goss__extent_most(s.symbols, goss__shape_product(s.in[i], 0, s.in[i]->rank), &in) && out <= in / times;
}

goss_val goss__with_operand(goss_val y, int i, goss_val v) {
    const goss__node *n = goss__node_of(y);
    goss_val in[GOSS__MAX_IN];
    for (int k = 0; k < n->n_in; k++) in[k] = k == i ? v : goss__val(y.graph, n->in[k]);
    return goss__make(n->op, (goss_type)n->type, n->shape, in, n->n_in, n->attr);
}

bool goss__is_moderate(double k) { return k == 0 || (__builtin_fabs(k) >= 0x1p-60 && __builtin_fabs(k) <= 0x1p60); }
