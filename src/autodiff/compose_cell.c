/* SPDX-License-Identifier: Apache-2.0 */
/* compose_cell.c: the formulas of recurrent cells, from the products of a step to its state. Layers differ in where
 * these products come from: compose_recurrent.c has fixed weights, compose_hyper.c modulates them at each step. */
#include "autodiff/compose.h"

static const double norm_eps = 1e-5;

static const struct {
    int gates, states;
    goss_cell small; /* that modulates it: of its own kind, where it has a state */
} cells[] = {[GOSS_CELL_DENSE] = {1, 0, GOSS_CELL_RNN},
             [GOSS_CELL_RNN] = {1, 1, GOSS_CELL_RNN},
             [GOSS_CELL_GRU] = {3, 1, GOSS_CELL_GRU},
             [GOSS_CELL_LSTM] = {4, 2, GOSS_CELL_LSTM}};

int goss_cell_gates(goss_cell cell) { return cells[cell].gates; }
int goss_cell_states(goss_cell cell) { return cells[cell].states; }
goss_cell goss_cell_small(goss_cell cell) { return cells[cell].small; }

goss_val goss__norm_blocks(goss_val x, goss_val gain, goss_val live, int64_t width) {
    if (!goss_valid(x) || !goss__given(gain)) return x;
    const goss_shape s = goss_shape_of(x);
    goss_shape apart = s;
    apart.dim[s.rank - 1] = goss_n(s.dim[s.rank - 1].count / width), apart.dim[apart.rank++] = goss_n(width);
    return goss_affine(goss_reshape(goss_layer_norm(goss_reshape(x, apart), norm_eps, live), s), gain, GOSS_NONE);
}

/* Blocks first .. first + n - 1 of x[..., G H]. */
static goss_val blocks(goss_val x, int first, int n, int64_t width) {
    return goss__given(x) ? goss_slice(x, -1, first * width, n * width) : x;
}

/* The sums of n gates; reset: what multiplies the state's product, or GOSS_NONE. */
static goss_val sums(const goss__cell_gates *g, int first, int n, goss_val reset) {
    const goss_val state = blocks(g->state, first, n, g->width), bias = blocks(g->bias, first, n, g->width);
    goss_val sum = blocks(g->input, first, n, g->width);
    if (goss__given(reset))
        sum = goss_mul_add(reset, state, sum);
    else if (goss__given(state))
        sum = goss_add(state, sum);
    sum = goss__norm_blocks(sum, blocks(g->gain, first, n, g->width), g->live, g->width);
    return goss__given(bias) ? goss_affine(sum, GOSS_NONE, bias) : sum;
}

static goss_val step_dense(const goss__cell_gates *g, goss_val *state) { return sums(g, 0, 1, GOSS_NONE); }

static goss_val step_rnn(const goss__cell_gates *g, goss_val *state) {
    return state[0] = goss_tanh(sums(g, 0, 1, GOSS_NONE));
}

static goss_val step_gru(const goss__cell_gates *g, goss_val *state) {
    const goss_val both = goss_sigmoid(sums(g, 0, 2, GOSS_NONE));
    const goss_val n = goss_tanh(sums(g, 2, 1, blocks(both, 0, 1, g->width)));
    return state[0] = goss_lerp(n, state[0], blocks(both, 1, 1, g->width));
}

static goss_val step_lstm(const goss__cell_gates *g, goss_val *state) {
    const int64_t width = g->width;
    const goss_val z = sums(g, 0, 4, GOSS_NONE), kept = blocks(z, 1, 1, width);
    const goss_val i = goss_sigmoid(blocks(z, 0, 1, width)),
                   f = goss_sigmoid(g->forget != 0 ? goss_shift(kept, g->forget) : kept),
                   n = goss_tanh(blocks(z, 2, 1, width)), out = goss_sigmoid(blocks(z, 3, 1, width));
    state[1] = goss_add(goss_mul(f, state[1]), goss_mul(i, n));
    goss_val seen = goss__norm_blocks(state[1], g->gain_c, g->live, width);
    if (goss__given(g->shift_c)) seen = goss_affine(seen, GOSS_NONE, g->shift_c);
    return state[0] = goss_mul(out, goss_tanh(seen));
}

goss_val goss__cell_step(goss_cell cell, const goss__cell_gates *g, goss_val *state) {
    static goss_val (*const step[])(const goss__cell_gates *, goss_val *) = {[GOSS_CELL_DENSE] = step_dense,
                                                                             [GOSS_CELL_RNN] = step_rnn,
                                                                             [GOSS_CELL_GRU] = step_gru,
                                                                             [GOSS_CELL_LSTM] = step_lstm};
    return step[cell](g, state);
}
