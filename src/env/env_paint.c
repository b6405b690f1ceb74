/* SPDX-License-Identifier: Apache-2.0 */
/* env_paint.c: pictures of states: boxes and thick lines with smooth edges are all that the environments need. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "env/env.h"

/* ---- shapes ---- */

static void mix(uint8_t *pixel, unsigned colour, double share) {
    if (share <= 0) return;
    for (int k = 0; k < 3; k++) {
        const double to = (double)(colour >> (16 - 8 * k) & 0xff);
        pixel[k] = (uint8_t)lround(pixel[k] + (to - pixel[k]) * fmin(1, share));
    }
}

static int within(double v, int most) { return v < 0 ? 0 : v > most ? most : (int)v; }
static uint8_t *pixel_at(const goss_env_canvas *c, int x, int y) {
    return c->rgb + 3 * ((size_t)y * (size_t)c->width + (size_t)x);
}

/* The part of pixel i that is between low and high. */
static double covered(int i, double low, double high) { return fmax(0, fmin(high, i + 1) - fmax(low, i)); }

void goss_env_paint_box(goss_env_canvas *c, double x0, double y0, double x1, double y1, unsigned colour) {
    for (int y = within(floor(y0), c->height); y < within(ceil(y1), c->height); y++)
        for (int x = within(floor(x0), c->width); x < within(ceil(x1), c->width); x++)
            mix(pixel_at(c, x, y), colour, covered(x, x0, x1) * covered(y, y0, y1));
}

/* The distance of a point from a segment. */
static double distance(double x, double y, double x0, double y0, double x1, double y1) {
    const double dx = x1 - x0, dy = y1 - y0, length = dx * dx + dy * dy;
    const double t = length > 0 ? fmax(0, fmin(1, ((x - x0) * dx + (y - y0) * dy) / length)) : 0;
    return hypot(x - x0 - t * dx, y - y0 - t * dy);
}

void goss_env_paint_line(goss_env_canvas *c, double x0, double y0, double x1, double y1, double width,
                         unsigned colour) {
    const double reach = width / 2 + 1;
    const int right = within(ceil(fmax(x0, x1) + reach), c->width);
    const int bottom = within(ceil(fmax(y0, y1) + reach), c->height);
    for (int y = within(floor(fmin(y0, y1) - reach), c->height); y < bottom; y++)
        for (int x = within(floor(fmin(x0, x1) - reach), c->width); x < right; x++)
            mix(pixel_at(c, x, y), colour, width / 2 + 0.5 - distance(x + 0.5, y + 0.5, x0, y0, x1, y1));
}

/* ---- a life ---- */

static goss_status clear(goss_envs *e, int height, int width, goss_error *err) {
    const size_t size = 3 * (size_t)height * (size_t)width;
    if (e->canvas.height != height || e->canvas.width != width) {
        uint8_t *grown = goss__realloc(e->canvas.rgb, size);
        if (!grown) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a picture");
        e->canvas = (goss_env_canvas){height, width, grown};
    }
    memset(e->canvas.rgb, 255, size);
    return GOSS_OK;
}

/* Images are numbers in 0 .. 1. */
static void copy_image(goss_envs *e, int i) {
    const int *shape = e->family.kind->shape;
    const float *from = goss__env_seen_by(e, e->observation, i);
    const bool coloured = shape[2] == 3;
    for (size_t p = 0; p < (size_t)shape[0] * (size_t)shape[1]; p++)
        for (size_t k = 0; k < 3; k++) {
            const float v = from[p * (size_t)shape[2] + (coloured ? k : (size_t)shape[2] - 1)];
            e->canvas.rgb[3 * p + k] = (uint8_t)lroundf(255 * fminf(1, fmaxf(0, v)));
        }
}

goss_status goss_envs_picture(goss_envs *e, int i, goss_env_canvas *out, goss_error *err) {
    const goss_env_kind *k = e->family.kind;
    if (k->many && k->many->picture)
        return goss_error_prefix(err, k->many->picture(e->lives, i, out, err), "environment %s, life %d", k->name, i);
    if (!k->paint && !k->shape[0])
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "environment %s has no pictures", k->name);
    GOSS_TRY(clear(e, k->paint ? k->height : k->shape[0], k->paint ? k->width : k->shape[1], err));
    if (k->paint) {
        const double *parameter = e->parameter + (size_t)i * (size_t)k->parameters;
        k->paint(parameter, e->state + (size_t)i * (size_t)k->state, &e->canvas);
    } else {
        copy_image(e, i);
    }
    *out = e->canvas;
    return GOSS_OK;
}
