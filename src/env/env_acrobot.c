/* SPDX-License-Identifier: Apache-2.0 */
/* env_acrobot.c: two links, of which the joint between them is driven (Sutton 1996; Sutton and Barto 1998). Equations,
 * constants and the Runge-Kutta step of 0.2 s are those of Gymnasium's Acrobot-v1. */
#include <math.h>

#include "env/env.h"

enum { FIRST, SECOND, FIRST_MASS, SECOND_MASS, TORQUE };
static const goss_env_parameter acrobot[] = {
    GOSS__VARIES("length", 0.8, 1.2, 0.1, 5, "Of the first link, m; Gymnasium: 1"),
    GOSS__FIXED("second", 1, 0.1, 5, "Length of the second link, m"),
    GOSS__FIXED("mass", 1, 0.01, 10, "Of the first link, kg"),
    GOSS__VARIES("second_mass", 0.8, 1.2, 0.01, 10, "Of the second link, kg; Gymnasium: 1"),
    GOSS__FIXED("torque", 1, 0.01, 10, "The largest at the joint, N m")};

static void reset(const double *parameter, double *s, goss_env_random *r) {
    (void)parameter;
    for (int i = 0; i < 4; i++) s[i] = goss__env_between(r, -0.1, 0.1);
}

/* s: both angles, the second relative to the first, and their speeds; ds/dt under a torque. */
static void slope(const double *p, const double *s, double torque, double out[4]) {
    const double g = 9.8, m1 = p[FIRST_MASS], m2 = p[SECOND_MASS], l1 = p[FIRST], c1 = 0.5 * p[FIRST],
                 c2 = 0.5 * p[SECOND], moment = 1;
    const double cosine = cos(s[1]), sine = sin(s[1]);
    const double d1 = m1 * (c1 * c1) + m2 * (l1 * l1 + c2 * c2 + 2 * l1 * c2 * cosine) + moment + moment;
    const double d2 = m2 * (c2 * c2 + l1 * c2 * cosine) + moment;
    const double phi2 = m2 * c2 * g * cos(s[0] + s[1] - M_PI / 2);
    const double phi1 = -m2 * l1 * c2 * (s[3] * s[3]) * sine - 2 * m2 * l1 * c2 * s[3] * s[2] * sine +
                        (m1 * c1 + m2 * l1) * g * cos(s[0] - M_PI / 2) + phi2;
    out[0] = s[2], out[1] = s[3];
    out[3] = (torque + d2 / d1 * phi1 - m2 * l1 * c2 * (s[2] * s[2]) * sine - phi2) /
             (m2 * (c2 * c2) + moment - (d2 * d2) / d1);
    out[2] = -(d2 * out[3] + phi1) / d1;
}

static void ahead(const double *s, const double *by, double h, double out[4]) {
    for (int i = 0; i < 4; i++) out[i] = s[i] + h * by[i];
}

/* An angle within -pi .. pi. */
static double wrapped(double a) {
    while (a > M_PI) a -= 2 * M_PI;
    while (a < -M_PI) a += 2 * M_PI;
    return a;
}

static double step(const double *p, double *s, const float *action, goss_env_random *r, bool *terminal) {
    const double torque = p[TORQUE] * ((int)action[0] - 1), h = 0.2;
    double k1[4], k2[4], k3[4], k4[4], at[4];
    (void)r;
    slope(p, s, torque, k1);
    ahead(s, k1, h / 2, at), slope(p, at, torque, k2);
    ahead(s, k2, h / 2, at), slope(p, at, torque, k3);
    ahead(s, k3, h, at), slope(p, at, torque, k4);
    for (int i = 0; i < 4; i++) s[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
    s[0] = wrapped(s[0]), s[1] = wrapped(s[1]);
    s[2] = goss__env_clip(s[2], -4 * M_PI, 4 * M_PI), s[3] = goss__env_clip(s[3], -9 * M_PI, 9 * M_PI);
    *terminal = -cos(s[0]) - cos(s[1] + s[0]) > 1;
    return *terminal ? 0 : -1;
}

static void observe(const double *parameter, const double *s, float *out) {
    (void)parameter;
    out[0] = (float)cos(s[0]), out[1] = (float)sin(s[0]), out[2] = (float)cos(s[1]), out[3] = (float)sin(s[1]);
    out[4] = (float)s[2], out[5] = (float)s[3];
}

static void show(const double *p, const double *s, char *canvas) {
    const goss_env_kind *k = &goss__env_acrobot;
    const double x = 16 + 7 * p[FIRST] * sin(s[0]), y = 8 + 3.5 * p[FIRST] * cos(s[0]), both = s[0] + s[1];
    for (int c = 0; c < k->columns; c++) goss__env_put(k, canvas, 4, c, '.');
    goss__env_line(k, canvas, 8, 16, y, x, '*');
    goss__env_line(k, canvas, y, x, y + 3.5 * p[SECOND] * cos(both), x + 7 * p[SECOND] * sin(both), '+');
    goss__env_put(k, canvas, 8, 16, 'o');
}

static void paint(const double *p, const double *s, goss_env_canvas *c) {
    const double middle = c->width / 2.0, unit = 0.45 * middle, both = s[0] + s[1];
    const double x = middle + unit * p[FIRST] * sin(s[0]), y = middle + unit * p[FIRST] * cos(s[0]);
    goss_env_paint_line(c, 0, middle - unit, c->width, middle - unit, 1, 0x59a14f);
    goss_env_paint_line(c, middle, middle, x, y, 7, 0x4e79a7);
    goss_env_paint_line(c, x, y, x + unit * p[SECOND] * sin(both), y + unit * p[SECOND] * cos(both), 7, 0xf28e2b);
    goss_env_paint_line(c, middle, middle, middle, middle, 6, 0x333333);
}

const goss_env_kind goss__env_acrobot = {.name = "acrobot",
                                         .doc = "Two links swing up by a torque between them; -1 a step, 500 at most",
                                         .observations = 6,
                                         .actions = 3,
                                         .state = 4,
                                         .horizon = 500,
                                         .episodes = 1,
                                         .parameter = acrobot,
                                         .named = 5,
                                         .parameters = 5,
                                         .reset = reset,
                                         .step = step,
                                         .observe = observe,
                                         .show = show,
                                         .rows = 17,
                                         .columns = 33,
                                         .paint = paint,
                                         .height = 120,
                                         .width = 120};
