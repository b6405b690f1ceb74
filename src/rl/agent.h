/* SPDX-License-Identifier: Apache-2.0 */
/* agent.h: agents inside: their network, and the program that acts.
 *
 * Extents: T lives, L steps, O numbers of an observation, F features of it (O without an encoder), A of an action (one
 * of A, or A controls), B = A + 2 numbers of what was before (the action, the reward, whether an episode begins), K
 * what is known of the task. */
#ifndef GOSS_RL_AGENT_H
#define GOSS_RL_AGENT_H

#include "gossamer/agent.h"
#include "gossamer/env_process.h"
#include "gossamer/exec.h"
#include "gossamer/nn.h"
#include "gossamer/safetensors.h"

#define GOSS__AGENT "agent" /* the parameter with all weights */

struct goss_agent {
    goss_agent_options o;
    goss_env_family family;
    goss_layout *layout;
    float *weights;            /* [layout total] */
    float *start;              /* [memory + before] that lives begin with; NULL: with none */
    goss_target *encoder;      /* NULL: none */
    goss_env_process *process; /* its environment, where it owns one */
    int observations, actions, before, known;
    int features; /* of the encoder; without one the observations */
    bool discrete;
    /* Running moments of observations, and of discounted returns. */
    double seen, *mean, *square; /* [observations], NULL where they are not normalised; sums of squared deviations */
    double return_seen, return_mean, return_square;
    int64_t frames;
};

/* ---- agent_network.c ---- */
goss_status goss__agent_layout(goss_agent *a, goss_error *err);
void goss__agent_initialize(goss_agent *a, uint64_t seed);

/* Inputs of L steps of T lives. */
typedef struct goss__agent_inputs {
    goss_val observation; /* [T,1,L,O], normalised */
    goss_val before;      /* [T,1,L,B] */
    goss_val fresh;       /* [T,1,L,1]: 1 where a life begins */
    goss_val memory;      /* [T,1,H] before the first step; GOSS_NONE: 0 */
    goss_val task;        /* [T,1,L,K]; GOSS_NONE where it is not seen */
} goss__agent_inputs;
typedef struct goss__agent_outputs {
    goss_val action; /* [T,L,A]: logits, or means of controls */
    goss_val spread; /* [1,1,A]: log standard deviations of controls; GOSS_NONE: discrete */
    goss_val value;  /* [T,L] */
    goss_val memory; /* [T,1,H] after the last step; GOSS_NONE: none */
} goss__agent_outputs;
/* Declares the inputs for L steps of T lives. h0: whether the memory is an input. */
goss__agent_inputs goss__agent_declare(const goss_agent *a, goss_graph *g, int64_t lives, int64_t steps, bool h0);
/* Declares the parameter and applies the network. Errors: the graph's. */
goss__agent_outputs goss__agent_build(const goss_agent *a, goss_graph *g, const goss__agent_inputs *in);
/* The same with weights for the policy, and others for the value and for deviations. */
goss__agent_outputs goss__agent_apply(const goss_agent *a, goss_graph *g, const goss__agent_inputs *in,
                                      goss_weights *policy, goss_weights *value);
/* Log densities [T,L] of actions [T,1,L,A], and the mean entropy of the policy (NULL: not wanted). */
goss_val goss__agent_log_density(const goss_agent *a, const goss__agent_outputs *out, goss_val action,
                                 goss_val *entropy);

/* ---- agent_gradient.c ---- */
/* Steps of the episodes before the step, at most. */
int goss__agent_support_steps(const goss_agent *a);
/* The weights [T,P] after a step on S steps of each life: observation [T,1,S,O], action [T,1,S,A], coefficients [T,S]
 * of log densities. It can be differentiated. Errors: the graph's. */
goss_val goss__gradient_step(const goss_agent *a, goss_graph *g, goss_val observation, goss_val action,
                             goss_val coefficient);
/* Lives whose weights differ from each other. */
typedef struct goss__learner {
    goss_schedule *schedule;
    goss_exec *exec;
    const goss_params *params;
    int lives, steps;
    float *slab;                               /* [lives, P] present weights */
    float *observation, *action, *coefficient; /* [lives, S, ..] of the steps before */
    float *reward, *value;                     /* [lives, S] */
    int *taken;                                /* [lives] steps before */
    bool *ready, *learned;                     /* [lives] has them all; has changed its weights */
} goss__learner;
goss_status goss__learner_open(goss__learner *l, const goss_agent *a, int lives, goss_params *params,
                               goss_threads *threads, goss_error *err);
void goss__learner_close(goss__learner *l);
/* Life i begins with the initial weights. */
void goss__learner_begin(goss__learner *l, const goss_agent *a, int i);
struct goss__actor;
/* Takes the step that was just made into those before, where it belongs to them. episode [lives]: before the step. */
void goss__learner_note(struct goss__actor *c, const int32_t *episode, const uint8_t *over);
/* Changes the weights of lives that have them all; value: of their present states. *any: there were some. */
goss_status goss__learner_learn(struct goss__actor *c, bool *any, goss_error *err);

/* ---- agent_act.c ---- */
/* Lives that act: an environment and what the agent carries from step to step. */
typedef struct goss__actor {
    const goss_agent *agent;
    goss_envs *envs;
    goss_schedule *schedule;
    goss_exec *exec;
    int lives;
    float *observation, *before, *fresh, *task, *memory; /* [lives, ..] inputs of the next step */
    float *taken;                                        /* [lives, A] the action as `before` has it */
    float *actions;                                      /* for goss_envs_step */
    const float *output, *value, *state;                 /* of the step: [lives, A], [lives], [lives, H] */
    float spread[GOSS_ENV_MOST_CONTROLS];
    goss__learner learner; /* sees gradient */
    float *seen;           /* [lives, O] the observation, normalised, that the present step was chosen by */
    int32_t *episode;      /* [lives] before the present step */
    uint8_t *over;
    bool diverged; /* an output or an action was not finite */
} goss__actor;
/* family: of the environments, one of the agent's kind. params: has the agent's parameter. */
goss_status goss__actor_open(goss__actor *c, const goss_agent *a, const goss_env_family *family,
                             const goss_envs_options *o, goss_params *params, goss_threads *threads, goss_error *err);
void goss__actor_close(goss__actor *c);
/* All lives anew, life i in task first + i. */
void goss__actor_begin_all(goss__actor *c, uint64_t first);
/* Life i in another task. */
void goss__actor_begin(goss__actor *c, int i, uint64_t task);
/* The deviations of controls, from weights of the agent's layout. */
void goss__actor_spread(goss__actor *c, const float *weights);
/* Computes outputs for the present observations. */
goss_status goss__actor_think(goss__actor *c, goss_error *err);
/* Chooses actions: by the streams of (seed, number, life), or the most likely ones; log_p [lives]: log densities, or
 * NULL. */
void goss__actor_choose(goss__actor *c, bool sample, uint64_t seed, uint64_t number, float *log_p);
/* Errors: GOSS_E_NUMERIC: an output, or an action that was chosen, is not finite; c->diverged from then on. */
goss_status goss__actor_check(goss__actor *c, goss_error *err);
/* Takes them, once checked: the environments' step, and what is carried on. */
goss_status goss__actor_move(goss__actor *c, goss_error *err);
/* The values of states in which lives ended (where view.ended), as `think` would see them after `move`: [lives]. */
goss_status goss__actor_value_at_end(goss__actor *c, float *out, goss_error *err);

/* ---- agent_freeze.c ---- */
/* The agent with what it knows, known [as wide as the network has it], as a policy of the observation alone. family: of
 * the result. */
goss_status goss__agent_freeze(const goss_agent *a, const float *known, const goss_env_family *family, goss_agent **out,
                               goss_error *err);

/* The same of an agent that learned: its policy has weights of its own, policy [P]. */
goss_status goss__agent_freeze_weights(const goss_agent *a, const float *policy, const goss_env_family *family,
                                       goss_agent **out, goss_error *err);

/* The same agent whose lives begin with a memory [H] and what was before [B]. */
goss_status goss__agent_continue(const goss_agent *a, const float *memory, const float *before,
                                 const goss_env_family *family, goss_agent **out, goss_error *err);

/* ---- agent_create.c ---- */
void goss__agent_normalize(const goss_agent *a, const float *raw, float *out);
/* Takes n raw observations [n, O] into the running moments. */
void goss__agent_observe(goss_agent *a, const float *raw, int64_t n);
/* A reward as the agent sees it. */
static inline float goss__agent_reward(const goss_agent *a, float reward) {
    return !a->o.clip_rewards ? reward : (float)((reward > 0) - (reward < 0));
}
/* Whether it is told the task, by its parameters or by which it is. */
static inline bool goss__agent_is_told(const goss_agent *a) {
    return a->o.sees == GOSS_AGENT_TASK || a->o.sees == GOSS_AGENT_ID;
}
/* A task's parameters as the network sees them, out [K]. */
void goss__agent_task(const goss_agent *a, const double *parameter, float *out);

/* ---- agent_file.c ---- */
goss_status goss__agent_meta_number(goss_tensor_file *f, const char *key, double value, goss_error *err);
/* Adds all running moments, which are copied, as one list. */
goss_status goss__agent_add_moments(const goss_agent *a, goss_tensor_file *f, double *work, goss_error *err);
/* Their number: the length of `work`. */
int64_t goss__agent_moments(const goss_agent *a);
goss_status goss__agent_read_moments(const goss_safetensors *f, goss_agent *a, goss_error *err);
#endif
