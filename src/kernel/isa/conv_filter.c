/* SPDX-License-Identifier: Apache-2.0 */
/* conv_filter.c: the filter gradient of a convolution, as tiles of input channels x output channels.
 *
 * gw[tap] is a product X_tap' GY whose inner dimension is all pixels: both are copied to slabs of the same pixel order
 * (gy is read in place if it has that order), and a segment is a row of pixels. Sums of a block of images start from 0
 * and are then added to gw: serial over at most some thousand pixels, which keeps rounding errors small. Blocks depend
 * on the shape alone (conv_plan.c). */
#include "kernel/isa/isa.h"
#include "kernel/isa/slab.h"

typedef struct work {
    const goss__conv *c;
    goss__conv_plan p;
    goss__conv_scratch s;
    goss__tile t;
    int64_t images, rows, image0, row0; /* of this block */
    int64_t group;
    bool join;     /* the taps of a filter row are contiguous in the slab: they form one tile */
    bool in_place; /* gy needs no copy */
    bool onto;     /* gw has the sums of earlier blocks */
} work;

static void fill(const work *k, const float *x, const float *gy) {
    const goss__conv *c = k->c;
    const goss__conv_plan *p = &k->p;
    const int64_t slab_rows = (k->rows - 1) * c->stride_h + c->dil_h * (c->kh - 1) + 1;
    for (int64_t i = 0, n; i < k->images; i += n) {
        n = bundle_size(i, k->images, p->inter);
        goss__source s = {.h = c->h, .w = c->w, .stride = c->cin, .channels = p->in_group, .col0 = -c->pad_left};
        s.data = x + (k->image0 + i) * c->h * c->w * c->cin + k->group * p->in_group;
        s.row0 = k->row0 * c->stride_h - c->pad_top;
        GOSS_FN(slab_fill)(k->s.slab + i * p->image, &s, n, slab_rows, p->phases, p->cols, p->pixel);
        if (k->in_place) continue;
        goss__source g = {.h = c->oh, .w = c->ow, .stride = c->cout, .channels = p->out_group, .row0 = k->row0};
        g.data = gy + (k->image0 + i) * c->oh * c->ow * c->cout + k->group * p->out_group;
        GOSS_FN(slab_fill)(k->s.other + i * k->rows * c->ow * p->other_pixel, &g, n, k->rows, 1, c->ow, p->other_pixel);
    }
}

/* One segment per row of pixels, shifted by tap (y, x); pixels outside are skipped. */
static int64_t segments(const work *k, int64_t y, int64_t x) {
    const goss__conv *c = k->c;
    const goss__conv_plan *p = &k->p;
    const int64_t col = x * c->dil_w, place = col % p->phases * p->cols + col / p->phases;
    const goss__span rows = goss__taps_inside(y * c->dil_h - c->pad_top, c->oh, c->stride_h, c->h);
    goss__span cols = {0, c->ow};
    if (!k->join) cols = goss__taps_inside(col - c->pad_left, c->ow, c->stride_w, c->w);
    int64_t count = 0, pixel = 0;
    for (int64_t i = 0, n; i < k->images; i += n) {
        n = bundle_size(i, k->images, p->inter);
        for (int64_t r = 0; r < k->rows; r++) {
            const int64_t row = r * c->stride_h + y * c->dil_h, from = pixel;
            pixel += c->ow * n;
            if (k->row0 + r < rows.from || k->row0 + r >= rows.to || cols.from >= cols.to) continue;
            goss__segment *s = &k->s.seg[count++];
            s->a = i * p->image + ((row * p->phases * p->cols + place) + cols.from) * n * p->pixel;
            s->b = k->in_place ? (((k->image0 + i) * c->oh + k->row0 + r) * c->ow + cols.from) * c->cout
                               : (from + cols.from * n) * p->other_pixel;
            s->k = (cols.to - cols.from) * n;
        }
    }
    return count;
}

static void tap(work *k, const float *gy, int64_t y, int64_t x, float *gw) {
    const goss__conv *c = k->c;
    const int64_t out = k->p.out_group, m = k->join ? c->kw * k->p.in_group : k->p.in_group;
    goss__tile t = k->t;
    t.ldc = c->cout, t.segs = segments(k, y, x);
    gw += (y * c->kw + x) * k->p.in_group * c->cout + k->group * out;
    const int64_t cols = TILE_COLS(tile_rows(m)) * W;
    for (int64_t j = 0; j < out; j += cols) {
        const int64_t width = goss__min64(cols, out - j), vectors = goss__ceil_div(width, W);
        t.b = (k->in_place ? gy + k->group * out : k->s.other) + j, t.last = width - (vectors - 1) * W;
        t.a = k->s.slab, t.c = gw + j, t.add = k->onto ? t.c : NULL, t.add_row = t.ldc;
        tile_all_rows(t, m, vectors, 1, 0);
    }
}

static void block(work *k, const float *x, const float *gy, float *gw) {
    fill(k, x, gy);
    k->onto = k->image0 > 0 || k->row0 > 0;
    for (int64_t ky = 0; ky < k->c->kh; ky++) {
        for (int64_t kx = 0; kx < (k->join ? 1 : k->c->kw); kx++) tap(k, gy, ky, kx, gw);
    }
}

void GOSS_FN(conv_direct_dw)(const goss__conv *c, const float *x, const float *gy, float *gw, void *scratch) {
    work k = {.c = c, .p = goss__conv_plan_dw(c)};
    k.s = conv_scratch_split(&k.p, scratch);
    k.join = k.p.inter == 1 && k.p.phases == 1 && c->dil_w == 1 && k.p.pixel == k.p.in_group;
    k.in_place = k.p.inter == 1 && k.p.out_group % W == 0 && c->cout % 128 != 0;
    k.t = (goss__tile){.row = 1, .step = k.p.pixel, .seg = k.s.seg};
    k.t.ldb = k.in_place ? c->cout : k.p.other_pixel;
    for (k.image0 = 0; k.image0 < c->n; k.image0 += k.p.images) {
        k.images = goss__min64(k.p.images, c->n - k.image0);
        for (k.row0 = 0; k.row0 < c->oh; k.row0 += k.p.rows) {
            k.rows = goss__min64(k.p.rows, c->oh - k.row0);
            for (k.group = 0; k.group < c->groups; k.group++) block(&k, x, gy, gw);
        }
    }
}
