/* SPDX-License-Identifier: Apache-2.0 */
/* image_warp.c: random affine and elastic augmentation of one image: rotation, scale, shear, shift and a smooth
 * displacement field. */
#include "task/image_warp.h"

#include "base/alloc.h"
#include "data/augment.h"

size_t goss__image_floats(const goss_image_format *f) {
    return (size_t)f->height * (size_t)f->width * (size_t)f->channels;
}

/* Outside the image, drawings on a dark background are padded with 0; photographs repeat the edge. */
static float find_ground(const goss_images *set, const goss_image_format *f) {
    int n = goss_images_count(set), step = n > 64 ? n / 64 : 1;
    size_t row = (size_t)f->width * (size_t)f->channels, last = row * (size_t)(f->height - 1);
    double sum = 0, count = 0;
    for (int i = 0; i < n; i += step) {
        const uint8_t *p = goss_images_pixels(set, i);
        for (size_t x = 0; x < row; x++) sum += p[x] + p[last + x];
        count += 2 * (double)row;
    }
    return sum < 0.1 * 255 * count ? 0 : -1;
}

goss_status goss__image_warp_init(goss__image_warp *w, goss_error *err) {
    w->format = goss_images_format(w->set);
    if (!(w->augment >= 0 && w->augment <= 10 && w->elastic >= 0 && w->elastic <= 28))
        return goss_error_set(err, GOSS_E_ARGUMENT, "augment %g, elastic %g: outside [0, 10] and [0, 28]",
                              (double)w->augment, (double)w->elastic);
    w->ground = find_ground(w->set, &w->format);
    for (int i = 0; i < 2; i++) w->image[i] = goss__alloc(goss__image_floats(&w->format) * sizeof(float));
    if (w->image[0] && w->image[1]) return GOSS_OK;
    goss__image_warp_free(w);
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for images");
}

void goss__image_warp_free(goss__image_warp *w) {
    goss__free(w->image[0]), goss__free(w->image[1]);
    *w = (goss__image_warp){0};
}

/* Left to right, in place. */
static void mirror(float *image, const goss_image_format *f) {
    const size_t c = (size_t)f->channels, w = (size_t)f->width;
    for (int y = 0; y < f->height; y++)
        for (size_t x = 0; x < w / 2; x++)
            for (size_t k = 0; k < c; k++) {
                float *a = image + ((size_t)y * w + x) * c + k, *b = image + ((size_t)y * w + w - 1 - x) * c + k;
                const float swap = *a;
                *a = *b, *b = swap;
            }
}

static void warp(goss__image_warp *w, const float *in, uint64_t stream, float *out) {
    const goss_image_format *f = &w->format;
    const float degrees10 = 0.17453292f, a = w->augment;
    goss__affine_spread spread = {degrees10 * a, 0.1f * a, 0.1f * a, 2.0f / 28 * a};
    goss__rng rng = goss__rng_make(w->seed, stream);
    goss__affine affine = goss__affine_draw(&rng, spread, f->height, f->width);
    goss__elastic elastic = {0};
    if (w->elastic > 0) elastic = goss__elastic_draw(&rng, 5, w->elastic * (float)f->width / 28);
    goss__warp(in, f->height, f->width, f->channels, &affine, &elastic, w->ground, out);
}

void goss__image_warp_emit(goss__image_warp *w, int32_t id, int turns, uint64_t stream, float *out) {
    const goss_image_format *f = &w->format;
    const bool warps = w->augment > 0 || w->elastic > 0;
    float *plain = turns || warps ? w->image[0] : out, *turned = turns ? warps ? w->image[1] : out : plain;
    goss_images_get(w->set, id, plain);
    if (turns) goss__quarter_turns(plain, f->height, f->channels, turns, turned);
    if (w->mirror && goss__hash64(&stream, sizeof stream, w->seed) & 1) mirror(turned, f);
    if (warps) warp(w, turned, stream, out);
}
