/* SPDX-License-Identifier: Apache-2.0 */
/* scan_net.h: a recurrent network of two carries as a scan, which the tests of scans share. */
#ifndef GOSS_TEST_SCAN_NET_H
#define GOSS_TEST_SCAN_NET_H
#include "gossamer/scan.h"
#include "graph_check.h"

enum { TASKS = 3, SAMPLES = 4, STEPS = 6, IN = 3, HIDDEN = 4, MOST_T = 4, MOST_N = 6, MOST_L = 9 };

/* h' = tanh(x + h u + b) and c' = c + w h': a matrix that tasks share or not, a bias, a second carry. */
typedef struct net {
    goss_val h0, c0, x, u, b, w, length;
    goss_extent steps;
    bool reverse, own;
    int64_t keep_every;
    goss_val last_h, last_c, ys;
} net;

static inline void make_net(world *w, net *n, bool own, goss_extent tasks) {
    n->own = own;
    const goss_extent s = goss_n(SAMPLES), t = own ? tasks : goss_n(1);
    n->h0 = world_normal(w, "h0", GOSS_SHAPE(tasks, s, goss_n(HIDDEN)));
    n->c0 = world_normal(w, "c0", GOSS_SHAPE(tasks, s, goss_n(HIDDEN)));
    n->x = world_normal(w, "x", GOSS_SHAPE(tasks, s, n->steps, goss_n(HIDDEN)));
    n->u = world_normal(w, "u", GOSS_SHAPE(t, goss_n(HIDDEN), goss_n(HIDDEN)));
    n->b = world_normal(w, "b", GOSS_SHAPE(t, goss_n(1), goss_n(HIDDEN)));
    n->w = world_normal(w, "w", GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(HIDDEN)));
}

static inline void step(goss_val x, goss_val *h, goss_val *c, goss_val u, goss_val b, goss_val w) {
    *h = goss_tanh(goss_add(x, goss_add(goss_matmul(*h, u, false, false), b)));
    *c = goss_add(*c, goss_mul(goss_sigmoid(*c), goss_mul(*h, w)));
}

static inline void scanned(goss_graph *g, net *n) {
    goss_scan_options o = goss_scan_defaults();
    o.reverse = n->reverse, o.length = n->length, o.keep_every = n->keep_every;
    goss_scan *s = goss_scan_begin(g, n->steps, o);
    goss_val h = goss_scan_carry(s, n->h0), c = goss_scan_carry(s, n->c0), h1 = h, c1 = c;
    step(goss_scan_slice(s, n->x), &h1, &c1, goss_scan_const(s, n->u), goss_scan_const(s, n->b),
         goss_scan_const(s, n->w));
    goss_scan_next(s, h, h1);
    goss_scan_next(s, c, c1);
    const goss_val y = goss_mul(h1, c);
    goss_scan_emit(s, y);
    goss_scan_end(s);
    n->last_h = goss_scan_last(s, h), n->last_c = goss_scan_last(s, c), n->ys = goss_scan_stacked(s, y);
}

static inline void declare(goss_graph *g, net *n, bool own) {
    const goss_extent t = goss_symbol(g, "T", MOST_T), s = goss_symbol(g, "N", MOST_N), h = goss_n(HIDDEN);
    n->steps = goss_symbol(g, "L", MOST_L);
    n->h0 = goss_input(g, "h0", GOSS_REAL, GOSS_SHAPE(t, s, h)),
    n->c0 = goss_input(g, "c0", GOSS_REAL, goss_shape_of(n->h0));
    n->x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(t, s, n->steps, h));
    n->u = goss_input(g, "u", GOSS_REAL, GOSS_SHAPE(own ? t : goss_n(1), h, h));
    n->b = goss_input(g, "b", GOSS_REAL, GOSS_SHAPE(own ? t : goss_n(1), goss_n(1), h));
    n->w = goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(1), h));
}
#endif
