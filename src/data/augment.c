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

static void displace(const goss__elastic *e, int y, int x, int height, int width, float *sx, float *sy) {
    float u, v;
    int i = cell(y, height, e->grid, &v), j = cell(x, width, e->grid, &u);
    const float *a = e->point[i][j], *b = e->point[i][j + 1], *c = e->point[i + 1][j], *d = e->point[i + 1][j + 1];
    *sx += (1 - v) * ((1 - u) * a[0] + u * b[0]) + v * ((1 - u) * c[0] + u * d[0]);
    *sy += (1 - v) * ((1 - u) * a[1] + u * b[1]) + v * ((1 - u) * c[1] + u * d[1]);
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

void goss__warp(const float *in, int height, int width, int channels, const goss__affine *a,
                const goss__elastic *elastic, float ground, float *out) {
    picture p = {in, height, width, channels, ground};
    float cy = (float)(height - 1) / 2, cx = (float)(width - 1) / 2;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, out += channels) {
            float px = (float)x - cx, py = (float)y - cy;
            float sx = a->m[0] * px + a->m[1] * py + a->shift[0] + cx;
            float sy = a->m[2] * px + a->m[3] * py + a->shift[1] + cy;
            if (elastic && elastic->grid) displace(elastic, y, x, height, width, &sx, &sy);
            sample(&p, sy, sx, out);
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
