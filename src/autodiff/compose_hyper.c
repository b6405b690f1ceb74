/* SPDX-License-Identifier: Apache-2.0 */
/* compose_hyper.c: layers whose weights are modulated at each step (Ha, Dai and Le 2017): by a smaller cell, or by
 * codes that are known for all steps, such as those of positions.
 *
 * The factors of a gate's two products and its bias are linear maps of embeddings z, those of the code. What depends on
 * x alone, and all of the modulation where codes are given, is hoisted in front of the loop; the maps from embeddings
 * to units are one batched product. */
#include "autodiff/compose.h"

typedef struct layer {
    goss_scan *s; /* NULL: without a loop */
    const goss_hyper_recurrent *w;
    goss_cell small_cell;
    int gates, maps; /* maps: a gate's factors and bias */
    int64_t units, small, embedding;
    goss_val columns, seen; /* x w and, of the small cell, x small.w + small.b: of all steps */
    goss_val scales;        /* of all steps, by given codes */
} layer;

static goss_val inside(const layer *l, goss_val v) { return l->s && goss__given(v) ? goss_scan_const(l->s, v) : v; }

/* Of all steps, or the present one's. */
static goss_val slice(const layer *l, goss_val v) { return l->s ? goss_scan_slice(l->s, v) : v; }

/* ---- modulation ---- */

/* [T,M,E] times [Tw,K,B Z] and [Tw,B Z,H] -> [T,M,B H], the blocks B each by itself; B = gates maps. */
static goss_val scales_of_rows(const layer *l, goss_val code) {
    const goss_hyper_recurrent *w = l->w;
    const int all = l->gates * l->maps;
    const goss_val scale = inside(l, w->scale);
    goss_val z = goss_matmul(code, inside(l, w->embed), false, false);
    if (goss__given(w->embed_b))
        z = goss_add(z, goss_pad(goss_unsqueeze(inside(l, w->embed_b), 1), 2, 0, l->gates * l->embedding));
    if (!goss_valid(z) || !goss_valid(scale)) return (goss_val){code.graph, 0};
    const goss_shape s = goss_shape_of(z);
    const goss_extent each = goss_n(l->embedding), units = goss_n(l->units), blocks = goss_n(all);
    z = goss_permute(goss_reshape(z, GOSS_SHAPE(s.dim[0], s.dim[1], blocks, each)), (int[]){0, 2, 1, 3});
    const goss_val y =
        goss_matmul(z, goss_reshape(scale, GOSS_SHAPE(goss_dim(scale, 0), blocks, each, units)), false, false);
    if (!goss_valid(y)) return y;
    return goss_reshape(goss_permute(y, (int[]){0, 2, 1, 3}),
                        GOSS_SHAPE(goss_dim(y, 0), s.dim[1], goss_n(all * l->units)));
}

/* The same of codes [T,N,L,K] of all steps. */
static goss_val scales_of_steps(const layer *l, goss_val code) {
    const goss_shape s = goss_shape_of(code);
    const goss_val y =
        scales_of_rows(l, goss_reshape(code, GOSS_SHAPE(s.dim[0], goss_extent_mul(s.dim[1], s.dim[2]), s.dim[3])));
    if (!goss_valid(y)) return y;
    return goss_reshape(y, GOSS_SHAPE(goss_dim(y, 0), s.dim[1], s.dim[2], goss_dim(y, 2)));
}

/* ---- a step ---- */

/* s' of the small cell; state: its own, h: the main one's or GOSS_NONE. */
static goss_val small_step(const layer *l, goss_val h, goss_val *state) {
    const goss_hyper_recurrent *w = l->w;
    goss__cell_gates g = {.input = slice(l, l->seen),
                          .state = goss_matmul(state[0], inside(l, w->small.u), false, false),
                          .gain = inside(l, w->small.gain_u),
                          .width = l->small,
                          .forget = 1};
    if (goss__given(h)) g.input = goss_add(g.input, goss_matmul(h, inside(l, w->small_h), false, false));
    return goss__cell_step(l->small_cell, &g, state);
}

/* d: factors of the state's columns (of a cell that has a state), factors of the input's, biases. */
static goss_val main_step(const layer *l, goss_val d, goss_val *state) {
    const goss_hyper_recurrent *w = l->w;
    const int64_t all = l->gates * l->units;
    goss__cell_gates g = {.gain = inside(l, w->main.gain_u),
                          .bias = inside(l, w->main.b),
                          .gain_c = inside(l, w->main.gain_c),
                          .shift_c = inside(l, w->main.shift_c),
                          .width = l->units,
                          .forget = 1};
    const int of_input = l->maps - 2;
    g.input = goss_mul_add(goss_slice(d, -1, of_input * all, all), slice(l, l->columns),
                           goss_slice(d, -1, (of_input + 1) * all, all));
    if (of_input)
        g.state = goss_mul(goss_slice(d, -1, 0, all), goss_matmul(state[0], inside(l, w->main.u), false, false));
    return goss__cell_step(w->cell, &g, state);
}

/* ---- the loop ---- */

static bool misfit(goss_val x, const char *what) {
    goss_graph_fail(x.graph, GOSS_E_SHAPE, "hyper_recurrent: %s", what);
    return false;
}

static bool fits(goss_val x, const goss_hyper_recurrent *w, layer *l) {
    const bool state = goss_cell_states(w->cell) > 0, coded = goss__given(w->code);
    const struct {
        goss_val v;
        bool needed;
    } need[] = {{w->main.w, true},
                {w->embed, true},
                {w->scale, true},
                {w->main.u, state},
                {w->small.w, !coded},
                {w->small.u, !coded},
                {w->small_h, state && !coded}};
    for (size_t i = 0; i < sizeof need / sizeof *need; i++)
        if (need[i].needed && !goss__rank_at_least(need[i].v, 3, "hyper_recurrent")) return false;
    if (!goss__rank_at_least(x, 4, "hyper_recurrent")) return false;
    if (coded && !goss__rank_at_least(w->code, 4, "hyper_recurrent: code")) return false;
    l->w = w, l->small_cell = goss_cell_small(w->cell), l->gates = goss_cell_gates(w->cell), l->maps = state ? 3 : 2;
    l->units = goss_dim(w->scale, 2).count, l->embedding = goss_dim(w->scale, 1).count / (l->gates * l->maps);
    l->small = goss_dim(w->embed, 1).count;
    const int64_t own = goss_cell_gates(l->small_cell) * l->small;
    if (l->embedding < 1 || !goss_extent_is(goss_dim(w->embed, 2), l->gates * l->maps * l->embedding))
        return misfit(x, "embed[T,K,B Z] and scale[T,B Z,H] are required, B the gates' factors and biases");
    if (!goss_extent_is(goss_dim(w->main.w, 2), l->gates * l->units) ||
        (state && (!goss_extent_is(goss_dim(w->main.u, 1), l->units) ||
                   !goss_extent_is(goss_dim(w->main.u, 2), l->gates * l->units))))
        return misfit(x, "w[T,D,G H] and u[T,H,G H] are required, G the gates of the cell");
    if (coded) return goss_extent_is(goss_dim(w->code, 3), l->small) || misfit(x, "code[T,N,L,K] is required");
    if (!goss_extent_is(goss_dim(w->small.u, 1), l->small) || !goss_extent_is(goss_dim(w->small.u, 2), own) ||
        !goss_extent_is(goss_dim(w->small.w, 2), own) || (state && !goss_extent_is(goss_dim(w->small_h, 2), own)))
        return misfit(x,
                      "small.w[T,D,G K], small.u[T,K,G K] and small_h[T,H,G K] are required, G the small cell's gates");
    return true;
}

static goss_val carry(const layer *l, const goss_val *given, int64_t width) {
    if (given && goss__given(*given)) return goss_scan_carry(l->s, *given);
    const goss_shape shape = GOSS_SHAPE(goss_dim(l->columns, 0), goss_dim(l->columns, 1), goss_n(width));
    return goss_scan_carry(l->s, goss_full(l->columns.graph, shape, 0));
}

/* What all steps need of x and of given codes. */
static bool hoist(layer *l, goss_val x) {
    const goss_hyper_recurrent *w = l->w;
    l->columns = goss_linear(x, w->main.w, GOSS_NONE);
    if (!goss__given(w->code)) l->seen = goss_linear(x, w->small.w, w->small.b);
    if (goss__given(w->code)) l->scales = scales_of_steps(l, w->code);
    return goss_valid(l->columns) && (goss_valid(l->seen) || goss_valid(l->scales));
}

static goss_val fail(goss_val x, goss_val *state, int states) {
    for (int i = 0; state && i < states; i++) state[i] = (goss_val){x.graph, 0};
    return (goss_val){x.graph, 0};
}

int goss_hyper_recurrent_states(goss_cell cell, bool coded) {
    return goss_cell_states(cell) + (coded ? 0 : goss_cell_states(goss_cell_small(cell)));
}

goss_val goss_hyper_recurrent_run(goss_val x, const goss_hyper_recurrent *w, goss_scan_options o, goss_val *state) {
    layer l = {0};
    const int own = goss_cell_states(w->cell), n = goss_hyper_recurrent_states(w->cell, goss__given(w->code));
    if (!fits(x, w, &l) || !hoist(&l, x)) return fail(x, state, n);
    if (n == 0) return main_step(&l, l.scales, NULL);
    o.axis = 2;
    if (!(l.s = goss_scan_begin(x.graph, goss_dim(x, 2), o))) return fail(x, state, n);
    goss_val first[4] = {{0}}, now[4];
    for (int i = 0; i < n; i++) now[i] = first[i] = carry(&l, state ? &state[i] : NULL, i < own ? l.units : l.small);
    const goss_val d = goss__given(w->code) ? slice(&l, l.scales)
                                            : scales_of_rows(&l, small_step(&l, own ? now[0] : GOSS_NONE, now + own));
    const goss_val y = main_step(&l, d, now);
    for (int i = 0; i < n; i++) goss_scan_next(l.s, first[i], now[i]);
    goss_scan_emit(l.s, y);
    goss_scan_end(l.s);
    for (int i = 0; state && i < n; i++) state[i] = goss_scan_last(l.s, first[i]);
    return goss_scan_stacked(l.s, y);
}
