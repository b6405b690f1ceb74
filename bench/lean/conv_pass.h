/* SPDX-License-Identifier: Apache-2.0 */
/* conv_pass.h: Conv4-64 there and back, all layers in one worker, and R of that: R x is how x changes as the weights
 * go along v (Pearlmutter 1994). R of a gradient is the Hessian times v, and takes one more pass there and back. */
#ifndef GOSS_BENCH_LEAN_CONV_PASS_H
#define GOSS_BENCH_LEAN_CONV_PASS_H

#include "conv_net.h"

typedef struct net_pass {
    int64_t n;
    net_maps maps;
    net_norm norm[NET_LAYERS];
    net_slope slope[NET_LAYERS];
} net_pass;

/* R of a layer's batch norm: R z = scale x + norm.scale R x + offset. along: mean of the normalised map times R map. */
typedef struct net_r_norm {
    net_channels scale, mean, along, offset;
} net_r_norm;

/* R of what a pass leaves. */
typedef struct net_r {
    net_maps maps;
    net_r_norm norm[NET_LAYERS];
    float *gradient, *spare; /* of maps; a second product */
} net_r;

net_r net_r_new(const net_layer k[NET_LAYERS], int64_t images);
/* To the last layer's y, and from its gy onto g. */
void net_forward(const lean *l, int worker, net_pass *p, const float *w);
void net_back(const lean *l, int worker, net_pass *p, const float *w, const net_scratch *t, float *g);
/* The same of R: of a pass that went there and back at w. */
void net_r_forward(const lean *l, int worker, const net_pass *p, const float *w, const float *v, net_r *r);
void net_r_back(const lean *l, int worker, const net_pass *p, const float *w, const float *v, net_r *r,
                const net_scratch *t, float *h);
/* to += by */
void net_add(float *restrict to, const float *restrict by, int64_t n);
#endif
