/* winograd_plan.c: which convolutions go through Winograd's transform, and in which blocks (conv_plan.h). As in
 * conv_plan.c no variant has a say: filter gradients are summed block by block. */
#include "base/disable.h"
#include "kernel/conv_plan.h"

#define PRODUCT_TILES 42   /* rows of full register tiles: 3 x 14, 7 x 6 */
#define GRADIENT_TILES 56  /* longer sums: each block reads and writes all 16 filter gradients */
#define BLOCK_FLOATS 65536 /* of one array, 16 products and all */
#define PANEL_COLS 32
#define LEAST_CHANNELS 16
#define LEAST_EXTENT 6 /* smaller maps leave too much of their last tiles unused */

static int64_t up(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }

bool goss__winograd_wins(const goss__conv *c) {
    return c->kh == 3 && c->kw == 3 && c->stride_h == 1 && c->stride_w == 1 && c->dil_h == 1 && c->dil_w == 1 &&
           c->groups == 1 && c->cin >= LEAST_CHANNELS && c->cout >= LEAST_CHANNELS && c->h >= LEAST_EXTENT &&
           c->w >= LEAST_EXTENT && c->oh >= LEAST_EXTENT && c->ow >= LEAST_EXTENT && !goss__disabled("winograd");
}

/* Whole vectors; rows a multiple of 512 bytes apart would share few sets of L1. */
static int64_t row_floats(int64_t channels) {
    const int64_t whole = up(channels, 16) * 16;
    return whole % 128 == 0 ? whole + 16 : whole;
}

static goss__winograd_plan plan(int64_t n, int64_t h, int64_t w, int64_t in, int64_t out, int64_t most) {
    goss__winograd_plan p = {.down = up(h, 2), .across = up(w, 2), .in = in, .out = out};
    p.in_row = row_floats(in), p.out_row = row_floats(out);
    const int64_t fit = BLOCK_FLOATS / (16 * at_least(p.in_row, p.out_row)) / 14 * 14;
    p.tiles = at_most(n * p.down * p.across, at_least(14, at_most(most, fit)));
    p.u = 16 * in * up(out, 16) * 16;
    p.v = 16 * p.tiles * p.in_row;
    p.zero = row_floats(at_least(in, out));
    return p;
}

goss__winograd_plan goss__winograd_plan_forward(const goss__conv *c) {
    goss__winograd_plan p = plan(c->n, c->oh, c->ow, c->cin, c->cout, PRODUCT_TILES);
    p.m = 16 * p.tiles * PANEL_COLS;
    return p;
}

goss__winograd_plan goss__winograd_plan_dx(const goss__conv *c) {
    goss__winograd_plan p = plan(c->n, c->h, c->w, c->cout, c->cin, PRODUCT_TILES);
    p.m = 16 * p.tiles * PANEL_COLS;
    p.w = 9 * c->cin * c->cout;
    return p;
}

goss__winograd_plan goss__winograd_plan_dw(const goss__conv *c) {
    goss__winograd_plan p = plan(c->n, c->oh, c->ow, c->cin, c->cout, GRADIENT_TILES);
    p.u = 16 * p.in * p.out_row;
    p.m = 16 * p.tiles * p.out_row;
    return p;
}

static size_t padded(int64_t floats) { return ((size_t)floats * sizeof(float) + 63) / 64 * 64; }

size_t goss__winograd_plan_bytes(const goss__winograd_plan *p) {
    return padded(p->u) + padded(p->v) + padded(p->m) + padded(p->w) + padded(p->zero);
}
