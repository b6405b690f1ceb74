/* SPDX-License-Identifier: Apache-2.0 */
/* ppo.h: proximal policy optimisation (Schulman et al. 2017) of whole lives. */
#ifndef GOSS_RL_PPO_H
#define GOSS_RL_PPO_H

#include "gossamer/step.h"
#include "rl/agent.h"

/* The keys of [ppo] and [optimizer]. */
typedef struct goss__ppo_settings {
    int lives, steps, epochs, minibatches;
    int episodes; /* of a life; 0: the kind's */
    int carry;    /* iterations that lives go on for before all are begun anew */
    double discount, lambda, clip, value, entropy;
    bool scale_rewards;
    double rate, floor, clip_norm;
    int threads;
    uint64_t seed;
} goss__ppo_settings;

/* What N lives did in L steps, a life's steps one after the other. */
typedef struct goss__rollout {
    int lives, steps;
    float *observation, *before, *fresh, *task, *action; /* [N, L, ..] as the network sees them */
    float *log_p, *value, *reward, *advantage, *target;  /* [N, L] */
    float *next;   /* [N, L] the value of what follows; 0 where a life ended by itself */
    float *last;   /* [N, L] 1 where a life ended */
    float *raw;    /* [N, L, O] observations before normalisation; NULL where there is none */
    float *memory; /* [N, H] before the first step; NULL: lives begin with it */
    /* sees gradient, NULL otherwise: [N, S] coefficients of the step on the first S steps; [N, L] 1 where a step of the
     * life was taken, and where its weights had changed by then. */
    float *inner, *alive, *learned;
    double *sum;      /* [N] returns of the present lives */
    double mean_life; /* mean return of the lives that ended */
    int lives_ended;
} goss__rollout;
goss_status goss__rollout_open(goss__rollout *r, const goss_agent *a, const goss__ppo_settings *s, int lives,
                               goss_error *err);
/* Whether an agent's memory is an input of the first step. */
bool goss__ppo_carries(const goss_agent *a, const goss__ppo_settings *s);
void goss__rollout_close(goss__rollout *r);
/* Fills it with the lives of an iteration. Errors: those of the environments. */
goss_status goss__rollout_fill(goss__rollout *r, goss__actor *c, const goss__ppo_settings *s, uint64_t iteration,
                               goss_error *err);
/* Advantages by generalised advantage estimation (Schulman et al. 2016), and targets of the value, of rewards divided
 * by `scale`. */
void goss__rollout_advantages(goss__rollout *r, double discount, double lambda, double scale);

typedef struct goss__ppo goss__ppo;
/* a: its weights are those of the step's store while this is open. Owns: goss__ppo_close. */
goss_status goss__ppo_open(goss_agent *a, const goss__ppo_settings *s, goss_threads *threads, goss__ppo **out,
                           goss_error *err);
void goss__ppo_close(goss__ppo *p);
/* Rolls out, and updates the agent; rate: the learning rate. */
typedef struct goss__ppo_result {
    double loss, entropy, life; /* life: NaN where none ended */
    int64_t frames;
} goss__ppo_result;
goss_status goss__ppo_iterate(goss__ppo *p, uint64_t iteration, double rate, goss__ppo_result *out, goss_error *err);
/* Whether an update has been broken off: the store is of no iteration's end. */
bool goss__ppo_torn(const goss__ppo *p);
/* Whether the policy answers to what it sees now with finite numbers. Errors: GOSS_E_NUMERIC; torn from then on. */
goss_status goss__ppo_check(goss__ppo *p, goss_error *err);
/* The store: weights and optimiser. */
goss_params *goss__ppo_params(const goss__ppo *p);
/* The store's weights into the agent. */
void goss__ppo_export(const goss__ppo *p);
#endif
