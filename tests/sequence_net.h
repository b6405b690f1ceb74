/* SPDX-License-Identifier: Apache-2.0 */
/* sequence_net.h: a network on sequences of random numbers and lengths, as tests apply it to several tasks at once. */
#ifndef GOSS_SEQUENCE_NET_H
#define GOSS_SEQUENCE_NET_H

#include "gossamer/nn.h"
#include "graph_check.h"

enum { TASKS = 2, SAMPLES = 3, STEPS = 9, WIDTH = 4, WORDS = 5 };

static goss_error err;

typedef struct net {
    world w;
    goss_target *t;
    goss_weights *weights;
    goss_val x, lengths, slab, y;
    int steps, width;
    bool ids;
} net;

/* Samples of 4 to 9 steps: long enough for the windows above. */
static inline int length_of(int task, int sample) { return 4 + (3 * task + 2 * sample + 1) % (STEPS - 3); }

static inline void net_free(net *n) {
    goss_weights_free(n->weights);
    world_free(&n->w);
    goss_target_free(n->t);
}

/* own: weights differ by task. padding: what stands beyond a sample's length. */
static inline net net_new(const char *text, int width, int steps, bool own, double padding) {
    net n = {.w = world_new(), .steps = steps, .width = width, .ids = width == 1};
    if (goss_target_parse(text, (int64_t[]){steps, width}, 2, 0, &n.t, &err) != GOSS_OK)
        T_FAIL("%s: %s", text, err.text);
    const goss_extent T = goss_n(TASKS), N = goss_n(SAMPLES);
    const int64_t total = goss_layout_total(goss_target_layout(n.t));
    double lengths[TASKS * SAMPLES], *x = calloc((size_t)(TASKS * SAMPLES * steps * width), sizeof *x);
    goss__rng r = goss__rng_make(5, 0);
    for (int t = 0; t < TASKS; t++)
        for (int s = 0; s < SAMPLES; s++) {
            const int k = t * SAMPLES + s;
            lengths[k] = length_of(t, s);
            for (int i = 0; i < STEPS * width; i++) { /* the same numbers however many steps there are room for */
                const double v = n.ids ? (double)goss__rng_below(&r, WORDS) : goss__rng_normal(&r);
                if (i < lengths[k] * width) x[k * steps * width + i] = v;
            }
            for (int i = (int)lengths[k] * width; i < steps * width; i++) x[k * steps * width + i] = padding;
        }
    n.x = world_input(&n.w, "x", GOSS_REAL, GOSS_SHAPE(T, N, goss_n(steps), goss_n(width)), x);
    n.lengths = world_input(&n.w, "lengths", GOSS_REAL, GOSS_SHAPE(T, N), lengths);
    if (total > 0) n.slab = world_normal(&n.w, "slab", GOSS_SHAPE(goss_n(own ? TASKS : 1), goss_n(total)));
    for (int64_t i = 0; total > 0 && i < total * (own ? TASKS : 1); i++) world_numbers(&n.w, "slab")[i] *= 0.7;
    n.weights = total > 0 ? goss_weights_from_slab(goss_target_layout(n.t), n.slab)
                          : goss_weights_empty(n.w.g, goss_target_layout(n.t));
    goss_target_context c = goss_target_context_defaults();
    c.lengths = n.lengths;
    n.y = goss_target_features(n.t, n.x, n.weights, &c);
    free(x);
    return n;
}

static inline void net_run(net *n, goss_precision precision, const char *text) {
    if (world_compute(&n->w, precision, &n->y, 1) != GOSS_OK) T_FAIL("%s: %s", text, n->w.err.text);
}

#endif
