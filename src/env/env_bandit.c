/* SPDX-License-Identifier: Apache-2.0 */
/* env_bandit.c: what needs no world to explore in: Bernoulli bandits and random tabular Markov decision processes, as
 * in Duan et al. 2016, "RL2: fast reinforcement learning via slow reinforcement learning". */
#include <math.h>

#include "env/env.h"

/* ---- bandit: 10 arms of unknown probabilities, an episode of 100 pulls ---- */

enum { ARMS = 10, LEVELS = 10 };
#define ARM(i) GOSS__VARIES("p" #i, 0, 1, 0, 1, "Probability that arm " #i " pays 1")
static const goss_env_parameter arms[] = {ARM(0), ARM(1), ARM(2), ARM(3), ARM(4),
                                          ARM(5), ARM(6), ARM(7), ARM(8), ARM(9)};

/* A state is what was pulled last, -1 for nothing, and what it paid: for pictures alone. */
static void no_pull(const double *parameter, double *state, goss_env_random *r) {
    (void)parameter, (void)r;
    state[0] = -1, state[1] = 0;
}

static double pull(const double *parameter, double *state, const float *action, goss_env_random *r, bool *terminal) {
    (void)terminal;
    state[0] = (int)action[0];
    return state[1] = goss_env_uniform(r) < parameter[(int)action[0]] ? 1 : 0;
}

static void see_one(const double *parameter, const double *state, float *out) {
    (void)parameter, (void)state;
    out[0] = 1;
}

/* A bar for each arm, and below the one that was pulled @ if it paid and x if not. */
static void show_arms(const double *parameter, const double *state, char *canvas) {
    const goss_env_kind *k = &goss__env_bandit;
    for (int i = 0; i < ARMS; i++) {
        for (int row = 0; row < LEVELS; row++)
            goss__env_put(k, canvas, row, 2 * i, parameter[i] * LEVELS > LEVELS - 1 - row ? '|' : '.');
        if (i == (int)state[0]) goss__env_put(k, canvas, LEVELS, 2 * i, state[1] > 0 ? '@' : 'x');
    }
}

static void paint_arms(const double *parameter, const double *state, goss_env_canvas *c) {
    const double wide = (double)c->width / ARMS, high = c->height - 14.0;
    for (int i = 0; i < ARMS; i++) {
        const double left = i * wide + 2, right = (i + 1) * wide - 2;
        goss_env_paint_box(c, left, high * (1 - parameter[i]), right, high, 0x4e79a7);
        if (i == (int)state[0])
            goss_env_paint_box(c, left, high + 4, right, high + 10, state[1] > 0 ? 0x59a14f : 0xe15759);
    }
    goss_env_paint_box(c, 0, high, c->width, high + 1, 0x999999);
}

const goss_env_kind goss__env_bandit = {.name = "bandit",
                                        .doc = "10 arms that pay 1 with a probability of their own; 100 pulls",
                                        .observations = 1,
                                        .actions = ARMS,
                                        .state = 2,
                                        .horizon = 100,
                                        .episodes = 1,
                                        .parameter = arms,
                                        .named = ARMS,
                                        .parameters = ARMS,
                                        .reset = no_pull,
                                        .step = pull,
                                        .observe = see_one,
                                        .show = show_arms,
                                        .rows = LEVELS + 1,
                                        .columns = 2 * ARMS - 1,
                                        .paint = paint_arms,
                                        .height = 120,
                                        .width = 120};

/* ---- tabular: 10 states, 5 actions; transitions from a flat Dirichlet, rewards with means N(1, 1) and noise 1 ---- */

enum { STATES = 10, MOVES = 5, MEANS = STATES * MOVES, CHANCES = MEANS * STATES };

static void first_state(const double *parameter, double *state, goss_env_random *r) {
    (void)parameter, (void)r;
    state[0] = 0;
}

static void draw_world(double *parameter, goss_env_random *r) {
    double *chance = parameter + MEANS;
    for (int i = 0; i < MEANS; i++) parameter[i] = 1 + goss_env_normal(r);
    for (int i = 0; i < MEANS; i++, chance += STATES) {
        double sum = 0;
        for (int s = 0; s < STATES; s++) sum += chance[s] = -log(1 - goss_env_uniform(r));
        for (int s = 0; s < STATES; s++) chance[s] /= sum;
    }
}

static double move(const double *parameter, double *state, const float *action, goss_env_random *r, bool *terminal) {
    const int row = (int)state[0] * MOVES + (int)action[0];
    const double *chance = parameter + MEANS + row * STATES;
    double u = goss_env_uniform(r);
    int to = 0;
    (void)terminal;
    while (to < STATES - 1 && (u -= chance[to]) >= 0) to++;
    state[0] = to;
    return parameter[row] + goss_env_normal(r);
}

static void see_state(const double *parameter, const double *state, float *out) {
    (void)parameter;
    for (int s = 0; s < STATES; s++) out[s] = s == (int)state[0];
}

/* 0 to 3: below 0, 1 and 2, and above. */
static int level(double mean) { return (mean >= 0) + (mean >= 1) + (mean >= 2); }

/* A column for each state, a row for each action: its mean reward, from - (below 0) over . and + to * (2 or more). */
static void show_world(const double *parameter, const double *state, char *canvas) {
    const goss_env_kind *k = &goss__env_tabular;
    for (int s = 0; s < STATES; s++)
        for (int a = 0; a < MOVES; a++) goss__env_put(k, canvas, a, 2 * s, "-.+*"[level(parameter[s * MOVES + a])]);
    goss__env_put(k, canvas, MOVES, 2 * (int)state[0], '@');
}

static void paint_world(const double *parameter, const double *state, goss_env_canvas *c) {
    static const unsigned colours[] = {0xe15759, 0xeeeeee, 0xb6d7a8, 0x59a14f};
    const double wide = (double)c->width / STATES, high = (c->height - 14.0) / MOVES;
    for (int s = 0; s < STATES; s++)
        for (int a = 0; a < MOVES; a++)
            goss_env_paint_box(c, s * wide + 1, a * high + 1, (s + 1) * wide - 1, (a + 1) * high - 1,
                               colours[level(parameter[s * MOVES + a])]);
    goss_env_paint_box(c, state[0] * wide + 1, c->height - 11.0, (state[0] + 1) * wide - 1, c->height - 4.0, 0x4e79a7);
}

const goss_env_kind goss__env_tabular = {.name = "tabular",
                                         .doc = "A random MDP of 10 states and 5 actions; 10 episodes of 10 steps",
                                         .observations = STATES,
                                         .actions = MOVES,
                                         .state = 1,
                                         .horizon = 10,
                                         .episodes = 10,
                                         .parameters = MEANS + CHANCES,
                                         .draw = draw_world,
                                         .reset = first_state,
                                         .step = move,
                                         .observe = see_state,
                                         .show = show_world,
                                         .rows = MOVES + 1,
                                         .columns = 2 * STATES - 1,
                                         .paint = paint_world,
                                         .height = 120,
                                         .width = 120};
