/* SPDX-License-Identifier: Apache-2.0 */
/* compose_recurrent.c: recurrent layers: the cell's formulas in the body of a scan. The product with x is hoisted in
 * front of the loop for all steps; the body has only the product with the carried state. */
#include "autodiff/compose.h"
#include "gossamer/scan.h"

/* Gate i of [T,N,G H]. */
static goss_val gate(goss_val z, int i, int64_t hidden) { return goss_slice(z, 2, i * hidden, hidden); }

static const double norm_eps = 1e-5;

/* [Tw, D] as [Tw, 1, D]. */
static goss_val as_row(goss_val b) { return goss__as_channels(b, 3, "recurrent: bias"); }

/* Shared by the cells: the scan, its first carry, x w + b of a step, and h u + c. */
typedef struct layer {
    goss_scan *s;
    goss_val x, h, z;
    int64_t hidden;
} layer;

static bool fits(goss_val x, goss_recurrent w, int gates, int64_t *hidden, const char *what) {
    if (!goss__rank_at_least(x, 4, what) || !goss__rank_at_least(w.w, 3, what) || !goss__rank_at_least(w.u, 3, what))
        return false;
    const goss_extent units = goss_dim(w.u, 1), columns = goss_dim(w.u, 2);
    *hidden = units.count;
    if (goss_rank(x) != 4 || goss_rank(w.u) != 3 || units.symbols || columns.symbols ||
        columns.count != gates * *hidden) {
        goss_graph_fail(x.graph, GOSS_E_SHAPE,
                        "%s: x[T,N,L,D], w[T,D,%dH] and u[T,H,%dH] are required, with H a number", what, gates, gates);
        return false;
    }
    return true;
}

/* gain norm(x), each block of H columns of x[..., G H] normalised by itself. */
static goss_val norm_blocks(goss_val x, goss_val gain, int64_t hidden) {
    if (!goss_valid(x)) return x;
    const goss_shape s = goss_shape_of(x);
    goss_shape apart = s;
    apart.dim[s.rank - 1] = goss_n(s.dim[s.rank - 1].count / hidden), apart.dim[apart.rank++] = goss_n(hidden);
    return goss_affine(goss_reshape(goss_layer_norm(goss_reshape(x, apart), norm_eps, GOSS_NONE), s), gain, GOSS_NONE);
}

/* x w + b, normalised where there is a gain. */
static goss_val input_columns(goss_val x, goss_recurrent w, int64_t hidden) {
    if (!goss__given(w.gain_w)) return goss_linear(x, w.w, w.b);
    return goss_affine(norm_blocks(goss_linear(x, w.w, GOSS_NONE), w.gain_w, hidden), GOSS_NONE, w.b);
}

/* The initial state [T,N,H]: zeros if none is given. */
static goss_val begin_state(goss_val x, goss_val given, goss_recurrent w, int64_t hidden) {
    if (goss__given(given)) return given;
    const goss_extent one = goss_n(1), own = goss_dim(w.u, 0), tasks = goss_dim(x, 0);
    return goss_full(x.graph, GOSS_SHAPE(goss_extent_equal(tasks, one) ? own : tasks, goss_dim(x, 1), goss_n(hidden)),
                     0);
}

static bool begin(layer *l, goss_val x, goss_val h0, goss_recurrent w, int gates, goss_scan_options o,
                  const char *what) {
    if (!fits(x, w, gates, &l->hidden, what)) return false;
    if (goss__given(w.gain_w) != goss__given(w.gain_u)) {
        goss_graph_fail(x.graph, GOSS_E_ARGUMENT, "%s: gains of both products are needed, or none", what);
        return false;
    }
    const goss_val columns = input_columns(x, w, l->hidden);
    o.axis = 2;
    if (!goss_valid(columns) || !(l->s = goss_scan_begin(x.graph, goss_dim(x, 2), o))) return false;
    l->h = goss_scan_carry(l->s, begin_state(x, h0, w, l->hidden));
    l->x = goss_scan_slice(l->s, columns);
    const goss_val seen = goss__given(w.mask) ? goss_mul(l->h, goss_scan_const(l->s, w.mask)) : l->h;
    l->z = goss_matmul(seen, goss_scan_const(l->s, w.u), false, false);
    if (goss__given(w.gain_u)) l->z = norm_blocks(l->z, goss_scan_const(l->s, w.gain_u), l->hidden);
    if (goss__given(w.c)) l->z = goss_add(l->z, goss_scan_const(l->s, as_row(w.c)));
    return true;
}

static goss_val finish(layer *l, goss_val h, goss_val *last) {
    goss_scan_next(l->s, l->h, h);
    goss_scan_emit(l->s, h);
    goss_scan_end(l->s);
    if (last) *last = goss_scan_last(l->s, l->h);
    return goss_scan_stacked(l->s, h);
}

static goss_val fail(goss_val x, goss_val *last, goss_val *last_c) {
    if (last) *last = (goss_val){x.graph, 0};
    if (last_c) *last_c = (goss_val){x.graph, 0};
    return (goss_val){x.graph, 0};
}

goss_val goss_rnn(goss_val x, goss_val h0, goss_recurrent w, goss_scan_options o, goss_val *last) {
    layer l;
    if (!begin(&l, x, h0, w, 1, o, "rnn")) return fail(x, last, NULL);
    return finish(&l, goss_tanh(goss_add(l.z, l.x)), last);
}

goss_val goss_gru(goss_val x, goss_val h0, goss_recurrent w, goss_scan_options o, goss_val *last) {
    layer l;
    if (!begin(&l, x, h0, w, 3, o, "gru")) return fail(x, last, NULL);
    const int64_t hidden = l.hidden;
    const goss_val both = goss_sigmoid(goss_add(goss_slice(l.z, 2, 0, 2 * hidden), goss_slice(l.x, 2, 0, 2 * hidden)));
    const goss_val n = goss_tanh(goss_mul_add(gate(both, 0, hidden), gate(l.z, 2, hidden), gate(l.x, 2, hidden)));
    return finish(&l, goss_lerp(n, l.h, gate(both, 1, hidden)), last);
}

goss_val goss_lstm(goss_val x, goss_val h0, goss_val c0, goss_recurrent w, goss_scan_options o, goss_val *last_h,
                   goss_val *last_c) {
    layer l;
    if (!begin(&l, x, h0, w, 4, o, "lstm")) return fail(x, last_h, last_c);
    const goss_val c = goss_scan_carry(l.s, begin_state(x, c0, w, l.hidden)), z = goss_add(l.z, l.x);
    const goss_val i = goss_sigmoid(gate(z, 0, l.hidden)), f = goss_sigmoid(gate(z, 1, l.hidden)),
                   g = goss_tanh(gate(z, 2, l.hidden)), out = goss_sigmoid(gate(z, 3, l.hidden));
    const goss_val next = goss_add(goss_mul(f, c), goss_mul(i, g));
    goss_scan_next(l.s, c, next);
    goss_val seen = next;
    if (goss__given(w.gain_c)) seen = norm_blocks(seen, goss_scan_const(l.s, w.gain_c), l.hidden);
    if (goss__given(w.shift_c)) seen = goss_add(seen, goss_scan_const(l.s, as_row(w.shift_c)));
    const goss_val ys = finish(&l, goss_mul(out, goss_tanh(seen)), last_h);
    if (last_c) *last_c = goss_scan_last(l.s, c);
    return ys;
}
