/* SPDX-License-Identifier: Apache-2.0 */
/* target_recurrent.c: recurrent layers of a target: the cells of compose.h with a layer's tensors, in one direction or
 * both. A scan keeps its state beyond a sample's length, so that the backward one begins at the last live step. */
#include <stdio.h>

#include "nn/target.h"

static goss_val tensor(const goss__apply *a, const goss__layer *l, const char *prefix, const char *suffix) {
    char name[24];
    snprintf(name, sizeof name, "%s%s", prefix, suffix);
    return goss__apply_tensor(a, l, name);
}

/* A dead unit changes no other one. */
static goss_val state_weights(const goss__apply *a, const goss__layer *l, goss_val u) {
    const goss_val live = goss__apply_live(a, l);
    return goss_valid(live) && goss_valid(u) ? goss_mul(u, goss_unsqueeze(live, 2)) : u;
}

/* One draw for all steps, [T,N,D]; GOSS_NONE: none is dropped. */
static goss_val state_mask(const goss__apply *a, const goss__layer *l, goss_val x) {
    const goss_val task = goss__apply_dropout_task(a);
    if (l->rate == 0 || !goss_valid(task) || !goss_valid(x)) return GOSS_NONE;
    const goss_shape s = GOSS_SHAPE(goss_dim(x, 0), goss_dim(x, 1), goss_n(l->out));
    return goss_dropout(goss_full(x.graph, s, 1), l->rate, task);
}

static goss_recurrent cell(const goss__apply *a, const goss__layer *l, const char *prefix, goss_val x) {
    return (goss_recurrent){.mask = state_mask(a, l, x),
                            .live = goss__apply_live(a, l),
                            .w = tensor(a, l, prefix, "w"),
                            .u = state_weights(a, l, tensor(a, l, prefix, "u")),
                            .b = tensor(a, l, prefix, "b"),
                            .c = tensor(a, l, prefix, "c"),
                            .gain_w = tensor(a, l, prefix, "gain_w"),
                            .gain_u = tensor(a, l, prefix, "gain_u"),
                            .gain_c = tensor(a, l, prefix, "gain_c"),
                            .shift_c = tensor(a, l, prefix, "shift_c")};
}

/* Remembering is what an LSTM is for, and a gate of 1/2 forgets within a few steps (Jozefowicz et al. 2015). */
static goss_val forget_bias(goss_val b, int64_t hidden) {
    if (!goss_valid(b)) return b;
    const goss_val one = goss_full(b.graph, GOSS_SHAPE(goss_n(1), goss_n(hidden)), 1);
    return goss_add(b, goss_pad(one, 1, hidden, 2 * hidden));
}

/* The state that samples [T,N] of a direction begin with, [T,N,D]: learned, or GOSS_NONE. */
static goss_val learned_start(const goss__apply *a, const goss__layer *l, const char *prefix, const char *name,
                              goss_val x) {
    const goss_val h0 = tensor(a, l, prefix, name);
    if (!goss_valid(h0) || !goss_valid(x)) return GOSS_NONE;
    const goss_shape s = GOSS_SHAPE(goss_dim(x, 0), goss_dim(x, 1), goss_n(l->out));
    return goss_broadcast(goss_unsqueeze(h0, 1), s);
}

/* What pieces of a sequence carry is the difference from there, so that zeros are the beginning of any stream. */
static goss_val begin_state(const goss__apply *a, const goss__layer *l, goss_val start, int k) {
    const goss_val before = goss__state_before(a, l, k);
    if (!goss_valid(start)) return before;
    return goss_valid(before) ? goss_add(before, start) : start;
}

static void end_state(const goss__apply *a, const goss__layer *l, goss_val start, int k, goss_val last) {
    goss__keep_state(a, l, k, goss_valid(start) ? goss_sub(last, start) : last);
}

static goss_val run_cell(const goss__apply *a, const goss__layer *l, const char *prefix, goss_val x,
                         goss_scan_options o) {
    static const char *const names[] = {"h0", "c0"};
    const int n = goss_cell_states(l->kind->cell);
    goss_recurrent w = cell(a, l, prefix, x);
    if (l->kind->cell == GOSS_CELL_LSTM) w.b = forget_bias(w.b, l->out);
    goss_val start[2], state[2];
    for (int k = 0; k < n; k++) {
        start[k] = learned_start(a, l, prefix, names[k], x);
        state[k] = begin_state(a, l, start[k], k);
    }
    const goss_val y = goss_recurrent_run(l->kind->cell, x, w, o, state);
    for (int k = 0; k < n; k++) end_state(a, l, start[k], k, state[k]);
    return y;
}

/* ---- modulated layers ---- */

/* The number of each step from the beginning of the sequence, [1,1,L], or [T,N,L] in pieces of one. */
static goss_val step_numbers(const goss__apply *a, const goss__layer *l, goss_val x) {
    const goss_extent one = goss_n(1), steps = goss_dim(x, 2);
    const goss_val at = goss_to_real(goss_iota(x.graph, steps)), before = goss__state_before(a, l, 0),
                   now = goss__apply_lengths(a);
    if (!goss_valid(at)) return at;
    const goss_val here = goss_reshape(at, GOSS_SHAPE(one, one, steps));
    if (!goss_valid(before) || !goss_valid(now)) return here;
    goss__keep_state(a, l, 0, goss_add(before, goss_unsqueeze(now, 2)));
    return goss_add(here, before);
}

/* tanh(sines and cosines of the step's number times small.w, and small.b) */
static goss_val codes_of_positions(const goss__apply *a, const goss__layer *l, const char *prefix, goss_val x) {
    return goss_tanh(goss_linear(goss_sinusoids_at(step_numbers(a, l, x), l->small), tensor(a, l, prefix, "small.w"),
                                 tensor(a, l, prefix, "small.b")));
}

static goss_val run_hyper(const goss__apply *a, const goss__layer *l, const char *prefix, goss_val x,
                          goss_scan_options o) {
    goss_hyper_recurrent w = {.cell = l->kind->cell,
                              .main = cell(a, l, prefix, x),
                              .embed = tensor(a, l, prefix, "embed.w"),
                              .embed_b = tensor(a, l, prefix, "embed.b"),
                              .scale = tensor(a, l, prefix, "scale")};
    goss_val state[4];
    const int n = goss_hyper_recurrent_states(w.cell, l->position);
    w.main.gain_u = tensor(a, l, prefix, "gain");
    if (l->position) {
        w.code = codes_of_positions(a, l, prefix, x);
    } else {
        w.small_h = tensor(a, l, prefix, "small.h");
        w.small.w = tensor(a, l, prefix, "small.w"), w.small.u = tensor(a, l, prefix, "small.u");
        w.small.b = tensor(a, l, prefix, "small.b"), w.small.gain_u = tensor(a, l, prefix, "small.gain");
    }
    for (int k = 0; k < n; k++) state[k] = goss__state_before(a, l, l->position + k);
    const goss_val y = goss_hyper_recurrent_run(x, &w, o, state);
    for (int k = 0; k < n; k++) goss__keep_state(a, l, l->position + k, state[k]);
    return y;
}

/* ---- directions ---- */

/* One direction: tensors PREFIX..., x and lengths for as many tasks as there are weights. */
typedef goss_val (*direction)(const goss__apply *a, const goss__layer *l, const char *prefix, goss_val x,
                              goss_scan_options o);

static goss_val run(goss__apply *a, const goss__layer *l, goss_val x, const char *prefix, bool reverse, direction f) {
    const goss_val lengths = goss__apply_lengths(a);
    goss_scan_options o = goss_scan_defaults();
    o.reverse = reverse;
    x = goss__for_weights(a, l, x);
    if (goss_valid(lengths) && goss_valid(x)) {
        o.length = lengths;
        if (!goss_extent_equal(goss_dim(lengths, 0), goss_dim(x, 0)))
            o.length = goss_broadcast(lengths, GOSS_SHAPE(goss_dim(x, 0), goss_dim(x, 1)));
    }
    return f(a, l, prefix, x, o);
}

static goss_val directions(goss__apply *a, const goss__layer *l, goss_val x, direction f) {
    const goss_val forward = run(a, l, x, "", false, f);
    if (!l->both) return forward;
    return goss_concat((goss_val[]){forward, run(a, l, x, "back.", true, f)}, 2, 3);
}

goss_val goss__apply_recurrent(goss__apply *a, const goss__layer *l, goss_val x) {
    return directions(a, l, x, run_cell);
}
goss_val goss__apply_hyper(goss__apply *a, const goss__layer *l, goss_val x) { return directions(a, l, x, run_hyper); }
