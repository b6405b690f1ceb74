/* SPDX-License-Identifier: Apache-2.0 */
/* own_environment.c: an environment of a program's own, and an agent that learns to live in it. A thermostat heats a
 * room whose walls leak: how much, and what the heater gives, differs from room to room and is not seen. Public headers
 * only. */
#include <math.h>
#include <stdio.h>

#include "gossamer/agent.h"

/* ---- the environment: parameters, a state, three functions ---- */

enum { LEAK, HEAT };
static const goss_env_parameter parameters[] = {
    {.name = "leak", .low = 0.05, .high = 0.3, .least = 0, .most = 1, .doc = "Share of the warmth that is lost a step"},
    {.name = "heat", .low = 1, .high = 3, .least = 0, .most = 10, .doc = "Degrees that the heater gives a step"}};

static void reset(const double *parameter, double *state, goss_env_random *r) {
    (void)parameter;
    state[0] = 5 + 10 * goss_env_uniform(r); /* degrees above the weather's */
}

static double step(const double *parameter, double *state, const float *action, goss_env_random *r, bool *terminal) {
    const double power = fmin(1, fmax(0, 0.5 + 0.5 * (double)action[0]));
    (void)terminal;
    state[0] += power * parameter[HEAT] - parameter[LEAK] * state[0] + 0.1 * goss_env_normal(r);
    return -fabs(state[0] - 8); /* eight degrees are pleasant */
}

static void observe(const double *parameter, const double *state, float *out) {
    (void)parameter;
    out[0] = (float)state[0];
}

static const goss_env_kind room = {.name = "room",
                                   .doc = "A room with a heater",
                                   .observations = 1,
                                   .controls = 1,
                                   .state = 1,
                                   .horizon = 25,
                                   .episodes = 2,
                                   .parameter = parameters,
                                   .named = 2,
                                   .parameters = 2,
                                   .reset = reset,
                                   .step = step,
                                   .observe = observe};

/* ---- an agent that lives in it ---- */

static void show(void *context, const goss_agent_progress *p) {
    (void)context;
    if (p->validated)
        printf("%lld frames: %.1f degrees off in a life of 50 steps\n", (long long)p->frames, -p->validation);
}

int main(int argc, char **argv) {
    goss_error err;
    goss_config *c = NULL;
    int n;
    const goss_key *keys = goss_agent_keys(&n);
    const char *const settings[] = {"train.frames=200000", "validate.every=10",    "ppo.lives=128", "ppo.discount=0.9",
                                    "ppo.entropy=0",       "optimizer.rate=0.003", "ppo.epochs=6"};
    goss_status s = goss_config_new(keys, n, &c, &err);
    for (int i = 0; s == GOSS_OK && i < 7; i++) s = goss_config_override(c, settings[i], &err);
    if (s == GOSS_OK) s = goss_config_set(c, "run.dir", argc > 1 ? argv[1] : "room", &err);
    if (s == GOSS_OK) s = goss_agent_train(c, &(goss_agent_run){.own = &room, .progress = show}, NULL, &err);
    if (s != GOSS_OK) fprintf(stderr, "%s\n", err.text);
    goss_config_free(c);
    return s != GOSS_OK;
}
