/* conv_plan.h: how a convolution is cut into blocks whose padded copies fit the cache. Depends on shapes alone. */
#ifndef GOSS_KERNEL_CONV_PLAN_H
#define GOSS_KERNEL_CONV_PLAN_H

#include "kernel/kernel.h"

/* A slab is the zero-padded copy of some rows of some images, one group's channels only:
 *
 *     [rows][phases][cols][images of one bundle][pixel]      (one after the other for each bundle of images)
 *
 * Column x of the padded image is at phase x % phases, col x / phases: with phases = the stride, the pixels that
 * neighbouring outputs need at one tap are neighbours here. Small images are interleaved, `inter` to a bundle, so that
 * a row of outputs is long enough for full register tiles. */
typedef struct goss__conv_plan {
    int64_t in_group, out_group;     /* channels of a group */
    int64_t images, rows, inter;     /* of a block: images, rows of outputs; images in a bundle */
    int64_t slab_rows, phases, cols; /* per image */
    int64_t pixel;                   /* floats between the pixels of the slab */
    int64_t image;                   /* floats of one image's slab */
    int64_t other_pixel;             /* dw: floats between the pixels of the copy of gy */
    int64_t slab, other, panel;      /* floats */
    int64_t segments, offsets;       /* counts */
} goss__conv_plan;

goss__conv_plan goss__conv_plan_forward(const goss__conv *c);
goss__conv_plan goss__conv_plan_dx(const goss__conv *c);
goss__conv_plan goss__conv_plan_dw(const goss__conv *c);
size_t goss__conv_plan_bytes(const goss__conv_plan *p);

/* Rounds towards minus infinity; b > 0. */
static inline int64_t goss__floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

#endif
