/* SPDX-License-Identifier: Apache-2.0 */
/* guess_world.h: two environments with lives of two episodes of five steps, whose rewards show what the task is. */
#ifndef GOSS_GUESS_WORLD_H
#define GOSS_GUESS_WORLD_H

#include <math.h>

#include "gossamer/env.h"

/* Five steps; the action that pays is the task's. */
static const goss_env_parameter which[] = {
    {.name = "which", .low = 0, .high = 2, .least = 0, .most = 2, .whole = true}};
static void reset(const double *p, double *s, goss_env_random *r) { (void)p, (void)r, s[0] = 0; }
static double step(const double *p, double *s, const float *a, goss_env_random *r, bool *terminal) {
    (void)r, (void)terminal;
    s[0] += 1;
    return a[0] == (float)p[0] ? 1 : 0;
}
static void observe(const double *p, const double *s, float *out) { (void)p, out[0] = (float)s[0]; }
static goss_env_kind guess = {.name = "guess",
                              .observations = 1,
                              .actions = 3,
                              .state = 1,
                              .horizon = 5,
                              .episodes = 2,
                              .parameter = which,
                              .named = 1,
                              .parameters = 1,
                              .reset = reset,
                              .step = step,
                              .observe = observe};

/* Reaches for a point that is the task's. */
static double reach(const double *p, double *s, const float *a, goss_env_random *r, bool *terminal) {
    (void)r, (void)terminal;
    s[0] += 1;
    return -fabs((double)a[0] - (p[0] - 1) * 0.5);
}
static inline goss_env_kind reaching(void) {
    goss_env_kind k = guess;
    k.name = "reach", k.actions = 0, k.controls = 1, k.step = reach;
    return k;
}

#endif
