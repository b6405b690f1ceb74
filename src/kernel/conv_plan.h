/* SPDX-License-Identifier: Apache-2.0 */
/* conv_plan.h: dividing a convolution into blocks whose padded copies fit the cache. Depends on shapes alone. */
#ifndef GOSS_KERNEL_CONV_PLAN_H
#define GOSS_KERNEL_CONV_PLAN_H

#include "kernel/kernel.h"

/* A slab is the zero-padded copy of some rows of some images, one group's channels only:
 *
 *     [rows][phases][cols][images of one bundle][pixel]      (one after the other for each bundle of images)
 *
 * Column x of the padded image is at phase x % phases, col x / phases: with phases = the stride, the pixels that
 * adjacent outputs read at one tap are adjacent here. Small images are interleaved, `inter` per bundle, so that a row
 * of outputs is long enough for full register tiles. */
typedef struct goss__conv_plan {
    int64_t in_group, out_group;     /* channels of a group */
    int64_t images, rows, inter;     /* of a block: images, rows of outputs; images in a bundle */
    int64_t slab_rows, phases, cols; /* per image */
    int64_t pixel;                   /* floats between the pixels of the slab */
    int64_t image;                   /* floats of one image's slab */
    int64_t other_pixel;             /* dw: floats between the pixels of the copy of gy */
    int64_t slab, other, panel;      /* floats */
    int64_t segments, offsets;       /* counts */
    bool thin;                       /* forward: a row of outputs is computed as a whole instead of panel by panel */
} goss__conv_plan;

/* Whether a large share of the columns has fewer taps than a filter row, so that separate tiles pay. */
static inline bool goss__conv_trims(const goss__conv *c, int64_t columns) { return 2 * c->kw * c->dil_w >= columns; }

goss__conv_plan goss__conv_plan_forward(const goss__conv *c);
goss__conv_plan goss__conv_plan_dx(const goss__conv *c);
goss__conv_plan goss__conv_plan_dw(const goss__conv *c);
size_t goss__conv_plan_bytes(const goss__conv_plan *p);

/* Winograd's F(m x m,3x3): tiles of m x m outputs from (m + 2) x (m + 2) inputs, by (m + 2)^2 multiplications instead
 * of 9 m^2 (winograd.c). */
typedef struct goss__winograd_plan {
    int64_t outputs;          /* m: 4 or 2 */
    int64_t down, across;     /* tiles of an image */
    int64_t tiles;            /* of a block */
    int64_t in, out;          /* channels of input and output; dw: of x and of gy */
    int64_t in_row, out_row;  /* floats between the tiles of a block */
    int64_t u, v, m, w, zero; /* floats: filters, inputs, products (dw: cotangents), reversed filters, a zero pixel */
} goss__winograd_plan;

/* Whether this convolution and its gradients use the transform: by the shape of one image alone, so that results do not
 * depend on the number of images. With c->direct: never. */
bool goss__winograd_wins(const goss__conv *c);
goss__winograd_plan goss__winograd_plan_forward(const goss__conv *c);
goss__winograd_plan goss__winograd_plan_dx(const goss__conv *c);
goss__winograd_plan goss__winograd_plan_dw(const goss__conv *c);
size_t goss__winograd_plan_bytes(const goss__winograd_plan *p);

/* Rounds towards minus infinity; b > 0. */
static inline int64_t goss__floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

#endif
