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

static goss_recurrent cell(const goss__apply *a, const goss__layer *l, const char *prefix) {
    return (goss_recurrent){.w = tensor(a, l, prefix, "w"),
                            .u = tensor(a, l, prefix, "u"),
                            .b = tensor(a, l, prefix, "b"),
                            .c = tensor(a, l, prefix, "c"),
                            .gain_w = tensor(a, l, prefix, "gain_w"),
                            .gain_u = tensor(a, l, prefix, "gain_u"),
                            .gain_c = tensor(a, l, prefix, "gain_c"),
                            .shift_c = tensor(a, l, prefix, "shift_c")};
}

/* The samples of one task, where weights differ by task: [1,...] -> [T,...]. */
static goss_val for_weights(goss_val v, const goss_recurrent *w) {
    const goss_val of[] = {w->w, w->u, w->b, w->c, w->gain_w, w->gain_u, w->gain_c, w->shift_c};
    if (!goss_valid(v) || !goss_extent_is(goss_dim(v, 0), 1)) return v;
    goss_shape s = goss_shape_of(v);
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (goss_valid(of[i]) && !goss_extent_is(goss_dim(of[i], 0), 1)) s.dim[0] = goss_dim(of[i], 0);
    return goss_broadcast(v, s);
}

/* Remembering is what an LSTM is for, and a gate of 1/2 forgets within a few steps (Jozefowicz et al. 2015). */
static goss_val forget_bias(goss_val b, int64_t hidden) {
    if (!goss_valid(b)) return b;
    const goss_val one = goss_full(b.graph, GOSS_SHAPE(goss_n(1), goss_n(hidden)), 1);
    return goss_add(b, goss_pad(one, 1, hidden, 2 * hidden));
}

typedef goss_val (*direction)(goss_val x, goss_recurrent w, goss_scan_options o, int64_t hidden);

static goss_val run_rnn(goss_val x, goss_recurrent w, goss_scan_options o, int64_t hidden) {
    return goss_rnn(x, GOSS_NONE, w, o, NULL);
}
static goss_val run_gru(goss_val x, goss_recurrent w, goss_scan_options o, int64_t hidden) {
    return goss_gru(x, GOSS_NONE, w, o, NULL);
}
static goss_val run_lstm(goss_val x, goss_recurrent w, goss_scan_options o, int64_t hidden) {
    w.b = forget_bias(w.b, hidden);
    return goss_lstm(x, GOSS_NONE, GOSS_NONE, w, o, NULL, NULL);
}

static goss_val run(goss__apply *a, const goss__layer *l, goss_val x, const char *prefix, bool reverse, direction f) {
    const goss_recurrent w = cell(a, l, prefix);
    const goss_val lengths = goss__apply_lengths(a);
    goss_scan_options o = goss_scan_defaults();
    o.reverse = reverse;
    x = for_weights(x, &w);
    if (goss_valid(lengths) && goss_valid(x)) {
        o.length = lengths;
        if (!goss_extent_equal(goss_dim(lengths, 0), goss_dim(x, 0)))
            o.length = goss_broadcast(lengths, GOSS_SHAPE(goss_dim(x, 0), goss_dim(x, 1)));
    }
    return f(x, w, o, l->out);
}

static goss_val directions(goss__apply *a, const goss__layer *l, goss_val x, direction f) {
    const goss_val forward = run(a, l, x, "", false, f);
    if (!l->both) return forward;
    return goss_concat((goss_val[]){forward, run(a, l, x, "back.", true, f)}, 2, 3);
}

goss_val goss__apply_rnn(goss__apply *a, const goss__layer *l, goss_val x) { return directions(a, l, x, run_rnn); }
goss_val goss__apply_gru(goss__apply *a, const goss__layer *l, goss_val x) { return directions(a, l, x, run_gru); }
goss_val goss__apply_lstm(goss__apply *a, const goss__layer *l, goss_val x) { return directions(a, l, x, run_lstm); }
