/* SPDX-License-Identifier: Apache-2.0 */
/* compose.h: layers and losses as compositions of the primitives of graph.h. None of them is known to autodiff, to the
 * schedule or to a kernel: their gradients of any order follow from the primitives'.
 *
 * Shapes use T tasks, N samples, C channels, D features; Tw is T or 1. A weight with Tw = 1 is shared by all tasks.
 * Errors are the graph's sticky error. */
#ifndef GOSSAMER_COMPOSE_H
#define GOSSAMER_COMPOSE_H

#include "gossamer/scan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* x[T,N,D] w[Tw,D,E] (+ b[Tw,E], if valid) -> [T,N,E]. Pass GOSS_NONE for no bias. */
GOSS_API goss_val goss_linear(goss_val x, goss_val w, goss_val b);
#define GOSS_NONE ((goss_val){0, 0})
/* goss_conv plus a bias b[Tw,O]. */
GOSS_API goss_val goss_conv_bias(goss_val x, goss_val w, goss_val b, goss_conv_options o);
/* x[T,N,...,C] * (scale[Tw,C] if valid) + (shift[Tw,C] if valid): FiLM, and the affine part of every norm. */
GOSS_API goss_val goss_affine(goss_val x, goss_val scale, goss_val shift);

GOSS_API goss_val goss_softmax(goss_val x);     /* over the last axis */
GOSS_API goss_val goss_log_softmax(goss_val x); /* over the last axis */
GOSS_API goss_val goss_gelu(goss_val x);        /* tanh form (Hendrycks and Gimpel 2016) */
GOSS_API goss_val goss_silu(goss_val x);
GOSS_API goss_val goss_leaky_relu(goss_val x, double slope);
GOSS_API goss_val goss_elu(goss_val x);

/* Normalisations; each returns (x - mean) / sqrt(var + eps), the affine part is goss_affine.
 * unit_mask: 0/1 [Tw, C] or GOSS_NONE; norms then use the live units only and leave dead ones 0. */
GOSS_API goss_val goss_layer_norm(goss_val x, double eps, goss_val unit_mask); /* x[T,N,...,C], over the last axis */
GOSS_API goss_val goss_group_norm(goss_val x, int groups, double eps,
                                  goss_val unit_mask);        /* x[T,N,H,W,C], over H, W, C/groups */
GOSS_API goss_val goss_instance_norm(goss_val x, double eps); /* over H, W */
/* Mean and variance of x[T,N,...,C] over all axes between task and channel, weighted by w[T,N] (GOSS_NONE: equal):
 * [T,C]. */
GOSS_API void goss_batch_stats(goss_val x, goss_val w, goss_val *mean, goss_val *var);
/* The same over the tasks too, [1,C]: statistics of shared layers. */
GOSS_API void goss_batch_stats_shared(goss_val x, goss_val w, goss_val *mean, goss_val *var);
/* Normalises with given statistics mean, var [Tw,C]: those of the support set, or running ones. */
GOSS_API goss_val goss_normalize(goss_val x, goss_val mean, goss_val var, double eps);

/* Losses, one number a sample: [T,N]. */
/* logits[T,N,W], target probabilities[T,N,W]; smoothing in [0,1) mixes the target with the uniform one.
 * class_mask [T,W] or GOSS_NONE: classes with 0 take no part (ragged ways). */
GOSS_API goss_val goss_cross_entropy(goss_val logits, goss_val target, double smoothing, goss_val class_mask);
GOSS_API goss_val goss_squared_error(goss_val x, goss_val target);       /* mean over the last axis */
GOSS_API goss_val goss_huber(goss_val x, goss_val target, double delta); /* mean over the last axis */
/* Weighted mean over samples, then mean over tasks, rank 0: loss[T,N], weight[T,N] or GOSS_NONE. */
GOSS_API goss_val goss_reduce_loss(goss_val loss, goss_val weight);
/* 1 where the largest logit is the target's class, [T,N]; of k equal largest ones each counts 1/k, so that logits that
 * are all the same score chance. Logits of classes that take no part are the caller's to mask. No gradient. */
GOSS_API goss_val goss_correct(goss_val logits, goss_val target);

/* Scaled dot-product attention q[T,M,D], k[T,S,D], v[T,S,E], heads divides D and E; key_mask[T,S] or GOSS_NONE. ->
 * [T,M,E]. (Vaswani et al. 2017) */
GOSS_API goss_val goss_attention(goss_val q, goss_val k, goss_val v, int heads, goss_val key_mask);
/* Zeroes each element with probability p and scales the rest by 1/(1-p); task: index [T] ids for the random stream. */
GOSS_API goss_val goss_dropout(goss_val x, double p, goss_val task);
/* Mean of x[T,N,D] by class with assign[T,W,N] whose rows sum to 1: [T,W,D]. Any ways and shots. */
GOSS_API goss_val goss_class_mean(goss_val x, goss_val assign);
GOSS_API goss_val goss_global_avg_pool(goss_val x); /* [T,N,H,W,C] -> [T,N,C] */
GOSS_API goss_val goss_flatten(goss_val x);         /* [T,N,...] -> [T,N,D] */
/* x / sqrt(sum of squares over the last axis + eps). */
GOSS_API goss_val goss_l2_normalize(goss_val x, double eps);
/* Squared Euclidean distances x[T,N,D], y[T,M,D] -> [T,N,M]. */
GOSS_API goss_val goss_pairwise_distance(goss_val x, goss_val y);
/* Weights of a recurrent layer of H units and G gates, Tw = 1: shared by all tasks: w[Tw,D,G H] for what comes in,
 * u[Tw,H,G H] for the state, bias b[Tw,G H] and a second one c[Tw,G H] of the state's product, each or GOSS_NONE. */
typedef struct goss_recurrent {
    goss_val w, u, b, c;
} goss_recurrent;
/* Recurrent layers: the states h of all steps [T,N,L,H] from x[T,N,L,D] and a first state h0[T,N,H] (GOSS_NONE: 0); the
 * last one goes to *last, unless that is NULL. Options say direction, lengths and what a gradient keeps; their axis is
 * 2. With z = x w + b and v = h u + c, in blocks of H columns z1, z2, ...; s is the sigmoid.
 * rnn, G = 1 (Elman 1990): h' = tanh(z + v) */
GOSS_API goss_val goss_rnn(goss_val x, goss_val h0, goss_recurrent w, goss_scan_options o, goss_val *last);
/* gru, G = 3 (Cho et al. 2014, with the reset gate behind the product, as in PyTorch and cuDNN):
 * r = s(z1 + v1), k = s(z2 + v2), n = tanh(z3 + r v3), h' = n + k (h - n) */
GOSS_API goss_val goss_gru(goss_val x, goss_val h0, goss_recurrent w, goss_scan_options o, goss_val *last);
/* lstm, G = 4 (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; gates in PyTorch's order):
 * i = s(z1 + v1), f = s(z2 + v2), g = tanh(z3 + v3), o = s(z4 + v4), c' = f c + i g, h' = o tanh(c') */
GOSS_API goss_val goss_lstm(goss_val x, goss_val h0, goss_val c0, goss_recurrent w, goss_scan_options o,
                            goss_val *last_h, goss_val *last_c);
/* Sum of squares of all elements, rank 0. */
GOSS_API goss_val goss_norm2(goss_val a);

#ifdef __cplusplus
}
#endif
#endif
