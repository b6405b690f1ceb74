/* SPDX-License-Identifier: Apache-2.0 */
/* winograd.c: 3 x 3 convolutions at stride 1 by Winograd's F(4x4,3x3) or F(2x2,3x3) (Lavin and Gray 2016, "Fast
 * algorithms for convolutional neural networks"): 36 multiplications for 4 x 4 outputs instead of 144; 16 for 2 x 2.
 *
 *     y = A' [ (G w G') * (B' x B) ] A         per tile of (m + 2) x (m + 2) inputs, m x m outputs; winograd_lines.h
 *
 * Each of the (m + 2)^2 points is a matrix product over channels, [tiles x in] [in x out]. The input gradient is the
 * same with the filter reversed and transposed. The filter gradient is the adjoint: gw = G' [ (B' x B) * (A gy A') ] G,
 * each point a product over tiles. Every function takes m as a constant, M.
 *
 * Order: the sum over channels is serial and transforms are fixed trees, so that results do not depend on the variant,
 * the block or other images. Filter gradients: serial within a block of tiles; blocks are added in order.
 *
 * Error: at 14 x 14 x 64 on normal numbers rms 7.8e-7 of the result's rms, the largest 8e-6 (m = 2: 2.7e-7 and 1.7e-6;
 * direct, whose sums are longer: 4.2e-7 and 4.3e-6); filter gradients 1.3e-6 (4.4e-7). Errors are relative to all
 * inputs of a tile, so that an output that is exactly 0 with the direct kernel need not be 0 here. For the same reason
 * a NaN or infinity affects other outputs of its tile if m = 4, but never other images. */
#include "kernel/isa/isa.h"
#include "kernel/isa/winograd_lines.h"
#include "kernel/conv_plan.h"
#include "kernel/isa/tile.h"

#define POINTS(M) (((M) + 2) * ((M) + 2))
#define PANEL (TILE_COLS(TILE_ROWS) * W)

/* Images and their tiles: tile (i, j) begins at row m i - top, column m j - left; pixels outside are 0. */
typedef struct grid {
    const float *data;
    int64_t h, w, channels, top, left, down, across;
    const float *zero;
} grid;

typedef struct scratch {
    float *u, *v, *m, *w, *zero;
} scratch;

static float *take(float **at, int64_t floats) {
    float *p = *at;
    *at += (floats + 15) / 16 * 16;
    return p;
}

static scratch split(const goss__winograd_plan *p, void *memory) {
    float *at = memory;
    scratch s;
    s.u = take(&at, p->u), s.v = take(&at, p->v), s.m = take(&at, p->m), s.w = take(&at, p->w);
    s.zero = take(&at, p->zero);
    memset(s.zero, 0, (size_t)p->zero * sizeof(float));
    return s;
}

/* Addresses of a row of a tile's pixels; M + 2 of them are used. */
#define ROW 8
typedef int64_t places __attribute__((vector_size(8 * ROW)));

/* The pixels of `rows` rows of a tile, at[row][ROW]; tiles have stride M. As vectors, since branches would be
 * mispredicted: many tiles of a small map are at an edge. */
ALWAYS void tile_pixels(const int M, const float *at[][ROW], const grid *g, int64_t tile, const int rows) {
    const int64_t image = tile / (g->down * g->across), place = tile % (g->down * g->across);
    const int64_t y = place / g->across * M - g->top, x = place % g->across * M - g->left;
    const int64_t pixel = g->channels * (int64_t)sizeof(float), zero = (int64_t)(intptr_t)g->zero;
    const places next = {0, 1, 2, 3, 4, 5, 6, 7}, column = x + next, row = y + next;
    const places columns = (column >= 0) & (column < g->w), inside = (row >= 0) & (row < g->h);
    /* From `zero`; the corner may be outside. */
    places to = (int64_t)(intptr_t)g->data - zero + ((image * g->h + y) * g->w + column) * pixel;
    UNROLL for (int r = 0; r < rows; r++, to += g->w * pixel) {
        const places address = zero + (to & columns & inside[r]);
        if (sizeof address == sizeof at[r])
            memcpy(at[r], &address, sizeof address);
        else
            for (int c = 0; c < ROW; c++) at[r][c] = (const float *)(intptr_t)address[c];
    }
}

/* ---- tiles to points and back: n channels of one tile, W at a time; `whole` is a constant ---- */

ALWAYS vf load(const bool whole, const float *p, vlanes some) { return whole ? vload(p) : vload_part(p, some); }
ALWAYS void store(const bool whole, float *p, vf v, vlanes some) {
    if (whole)
        vstore(p, v);
    else
        vstore_part(p, v, some);
}

/* to[k point] of channels c .. c + W of a tile's pixels. */
ALWAYS void input_tile(const int M, const bool whole, const float *at[][ROW], int64_t c, vlanes some, float *to,
                       int64_t point) {
    vf d[POINTS(4)];
    UNROLL for (int i = 0; i < M + 2; i++) {
        UNROLL for (int j = 0; j < M + 2; j++) d[j * (M + 2) + i] = load(whole, at[j][i] + c, some);
        input_line(M, d + i, M + 2);
    }
    UNROLL for (int i = 0; i < M + 2; i++) {
        input_line(M, d + (M + 2) * i, 1);
        UNROLL for (int j = 0; j < M + 2; j++, to += point) vstore(to, d[i * (M + 2) + j]);
    }
}

/* The same of the cotangents of its outputs. */
ALWAYS void cotangent_tile(const int M, const bool whole, const float *at[][ROW], int64_t c, vlanes some, float *to,
                           int64_t point) {
    vf d[POINTS(4)];
    UNROLL for (int i = 0; i < M; i++) {
        vf y[4];
        UNROLL for (int j = 0; j < M; j++) y[j] = load(whole, at[j][i] + c, some);
        output_line_adjoint(M, d + i, M + 2, y, 1);
    }
    UNROLL for (int i = 0; i < M + 2; i++) {
        output_line_adjoint(M, d + (M + 2) * i, 1, d + (M + 2) * i, 1);
        UNROLL for (int j = 0; j < M + 2; j++, to += point) vstore(to, d[i * (M + 2) + j]);
    }
}

/* From m[k point] to rows x cols pixels of `to`, `row` and `pixel` floats apart. */
ALWAYS void output_tile(const int M, const bool whole, const float *m, int64_t point, int64_t rows, int64_t cols,
                        float *to, int64_t row, int64_t pixel, vlanes some) {
    vf d[POINTS(4)];
    UNROLL for (int i = 0; i < POINTS(M); i++, m += point) d[i] = vload(m);
    UNROLL for (int i = 0; i < M + 2; i++) output_line(M, d + i, M + 2);
    UNROLL for (int r = 0; r < M; r++, to += row) {
        if (r >= rows) break;
        output_line(M, d + (M + 2) * r, 1);
        UNROLL for (int q = 0; q < M; q++) {
            if (q < cols) store(whole, to + q * pixel, d[(M + 2) * r + q], some);
        }
    }
}

/* v[point][tile][in_row] of the tiles from `first` on. */
ALWAYS void inputs(const int M, const goss__winograd_plan *p, const grid *g, int64_t first, int64_t n, float *v) {
    const int64_t point = p->tiles * p->in_row, row = p->in_row, channels = g->channels, last = channels / W * W;
    for (int64_t t = 0; t < n; t++, v += row) {
        const float *at[6][ROW];
        tile_pixels(M, at, g, first + t, M + 2);
        for (int64_t c = 0; c < last; c += W) input_tile(M, true, at, c, vfirst(W), v + c, point);
        if (last < channels) input_tile(M, false, at, last, vfirst(channels - last), v + last, point);
    }
}

ALWAYS void cotangents(const int M, const goss__winograd_plan *p, const grid *g, int64_t first, int64_t n, float *z) {
    const int64_t point = p->tiles * p->out_row, row = p->out_row, channels = g->channels, last = channels / W * W;
    for (int64_t t = 0; t < n; t++, z += row) {
        const float *at[6][ROW];
        tile_pixels(M, at, g, first + t, M);
        for (int64_t c = 0; c < last; c += W) cotangent_tile(M, true, at, c, vfirst(W), z + c, point);
        if (last < channels) cotangent_tile(M, false, at, last, vfirst(channels - last), z + last, point);
    }
}

/* From m[point][tile][width] into channels j .. j + width of dst[.., h, w, channels]. */
ALWAYS void outputs(const int M, const goss__winograd_plan *p, const grid *g, int64_t first, int64_t n, const float *m,
                    float *dst, int64_t j, int64_t width) {
    const int64_t wide = goss__ceil_div(width, W) * W, point = p->tiles * wide, last = width / W * W;
    const int64_t pixel = p->out, row = g->w * pixel;
    for (int64_t t = 0; t < n; t++, m += wide) {
        const int64_t tile = first + t, image = tile / (p->down * p->across), place = tile % (p->down * p->across);
        const int64_t y = place / p->across * M, x = place % p->across * M;
        const int64_t rows = goss__min64(M, g->h - y), cols = goss__min64(M, g->w - x);
        float *to = dst + ((image * g->h + y) * g->w + x) * pixel + j;
        for (int64_t c = 0; c < last; c += W) {
            if (rows == M && cols == M)
                output_tile(M, true, m + c, point, M, M, to + c, row, pixel, vfirst(W));
            else
                output_tile(M, true, m + c, point, rows, cols, to + c, row, pixel, vfirst(W));
        }
        if (last < width)
            output_tile(M, false, m + last, point, rows, cols, to + last, row, pixel, vfirst(width - last));
    }
}

/* ---- filters ---- */

/* Floats between the points of a panel of `in` rows of filters: points that are a multiple of 4 KiB apart would share a
 * set of L1. */
ALWAYS int64_t filter_point(const goss__winograd_plan *p, int64_t row) { return p->in * row + 16; }

/* u in panels of PANEL columns, each [point][in][width]; w[tap][in][out], with reversed taps if `turned`. */
ALWAYS void filters(const int M, const goss__winograd_plan *p, const float *w, bool turned, float *u) {
    for (int64_t j = 0; j < p->out; j += PANEL) {
        const int64_t width = goss__min64(PANEL, p->out - j), row = goss__ceil_div(width, W) * W;
        const int64_t point = filter_point(p, row);
        for (int64_t i = 0; i < p->in; i++) {
            for (int64_t c = 0; c < width; c += W) {
                vf g[9], d[POINTS(4)];
                for (int t = 0; t < 9; t++)
                    g[t] = vload_n(w + ((turned ? 8 - t : t) * p->in + i) * p->out + j + c, width - c);
                UNROLL for (int x = 0; x < 3; x++) filter_line(M, d + x, M + 2, g[x], g[3 + x], g[6 + x]);
                UNROLL for (int y = 0; y < M + 2; y++) {
                    vf *at = d + (M + 2) * y;
                    filter_line(M, at, 1, at[0], at[1], at[2]);
                    UNROLL for (int k = 0; k < M + 2; k++) vstore(u + (y * (M + 2) + k) * point + i * row + c, at[k]);
                }
            }
        }
        u += POINTS(M) * point;
    }
}

/* gw[tap][in][out] from u[point][in][out_row]. */
ALWAYS void filter_gradients(const int M, const goss__winograd_plan *p, const float *u, float *gw) {
    for (int64_t i = 0; i < p->in; i++, u += p->out_row) {
        for (int64_t c = 0; c < p->out; c += W) {
            vf d[POINTS(4)];
            UNROLL for (int x = 0; x < M + 2; x++) {
                UNROLL for (int k = 0; k < M + 2; k++) d[k * (M + 2) + x] =
                    vload(u + (k * (M + 2) + x) * p->in * p->out_row + c);
                filter_line_adjoint(M, d + x, M + 2);
            }
            UNROLL for (int y = 0; y < 3; y++) {
                filter_line_adjoint(M, d + (M + 2) * y, 1);
                for (int t = 0; t < 3; t++)
                    vstore_n(gw + ((3 * y + t) * p->in + i) * p->out + c, d[(M + 2) * y + t], p->out - c);
            }
        }
    }
}

/* ---- products ---- */

/* c[rows, cols] (+)= a[rows, k] b[k, cols], one point. unit: a is stored [k, rows], a_row apart. */
typedef struct product {
    const float *a, *b;
    int64_t rows, k, a_row, vectors, ldb, ldc;
    bool unit;
    bool onto; /* C has partial sums */
    float *c;
} product;

static void multiply(const product *q) {
    const goss__segment whole = {0, 0, q->k};
    goss__tile t = {.a = q->a, .b = q->b, .row = q->a_row, .step = 1, .ldb = q->ldb, .c = q->c, .ldc = q->ldc};
    if (q->unit) t.row = 1, t.step = q->a_row;
    t.seg = &whole, t.segs = 1, t.last = W, t.mode = TILE_SET, t.add = q->onto ? q->c : NULL, t.add_row = q->ldc;
    tile_all_rows(t, q->rows, q->vectors, q->unit, 0);
}

ALWAYS void convolve(const int M, const goss__winograd_plan *p, const grid *from, const grid *to, const scratch *s,
                     const float *w, bool turned, float *dst, int64_t images) {
    const int64_t all = images * p->down * p->across;
    filters(M, p, w, turned, s->u);
    for (int64_t first = 0; first < all; first += p->tiles) {
        const int64_t n = goss__min64(p->tiles, all - first);
        const float *u = s->u;
        inputs(M, p, from, first, n, s->v);
        for (int64_t j = 0; j < p->out; j += PANEL) {
            const int64_t width = goss__min64(PANEL, p->out - j), vectors = goss__ceil_div(width, W);
            product q = {.rows = n, .k = p->in, .a_row = p->in_row, .vectors = vectors};
            q.ldb = q.ldc = vectors * W;
            for (int64_t k = 0; k < POINTS(M); k++, u += filter_point(p, q.ldb)) {
                q.a = s->v + k * p->tiles * p->in_row, q.b = u, q.c = s->m + k * p->tiles * q.ldc;
                multiply(&q);
            }
            outputs(M, p, to, first, n, s->m, dst, j, width);
        }
    }
}

/* The two variants as functions, each with one inlined copy of the above. */
static void convolve_any(const goss__winograd_plan *p, const grid *from, const grid *to, const scratch *s,
                         const float *w, bool turned, float *dst, int64_t images) {
    if (p->outputs == 4)
        convolve(4, p, from, to, s, w, turned, dst, images);
    else
        convolve(2, p, from, to, s, w, turned, dst, images);
}

void GOSS_FN(winograd)(const goss__conv *c, const float *x, const float *w, float *y, void *memory) {
    const goss__winograd_plan p = goss__winograd_plan_forward(c);
    const scratch s = split(&p, memory);
    const grid from = {x, c->h, c->w, c->cin, c->pad_top, c->pad_left, p.down, p.across, s.zero};
    const grid to = {.h = c->oh, .w = c->ow};
    convolve_any(&p, &from, &to, &s, w, false, y, c->n);
}

void GOSS_FN(winograd_dx)(const goss__conv *c, const float *gy, const float *w, float *gx, void *memory) {
    const goss__winograd_plan p = goss__winograd_plan_dx(c);
    const scratch s = split(&p, memory);
    for (int64_t t = 0; t < 9; t++)
        GOSS_FN(transpose)(s.w + t * c->cin * c->cout, c->cin, w + t * c->cin * c->cout, c->cout, c->cin, c->cout);
    const grid from = {gy, c->oh, c->ow, c->cout, 2 - c->pad_top, 2 - c->pad_left, p.down, p.across, s.zero};
    const grid to = {.h = c->h, .w = c->w};
    convolve_any(&p, &from, &to, &s, s.w, true, gx, c->n);
}

/* u[point] = v[point]' m[point], block by block of tiles. */
ALWAYS void correlate(const int M, const goss__winograd_plan *p, const grid *from, const grid *to, const scratch *s,
                      int64_t images, float *gw) {
    const int64_t all = images * p->down * p->across, cols = TILE_COLS(TILE_ROWS) * W,
                  used = goss__ceil_div(p->out, W) * W;
    for (int64_t first = 0; first < all; first += p->tiles) {
        const int64_t n = goss__min64(p->tiles, all - first);
        inputs(M, p, from, first, n, s->v);
        cotangents(M, p, to, first, n, s->m);
        product q = {.rows = p->in, .k = n, .a_row = p->in_row, .ldb = p->out_row, .ldc = p->out_row, .unit = true};
        q.onto = first > 0;
        for (int64_t k = 0; k < POINTS(M); k++) {
            q.a = s->v + k * p->tiles * p->in_row;
            for (int64_t j = 0; j < used; j += cols) {
                q.vectors = goss__min64(cols, used - j) / W;
                q.b = s->m + k * p->tiles * p->out_row + j, q.c = s->u + k * p->in * p->out_row + j;
                multiply(&q);
            }
        }
    }
    filter_gradients(M, p, s->u, gw);
}

void GOSS_FN(winograd_dw)(const goss__conv *c, const float *x, const float *gy, float *gw, void *memory) {
    const goss__winograd_plan p = goss__winograd_plan_dw(c);
    const scratch s = split(&p, memory);
    const grid from = {x, c->h, c->w, c->cin, c->pad_top, c->pad_left, p.down, p.across, s.zero};
    const grid to = {gy, c->oh, c->ow, c->cout, 0, 0, p.down, p.across, s.zero};
    if (p.outputs == 4)
        correlate(4, &p, &from, &to, &s, c->n, gw);
    else
        correlate(2, &p, &from, &to, &s, c->n, gw);
}
