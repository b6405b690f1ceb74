/* SPDX-License-Identifier: Apache-2.0 */
/* env_navigate.c: finding a goal that is not seen: GridNavi (Zintgraf et al. 2020, "VariBAD") and the point robot
 * (Finn et al. 2017; sparse rewards: Rakelly et al. 2019). */
#include <math.h>

#include "env/env.h"

/* ---- gridnavi ---- */

enum { SIDE = 5, GOALS = SIDE * SIDE - 4 }; /* the start and its three neighbours are no goals */
static const goss_env_parameter goals[] = {
    GOSS__WHOLE("goal", 0, GOALS - 1, 0, GOALS - 1, "The goal's cell, among those that are not next to the start")};

static int goal_cell(const double *parameter) {
    static const int below[] = {0, 1, SIDE, SIDE + 1};
    int cell = (int)parameter[0];
    for (int i = 0; i < 4; i++) cell += cell >= below[i];
    return cell;
}

static void start(const double *parameter, double *state, goss_env_random *r) {
    (void)parameter, (void)r;
    state[0] = state[1] = 0;
}

/* Stay, up, right, down, left. */
static double walk(const double *parameter, double *state, const float *action, goss_env_random *r, bool *terminal) {
    static const int across[] = {0, 0, 1, 0, -1}, up[] = {0, 1, 0, -1, 0};
    const int a = (int)action[0];
    (void)r, (void)terminal;
    state[0] = goss__env_clip(state[0] + across[a], 0, SIDE - 1);
    state[1] = goss__env_clip(state[1] + up[a], 0, SIDE - 1);
    return (int)state[1] * SIDE + (int)state[0] == goal_cell(parameter) ? 1 : -0.1;
}

static void see_cell(const double *parameter, const double *state, float *out) {
    (void)parameter;
    for (int i = 0; i < SIDE; i++) out[i] = i == (int)state[0], out[SIDE + i] = i == (int)state[1];
}

static void show_grid(const double *parameter, const double *state, char *canvas) {
    const int goal = goal_cell(parameter);
    for (int cell = 0; cell < SIDE * SIDE; cell++)
        goss__env_put(&goss__env_gridnavi, canvas, SIDE - 1 - cell / SIDE, 2 * (cell % SIDE), cell == goal ? 'G' : '.');
    goss__env_put(&goss__env_gridnavi, canvas, SIDE - 1 - (int)state[1], 2 * (int)state[0], '@');
}

static void paint_grid(const double *parameter, const double *state, goss_env_canvas *c) {
    const double cell = (double)c->width / SIDE, half = cell / 2;
    const int goal = goal_cell(parameter);
    for (int i = 0; i < SIDE * SIDE; i++) {
        const double x = cell * (i % SIDE), y = cell * (SIDE - 1 - i / SIDE);
        goss_env_paint_box(c, x + 1, y + 1, x + cell - 1, y + cell - 1, i == goal ? 0x59a14f : 0xe8e8e8);
    }
    const double x = cell * state[0] + half, y = cell * (SIDE - 1 - state[1]) + half;
    goss_env_paint_line(c, x, y, x, y, 0.6 * cell, 0x4e79a7);
}

const goss_env_kind goss__env_gridnavi = {.name = "gridnavi",
                                          .doc = "5 x 5 cells, a goal that is not seen (+1 a step on it, else -0.1); 4 "
                                                 "episodes of 15 steps. With the goal known 11.07 an episode",
                                          .observations = 2 * SIDE,
                                          .actions = 5,
                                          .state = 2,
                                          .horizon = 15,
                                          .episodes = 4,
                                          .parameter = goals,
                                          .named = 1,
                                          .parameters = 1,
                                          .reset = start,
                                          .step = walk,
                                          .observe = see_cell,
                                          .show = show_grid,
                                          .rows = SIDE,
                                          .columns = 2 * SIDE - 1,
                                          .paint = paint_grid,
                                          .height = 120,
                                          .width = 120};

/* ---- point ---- */

enum { ANGLE, RADIUS, SPARSE };
static const goss_env_parameter targets[] = {
    GOSS__VARIES("angle", 0, 3.14159265358979323846, -6.3, 6.3, "The goal's direction from the start, radians"),
    GOSS__FIXED("radius", 1, 0.3, 3, "The goal's distance from the start"),
    GOSS__FIXED("sparse", 0, 0, 1,
                "Above 0: rewards only within 0.2 of the goal, 1 less the distance; 0: everywhere, "
                "minus the distance")};

static double glide(const double *parameter, double *state, const float *action, goss_env_random *r, bool *terminal) {
    (void)r, (void)terminal;
    for (int i = 0; i < 2; i++) state[i] += 0.1 * goss__env_control(action[i]);
    const double x = state[0] - parameter[RADIUS] * cos(parameter[ANGLE]);
    const double y = state[1] - parameter[RADIUS] * sin(parameter[ANGLE]), away = sqrt(x * x + y * y);
    if (parameter[SPARSE] > 0) return away <= 0.2 ? 1 - away : 0;
    return -away;
}

static void see_point(const double *parameter, const double *state, float *out) {
    (void)parameter;
    out[0] = (float)state[0], out[1] = (float)state[1];
}

static void show_point(const double *parameter, const double *state, char *canvas) {
    const double x = parameter[RADIUS] * cos(parameter[ANGLE]), y = parameter[RADIUS] * sin(parameter[ANGLE]);
    const goss_env_kind *k = &goss__env_point;
    goss__env_put(k, canvas, (int)lround(8 - 6 * y), (int)lround(16 + 12 * x), 'G');
    goss__env_put(k, canvas, 8, 16, '+');
    goss__env_put(k, canvas, (int)lround(8 - 6 * state[1]), (int)lround(16 + 12 * state[0]), '@');
}

/* The plane from -1.6 to 1.6: the start, the goal with the circle within which sparse rewards are, the robot. */
static void paint_point(const double *parameter, const double *state, goss_env_canvas *c) {
    const double unit = c->width / 3.2, middle = c->width / 2.0;
    const double x = middle + unit * parameter[RADIUS] * cos(parameter[ANGLE]);
    const double y = middle - unit * parameter[RADIUS] * sin(parameter[ANGLE]);
    goss_env_paint_line(c, x, y, x, y, 0.4 * unit, 0xb6d7a8);
    goss_env_paint_line(c, x, y, x, y, 6, 0x59a14f);
    goss_env_paint_line(c, middle - 4, middle, middle + 4, middle, 1.5, 0x999999);
    goss_env_paint_line(c, middle, middle - 4, middle, middle + 4, 1.5, 0x999999);
    const double at[2] = {middle + unit * state[0], middle - unit * state[1]};
    goss_env_paint_line(c, at[0], at[1], at[0], at[1], 9, 0x4e79a7);
}

const goss_env_kind goss__env_point = {.name = "point",
                                       .doc = "A point in the plane moves by at most 0.1 an axis a step; a goal on a "
                                              "half circle that is not seen; 3 episodes of 20 steps",
                                       .observations = 2,
                                       .controls = 2,
                                       .state = 2,
                                       .horizon = 20,
                                       .episodes = 3,
                                       .parameter = targets,
                                       .named = 3,
                                       .parameters = 3,
                                       .reset = start,
                                       .step = glide,
                                       .observe = see_point,
                                       .show = show_point,
                                       .rows = 17,
                                       .columns = 33,
                                       .paint = paint_point,
                                       .height = 120,
                                       .width = 120};
