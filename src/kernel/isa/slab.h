/* SPDX-License-Identifier: Apache-2.0 */
/* slab.h: filling the padded copies of conv_plan.h, and bundles of images. */
#ifndef GOSS_KERNEL_ISA_SLAB_H
#define GOSS_KERNEL_ISA_SLAB_H

#include "kernel/conv_plan.h"
#include "kernel/isa/tile.h"

/* The source of a slab: dense NHWC images, of which `channels` from `data` on are copied. */
typedef struct goss__source {
    const float *data;
    int64_t h, w, stride; /* stride: floats between pixels */
    int64_t channels;
    int64_t row0, col0; /* the row and column of the slab's first ones; may be outside the image */
} goss__source;

/* Copies n images, interleaved to one bundle: dst[rows][phases][cols][n][pixel]. */
void GOSS_FN(slab_fill)(float *dst, const goss__source *s, int64_t n, int64_t rows, int64_t phases, int64_t cols,
                        int64_t pixel);

/* A range of taps of a filter, or of columns. */
typedef struct goss__span {
    int64_t from, to;
} goss__span;

/* The taps inside an axis of `size`: tap t reads `at` + t dil. */
ALWAYS goss__span goss__taps_inside(int64_t at, int64_t taps, int64_t dil, int64_t size) {
    goss__span s = {at >= 0 ? 0 : goss__ceil_div(-at, dil), at >= size ? 0 : (size - 1 - at) / dil + 1};
    s.to = goss__min64(s.to, taps), s.from = goss__min64(s.from, goss__max64(s.to, 0)),
    s.to = goss__max64(s.to, s.from);
    return s;
}

/* Images in the bundle that starts at image i of n: as equal as possible, at most `inter`. */
ALWAYS int64_t bundle_size(int64_t i, int64_t n, int64_t inter) {
    const int64_t left = n - i;
    return left <= inter ? left : goss__ceil_div(left, goss__ceil_div(left, inter));
}

typedef struct goss__conv_scratch {
    float *slab, *other, *panel;
    goss__segment *seg;
    int64_t *at;
} goss__conv_scratch;

ALWAYS goss__conv_scratch conv_scratch_split(const goss__conv_plan *p, void *scratch) {
    goss__conv_scratch s;
    s.slab = scratch;
    s.other = s.slab + (p->slab + 15) / 16 * 16;
    s.panel = s.other + (p->other + 15) / 16 * 16;
    s.seg = (goss__segment *)(s.panel + (p->panel + 15) / 16 * 16);
    s.at = (int64_t *)((char *)s.seg + (p->segments * 24 + 63) / 64 * 64);
    return s;
}

#endif
