/* SPDX-License-Identifier: Apache-2.0 */
/* conv_net.h: Conv4-64 with batch norm by hand: conv, batch norm, relu, max pool of 2, four times. What batch norm
 * sends back needs two sums, which the pooled maps give: where relu let something through, the normalised number that
 * won is (y - shift) / gain (Rota Bulo et al. 2018; gains are about 1). Who won is found again when a map is read for
 * its gradient. */
#ifndef GOSS_BENCH_LEAN_CONV_NET_H
#define GOSS_BENCH_LEAN_CONV_NET_H

#include "lean.h"

enum { NET_C = 64, NET_LAYERS = 4, NET_SIDE = 28, NET_FILTER = 9 * NET_C * NET_C };
enum { NET_TOTAL = 9 * NET_C + (NET_LAYERS - 1) * NET_FILTER + 2 * NET_LAYERS * NET_C };

typedef struct net_layer {
    goss__conv conv;              /* of one image */
    int64_t w, gain, shift;       /* in the weights */
    int64_t filter, in, map, out; /* floats: the filter; of an image its input, its map and what is pooled from it */
    bool first;
} net_layer;

/* A channel's numbers, all channels. */
typedef float net_channels[NET_C];

typedef struct net_sums {
    double one[NET_C], both[NET_C]; /* of a, and of a b */
} net_sums;

/* z = scale x + offset; scale = gain root, root = 1 / sqrt(variance + epsilon) */
typedef struct net_norm {
    net_channels mean, root, scale, offset;
} net_norm;

/* The gradient of a map: factor g - at - by x, g at the winners only. one, along: means of g, and of g times the
 * normalised map. */
typedef struct net_slope {
    net_channels factor, at, by;
    double one[NET_C], along[NET_C];
} net_slope;

/* All images' maps, what is pooled from them, and its gradient. */
typedef struct net_maps {
    const net_layer *layer;
    const float *x;
    float *map[NET_LAYERS], *y[NET_LAYERS], *gy[NET_LAYERS];
} net_maps;

/* n of those images at a layer: from x comes the map, from that y. The first layer has no gx. */
typedef struct net_part {
    const net_layer *k;
    int64_t n;
    const float *x;
    float *map, *y, *gy, *gx;
} net_part;

/* One worker's: a gradient of maps, and of a filter. */
typedef struct net_scratch {
    float *map, *share;
} net_scratch;

void net_layers(net_layer k[NET_LAYERS]);
void net_numbers(float *weights); /* those of bench/workload_run.c */
net_maps net_maps_new(const net_layer k[NET_LAYERS], const float *x, int64_t images);
net_part net_part_of(const net_maps *m, int layer, int64_t image, int64_t n);
net_scratch net_scratch_new(const net_layer k[NET_LAYERS], int64_t images);
goss__conv net_images(const net_layer *k, int64_t n);

/* Adds the sums over rows of a and a b, both [rows, C]. */
void net_add_sums(net_sums *s, const float *a, const float *b, int64_t rows);
/* The maps, and what statistics need of them added. */
void net_convolve(const lean *l, int worker, const net_part *p, const float *w, net_sums *s);
/* images: all those that the sums are of */
void net_statistics(const net_layer *k, int64_t images, const net_sums *s, const float *w, net_norm *norm);
/* y = max pool of relu of the normalised maps. */
void net_pool(const net_part *p, const net_norm *norm);

/* Masks gy by relu and adds the sums of it and of gy y. */
void net_mask(const net_part *p, net_sums *s);
/* From those sums the slope, and onto g the gradients of gain and shift. images: as above */
void net_statistics_back(const net_layer *k, int64_t images, const net_sums *s, const float *w, const net_norm *norm,
                         float *g, net_slope *slope);
/* The maps' gradient. */
void net_unpool(const net_part *p, const net_norm *norm, const net_slope *slope, float *gradient);
/* Onto g the filter's, from the maps' gradient; share: room for it. */
void net_filter_back(const lean *l, int worker, const net_part *p, const float *gradient, float *share, float *g);
/* Onto g the filter's gradient, and gx. */
void net_convolve_back(const lean *l, int worker, const net_part *p, const float *w, const net_norm *norm,
                       const net_slope *slope, const net_scratch *t, float *g);
#endif
