/* SPDX-License-Identifier: Apache-2.0 */
/* compose_recurrent.c: recurrent layers: a cell's step (compose_cell.c) in the body of a scan. The product with x is
 * hoisted in front of the loop for all steps; the body has only the product with the carried state. */
#include "autodiff/compose.h"
#include "gossamer/scan.h"

/* [Tw, D] as [Tw, 1, D]. */
static goss_val as_row(goss_val b) { return goss__as_channels(b, 3, "recurrent: bias"); }

/* The scan, its carries, and what the gates of a step are sums of. */
typedef struct layer {
    goss_scan *s;
    goss_val first[2];
    goss__cell_gates gates;
} layer;

static bool fits(goss_val x, goss_recurrent w, goss_cell cell, int64_t *hidden) {
    static const char *const names[] = {
        [GOSS_CELL_DENSE] = "dense", [GOSS_CELL_RNN] = "rnn", [GOSS_CELL_GRU] = "gru", [GOSS_CELL_LSTM] = "lstm"};
    const char *what = names[cell];
    const int gates = goss_cell_gates(cell);
    if (goss_cell_states(cell) == 0) {
        goss_graph_fail(x.graph, GOSS_E_ARGUMENT, "%s: a cell without a state is no recurrent layer", what);
        return false;
    }
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
    if (goss__given(w.gain_w) != goss__given(w.gain_u)) {
        goss_graph_fail(x.graph, GOSS_E_ARGUMENT, "%s: gains of both products are needed, or none", what);
        return false;
    }
    return true;
}

/* x w + b, normalised where there is a gain. */
static goss_val input_columns(goss_val x, goss_recurrent w, int64_t hidden) {
    if (!goss__given(w.gain_w)) return goss_linear(x, w.w, w.b);
    return goss_affine(goss__norm_blocks(goss_linear(x, w.w, GOSS_NONE), w.gain_w, w.live, hidden), GOSS_NONE, w.b);
}

/* The initial state [T,N,H]: zeros if none is given. */
static goss_val begin_state(goss_val x, goss_val given, goss_recurrent w, int64_t hidden) {
    if (goss__given(given)) return given;
    const goss_extent one = goss_n(1), own = goss_dim(w.u, 0), tasks = goss_dim(x, 0);
    return goss_full(x.graph, GOSS_SHAPE(goss_extent_equal(tasks, one) ? own : tasks, goss_dim(x, 1), goss_n(hidden)),
                     0);
}

static goss_val inside(const layer *l, goss_val v) { return goss__given(v) ? goss_scan_const(l->s, v) : v; }

/* h u + c */
static goss_val state_columns(const layer *l, goss_recurrent w) {
    const goss_val h = l->first[0], seen = goss__given(w.mask) ? goss_mul(h, inside(l, w.mask)) : h;
    goss_val v = goss_matmul(seen, inside(l, w.u), false, false);
    v = goss__norm_blocks(v, inside(l, w.gain_u), l->gates.live, l->gates.width);
    return goss__given(w.c) ? goss_add(v, inside(l, as_row(w.c))) : v;
}

static bool begin(layer *l, goss_cell cell, goss_val x, const goss_val *first, goss_recurrent w, goss_scan_options o) {
    if (!fits(x, w, cell, &l->gates.width)) return false;
    const goss_val columns = input_columns(x, w, l->gates.width);
    o.axis = 2;
    if (!goss_valid(columns) || !(l->s = goss_scan_begin(x.graph, goss_dim(x, 2), o))) return false;
    for (int i = 0; i < goss_cell_states(cell); i++)
        l->first[i] = goss_scan_carry(l->s, begin_state(x, first[i], w, l->gates.width));
    l->gates.input = goss_scan_slice(l->s, columns);
    l->gates.live = inside(l, w.live);
    l->gates.state = state_columns(l, w);
    l->gates.gain_c = inside(l, w.gain_c), l->gates.shift_c = inside(l, w.shift_c);
    return true;
}

goss_val goss_recurrent_run(goss_cell cell, goss_val x, goss_recurrent w, goss_scan_options o, goss_val *state) {
    layer l = {0};
    const int n = goss_cell_states(cell);
    const bool ok = begin(&l, cell, x, state, w, o);
    for (int i = 0; i < n; i++) state[i] = ok ? l.first[i] : (goss_val){x.graph, 0};
    if (!ok) return (goss_val){x.graph, 0};
    const goss_val h = goss__cell_step(cell, &l.gates, state);
    for (int i = 0; i < n; i++) goss_scan_next(l.s, l.first[i], state[i]);
    goss_scan_emit(l.s, h);
    goss_scan_end(l.s);
    for (int i = 0; i < n; i++) state[i] = goss_scan_last(l.s, l.first[i]);
    return goss_scan_stacked(l.s, h);
}

goss_val goss_rnn(goss_val x, goss_val h0, goss_recurrent w, goss_scan_options o, goss_val *last) {
    const goss_val y = goss_recurrent_run(GOSS_CELL_RNN, x, w, o, &h0);
    if (last) *last = h0;
    return y;
}

goss_val goss_gru(goss_val x, goss_val h0, goss_recurrent w, goss_scan_options o, goss_val *last) {
    const goss_val y = goss_recurrent_run(GOSS_CELL_GRU, x, w, o, &h0);
    if (last) *last = h0;
    return y;
}

goss_val goss_lstm(goss_val x, goss_val h0, goss_val c0, goss_recurrent w, goss_scan_options o, goss_val *last_h,
                   goss_val *last_c) {
    goss_val state[] = {h0, c0};
    const goss_val y = goss_recurrent_run(GOSS_CELL_LSTM, x, w, o, state);
    if (last_h) *last_h = state[0];
    if (last_c) *last_c = state[1];
    return y;
}
