/* SPDX-License-Identifier: Apache-2.0 */
/* compose_hyper_lstm.c: an LSTM whose weights a smaller LSTM modulates at each step (Ha, Dai and Le 2017).
 *
 * The factors of a gate's two products and its bias are linear maps of embeddings z, those of the small cell's state.
 * What depends on x alone is hoisted in front of the loop; the twelve maps from embeddings to units are one batched
 * product. */
#include "autodiff/compose.h"

enum { GATES = 4, MAPS = 3 * GATES };
static const double norm_eps = 1e-5;

typedef struct cell {
    goss_scan *s;
    const goss_hyper_lstm *w;
    int64_t units, small, embedding;
} cell;

static goss_val inside(const cell *c, goss_val v) { return goss__given(v) ? goss_scan_const(c->s, v) : v; }
static goss_val add_row(const cell *c, goss_val x, goss_val row) {
    return goss__given(row) ? goss_affine(x, GOSS_NONE, inside(c, row)) : x;
}

/* Each block of `width` columns normalised by itself, times the gain; GOSS_NONE: x as it is. */
static goss_val norm_blocks(const cell *c, goss_val x, goss_val gain, int64_t width) {
    if (!goss__given(gain) || !goss_valid(x)) return x;
    const goss_shape s = goss_shape_of(x);
    const goss_shape apart = GOSS_SHAPE(s.dim[0], s.dim[1], goss_n(s.dim[2].count / width), goss_n(width));
    x = goss_reshape(goss_layer_norm(goss_reshape(x, apart), norm_eps, GOSS_NONE), s);
    return goss_affine(x, inside(c, gain), GOSS_NONE);
}

static goss_val block(goss_val z, int i, int64_t width) { return goss_slice(z, 2, i * width, width); }

/* The state of an LSTM from the sums of its gates; *h and *c become the next ones. */
static void lstm_step(const cell *a, goss_val sum, int64_t width, goss_val gain, goss_val shift, goss_val *h,
                      goss_val *c) {
    const goss_val i = goss_sigmoid(block(sum, 0, width)), f = goss_sigmoid(goss_shift(block(sum, 1, width), 1)),
                   g = goss_tanh(block(sum, 2, width)), o = goss_sigmoid(block(sum, 3, width));
    *c = goss_add(goss_mul(f, *c), goss_mul(i, g));
    const goss_val seen = add_row(a, norm_blocks(a, *c, gain, width), shift);
    *h = goss_mul(o, goss_tanh(seen));
}

/* [T,N,12 Z] times [Tw,12,Z,H] -> [T,N,12 H]: factors of the state's columns, of the input's, and a bias, by gate. */
static goss_val modulation(const cell *c, goss_val state) {
    const goss_hyper_lstm *w = c->w;
    const goss_val scale = inside(c, w->scale);
    goss_val z = goss_matmul(state, inside(c, w->embed), false, false);
    if (goss__given(w->embed_b))
        z = goss_add(z, goss_pad(goss_unsqueeze(inside(c, w->embed_b), 1), 2, 0, GATES * c->embedding));
    if (!goss_valid(z) || !goss_valid(scale)) return (goss_val){state.graph, 0};
    const goss_shape s = goss_shape_of(z);
    const goss_extent each = goss_n(c->embedding), units = goss_n(c->units), maps = goss_n(MAPS);
    z = goss_permute(goss_reshape(z, GOSS_SHAPE(s.dim[0], s.dim[1], maps, each)), (int[]){0, 2, 1, 3});
    const goss_val y =
        goss_matmul(z, goss_reshape(scale, GOSS_SHAPE(goss_dim(scale, 0), maps, each, units)), false, false);
    if (!goss_valid(y)) return y;
    return goss_reshape(goss_permute(y, (int[]){0, 2, 1, 3}),
                        GOSS_SHAPE(goss_dim(y, 0), s.dim[1], goss_n(MAPS * c->units)));
}

static bool fits(goss_val x, const goss_hyper_lstm *w, cell *c) {
    const goss_val need[] = {w->main.w, w->main.u, w->small.w, w->small.u, w->small_h, w->embed, w->scale};
    for (size_t i = 0; i < sizeof need / sizeof *need; i++)
        if (!goss__rank_at_least(need[i], 3, "hyper_lstm")) return false;
    if (!goss__rank_at_least(x, 4, "hyper_lstm")) return false;
    c->w = w, c->units = goss_dim(w->main.u, 1).count, c->small = goss_dim(w->small.u, 1).count;
    c->embedding = goss_dim(w->scale, 1).count / MAPS;
    const goss_extent of[] = {goss_dim(w->main.u, 2), goss_dim(w->small.u, 2), goss_dim(w->small_h, 1),
                              goss_dim(w->embed, 2)};
    const int64_t want[] = {GATES * c->units, GATES * c->small, c->units, MAPS * c->embedding};
    for (int i = 0; i < 4; i++)
        if (!goss_extent_is(of[i], want[i]) || c->embedding < 1) {
            goss_graph_fail(
                x.graph, GOSS_E_SHAPE,
                "hyper_lstm: u[T,H,4H], small.u[T,K,4K], small_h[T,H,4K], embed[T,K,12Z] and scale[T,12Z,H] are "
                "required");
            return false;
        }
    return true;
}

static goss_val carry(cell *a, goss_val columns, const goss_val *given, int64_t width) {
    if (given && goss__given(*given)) return goss_scan_carry(a->s, *given);
    const goss_shape shape = GOSS_SHAPE(goss_dim(columns, 0), goss_dim(columns, 1), goss_n(width));
    return goss_scan_carry(a->s, goss_full(columns.graph, shape, 0));
}

static goss_val fail(goss_val x, goss_val state[4]) {
    for (int i = 0; state && i < 4; i++) state[i] = (goss_val){x.graph, 0};
    return (goss_val){x.graph, 0};
}

goss_val goss_hyper_lstm_run(goss_val x, const goss_hyper_lstm *w, goss_scan_options o, goss_val state[4]) {
    cell a = {0};
    if (!fits(x, w, &a)) return fail(x, state);
    const goss_val columns = goss_linear(x, w->main.w, GOSS_NONE), seen = goss_linear(x, w->small.w, w->small.b);
    o.axis = 2;
    if (!goss_valid(columns) || !goss_valid(seen) || !(a.s = goss_scan_begin(x.graph, goss_dim(x, 2), o)))
        return fail(x, state);
    goss_val first[4], now[4];
    for (int i = 0; i < 4; i++)
        now[i] = first[i] = carry(&a, columns, state ? &state[i] : NULL, i < 2 ? a.units : a.small);
    goss_val h = now[0], c = now[1], s = now[2], k = now[3];
    const goss_val from_h = goss_matmul(h, inside(&a, w->small_h), false, false),
                   from_s = goss_matmul(s, inside(&a, w->small.u), false, false),
                   sum = goss_add(goss_scan_slice(a.s, seen), goss_add(from_h, from_s));
    lstm_step(&a, norm_blocks(&a, sum, w->small.gain_u, a.small), a.small, GOSS_NONE, GOSS_NONE, &s, &k);
    const int64_t all = GATES * a.units;
    const goss_val d = modulation(&a, s), by_state = block(d, 0, all), by_input = block(d, 1, all);
    const goss_val product = goss_add(goss_mul(by_state, goss_matmul(h, inside(&a, w->main.u), false, false)),
                                      goss_mul(by_input, goss_scan_slice(a.s, columns)));
    const goss_val gates =
        add_row(&a, norm_blocks(&a, goss_add(product, block(d, 2, all)), w->main.gain_u, a.units), w->main.b);
    lstm_step(&a, gates, a.units, w->main.gain_c, w->main.shift_c, &h, &c);
    const goss_val next[] = {h, c, s, k};
    for (int i = 0; i < 4; i++) goss_scan_next(a.s, first[i], next[i]);
    goss_scan_emit(a.s, h);
    goss_scan_end(a.s);
    for (int i = 0; state && i < 4; i++) state[i] = goss_scan_last(a.s, first[i]);
    return goss_scan_stacked(a.s, h);
}
