/* SPDX-License-Identifier: Apache-2.0 */
/* conv_plan.c: block sizes of convolutions (conv_plan.h), common to all variants: filter gradients are summed block by
 * block, in the same order everywhere. */
#include "kernel/conv_plan.h"

#define BLOCK_FLOATS (128 * 1024) /* a slab has at most half a MiB, unless a single row of outputs needs more */
#define ROW_PIXELS 28             /* a row of outputs of this length divides well into tiles of 14, 6 and 4 */
#define PANEL_COLS 32             /* widest panel of weights: two vectors of 16 */
#define THIN_FLOATS 4096          /* weights that stay in L1 while a row of outputs is computed, all channels */

static int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* A pixel stride that is a multiple of 512 bytes would use few sets of L1. */
static int64_t pixel_floats(int64_t channels) { return channels % 128 == 0 ? channels + 16 : channels; }

/* slab_rows = step * (rows - 1) + extra. other: floats of a second array per output row and image. */
static void cut(goss__conv_plan *p, const goss__conv *c, int64_t rows, int64_t step_num, int64_t step_den,
                int64_t extra, int64_t other) {
    const int64_t row = p->phases * p->cols * p->pixel;
    int64_t slab_rows = (rows - 1) * step_num / step_den + extra, cap;
    if (slab_rows * row + rows * other > BLOCK_FLOATS) {
        int64_t fit = ((BLOCK_FLOATS - extra * row) * step_den) / at_least(row * step_num + other * step_den, 1) + 1;
        rows = at_least(1, at_most(rows, fit));
        slab_rows = (rows - 1) * step_num / step_den + extra;
        cap = 1;
    } else {
        cap = BLOCK_FLOATS / at_least(slab_rows * row + rows * other, 1);
    }
    p->inter = at_least(1, at_most(at_most(p->inter, c->n), cap));
    p->images = at_least(1, at_most(c->n, cap - cap % p->inter));
    p->rows = rows, p->slab_rows = slab_rows;
    p->image = slab_rows * row;
    p->slab = p->images * p->image;
    p->other = p->images * rows * other;
}

static goss__conv_plan start(const goss__conv *c) {
    goss__conv_plan p = {0};
    p.in_group = c->cin / c->groups, p.out_group = c->cout / c->groups;
    return p;
}

/* Interleaved images: a row of outputs of all of them, or one column if columns are separate, yields tiles of many
 * rows. */
static int64_t images_side_by_side(const goss__conv *c, int64_t columns) {
    return goss__conv_trims(c, columns) ? ROW_PIXELS : up(ROW_PIXELS, at_least(columns, 1));
}

static void source_geometry(goss__conv_plan *p, const goss__conv *c) {
    p->phases = c->stride_w;
    p->cols = up((c->ow - 1) * c->stride_w + c->dil_w * (c->kw - 1) + 1, c->stride_w);
    p->pixel = pixel_floats(p->in_group);
    p->inter = p->in_group < 8 ? 1 : images_side_by_side(c, c->ow);
}

goss__conv_plan goss__conv_plan_forward(const goss__conv *c) {
    goss__conv_plan p = start(c);
    source_geometry(&p, c);
    cut(&p, c, c->oh, c->stride_h, 1, c->dil_h * (c->kh - 1) + 1, 0);
    const int64_t taps = c->kh * c->kw * p.in_group;
    p.thin = taps * p.out_group <= THIN_FLOATS;
    p.panel = taps * (p.thin ? up(p.out_group, PANEL_COLS) * PANEL_COLS : PANEL_COLS);
    p.segments = c->kh * c->kw, p.offsets = p.inter * c->ow;
    return p;
}

goss__conv_plan goss__conv_plan_dx(const goss__conv *c) {
    goss__conv_plan p = start(c);
    p.phases = 1;
    p.cols = goss__floor_div(c->pad_left + c->w - 1, c->stride_w) -
             goss__floor_div(c->pad_left - c->dil_w * (c->kw - 1), c->stride_w) + 1;
    p.pixel = pixel_floats(p.out_group);
    p.inter = images_side_by_side(c, up(c->w, c->stride_w));
    cut(&p, c, c->h, 1, c->stride_h, c->dil_h * (c->kh - 1) / c->stride_h + (c->stride_h == 1 ? 1 : 3), 0);
    p.panel = c->kh * c->kw * p.out_group * PANEL_COLS;
    p.segments = c->kh * c->kw, p.offsets = p.inter * c->w;
    return p;
}

goss__conv_plan goss__conv_plan_dw(const goss__conv *c) {
    goss__conv_plan p = start(c);
    source_geometry(&p, c);
    p.other_pixel = pixel_floats(up(p.out_group, 16) * 16);
    cut(&p, c, c->oh, c->stride_h, 1, c->dil_h * (c->kh - 1) + 1, c->ow * p.other_pixel);
    p.segments = p.images * p.rows, p.offsets = 0;
    return p;
}

static size_t padded(int64_t bytes) { return ((size_t)bytes + 63) / 64 * 64; }

size_t goss__conv_plan_bytes(const goss__conv_plan *p) {
    return padded(p->slab * 4) + padded(p->other * 4) + padded(p->panel * 4) + padded(p->segments * 24) +
           padded(p->offsets * 8);
}
