/* SPDX-License-Identifier: Apache-2.0 */
/* augment.h: small random changes of an image, float in and float out. Images are [height, width, channels]. */
#ifndef GOSS_DATA_AUGMENT_H
#define GOSS_DATA_AUGMENT_H

#include <stdbool.h>

#include "base/rng.h"

/* Where an output pixel looks in the input, both measured from the centre: [x y]' = m [x y] + shift. */
typedef struct goss__affine {
    float m[4];
    float shift[2]; /* x, y in pixels */
} goss__affine;

/* Standard deviations, but for shift, whose two parts are uniform in [-shift, shift]. */
typedef struct goss__affine_spread {
    float rotation;     /* radians */
    float scale, shear; /* of the logarithm of each axis' scale; of the slant */
    float shift;        /* in parts of the extent */
} goss__affine_spread;

goss__affine goss__affine_draw(goss__rng *rng, goss__affine_spread spread, int height, int width);

/* A smooth random field: normal displacements at the points of a coarse grid, in pixels, blended in between. */
enum { GOSS__ELASTIC_MAX = 10 };
typedef struct goss__elastic {
    int grid; /* points a side, 2 to GOSS__ELASTIC_MAX; 0: no field */
    float point[GOSS__ELASTIC_MAX][GOSS__ELASTIC_MAX][2];
} goss__elastic;

goss__elastic goss__elastic_draw(goss__rng *rng, int grid, float pixels);

/* Bilinear. What lies outside the input is `ground`, or with a negative ground the nearest edge pixel. */
void goss__warp(const float *in, int height, int width, int channels, const goss__affine *affine,
                const goss__elastic *elastic, float ground, float *out);

/* Exact quarter turns counter-clockwise of a square image; any number of them, negative too. */
void goss__quarter_turns(const float *in, int side, int channels, int turns, float *out);
#endif
