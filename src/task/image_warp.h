/* SPDX-License-Identifier: Apache-2.0 */
/* image_warp.h: an image of a set as a task shows it: turned, warped at random, as numbers. */
#ifndef GOSS_TASK_IMAGE_WARP_H
#define GOSS_TASK_IMAGE_WARP_H

#include "gossamer/data.h"

typedef struct goss__image_warp {
    const goss_images *set; /* borrowed */
    float augment, elastic; /* as in goss_episode_spec */
    bool mirror;
    uint64_t seed;
    goss_image_format format;
    float ground;    /* outside of a warped image, see goss__warp */
    float *image[2]; /* scratch */
} goss__image_warp;

/* Floats of an image. */
size_t goss__image_floats(const goss_image_format *f);
/* Sets what is below `seed` of a struct whose other members are set. */
goss_status goss__image_warp_init(goss__image_warp *w, goss_error *err);
void goss__image_warp_free(goss__image_warp *w);
/* Image `id`, turned by quarters counter-clockwise and warped by the random stream, into out [height, width, channels].
 */
void goss__image_warp_emit(goss__image_warp *w, int32_t id, int turns, uint64_t stream, float *out);
#endif
