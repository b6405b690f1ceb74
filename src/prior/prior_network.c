/* SPDX-License-Identifier: Apache-2.0 */
/* prior_network.c: random networks. mlp: the target is a function of columns that are drawn first. causal: columns and
 * target are units of one network, with noise at every unit, so that columns depend on each other, and some of them on
 * the target (Hollmann et al. 2023, appendix C).
 *
 * Sums are standardised over the rows before the gain and the function of a layer, so that a gain means the same at
 * every width: below 1 a network is almost linear, above 3 it is rough. */
#include <math.h>
#include <string.h>

#include "prior/prior.h"

enum { IDENTITY, TANH, RELU, SIN, STEP, ABS, MIXED, FUNCTIONS };

typedef struct network {
    int width, depth, function, blocks;
    double gain, drop, noise;
} network;

static network draw(goss__draft *d, int least_width) {
    static const double function[FUNCTIONS] = {0.5, 3, 2, 0.7, 0.5, 0.7, 2};
    goss__noise *r = &d->noise;
    network n = {.width = 3 + (int)goss__noise_gamma(r, 2, 9), .depth = 1 + (int)goss__noise_gamma(r, 2, 0.9)};
    if (n.width > GOSS__PRIOR_WIDTH) n.width = GOSS__PRIOR_WIDTH;
    if (n.width < least_width) n.width = least_width;
    if (n.depth > GOSS__PRIOR_DEPTH - 1) n.depth = GOSS__PRIOR_DEPTH - 1;
    n.function = goss__noise_choose(r, function, FUNCTIONS);
    n.gain = goss__noise_log_between(r, 0.3, 5);
    n.drop = goss__noise_chance(r, 0.5) ? 0 : goss__noise_between(r, 0.1, 0.9);
    n.blocks = goss__noise_chance(r, 0.3) ? 2 + goss__noise_below(r, 3) : 1;
    n.noise = goss__noise_log_between(r, 1e-4, 0.5);
    return n;
}

/* Weights [units, inputs]: some are 0, one by one or outside of blocks; every unit keeps one input. */
static void draw_weights(goss__draft *d, const network *n, int units, int inputs) {
    goss__noise_normals(&d->noise, d->weights, (int64_t)units * inputs);
    if (n->drop == 0 && n->blocks == 1) return;
    for (int u = 0; u < units; u++) {
        float *w = d->weights + (size_t)u * (size_t)inputs;
        const int block = (int)((int64_t)u * n->blocks / units), kept = goss__noise_below(&d->noise, inputs);
        for (int i = 0; i < inputs; i++) {
            const bool outside = (int)((int64_t)i * n->blocks / inputs) != block;
            if (i != kept && (outside || (n->drop > 0 && goss__noise_chance(&d->noise, n->drop)))) w[i] = 0;
        }
    }
}

static void activate(const goss__draft *d, int function, float *v) {
    static const enum goss__ew_op op[] = {[TANH] = GOSS__EW_tanh,
                                          [RELU] = GOSS__EW_relu,
                                          [SIN] = GOSS__EW_sin,
                                          [STEP] = GOSS__EW_sign,
                                          [ABS] = GOSS__EW_abs};
    if (function != IDENTITY) goss__noise_map(d->kernels, op[function], v, v, d->rows);
}

/* out [units, rows]: a layer on `in` [inputs, rows]. */
static void layer(goss__draft *d, const network *n, const float *in, int inputs, float *out, int units, double noise) {
    draw_weights(d, n, units, inputs);
    goss__values_product(d, d->weights, units, inputs, in, out);
    for (int u = 0; u < units; u++) {
        float *v = out + (size_t)u * (size_t)d->rows;
        const float shift = (float)goss__noise_between(&d->noise, -1, 1), gain = (float)n->gain;
        goss__values_standardise(v, d->rows);
        for (int i = 0; i < d->rows; i++) v[i] = gain * (v[i] + shift);
        activate(d, n->function == MIXED ? goss__noise_below(&d->noise, MIXED) : n->function, v);
        if (noise > 0) goss__values_disturb(d, v, noise);
    }
}

/* y: a linear layer on `in` [inputs, rows]. */
static void head(goss__draft *d, const float *in, int inputs) {
    const network plain = {.blocks = 1};
    draw_weights(d, &plain, d->outputs, inputs);
    goss__values_product(d, d->weights, d->outputs, inputs, in, d->y);
}

void goss__family_mlp(goss__draft *d) {
    const network n = draw(d, 3);
    goss__inputs_draw(d);
    int inputs = goss__inputs_relevant(d, d->nodes);
    const float *in = d->nodes;
    /* The layers alternate between two halves of the nodes; the first half also had the columns. */
    float *half[2] = {goss__draft_node(d, d->most_nodes / 2), d->nodes};
    for (int l = 0; l < n.depth; l++) {
        float *out = half[l % 2];
        layer(d, &n, in, inputs, out, n.width, 0);
        in = out, inputs = n.width;
    }
    head(d, in, inputs);
}

/* ---- causal ---- */

static void draw_causes(goss__draft *d, float *out, int n) {
    const int64_t count = (int64_t)n * d->rows;
    const bool uniforms = goss__noise_chance(&d->noise, 0.4);
    (uniforms ? goss__noise_uniforms : goss__noise_normals)(&d->noise, out, count);
    for (int64_t i = 0; uniforms && i < count; i++) out[i] = (out[i] - 0.5f) * 3.4641016f;
}

/* Which units are shown: any, or adjacent ones. The target's come first, from the last layer or from anywhere. */
static void pick(goss__draft *d, int nodes, int last) {
    const bool effect = goss__noise_chance(&d->noise, 0.6), adjacent = goss__noise_chance(&d->noise, 0.3);
    const int first = effect ? nodes - last : 0;
    int *order = d->index, taken = 0;
    goss__values_shuffle(d, order, nodes);
    if (adjacent) {
        const int from = goss__noise_below(&d->noise, nodes);
        for (int i = 0; i < nodes; i++) order[i] = (from + i) % nodes;
    }
    for (int o = 0; o < d->outputs; o++) {
        int at = o;
        if (effect)
            while (order[at] < first) at++;
        const int node = order[at];
        memmove(order + o + 1, order + o, (size_t)(at - o) * sizeof *order);
        order[o] = node, taken++;
        memcpy(goss__draft_y(d, o), goss__draft_node(d, node), (size_t)d->rows * sizeof *d->y);
    }
    for (int j = 0; j < d->columns; j++) {
        memcpy(goss__draft_x(d, j), goss__draft_node(d, order[taken + j]), (size_t)d->rows * sizeof *d->x);
        d->column[j] = (goss_prior_column){.kind = GOSS_PRIOR_NUMBER};
    }
}

void goss__family_causal(goss__draft *d) {
    network n = draw(d, d->outputs + 1);
    const int needed = d->columns + d->outputs, causes = 1 + (int)goss__noise_gamma(&d->noise, 2, 2) % 12;
    while (n.width * n.depth < needed && n.depth < GOSS__PRIOR_DEPTH - 1) n.depth++;
    if (n.width * n.depth < needed) n.width = (needed + n.depth - 1) / n.depth;
    const float *in = goss__draft_node(d, n.width * n.depth);
    draw_causes(d, goss__draft_node(d, n.width * n.depth), causes);
    int inputs = causes;
    for (int l = 0; l < n.depth; l++) {
        float *out = goss__draft_node(d, l * n.width);
        /* Units differ in how much noise they have. */
        layer(d, &n, in, inputs, out, n.width, n.noise * goss__noise_between(&d->noise, 0.3, 1.5));
        in = out, inputs = n.width;
    }
    pick(d, n.width * n.depth, n.width);
}
