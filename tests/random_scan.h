/* SPDX-License-Identifier: Apache-2.0 */
/* random_scan.h: scans for random programs: in both directions, over counts, with lengths, weights that tasks share or
 * not, and bodies that mix samples, that know the step and that hold a scan. */
#ifndef GOSS_RANDOM_SCAN_H
#define GOSS_RANDOM_SCAN_H

#include "gossamer/scan.h"
#include "random_maker.h"

enum { RP_REVERSE, RP_KEEP, RP_BODY, RP_STACKED, RP_RAGGED };
enum { RP_BODY_NET, RP_BODY_STEP, RP_BODY_MIXED, RP_BODY_NESTED, RP_BODIES };

/* Halves a few times over what goes on inside. */
static goss_val rp_scan_inner(goss_val h, goss_val u) {
    goss_scan_options o = goss_scan_defaults();
    o.axis = 0;
    goss_scan *t = goss_scan_begin(h.graph, goss_n(3), o);
    const goss_val k = goss_scan_carry(t, h), w = goss_scan_const(t, u);
    const goss_val next = goss_sin(goss_add(goss_matmul(k, w, false, false), goss_scale(k, 0.5)));
    goss_scan_next(t, k, next);
    goss_scan_emit(t, next);
    goss_scan_end(t);
    return goss_add(goss_scan_last(t, k), goss_mean(goss_scan_stacked(t, next), GOSS_AXIS(0), false));
}

static goss_val rp_scan_body(goss_scan *s, int64_t body, goss_val h, goss_val x, goss_val u) {
    if (body == RP_BODY_NESTED) return goss_scale(goss_add(rp_scan_inner(h, u), goss_sin(x)), 0.3);
    const goss_val h1 = goss_tanh(goss_add(x, goss_matmul(h, u, false, false)));
    if (body == RP_BODY_STEP) return goss_div(goss_add(h1, h), goss_shift(goss_scan_step(s), 2));
    if (body == RP_BODY_MIXED) return goss_scale(goss_sub(h1, goss_mean(h, GOSS_AXIS(1), true)), 0.5);
    return h1;
}

static goss_val rp_build_scan(goss_graph *g, const rp_step *s, const goss_val *in, const goss_shape *shape) {
    goss_scan_options o = goss_scan_defaults();
    o.reverse = s->attr[RP_REVERSE], o.keep_every = s->attr[RP_KEEP];
    if (s->attr[RP_RAGGED]) o.length = in[3];
    goss_scan *scan = goss_scan_begin(g, goss_dim(in[0], 2), o);
    const goss_val h = goss_scan_carry(scan, in[1]), x = goss_scan_slice(scan, in[0]), u = goss_scan_const(scan, in[2]);
    const goss_val next = rp_scan_body(scan, s->attr[RP_BODY], h, x, u);
    goss_scan_next(scan, h, next);
    if (s->attr[RP_STACKED]) goss_scan_emit(scan, next);
    goss_scan_end(scan);
    return s->attr[RP_STACKED] ? goss_scan_stacked(scan, next) : goss_scan_last(scan, h);
}

static bool rp_is_sequence(const rp_step *s) {
    return rp_any(s) && s->shape.rank == 4 && rp_fixed(s->shape.dim[3]) &&
           (rp_is_tasks(s->shape.dim[0]) || goss_extent_is(s->shape.dim[0], 1));
}
static int rp_sequence(rp_maker *m) {
    const int at = rp_chance(m, 0.5) ? rp_value(m, rp_is_sequence) : RP_NONE;
    if (at != RP_NONE) return at;
    return rp_fresh(m,
                    GOSS_SHAPE(rp_chance(m, 0.8) ? rp_extent(0) : goss_n(1),
                               rp_chance(m, 0.7) ? rp_extent(1) : goss_n(1 + rp_below(m, 3)),
                               rp_chance(m, 0.5) ? rp_extent(2) : goss_n(1 + rp_below(m, 9)), rp_feature(m)),
                    rp_within(1.5));
}
static bool rp_make_scan(rp_maker *m, rp_step *s) {
    s->in[s->n_in++] = rp_sequence(m);
    if (s->in[0] == RP_NONE) return false;
    const goss_shape x = rp_at(m, s->in[0])->shape;
    const goss_extent tasks = rp_chance(m, 0.5) ? goss_n(1) : x.dim[0];
    s->in[s->n_in++] = rp_fresh(m, GOSS_SHAPE(x.dim[0], x.dim[1], x.dim[3]), rp_within(1));
    s->in[s->n_in++] = rp_fresh(m, GOSS_SHAPE(tasks, x.dim[3], x.dim[3]), rp_within(0.7 / (double)x.dim[3].count));
    s->attr[RP_REVERSE] = rp_chance(m, 0.4), s->attr[RP_STACKED] = rp_chance(m, 0.5);
    s->attr[RP_KEEP] = rp_chance(m, 0.6) ? 1 : RP_ONE_OF(m, 0, 2, 3);
    s->attr[RP_BODY] = rp_chance(m, 0.5) ? RP_BODY_NET : 1 + rp_below(m, RP_BODIES - 1);
    s->attr[RP_RAGGED] = rp_chance(m, 0.3);
    if (s->attr[RP_RAGGED])
        s->in[s->n_in++] = rp_leaf(m, &rp_op_input, GOSS_SHAPE(x.dim[0], x.dim[1]), false, (rp_range){0, 6}, RP_COARSE);
    for (int i = 0; i < s->n_in; i++)
        if (s->in[i] == RP_NONE) return false;
    s->range = rp_within(2);
    return true;
}
#endif
