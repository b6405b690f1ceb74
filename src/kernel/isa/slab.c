/* SPDX-License-Identifier: Apache-2.0 */
/* slab.c: copies images into zero-padded slabs. */
#include <stdbool.h>

#include "kernel/isa/slab.h"

ALWAYS void zero(float *dst, int64_t n) {
    for (int64_t i = 0; i < n; i += W) vstore_n(dst + i, (vf){0}, n - i);
}

/* One pixel's channels, then zeros up to `pixel`. */
ALWAYS void copy_pixel(float *dst, const float *src, int64_t channels, int64_t pixel) {
    int64_t i = 0;
    for (; i + W <= channels; i += W) vstore(dst + i, vload(src + i));
    if (i == pixel) return;
    for (; i < pixel; i += W) vstore_n(dst + i, i < channels ? vload_n(src + i, channels - i) : (vf){0}, pixel - i);
}

/* A pixel of fewer channels than a vector has, without padding: a masked vector for each costs more. */
ALWAYS void copy_few(float *dst, const float *src, int64_t channels) {
    for (int64_t part = W / 2; part > 0; part /= 2)
        if (channels & part) {
            memcpy(dst, src, (size_t)part * sizeof(float));
            dst += part, src += part;
        }
}

typedef struct run {
    int64_t lo, hi, cols; /* columns of the slab with the image; all columns */
    int64_t pixel, apart; /* floats per pixel; column stride of an image */
    int64_t from, every;  /* source column of column 0, and the step */
} run;

static void copy_row(float *dst, const float *src, const goss__source *s, const run *r) {
    for (int64_t q = 0; q < r->lo; q++) zero(dst + q * r->apart, r->pixel);
    for (int64_t q = r->hi; q < r->cols; q++) zero(dst + q * r->apart, r->pixel);
    if (r->hi <= r->lo) return;
    src += (r->from + r->lo * r->every) * s->stride;
    dst += r->lo * r->apart;
    if (r->apart == s->channels && s->stride == s->channels && r->every == 1) {
        memcpy(dst, src, (size_t)((r->hi - r->lo) * s->channels) * sizeof(float));
        return;
    }
    const int64_t channels = s->channels, pixel = r->pixel, apart = r->apart, step = r->every * s->stride;
    const bool few = channels < W && pixel == channels;
    for (int64_t q = r->lo, hi = r->hi; q < hi; q++, dst += apart, src += step) {
        if (few)
            copy_few(dst, src, channels);
        else
            copy_pixel(dst, src, channels, pixel);
    }
}

void GOSS_FN(slab_fill)(float *dst, const goss__source *s, int64_t n, int64_t rows, int64_t phases, int64_t cols,
                        int64_t pixel) {
    for (int64_t r = 0; r < rows; r++) {
        const int64_t y = s->row0 + r;
        for (int64_t ph = 0; ph < phases; ph++, dst += cols * n * pixel) {
            run a = {.cols = cols, .pixel = pixel, .apart = n * pixel, .from = s->col0 + ph, .every = phases};
            a.lo = goss__max64(0, goss__min64(cols, -goss__floor_div(a.from, phases)));
            a.hi = goss__max64(a.lo, goss__min64(cols, -goss__floor_div(a.from - s->w, phases)));
            const bool inside = y >= 0 && y < s->h;
            if (!inside) a.lo = a.hi = cols;
            for (int64_t b = 0; b < n; b++)
                copy_row(dst + b * pixel, s->data + (b * s->h + (inside ? y : 0)) * s->w * s->stride, s, &a);
        }
    }
}
