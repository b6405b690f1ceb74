/* SPDX-License-Identifier: Apache-2.0 */
/* augment.c: affine and elastic warps and quarter turns.
 *
 * A warp goes through the output's pixels and looks up where each comes from, so that nothing is left uncovered. The
 * elastic field is that of Simard et al. 2003 ("Best practices for convolutional neural networks") in a cheaper form:
 * random displacements on a coarse grid with smooth blending instead of a blurred random field. */
#include "data/augment.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

goss__affine goss__affine_draw(goss__rng *rng, goss__affine_spread s, int height, int width) {
    float angle = s.rotation * (float)goss__rng_normal(rng);
    float sx = expf(-s.scale * (float)goss__rng_normal(rng)), sy = expf(-s.scale * (float)goss__rng_normal(rng));
    float slant = s.shear * (float)goss__rng_normal(rng);
    float dx = s.shift * (2 * (float)goss__rng_uniform(rng) - 1),
          dy = s.shift * (2 * (float)goss__rng_uniform(rng) - 1);
    float co = cosf(angle), si = sinf(angle);
    /* scale * rotation * shear */
    return (goss__affine){.m = {sx * co, sx * (co * slant - si), sy * si, sy * (si * slant + co)},
                          .shift = {dx * (float)width, dy * (float)height}};
}

goss__elastic goss__elastic_draw(goss__rng *rng, int grid, float pixels) {
    assert(grid >= 2 && grid <= GOSS__ELASTIC_MAX);
    goss__elastic e = {.grid = grid};
    for (int y = 0; y < grid; y++)
        for (int x = 0; x < grid; x++)
            for (int k = 0; k < 2; k++) e.point[y][x][k] = pixels * (float)goss__rng_normal(rng);
    return e;
}

/* Which grid cell a coordinate lies in and how far towards its next point (smoothstep: no creases at the points). */
static int cell(int at, int extent, int grid, float *part) {
    float g = extent > 1 ? (float)at * (float)(grid - 1) / (float)(extent - 1) : 0;
    int i = (int)g < grid - 2 ? (int)g : grid - 2;
    float t = g - (float)i;
    *part = t * t * (3 - 2 * t);
    return i;
}

/* The elastic field along one row of pixels: between two rows of grid points, blended. */
typedef struct field_row {
    float at[GOSS__ELASTIC_MAX][2];
} field_row;

static field_row field_at(const goss__elastic *e, int y, int height) {
    field_row r;
    float v;
    const int i = cell(y, height, e->grid, &v);
    for (int j = 0; j < e->grid; j++)
        for (int k = 0; k < 2; k++) r.at[j][k] = (1 - v) * e->point[i][j][k] + v * e->point[i + 1][j][k];
    return r;
}

/* Some columns of an image, and where in the elastic field they lie: the same for every row. */
enum { COLUMNS = 128 };
typedef struct columns {
    int first, count;
    int cell[COLUMNS];
    float part[COLUMNS];
} columns;

static columns columns_at(const goss__elastic *e, int first, int width) {
    columns c = {.first = first, .count = width - first < COLUMNS ? width - first : COLUMNS};
    for (int x = 0; e && x < c.count; x++) c.cell[x] = cell(first + x, width, e->grid, &c.part[x]);
    return c;
}

typedef struct picture {
    const float *values;
    int height, width, channels;
    float ground;
} picture;

static float value(const picture *p, int y, int x, int c) {
    if (y < 0 || x < 0 || y >= p->height || x >= p->width) {
        if (p->ground >= 0) return p->ground;
        y = y < 0 ? 0 : y >= p->height ? p->height - 1 : y;
        x = x < 0 ? 0 : x >= p->width ? p->width - 1 : x;
    }
    return p->values[((size_t)y * (size_t)p->width + (size_t)x) * (size_t)p->channels + (size_t)c];
}

/* Written out: the C library's fminf and fmaxf are calls. Not a number becomes lo. */
static float within(float v, float lo, float hi) { return v > lo ? v < hi ? v : hi : lo; }

static float blend(float v, float u, float a, float b, float c, float d) {
    return (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * c + u * d);
}

static void sample(const picture *p, float sy, float sx, float *out) {
    /* Far outside is as good as just outside, and keeps the numbers below positive, where a cast is a floor. */
    sy = within(sy, -2, (float)p->height + 1), sx = within(sx, -2, (float)p->width + 1);
    int y = (int)(sy + 2) - 2, x = (int)(sx + 2) - 2, n = p->channels;
    float v = sy - (float)y, u = sx - (float)x;
    if (y >= 0 && x >= 0 && y + 1 < p->height && x + 1 < p->width) {
        const float *a = p->values + ((size_t)y * (size_t)p->width + (size_t)x) * (size_t)n, *c = a + p->width * n;
        for (int k = 0; k < n; k++) out[k] = blend(v, u, a[k], a[k + n], c[k], c[k + n]);
        return;
    }
    for (int k = 0; k < n; k++)
        out[k] =
            blend(v, u, value(p, y, x, k), value(p, y, x + 1, k), value(p, y + 1, x, k), value(p, y + 1, x + 1, k));
}

/* `out`: of the row's first column. */
static void warp_row(const picture *p, const goss__affine *a, const columns *c, const field_row *field, int y,
                     float *out) {
    const float cy = (float)(p->height - 1) / 2, cx = (float)(p->width - 1) / 2, py = (float)y - cy;
    const float row_x = a->m[1] * py + a->shift[0] + cx, row_y = a->m[3] * py + a->shift[1] + cy;
    for (int x = 0; x < c->count; x++, out += p->channels) {
        const float px = (float)(c->first + x) - cx;
        float sx = a->m[0] * px + row_x, sy = a->m[2] * px + row_y;
        if (field) {
            const float u = c->part[x], *left = field->at[c->cell[x]], *right = field->at[c->cell[x] + 1];
            sx += (1 - u) * left[0] + u * right[0], sy += (1 - u) * left[1] + u * right[1];
        }
        sample(p, sy, sx, out);
    }
}

void goss__warp(const float *in, int height, int width, int channels, const goss__affine *a,
                const goss__elastic *elastic, float ground, float *out) {
    const picture p = {in, height, width, channels, ground};
    if (elastic && !elastic->grid) elastic = NULL;
    for (int first = 0; first < width; first += COLUMNS) {
        const columns c = columns_at(elastic, first, width);
        for (int y = 0; y < height; y++) {
            field_row row;
            if (elastic) row = field_at(elastic, y, height);
            warp_row(&p, a, &c, elastic ? &row : NULL, y,
                     out + ((size_t)y * (size_t)width + (size_t)first) * (size_t)channels);
        }
    }
}

void goss__quarter_turns(const float *in, int side, int channels, int turns, float *out) {
    size_t n = (size_t)side, c = (size_t)channels;
    turns &= 3;
    for (size_t y = 0; y < n; y++)
        for (size_t x = 0; x < n; x++) {
            size_t from[4] = {y * n + x, x * n + (n - 1 - y), (n - 1 - y) * n + (n - 1 - x), (n - 1 - x) * n + y};
            memcpy(out + (y * n + x) * c, in + from[turns] * c, c * sizeof(float));
        }
}
