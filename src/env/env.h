/* SPDX-License-Identifier: Apache-2.0 */
/* env.h: environments inside: their random streams, and the kinds. A kind is one file, with a row in env_kinds.c. */
#ifndef GOSS_ENV_ENV_H
#define GOSS_ENV_ENV_H

#include <stdbool.h>

#include "base/rng.h"
#include "gossamer/env.h"

struct goss_env_random {
    goss__rng rng;
};

/* The stream of a life in task k, or of the draw of that task. */
goss_env_random goss__env_stream(uint64_t seed, bool held_out, uint64_t k, uint64_t purpose);

static inline double goss__env_between(goss_env_random *r, double low, double high) {
    return low + (high - low) * goss_env_uniform(r);
}
static inline double goss__env_clip(double v, double least, double most) {
    return v < least ? least : v > most ? most : v;
}
/* An action's control, within -1 .. 1. */
static inline double goss__env_control(float a) { return goss__env_clip((double)a, -1, 1); }

/* Puts a character on a canvas, if it is on it. */
void goss__env_put(const goss_env_kind *k, char *canvas, int row, int column, char c);
/* A straight line of characters. */
void goss__env_line(const goss_env_kind *k, char *canvas, double row, double column, double to_row, double to_column,
                    char c);

extern const goss_env_kind goss__env_bandit, goss__env_tabular, goss__env_gridnavi, goss__env_point, goss__env_cartpole,
    goss__env_mountaincar, goss__env_acrobot, goss__env_pendulum;

#define GOSS__FIXED(name_, value, least_, most_, doc_)                                                                 \
    { .name = name_, .low = value, .high = value, .least = least_, .most = most_, .doc = doc_ }
#define GOSS__VARIES(name_, low_, high_, least_, most_, doc_)                                                          \
    { .name = name_, .low = low_, .high = high_, .least = least_, .most = most_, .doc = doc_ }
#define GOSS__WHOLE(name_, low_, high_, least_, most_, doc_)                                                           \
    { .name = name_, .low = low_, .high = high_, .least = least_, .most = most_, .whole = true, .doc = doc_ }
#endif
