/* SPDX-License-Identifier: Apache-2.0 */
/* conv_direct.c: convolution forward and its input gradient, as tiles of pixels x output channels.
 *
 * Every filter tap is a shift of the slab, so that a tile sums one segment per tap. The input gradient is the same with
 * the filter transposed: the pixels of gx with equal (row, column) modulo the stride have the same taps, and their
 * gradients are adjacent in a slab of gy. Order of summation: taps row by row, channels within a tap. Taps outside the
 * image would add 0: such filter rows are skipped, and columns if many outputs have some. */
#include "kernel/isa/isa.h"
#include "kernel/isa/slab.h"

typedef struct work {
    const goss__conv *c;
    goss__conv_plan p;
    goss__conv_scratch s;
    goss__tile t;
    int64_t images, rows; /* of this block */
    int64_t image0, row0; /* first image, first row of outputs */
    int64_t group;
    int64_t width, vectors; /* of this panel of outputs */
} work;

static void panel_begin(work *k, int64_t width) {
    k->width = width;
    k->vectors = goss__ceil_div(width, W);
    k->t.last = width - (k->vectors - 1) * W;
    k->t.ldb = k->vectors * W;
}

/* Outputs from `at` on with the same taps of a filter row, and those taps. */
typedef struct stretch {
    int64_t at, n;
    goss__span taps;
} stretch;

/* The next outputs, of `end`, after those of s, with the same taps. If few have fewer taps than all, or a tile would
 * have few rows, all are taken together. */
static bool next_stretch(stretch *s, int64_t end, int64_t images, goss__span (*taps_of)(const goss__conv *, int64_t),
                         const goss__conv *c) {
    s->at += s->n, s->n = end - s->at;
    if (s->n <= 0) return false;
    s->taps = (goss__span){0, c->kw};
    if (images < 4 || !goss__conv_trims(c, end)) return true;
    s->taps = taps_of(c, s->at), s->n = 1;
    for (goss__span t; s->at + s->n < end; s->n++) {
        t = taps_of(c, s->at + s->n);
        if (t.from != s->taps.from || t.to != s->taps.to) break;
    }
    return true;
}

/* Segments of these rows and columns of taps; those of a filter row are joined if they are contiguous in the slab. */
static int64_t forward_segments(const work *k, int64_t inter, goss__span rows, goss__span cols) {
    const goss__conv *c = k->c;
    const goss__conv_plan *p = &k->p;
    const bool join = inter == 1 && p->phases == 1 && c->dil_w == 1 && p->pixel == p->in_group;
    int64_t n = 0;
    for (int64_t y = rows.from; y < rows.to; y++) {
        for (int64_t x = join ? 0 : cols.from; x < (join ? 1 : cols.to); x++) {
            const int64_t col = x * c->dil_w, ph = col % p->phases;
            goss__segment *s = &k->s.seg[n++];
            s->a = ((y * c->dil_h * p->phases + ph) * p->cols + col / p->phases) * inter * p->pixel;
            s->b = (y * c->kw + x) * p->in_group * k->t.ldb;
            s->k = join ? c->kw * p->in_group : p->in_group;
        }
    }
    return n;
}

static goss__span forward_columns(const goss__conv *c, int64_t x) {
    return goss__taps_inside(x * c->stride_w - c->pad_left, c->kw, c->dil_w, c->w);
}

/* Channels y .. y + width of n images' outputs, with packed panels, from the slab. */
static void forward_bundle(work *k, int64_t first, int64_t n, int64_t width, float *y) {
    const goss__conv *c = k->c;
    const goss__conv_plan *p = &k->p;
    const int64_t taps = c->kh * c->kw * p->in_group, row = p->phases * p->cols * n * p->pixel;
    for (int64_t x = 0; x < c->ow; x++) {
        for (int64_t b = 0; b < n; b++) k->s.at[x * n + b] = (b * c->oh * c->ow + x) * c->cout;
    }
    k->t.ldb = 2 * W;
    for (int64_t r = 0; r < k->rows; r++) {
        const goss__span inside = goss__taps_inside((k->row0 + r) * c->stride_h - c->pad_top, c->kh, c->dil_h, c->h);
        for (stretch s = {0}; next_stretch(&s, c->ow, n, forward_columns, c);) {
            k->t.segs = forward_segments(k, n, inside, s.taps);
            k->t.a = k->s.slab + first * p->image + r * c->stride_h * row + s.at * n * p->pixel,
            k->t.at = k->s.at + s.at * n;
            for (int64_t j = 0; j < width; j += 2 * W) {
                const int64_t vectors = goss__ceil_div(goss__min64(2 * W, width - j), W);
                k->t.b = k->s.panel + j * taps, k->t.last = goss__min64(W, width - j - (vectors - 1) * W);
                k->t.c = y + ((k->image0 + first) * c->oh + k->row0 + r) * c->ow * c->cout + j;
                tile_all_rows(k->t, s.n * n, vectors, k->t.row == 1, 0);
            }
        }
    }
}

static void forward_block(work *k, const float *x, const float *w, float *y) {
    const goss__conv *c = k->c;
    const goss__conv_plan *p = &k->p;
    const int64_t taps = c->kh * c->kw * p->in_group, together = p->thin ? p->out_group : 2 * W;
    for (int64_t i = 0, n; i < k->images; i += n) {
        n = bundle_size(i, k->images, p->inter);
        goss__source s = {.h = c->h, .w = c->w, .stride = c->cin, .channels = p->in_group};
        s.data = x + (k->image0 + i) * c->h * c->w * c->cin + k->group * p->in_group;
        s.row0 = k->row0 * c->stride_h - c->pad_top, s.col0 = -c->pad_left;
        GOSS_FN(slab_fill)
        (k->s.slab + i * p->image, &s, n, (k->rows - 1) * c->stride_h + c->dil_h * (c->kh - 1) + 1, p->phases, p->cols,
         p->pixel);
    }
    for (int64_t j0 = 0; j0 < p->out_group; j0 += together) {
        const int64_t channel = k->group * p->out_group + j0, width = goss__min64(together, p->out_group - j0);
        for (int64_t j = 0; j < width; j += 2 * W) GOSS_FN(pack_rows)
        (k->s.panel + j * taps, 2 * W, w + channel + j, c->cout, taps, goss__min64(2 * W, width - j));
        for (int64_t i = 0, n; i < k->images; i += n) {
            n = bundle_size(i, k->images, p->inter);
            forward_bundle(k, i, n, width, y + channel);
        }
    }
}

/* Blocks of images x rows, for each group. `rows` is the extent that is divided. */
static void each_block(work *k, int64_t rows, const float *a, const float *w, float *out,
                       void (*fn)(work *, const float *, const float *, float *)) {
    for (k->image0 = 0; k->image0 < k->c->n; k->image0 += k->p.images) {
        k->images = goss__min64(k->p.images, k->c->n - k->image0);
        for (k->row0 = 0; k->row0 < rows; k->row0 += k->p.rows) {
            k->rows = goss__min64(k->p.rows, rows - k->row0);
            for (k->group = 0; k->group < k->c->groups; k->group++) fn(k, a, w, out);
        }
    }
}

static work begin(const goss__conv *c, goss__conv_plan p, void *scratch) {
    work k = {.c = c, .p = p, .s = conv_scratch_split(&p, scratch)};
    k.t = (goss__tile){.row = p.pixel, .step = 1, .b = k.s.panel, .seg = k.s.seg, .at = k.s.at, .mode = TILE_SET};
    return k;
}

void GOSS_FN(conv_direct)(const goss__conv *c, const float *x, const float *w, float *y, void *scratch) {
    work k = begin(c, goss__conv_plan_forward(c), scratch);
    each_block(&k, c->oh, x, w, y, forward_block);
}

/* The rows and columns of taps that reach row `u` and column `v` of the padded input, both modulo the stride. */
static int64_t dx_segments(const work *k, int64_t u, int64_t v, int64_t inter, goss__span rows, goss__span cols) {
    const goss__conv *c = k->c;
    const goss__conv_plan *p = &k->p;
    int64_t n = 0;
    for (int64_t y = rows.from; y < rows.to; y++) {
        for (int64_t x = cols.from; x < cols.to; x++) {
            const int64_t dy = y * c->dil_h - u % c->stride_h, dx = x * c->dil_w - v % c->stride_w;
            if (dy % c->stride_h || dx % c->stride_w) continue;
            goss__segment *s = &k->s.seg[n++];
            s->a = -(dy / c->stride_h * p->cols + dx / c->stride_w) * inter * p->pixel;
            s->b = (y * c->kw + x) * p->out_group * k->t.ldb;
            s->k = p->out_group;
        }
    }
    return n;
}

/* First row and column of gy that the first row and column of this block of gx need. */
static int64_t dx_row0(const work *k) {
    const goss__conv *c = k->c;
    return goss__floor_div(c->pad_top + k->row0 - c->dil_h * (c->kh - 1), c->stride_h);
}
static int64_t dx_col0(const goss__conv *c) {
    return goss__floor_div(c->pad_left - c->dil_w * (c->kw - 1), c->stride_w);
}

/* Tap t reads gy at `at` - t dil; at stride 1 some taps are outside. */
static goss__span dx_taps(int64_t at, int64_t taps, int64_t dil, int64_t size, int64_t stride) {
    if (stride > 1) return (goss__span){0, taps};
    const goss__span back = goss__taps_inside(at - (taps - 1) * dil, taps, dil, size); /* counted from the last tap */
    return (goss__span){taps - back.to, taps - back.from};
}
static goss__span dx_columns(const goss__conv *c, int64_t x) {
    return dx_taps(c->pad_left + x, c->kw, c->dil_w, c->ow, c->stride_w);
}

static void dx_bundle(work *k, int64_t first, int64_t n, float *gx) {
    const goss__conv *c = k->c;
    const goss__conv_plan *p = &k->p;
    for (int64_t x0 = 0; x0 < goss__min64(c->stride_w, c->w); x0++) {
        const int64_t v = c->pad_left + x0, pixels = goss__ceil_div(c->w - x0, c->stride_w);
        for (int64_t j = 0; j < pixels; j++) {
            for (int64_t b = 0; b < n; b++) k->s.at[j * n + b] = (b * c->h * c->w + x0 + j * c->stride_w) * c->cin;
        }
        for (int64_t r = 0; r < k->rows; r++) {
            const int64_t u = c->pad_top + k->row0 + r;
            const int64_t row = u / c->stride_h - dx_row0(k), col = v / c->stride_w - dx_col0(c);
            const goss__span inside = dx_taps(u, c->kh, c->dil_h, c->oh, c->stride_h);
            k->t.c = gx + ((k->image0 + first) * c->h + k->row0 + r) * c->w * c->cin;
            for (stretch s = {0}; next_stretch(&s, pixels, n, dx_columns, c);) {
                k->t.segs = dx_segments(k, u, v, n, inside, s.taps);
                k->t.a = k->s.slab + first * p->image + (row * p->cols + col + s.at) * n * p->pixel,
                k->t.at = k->s.at + s.at * n;
                tile_all_rows(k->t, s.n * n, k->vectors, k->t.row == 1, 0);
            }
        }
    }
}

static void dx_block(work *k, const float *gy, const float *w, float *gx) {
    const goss__conv *c = k->c;
    const goss__conv_plan *p = &k->p;
    const int64_t row0 = dx_row0(k), rows = (c->pad_top + k->row0 + k->rows - 1) / c->stride_h - row0 + 1;
    for (int64_t i = 0, n; i < k->images; i += n) {
        n = bundle_size(i, k->images, p->inter);
        goss__source s = {.h = c->oh, .w = c->ow, .stride = c->cout, .channels = p->out_group, .row0 = row0};
        s.data = gy + (k->image0 + i) * c->oh * c->ow * c->cout + k->group * p->out_group;
        s.col0 = dx_col0(c);
        GOSS_FN(slab_fill)(k->s.slab + i * p->image, &s, n, rows, 1, p->cols, p->pixel);
    }
    for (int64_t j = 0; j < p->in_group; j += 2 * W) {
        panel_begin(k, goss__min64(2 * W, p->in_group - j));
        for (int64_t tap = 0; tap < c->kh * c->kw; tap++) GOSS_FN(pack_cols)
        (k->s.panel + tap * p->out_group * k->t.ldb, k->t.ldb,
         w + (tap * p->in_group + j) * c->cout + k->group * p->out_group, c->cout, p->out_group, k->width);
        for (int64_t i = 0, n; i < k->images; i += n) {
            n = bundle_size(i, k->images, p->inter);
            dx_bundle(k, i, n, gx + k->group * p->in_group + j);
        }
    }
}

void GOSS_FN(conv_direct_dx)(const goss__conv *c, const float *gy, const float *w, float *gx, void *scratch) {
    work k = begin(c, goss__conv_plan_dx(c), scratch);
    each_block(&k, c->h, gy, w, gx, dx_block);
}
