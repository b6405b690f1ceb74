/* SPDX-License-Identifier: Apache-2.0 */
/* winograd_plan.c: which convolutions use Winograd's transform, and their blocks (conv_plan.h). Common to all variants,
 * as in conv_plan.c: filter gradients are summed block by block. */
#include "kernel/conv_plan.h"

#define PRODUCT_TILES 42   /* rows of full register tiles: 3 x 14, 7 x 6 */
#define GRADIENT_TILES 56  /* longer sums, since each block reads and writes all filter gradients */
#define BLOCK_FLOATS 98304 /* of one array with all points */
#define PANEL_COLS 32
#define LEAST_PANEL 8 /* columns of a panel of filters, in any variant */
#define LEAST_CHANNELS 16
#define LEAST_EXTENT 4     /* smaller maps leave too much of their single tile unused */
#define MOST_FILTERS 32768 /* beyond this, filters of 36 points exceed the caches earlier than those of 16 */

static int64_t up(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }

bool goss__winograd_wins(const goss__conv *c) {
    return c->kh == 3 && c->kw == 3 && c->stride_h == 1 && c->stride_w == 1 && c->dil_h == 1 && c->dil_w == 1 &&
           c->groups == 1 && c->cin >= LEAST_CHANNELS && c->cout >= LEAST_CHANNELS && c->h >= LEAST_EXTENT &&
           c->w >= LEAST_EXTENT && c->oh >= LEAST_EXTENT && c->ow >= LEAST_EXTENT && !c->direct;
}

/* Whole vectors; a row stride that is a multiple of 512 bytes would use few sets of L1. */
static int64_t row_floats(int64_t channels) {
    const int64_t whole = up(channels, 16) * 16;
    return whole % 128 == 0 ? whole + 16 : whole;
}

static int64_t products(int64_t outputs, int64_t h, int64_t w) {
    return (outputs + 2) * (outputs + 2) * up(h, outputs) * up(w, outputs);
}

/* h, w: of the output; in, out: channels of input and output. */
static goss__winograd_plan plan(int64_t n, int64_t h, int64_t w, int64_t in, int64_t out, int64_t most) {
    goss__winograd_plan p = {.outputs = 2, .in = in, .out = out};
    if (products(4, h, w) < products(2, h, w) && in * out <= MOST_FILTERS) p.outputs = 4;
    const int64_t points = (p.outputs + 2) * (p.outputs + 2);
    p.down = up(h, p.outputs), p.across = up(w, p.outputs);
    p.in_row = row_floats(in), p.out_row = row_floats(out);
    const int64_t fit = BLOCK_FLOATS / (points * at_least(p.in_row, p.out_row)) / 14 * 14;
    p.tiles = at_most(n * p.down * p.across, at_least(14, at_most(most, fit)));
    p.u = points * (in * up(out, 16) * 16 + 16 * up(out, LEAST_PANEL)); /* with space between points */
    p.v = points * p.tiles * p.in_row;
    p.m = points * p.tiles * PANEL_COLS;
    p.zero = row_floats(at_least(in, out));
    return p;
}

goss__winograd_plan goss__winograd_plan_forward(const goss__conv *c) {
    return plan(c->n, c->oh, c->ow, c->cin, c->cout, PRODUCT_TILES);
}

goss__winograd_plan goss__winograd_plan_dx(const goss__conv *c) {
    goss__winograd_plan p = plan(c->n, c->h, c->w, c->cout, c->cin, PRODUCT_TILES);
    p.w = 9 * c->cin * c->cout;
    return p;
}

goss__winograd_plan goss__winograd_plan_dw(const goss__conv *c) {
    goss__winograd_plan p = plan(c->n, c->oh, c->ow, c->cin, c->cout, GRADIENT_TILES);
    const int64_t points = (p.outputs + 2) * (p.outputs + 2);
    p.u = points * p.in * p.out_row;
    p.m = points * p.tiles * p.out_row;
    return p;
}

static size_t padded(int64_t floats) { return ((size_t)floats * sizeof(float) + 63) / 64 * 64; }

size_t goss__winograd_plan_bytes(const goss__winograd_plan *p) {
    return padded(p->u) + padded(p->v) + padded(p->m) + padded(p->w) + padded(p->zero);
}
