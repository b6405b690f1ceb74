/* SPDX-License-Identifier: Apache-2.0 */
/* compose.h: shared by composites: reshaping small tensors to the rank of an activation. */
#ifndef GOSS_AUTODIFF_COMPOSE_H
#define GOSS_AUTODIFF_COMPOSE_H

#include "gossamer/compose.h"

/* Minus infinity in masked logits: its exp is 0 and differences do not overflow in f32. */
#define GOSS__MASKED (-1e30)
/* Lower bound of a sum of weights, against division by 0. */
#define GOSS__NO_WEIGHT 1e-20

static inline bool goss__given(goss_val v) { return v.graph != NULL; }

/* v [Tw, C] -> [Tw, 1, ..., 1, C] of that rank. `what` names v in the error. */
goss_val goss__as_channels(goss_val v, int rank, const char *what);
/* v [T, N] -> [T, N, 1, ..., 1] of that rank. */
goss_val goss__as_samples(goss_val v, int rank, const char *what);
/* The axes [from, to) as a mask. */
static inline uint32_t goss__axes(int from, int to) { return to > from ? ((1u << to) - 1u) & ~((1u << from) - 1u) : 0; }
/* Whether x has rank at least `least`; records an error otherwise. */
bool goss__rank_at_least(goss_val x, int least, const char *op);
/* The product of the dims [from, to) of s. */
goss_extent goss__dims_product(goss_shape s, int from, int to);

/* ---- recurrent cells (compose_cell.c) ---- */
/* What a step's gates are sums of. */
typedef struct goss__cell_gates {
    goss_val state;      /* [T,N,G H]: the product with the state, which a GRU's reset gate multiplies; or GOSS_NONE */
    goss_val input;      /* [T,N,G H]: all else */
    goss_val gain, bias; /* [Tw,G H]: of the layer norm of each gate's sum, and added behind it; each or GOSS_NONE */
    goss_val gain_c, shift_c; /* [Tw,H]: of an LSTM's cell state where its output reads it; each or GOSS_NONE */
    goss_val live;            /* [Tw,H]: units in the norms' statistics; GOSS_NONE: all */
    int64_t width;            /* H */
    double forget;            /* added to the forget gates of an LSTM */
} goss__cell_gates;
/* The output of a step [T,N,H]; state[goss_cell_states] becomes the next one. */
goss_val goss__cell_step(goss_cell cell, const goss__cell_gates *g, goss_val *state);
/* gain norm(x), each block of `width` columns of x[..., G width] normalised by itself, by the statistics of live units
 * [Tw, width] (GOSS_NONE: all); x itself without a gain. */
goss_val goss__norm_blocks(goss_val x, goss_val gain, goss_val live, int64_t width);
#endif
