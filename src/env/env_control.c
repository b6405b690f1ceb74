/* SPDX-License-Identifier: Apache-2.0 */
/* env_control.c: classic control by gravity: a car in a valley (Moore 1990), a pendulum. Equations and constants are
 * those of Gymnasium's MountainCar-v0 and Pendulum-v1. */
#include <math.h>

#include "env/env.h"

/* ---- mountaincar ---- */

enum { ENGINE, SLOPE, GOAL };
static const goss_env_parameter mountaincar[] = {
    GOSS__VARIES("force", 0.0008, 0.0012, 0, 0.1, "Of the engine, a step; Gymnasium: 0.001"),
    GOSS__VARIES("gravity", 0.002, 0.003, 0, 0.1, "A step; Gymnasium: 0.0025"),
    GOSS__FIXED("goal", 0.5, -0.4, 0.6, "Position that ends an episode")};

static void reset_mountaincar(const double *parameter, double *s, goss_env_random *r) {
    (void)parameter;
    s[0] = goss__env_between(r, -0.6, -0.4), s[1] = 0;
}

static double step_mountaincar(const double *p, double *s, const float *action, goss_env_random *r, bool *terminal) {
    (void)r;
    s[1] += ((int)action[0] - 1) * p[ENGINE] + cos(3 * s[0]) * -p[SLOPE];
    s[1] = goss__env_clip(s[1], -0.07, 0.07);
    s[0] = goss__env_clip(s[0] + s[1], -1.2, 0.6);
    if (s[0] == -1.2 && s[1] < 0) s[1] = 0;
    *terminal = s[0] >= p[GOAL] && s[1] >= 0;
    return -1;
}

static void see_two(const double *parameter, const double *s, float *out) {
    (void)parameter;
    out[0] = (float)s[0], out[1] = (float)s[1];
}

static void show_mountaincar(const double *p, const double *s, char *canvas) {
    const goss_env_kind *k = &goss__env_mountaincar;
    for (int c = 0; c < k->columns; c++) {
        const double x = -1.2 + 1.8 * c / (k->columns - 1);
        goss__env_put(k, canvas, (int)lround(k->rows - 1.5 - (k->rows - 3) * (sin(3 * x) + 1) / 2), c,
                      x >= p[GOAL] ? 'G' : '.');
    }
    goss__env_put(k, canvas, (int)lround(k->rows - 2.5 - (k->rows - 3) * (sin(3 * s[0]) + 1) / 2),
                  (int)lround((s[0] + 1.2) / 1.8 * (k->columns - 1)), '@');
}

/* Where on the canvas a position is. */
static double hill(const goss_env_canvas *c, double x) { return c->height * (0.9 - 0.36 * (sin(3 * x) + 1)); }

static void paint_mountaincar(const double *p, const double *s, goss_env_canvas *c) {
    const double unit = c->width / 1.8;
    for (double x = -1.2; x < 0.6; x += 0.02)
        goss_env_paint_line(c, unit * (x + 1.2), hill(c, x), unit * (x + 1.22), hill(c, x + 0.02), 1.5, 0x999999);
    const double flag = unit * (p[GOAL] + 1.2), at = unit * (s[0] + 1.2), y = hill(c, s[0]) - 6;
    goss_env_paint_line(c, flag, hill(c, p[GOAL]), flag, hill(c, p[GOAL]) - 18, 2, 0x59a14f);
    goss_env_paint_box(c, flag, hill(c, p[GOAL]) - 18, flag + 9, hill(c, p[GOAL]) - 11, 0x59a14f);
    goss_env_paint_line(c, at, y, at, y, 11, 0x4e79a7);
}

const goss_env_kind goss__env_mountaincar = {.name = "mountaincar",
                                             .doc = "A car too weak for the hill must swing up; -1 a step, 200 at most",
                                             .observations = 2,
                                             .actions = 3,
                                             .state = 2,
                                             .horizon = 200,
                                             .episodes = 1,
                                             .parameter = mountaincar,
                                             .named = 3,
                                             .parameters = 3,
                                             .reset = reset_mountaincar,
                                             .step = step_mountaincar,
                                             .observe = see_two,
                                             .show = show_mountaincar,
                                             .rows = 14,
                                             .columns = 61,
                                             .paint = paint_mountaincar,
                                             .height = 120,
                                             .width = 180};

/* ---- pendulum ---- */

enum { PULL, MASS, ROD, TORQUE };
static const goss_env_parameter pendulum[] = {GOSS__VARIES("gravity", 8, 12, 0.1, 100, "m/s^2; Gymnasium: 10"),
                                              GOSS__FIXED("mass", 1, 0.01, 10, "kg"),
                                              GOSS__VARIES("length", 0.8, 1.2, 0.05, 10, "m; Gymnasium: 1"),
                                              GOSS__FIXED("torque", 2, 0.01, 100, "The largest, N m")};

static void reset_pendulum(const double *parameter, double *s, goss_env_random *r) {
    (void)parameter;
    s[0] = goss__env_between(r, -M_PI, M_PI), s[1] = goss__env_between(r, -1, 1);
}

/* An angle within -pi .. pi. */
static double wrapped(double angle) {
    const double turns = fmod(angle + M_PI, 2 * M_PI);
    return (turns < 0 ? turns + 2 * M_PI : turns) - M_PI;
}

static double step_pendulum(const double *p, double *s, const float *action, goss_env_random *r, bool *terminal) {
    const double u = p[TORQUE] * goss__env_control(action[0]), angle = wrapped(s[0]), dt = 0.05;
    const double cost = angle * angle + 0.1 * (s[1] * s[1]) + 0.001 * (u * u);
    (void)r, (void)terminal;
    s[1] += (3 * p[PULL] / (2 * p[ROD]) * sin(s[0]) + 3.0 / (p[MASS] * (p[ROD] * p[ROD])) * u) * dt;
    s[1] = goss__env_clip(s[1], -8, 8);
    s[0] += s[1] * dt;
    return -cost;
}

static void see_pendulum(const double *parameter, const double *s, float *out) {
    (void)parameter;
    out[0] = (float)cos(s[0]), out[1] = (float)sin(s[0]), out[2] = (float)s[1];
}

static void show_pendulum(const double *p, const double *s, char *canvas) {
    const goss_env_kind *k = &goss__env_pendulum;
    (void)p;
    goss__env_line(k, canvas, 7, 14, 7 - 6 * cos(s[0]), 14 - 12 * sin(s[0]), '*');
    goss__env_put(k, canvas, 7, 14, 'o');
}

static void paint_pendulum(const double *p, const double *s, goss_env_canvas *c) {
    const double middle = c->width / 2.0, length = 0.38 * c->width * fmin(1.2, p[ROD]);
    goss_env_paint_line(c, middle, middle, middle - length * sin(s[0]), middle - length * cos(s[0]), 9, 0xf28e2b);
    goss_env_paint_line(c, middle, middle, middle, middle, 6, 0x333333);
}

const goss_env_kind goss__env_pendulum = {.name = "pendulum",
                                          .doc = "A pendulum is swung up and held by a torque; 200 steps",
                                          .observations = 3,
                                          .controls = 1,
                                          .state = 2,
                                          .horizon = 200,
                                          .episodes = 1,
                                          .parameter = pendulum,
                                          .named = 4,
                                          .parameters = 4,
                                          .reset = reset_pendulum,
                                          .step = step_pendulum,
                                          .observe = see_pendulum,
                                          .show = show_pendulum,
                                          .rows = 15,
                                          .columns = 29,
                                          .paint = paint_pendulum,
                                          .height = 120,
                                          .width = 120};
