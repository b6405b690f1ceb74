/* SPDX-License-Identifier: Apache-2.0 */
/* compose.h: layers and losses as compositions of the primitives of graph.h. Differentiation, scheduling and kernels do
 * not know them: their gradients of any order follow from those of the primitives. A two-layer network for each of T
 * tasks and its loss:
 *
 *     goss_val h = goss_relu(goss_linear(x, w1, b1));                        // x[T,N,D], w1[T,D,H], b1[T,H]
 *     goss_val logits = goss_linear(h, w2, b2);                              // [T,N,W]
 *     goss_val loss = goss_reduce_loss(goss_cross_entropy(logits, target, 0, GOSS_NONE), GOSS_NONE);
 *
 * Shapes: T tasks, N samples, C channels, D features; Tw is T or 1, and a weight with Tw = 1 is shared by all tasks.
 * Errors are the graph's sticky error. Threads: the graph's. */
#ifndef GOSSAMER_COMPOSE_H
#define GOSSAMER_COMPOSE_H

#include "gossamer/scan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- layers ---- */

/* x w + b -> [T,N,E], for x[T,N,D], w[Tw,D,E] and b[Tw,E] or GOSS_NONE. */
GOSS_API goss_val goss_linear(goss_val x, goss_val w, goss_val b);
/* An optional operand that is not given. */
#define GOSS_NONE ((goss_val){0, 0})
/* goss_conv plus a bias b[Tw,O]. */
GOSS_API goss_val goss_conv_bias(goss_val x, goss_val w, goss_val b, goss_conv_options o);
/* scale x + shift for each channel of x[T,N,...,C]; scale and shift [Tw,C] or GOSS_NONE. FiLM (Perez et al. 2018), and
 * the affine part of every norm. */
GOSS_API goss_val goss_affine(goss_val x, goss_val scale, goss_val shift);

/* exp(x) / sum exp(x) over the last axis, computed from x - max(x) so that it does not overflow. */
GOSS_API goss_val goss_softmax(goss_val x);
/* x - log sum exp(x) over the last axis, likewise: finite also where the softmax underflows. */
GOSS_API goss_val goss_log_softmax(goss_val x);
/* x Phi(x) by its tanh approximation (Hendrycks and Gimpel 2016). */
GOSS_API goss_val goss_gelu(goss_val x);
/* x sigmoid(x) (Hendrycks and Gimpel 2016; Elfwing, Uchibe and Doya 2018). */
GOSS_API goss_val goss_silu(goss_val x);
/* x where x >= 0, else slope x (Maas, Hannun and Ng 2013). */
GOSS_API goss_val goss_leaky_relu(goss_val x, double slope);
/* x where x >= 0, else exp(x) - 1 (Clevert, Unterthiner and Hochreiter 2016). */
GOSS_API goss_val goss_elu(goss_val x);

/* Mean over all axes between samples and channels: [T,N,H,W,C] -> [T,N,C] (Lin, Chen and Yan 2014). */
GOSS_API goss_val goss_global_avg_pool(goss_val x);
/* [T,N,...] -> [T,N,D]. */
GOSS_API goss_val goss_flatten(goss_val x);
/* Sets each element to 0 with probability p in [0, 1), and multiplies the others by 1 / (1 - p) (Srivastava et al.
 * 2014). task: index [T], the task ids of the random stream. */
GOSS_API goss_val goss_dropout(goss_val x, double p, goss_val task);
/* The same with one draw for each sample and channel of x[T,N,...,C]: a feature map is kept or dropped as a whole
 * (spatial dropout; Tompson et al. 2015). For x[T,N,D] it is goss_dropout. Rank 3 at least. */
GOSS_API goss_val goss_dropout_channels(goss_val x, double p, goss_val task);

/* ---- normalisation ----
 *
 * Each returns (x - mean) / sqrt(var + eps) with the biased variance; the affine part is goss_affine.
 * unit_mask: 0 or 1 [Tw, C], or GOSS_NONE; statistics are then those of the live units, by which dead ones are
 * normalised as well: their readers mask them. Masks between 0 and 1 weight the units. */

/* Over the last axis of x[T,N,...,C] (Ba, Kiros and Hinton 2016). */
GOSS_API goss_val goss_layer_norm(goss_val x, double eps, goss_val unit_mask);
/* Over H, W and C / groups channels of x[T,N,H,W,C] (Wu and He 2018). */
GOSS_API goss_val goss_group_norm(goss_val x, int groups, double eps, goss_val unit_mask);
/* The same for sequences x[T,N,L,C] of several lengths: over the live steps of step_mask (0 or 1, [T,N,L,1]) and
 * C / groups channels. Dead steps are 0 in the result. */
GOSS_API goss_val goss_group_norm_steps(goss_val x, goss_val step_mask, int groups, double eps, goss_val unit_mask);
/* Over H and W (Ulyanov, Vedaldi and Lempitsky 2016). */
GOSS_API goss_val goss_instance_norm(goss_val x, double eps);
/* Batch statistics (Ioffe and Szegedy 2015): mean and variance [T,C] of x[T,N,...,C] over all axes between task and
 * channel, weighted by w[T,N] (GOSS_NONE: equally). */
GOSS_API void goss_batch_stats(goss_val x, goss_val w, goss_val *mean, goss_val *var);
/* The same over tasks as well, [1,C]: statistics of shared layers. Tasks count by the weights of their samples, so that
 * padding in one task does not bias them. */
GOSS_API void goss_batch_stats_shared(goss_val x, goss_val w, goss_val *mean, goss_val *var);
/* Normalises by given statistics mean, var [Tw,C]: those of a support set, or running ones. */
GOSS_API goss_val goss_normalize(goss_val x, goss_val mean, goss_val var, double eps);
/* x / sqrt(sum x^2 + eps) over the last axis. */
GOSS_API goss_val goss_l2_normalize(goss_val x, double eps);

/* ---- losses, one number per sample [T,N] ---- */

/* -sum_w p_w log softmax(logits)_w, for logits and target probabilities [T,N,W]. smoothing s in [0, 1): p = (1 - s)
 * target + s / W (Szegedy et al. 2016). class_mask [T,W] or GOSS_NONE: 0 excludes a class (ragged ways). */
GOSS_API goss_val goss_cross_entropy(goss_val logits, goss_val target, double smoothing, goss_val class_mask);
/* Mean of (x - target)^2 over the last axis. */
GOSS_API goss_val goss_squared_error(goss_val x, goss_val target);
/* Mean over the last axis of d^2 / 2 where d = |x - target| <= delta, else delta (d - delta / 2) (Huber 1964). */
GOSS_API goss_val goss_huber(goss_val x, goss_val target, double delta);
/* Mean over tasks of the weighted mean over samples, rank 0: loss[T,N], weight[T,N] or GOSS_NONE. A task whose weights
 * are all 0 contributes 0. */
GOSS_API goss_val goss_reduce_loss(goss_val loss, goss_val weight);
/* 1 where the largest logit is the target's class, [T,N]. k equal largest logits count 1 / k each, so that constant
 * logits score chance. The caller masks the logits of excluded classes. No gradient. */
GOSS_API goss_val goss_correct(goss_val logits, goss_val target);

/* ---- attention, sets, distances ---- */

/* Scaled dot-product attention softmax(q k' / sqrt(D / heads)) v, by heads, -> [T,M,E] (Vaswani et al. 2017).
 * q[T,M,D], k[T,S,D], v[T,S,E]; heads divides D and E; key_mask[T,S], 0 excludes a key, or GOSS_NONE. */
GOSS_API goss_val goss_attention(goss_val q, goss_val k, goss_val v, int heads, goss_val key_mask);
/* The same with a mask for pairs of query and key [T or 1, heads or 1, M or 1, S]: 0 excludes a key; GOSS_NONE: none.
 * Where all keys of a query are excluded its answer is 0. */
GOSS_API goss_val goss_attention_masked(goss_val q, goss_val k, goss_val v, int heads, goss_val mask);
/* 1 where key s <= query m: the mask [1,1,L,L] of a sequence that sees its past alone. */
GOSS_API goss_val goss_causal_mask(goss_graph *g, goss_extent steps);
/* Rotary positions (Su et al. 2021): turns features i and i + d/2 of each head of x[T,L,D], d = D / heads even, by the
 * angle l 10000^(-2 i / d) at step l, so that products of queries and keys depend on distances alone. */
GOSS_API goss_val goss_rotary(goss_val x, int heads);
/* Sinusoidal positions [L, D] (Vaswani et al. 2017): feature i < ceil(D/2) is sin(l 10000^(-2 i / D)), and feature
 * ceil(D/2) + i is the cosine. */
GOSS_API goss_val goss_sinusoids(goss_graph *g, goss_extent steps, int64_t width);
/* The same at given steps: at[T,N,L] -> [T,N,L,D]. */
GOSS_API goss_val goss_sinusoids_at(goss_val at, int64_t width);
/* Class means [T,W,D] of x[T,N,D]: assign[T,W,N] x, with rows of assign that sum to 1. Any ways and shots. */
GOSS_API goss_val goss_class_mean(goss_val x, goss_val assign);
/* Squared Euclidean distances of x[T,N,D] and y[T,M,D]: |x|^2 + |y|^2 - 2 x.y -> [T,N,M]. */
GOSS_API goss_val goss_pairwise_distance(goss_val x, goss_val y);
/* Sum of squares of all elements, rank 0. */
GOSS_API goss_val goss_norm2(goss_val a);

/* ---- recurrent layers ----
 *
 * Each returns the states h of all steps [T,N,L,H], from x[T,N,L,D] and initial states [T,N,H] (GOSS_NONE: 0), and
 * stores the last state in *last unless that is NULL. The options (scan.h) give direction, lengths and what the
 * gradient keeps; their axis is 2. With z = x w + b and v = h u + c, let z1, z2, ... be the blocks of H columns of z,
 * and s the logistic sigmoid. */

/* Weights of a layer of H units and G gates: w[Tw,D,G H] of the input, u[Tw,H,G H] of the state, biases b[Tw,G H] and
 * c[Tw,G H] of the two products, each or GOSS_NONE.
 *
 * Layer norm (Ba, Kiros and Hinton 2016), each block of H columns by itself (Ha, Dai and Le 2017), where the gains
 * gain_w[Tw,G H] and gain_u[Tw,G H] are given (both or none): z = gain_w norm(x w) + b and v = gain_u norm(h u) + c.
 * With gain_c[Tw,H] and shift_c[Tw,H] an LSTM's output is h' = o tanh(gain_c norm(c') + shift_c). */
typedef struct goss_recurrent {
    goss_val w, u, b, c;
    goss_val gain_w, gain_u, gain_c, shift_c;
    /* [T,N,H] or GOSS_NONE: v = (mask h) u + c, the same mask at each step: variational dropout of the state (Gal and
     * Ghahramani 2016) where it is goss_dropout of ones */
    goss_val mask;
    goss_val live; /* [Tw,H] or GOSS_NONE: units in the norms' statistics, as goss_layer_norm's unit_mask */
} goss_recurrent;
/* G = 1 (Elman 1990): h' = tanh(z + v) */
GOSS_API goss_val goss_rnn(goss_val x, goss_val h0, goss_recurrent w, goss_scan_options o, goss_val *last);
/* G = 3 (Cho et al. 2014, with the reset gate behind the product, as in PyTorch and cuDNN):
 * r = s(z1 + v1), k = s(z2 + v2), n = tanh(z3 + r v3), h' = n + k (h - n) */
GOSS_API goss_val goss_gru(goss_val x, goss_val h0, goss_recurrent w, goss_scan_options o, goss_val *last);
/* G = 4 (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; gates in PyTorch's order):
 * i = s(z1 + v1), f = s(z2 + v2), g = tanh(z3 + v3), o = s(z4 + v4), c' = f c + i g, h' = o tanh(c') */
GOSS_API goss_val goss_lstm(goss_val x, goss_val h0, goss_val c0, goss_recurrent w, goss_scan_options o,
                            goss_val *last_h, goss_val *last_c);

/* The cells; dense: none, each step by itself. */
typedef enum goss_cell { GOSS_CELL_DENSE, GOSS_CELL_RNN, GOSS_CELL_GRU, GOSS_CELL_LSTM } goss_cell;
/* G, the gates of a cell: 1, 1, 3 and 4. */
GOSS_API int goss_cell_gates(goss_cell cell);
/* The states [T,N,H] that it carries from step to step: none, h, h, and h and c. */
GOSS_API int goss_cell_states(goss_cell cell);
/* The cell that modulates it in goss_hyper_recurrent: one of its kind; of dense an rnn. */
GOSS_API goss_cell goss_cell_small(goss_cell cell);
/* goss_rnn, goss_gru or goss_lstm by the cell (dense: an error). state: its initial states [T,N,H] (GOSS_NONE: 0),
 * which become the last ones. Errors: sticky. */
GOSS_API goss_val goss_recurrent_run(goss_cell cell, goss_val x, goss_recurrent w, goss_scan_options o,
                                     goss_val *state);

/* A layer of H units whose weights are modulated at each step through embeddings of Z numbers of a code of K (Ha, Dai
 * and Le 2017, "HyperNetworks": HyperRNN, HyperLSTM). At a step, with G gates of the cell and B = 3 G, z = code embed +
 * [embed_b, 0] in blocks z_1 .. z_B of Z numbers, and D_i the i-th block of Z rows of scale, gate g of the cell is
 *     sum_g = norm(r_g f_g (h u)_g + e_g (x w)_g + z_{2G+g} D_{2G+g}) + b_g,   f_g = z_g D_g,   e_g = z_{G+g} D_{G+g}
 * f and e scale the columns of the two products: u diag(f) and w diag(e) are the step's weights. r is 1 but for the
 * candidate of a GRU, where it is the reset gate. The rest is that of goss_rnn, goss_gru (without c) or goss_lstm. A
 * dense layer has no state: B = 2 G, without f. norm: of a gate's H numbers, with factors main.gain_u [Tw,G H] where
 * they are given, else none; main.gain_c and main.shift_c as in goss_lstm.
 *
 * The code is `code`, where given: of the position, say. Else it is the new state s' of a small cell (goss_cell_small)
 * of K units, which reads x, its state s and the main state h: its gates are the formula above with factors 1 and
 * biases 0, x small.w + small.b + h small_h for x w, and s small.u for h u, with gains small.gain_u. That the code is
 * of the new state is as in the authors' programs. LSTMs have 1 added to their forget gates, small ones too. */
typedef struct goss_hyper_recurrent {
    goss_cell cell;
    goss_recurrent
        main; /* w[Tw,D,G H], u[Tw,H,G H], b[Tw,G H]; c, gain_w, mask and live are not used, here and below */
    goss_recurrent small; /* w[Tw,D,G' K], u[Tw,K,G' K], b[Tw,G' K], G' of the small cell */
    goss_val small_h;     /* [Tw,H,G' K] */
    goss_val embed;       /* [Tw,K,B Z] */
    goss_val embed_b;     /* [Tw,(B-G) Z]: of the factors; or GOSS_NONE */
    goss_val scale;       /* [Tw,B Z,H] */
    goss_val code;        /* [T or 1,N or 1,L,K], of all steps: instead of a small cell; or GOSS_NONE */
} goss_hyper_recurrent;
/* The number of states of such a layer: those of its cell, and behind them, unless codes are given, the small one's. */
GOSS_API int goss_hyper_recurrent_states(goss_cell cell, bool coded);
/* Outputs y of all steps [T,N,L,H] from x[T,N,L,D]. state: NULL, or the initial states [T,N,H] and the small cell's
 * [T,N,K] (GOSS_NONE: 0), which become the last ones. Errors: sticky. */
GOSS_API goss_val goss_hyper_recurrent_run(goss_val x, const goss_hyper_recurrent *w, goss_scan_options o,
                                           goss_val *state);

#ifdef __cplusplus
}
#endif
#endif
