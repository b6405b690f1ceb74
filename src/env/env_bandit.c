/* SPDX-License-Identifier: Apache-2.0 */
/* env_bandit.c: what needs no world to explore in: Bernoulli bandits and random tabular Markov decision processes, as
 * in Duan et al. 2016, "RL2: fast reinforcement learning via slow reinforcement learning". */
#include <math.h>

#include "env/env.h"

/* ---- bandit: 10 arms of unknown probabilities, an episode of 100 pulls ---- */

enum { ARMS = 10 };
#define ARM(i) GOSS__VARIES("p" #i, 0, 1, 0, 1, "Probability that arm " #i " pays 1")
static const goss_env_parameter arms[] = {ARM(0), ARM(1), ARM(2), ARM(3), ARM(4),
                                          ARM(5), ARM(6), ARM(7), ARM(8), ARM(9)};

static void no_state(const double *parameter, double *state, goss_env_random *r) {
    (void)parameter, (void)r;
    state[0] = 0;
}

static double pull(const double *parameter, double *state, const float *action, goss_env_random *r, bool *terminal) {
    (void)state, (void)terminal;
    return goss_env_uniform(r) < parameter[(int)action[0]] ? 1 : 0;
}

static void see_one(const double *parameter, const double *state, float *out) {
    (void)parameter, (void)state;
    out[0] = 1;
}

const goss_env_kind goss__env_bandit = {.name = "bandit",
                                        .doc = "10 arms that pay 1 with a probability of their own; 100 pulls",
                                        .observations = 1,
                                        .actions = ARMS,
                                        .state = 1,
                                        .horizon = 100,
                                        .episodes = 1,
                                        .parameter = arms,
                                        .named = ARMS,
                                        .parameters = ARMS,
                                        .reset = no_state,
                                        .step = pull,
                                        .observe = see_one};

/* ---- tabular: 10 states, 5 actions; transitions from a flat Dirichlet, rewards with means N(1, 1) and noise 1 ---- */

enum { STATES = 10, MOVES = 5, MEANS = STATES * MOVES, CHANCES = MEANS * STATES };

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

const goss_env_kind goss__env_tabular = {.name = "tabular",
                                         .doc = "A random MDP of 10 states and 5 actions; 10 episodes of 10 steps",
                                         .observations = STATES,
                                         .actions = MOVES,
                                         .state = 1,
                                         .horizon = 10,
                                         .episodes = 10,
                                         .parameters = MEANS + CHANCES,
                                         .draw = draw_world,
                                         .reset = no_state,
                                         .step = move,
                                         .observe = see_state};
