/* SPDX-License-Identifier: Apache-2.0 */
/* agent.h: policies for families of environments (env.h), learned by proximal policy optimisation.
 *
 * A policy is a network of the present observation. What it knows beside that is a choice (`sees`), and so is how it
 * uses it (`policy`):
 *   sees     nothing    the observation alone
 *            history    the state h of a GRU that reads observations, actions, rewards and beginnings of episodes since
 *                       the life began: it learns within a life what its task is (RL2: Duan et al. 2016, Wang et al.
 *                       2016)
 *            task       the parameters of the task (an oracle), scaled to -1 .. 1
 *            gradient   the first episodes of its life: a step of the policy gradient on them changes its weights, and
 *                       the initial weights are trained for what comes of that step (MAML: Finn et al. 2017)
 *            id         which of a few tasks it is: a one-hot code of each of the task's whole parameters that differ
 *                       from task to task, such as the mode of a game; the first layer has an embedding for each value
 *   policy   concat     a layer of units on [observation, what is known]
 *            film       units of the observation, scaled and shifted by what is known (Perez et al. 2018)
 *            hypernet   weights of the policy generated from what is known: base + delta, the delta zero at the start
 *                       and the base an ordinary initialisation (Bias-HyperInit: Beck et al. 2022)
 * The value is a network of units on [observation, what is known] for all policies. history with concat is the plain
 * recurrent policy that re-reads the observation.
 *
 *     GOSS_TRY(goss_agent_load("runs/gridnavi/model.safetensors", NULL, &a, err));
 *     goss_agent_evaluation o = {.tasks = 100, .episodes = 4, .seed = 1, .held_out = true};
 *     double *returns = calloc((size_t)o.tasks * (size_t)o.episodes, sizeof *returns);
 *     GOSS_TRY(goss_agent_evaluate(a, &o, returns, NULL, NULL, err));          // does episode 4 earn more than 1?
 *     GOSS_TRY(goss_agent_adapt(a, &(goss_agent_adaptation){.episodes = 3, .fixed = true}, NULL, &fixed, err));
 *
 * Training is by a configuration (goss_agent_keys, goss_agent_train; examples/own_environment.c). Results depend on
 * seeds alone, not on the number of threads.
 *
 * Threads: an agent belongs to one thread at a time. */
#ifndef GOSSAMER_AGENT_H
#define GOSSAMER_AGENT_H

#include <signal.h>

#include "gossamer/config.h"
#include "gossamer/env.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the agent knows beside the observation, in the order of `sees` above. */
typedef enum goss_agent_sees {
    GOSS_AGENT_NOTHING,
    GOSS_AGENT_HISTORY,
    GOSS_AGENT_TASK,
    GOSS_AGENT_GRADIENT,
    GOSS_AGENT_ID
} goss_agent_sees;
/* How the policy uses it. Nothing and gradient go with concat alone. */
typedef enum goss_agent_policy { GOSS_AGENT_CONCAT, GOSS_AGENT_FILM, GOSS_AGENT_HYPERNET } goss_agent_policy;

/* Settings of an agent; defaults in brackets. */
typedef struct goss_agent_options {
    unsigned sees;   /* goss_agent_sees (HISTORY) */
    unsigned policy; /* goss_agent_policy (HYPERNET) */
    int memory;      /* units of the GRU (64) */
    int units;       /* of the policy's layer, and of the value's (32) */
    int code;        /* hypernet: length of the code that weights are generated from (32) */
    bool normalize;  /* observations by their running mean and variance (true; images: never) */
    /* A network that observations go through first, as text of goss_target_parse without a head ("auto": the
     * convolutions of Mnih et al. 2013 for images, nothing for lists of numbers; "": nothing). What the agent sees, and
     * what is known beside it, is of its features. Borrowed by goss_agent_new, which copies it. */
    const char *encoder;
    /* gradient: the episodes of a life before the step, which leave at least one (1), its rate (0.1), and the discount
     * of the rewards that it is taken on (0.99; of a run: ppo.discount). */
    int support;
    double inner_rate, discount;
    bool clip_rewards; /* the agent sees and learns from the sign of rewards alone; returns are whole (false) */
} goss_agent_options;
/* The defaults in brackets. */
GOSS_API goss_agent_options goss_agent_defaults(void);

/* A policy with its value, the family that it is for, and the moments by which observations are normalized. */
typedef struct goss_agent goss_agent;

/* A new agent for a family, with initial weights of a seed. Errors: GOSS_E_ARGUMENT: a setting out of range, or an
 * encoder that is no network for the observations (goss_target_parse); GOSS_E_UNSUPPORTED: film or hypernet of nothing
 * or gradient, task of a family without parameters that vary, an encoder with batch norms or with choices of structure;
 * GOSS_E_NOMEM. Owns: *out, goss_agent_free; copies the family, whose kind must outlive it. */
GOSS_API GOSS_MUST_USE goss_status goss_agent_new(const goss_env_family *f, const goss_agent_options *o, uint64_t seed,
                                                  goss_agent **out, goss_error *err);
/* Frees an agent; NULL is allowed. */
GOSS_API void goss_agent_free(goss_agent *a);
/* Its settings, borrowed: as given, with the encoder in full where it was "auto". */
GOSS_API const goss_agent_options *goss_agent_settings(const goss_agent *a);
/* The family whose tasks it was made for, with its ranges. Borrowed. */
GOSS_API const goss_env_family *goss_agent_family(const goss_agent *a);
/* The number of weights that are trained, those of the value and of the encoder among them. */
GOSS_API int64_t goss_agent_weights(const goss_agent *a);
/* Frames (steps of environments) that it was trained on. */
GOSS_API int64_t goss_agent_frames(const goss_agent *a);

/* Whether a file is an agent's, or the checkpoint of an agent's run, which goss_agent_load refuses by name; by its
 * metadata, false if it cannot be read. */
GOSS_API bool goss_agent_is(const char *path);
/* Writes a file (safetensors) atomically: weights, moments, settings and the family's name and ranges. Errors:
 * GOSS_E_NUMERIC: weights that are not finite; GOSS_E_IO; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_agent_save(const goss_agent *a, const char *path, goss_error *err);
/* Reads such a file. own: the environment, where it is a kind of the program's own or `process` (env_process.h): a file
 * names its environment, but never a command that is run. NULL: one of the library, or ale/GAME, whose process is then
 * started and belongs to the agent. Errors: GOSS_E_IO; GOSS_E_FORMAT: not an agent's file, or a damaged one, by key or
 * tensor; GOSS_E_ARGUMENT: an environment that is not there or has another name, or parameters that do not take the
 * file's ranges; those of goss_agent_new and goss_env_atari_open. Owns: *out, goss_agent_free; `own` must outlive it.
 * */
GOSS_API GOSS_MUST_USE goss_status goss_agent_load(const char *path, const goss_env_kind *own, goss_agent **out,
                                                   goss_error *err);

/* ---- evaluation ---- */

/* What an agent is evaluated on: one life in each task. */
typedef struct goss_agent_evaluation {
    int tasks;     /* 0 .. tasks - 1, at least 1 */
    int episodes;  /* of a life; 0: the kind's */
    uint64_t seed; /* of the tasks */
    bool held_out; /* those of training otherwise */
    bool sample;   /* actions are drawn from the policy; false: the most likely one */
    int threads;   /* 0: as goss_threads_new */
} goss_agent_evaluation;
/* A moment in the life of task 0. */
typedef struct goss_agent_moment {
    goss_envs *envs;          /* in which it is life 0: goss_envs_show, goss_envs_picture */
    int episode;              /* from 0 */
    int step;                 /* of the episode; 0: the life begins */
    const float *observation; /* [observations] that the action was chosen by; of step 0 the first one */
    const float *action;      /* as of goss_envs_step; NULL: of step 0 */
    double reward;
} goss_agent_moment;
/* Returns (sums of rewards) of each episode, out [tasks, episodes]. show: called at the beginning and after each step
 * of the life in task 0; what it returns ends the evaluation, unless it is GOSS_OK. NULL: not called. Errors: those of
 * goss_envs_new and goss_envs_step; GOSS_E_ARGUMENT: no tasks; GOSS_E_NUMERIC: weights that are not finite;
 * GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_agent_evaluate(const goss_agent *a, const goss_agent_evaluation *o, double *out,
                                                       goss_status (*show)(void *context, const goss_agent_moment *m,
                                                                           goss_error *err),
                                                       void *context, goss_error *err);

/* ---- adaptation ---- */

/* Where an agent comes to know a task from, before its policy is fixed. */
typedef struct goss_agent_adaptation {
    /* A table (table.h) with a row for each step, in order: the columns episode, action (action1, action2 ... of
     * controls), reward, and x1, x2 ...: the observation that the action was chosen by. NULL: the agent acts. */
    const char *support;
    int episodes;                  /* acting: of a life, before the policy is fixed; sees task: 0 is enough */
    uint64_t seed;                 /* acting: of the task, number 0 of the held-out ones */
    const goss_env_family *family; /* acting: a narrower one of the agent's kind; NULL: the agent's */
    bool sample;                   /* acting: as of goss_agent_evaluation */
    bool fixed;                    /* history: its policy of this moment, without a memory from here on */
} goss_agent_adaptation;
/* An agent that has come to know a task. One that sees history begins each life with the memory that it has now. Of
 * others, and of its policy of this moment (fixed), it is what weights become with what is known, as an agent that sees
 * the observation alone (sees nothing, policy concat): generated weights are written out, and what was beside the
 * observation is part of biases. Its family is the one task that was acted in; of a table it stays what it was.
 * returns: of the episodes acted, [episodes], NULL: not wanted. Errors: GOSS_E_UNSUPPORTED: an agent that sees nothing
 * of its task; task and a table: the parameters are not in it; gradient and a table, or fewer episodes than its step is
 * taken on; GOSS_E_ARGUMENT: columns or rows of a table, by name and line; fixed of others than history; those of
 * goss_agent_evaluate. Owns: *out, goss_agent_free, before `a`. */
GOSS_API GOSS_MUST_USE goss_status goss_agent_adapt(const goss_agent *a, const goss_agent_adaptation *o,
                                                    double *returns, goss_agent **out, goss_error *err);

/* ---- pictures of a life ---- */

/* Frames of one size, in rows on one picture; of more than `most` every second is dropped, as often as needed, so that
 * those that stay are evenly spaced. */
typedef struct goss_strip goss_strip;
/* An empty strip. columns: frames of a row, 1 .. 10,000; most: frames in all, 2 .. 100,000. Errors: GOSS_E_ARGUMENT:
 * one of them out of range; GOSS_E_NOMEM. Owns: *out, goss_strip_free. */
GOSS_API GOSS_MUST_USE goss_status goss_strip_new(int columns, int most, goss_strip **out, goss_error *err);
/* Frees a strip; NULL is allowed. */
GOSS_API void goss_strip_free(goss_strip *s);
/* Adds a frame, which is copied; the first one reserves memory for all. Errors: GOSS_E_ARGUMENT: of another size than
 * the first; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_strip_add(goss_strip *s, const goss_env_canvas *frame, goss_error *err);
/* Writes what was added as a PNG file. *shown, *every (NULL: not wanted): frames on it, and of how many one. Errors:
 * GOSS_E_ARGUMENT: no frame, or a picture of more than 65,535 pixels in a direction; GOSS_E_UNSUPPORTED: a build
 * without libpng; GOSS_E_IO; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_strip_write(const goss_strip *s, const char *path, int *shown, int *every,
                                                    goss_error *err);

/* ---- training ---- */

/* The keys of a run, *n of them, for goss_config_new: sections [env], [agent], [ppo], [optimizer], [train], [validate],
 * [run]. Static storage. */
GOSS_API const goss_key *goss_agent_keys(int *n);
/* Whether a configuration file is of an agent: it has a section [env]. false if it cannot be read. */
GOSS_API bool goss_agent_run_is(const char *path);

/* The agent that a run of this configuration would begin with, without writing anything: settings, environment and
 * run.dir are checked. own: as in goss_agent_run. *frames: of an iteration. Errors: as goss_agent_train. Owns: *out,
 * goss_agent_free. */
GOSS_API GOSS_MUST_USE goss_status goss_agent_plan(const goss_config *c, const goss_env_kind *own, goss_agent **out,
                                                   int64_t *frames, goss_error *err);

/* The state of a run after an iteration: lives that are advanced in parallel, and the updates from what they gave. */
typedef struct goss_agent_progress {
    int64_t iteration, frames, most_frames; /* iterations done; steps of environments so far, and of the whole run */
    double loss, entropy; /* means over the iteration: of the PPO loss, and of the policy's entropy in nats */
    double life;          /* mean return of the lives that ended in this iteration; NaN: none did */
    double validation;    /* mean return of a life on held-out tasks; NaN: none yet */
    double best;          /* the best validation; NaN: none yet */
    bool validated;       /* in this iteration */
    double seconds, frames_per_second; /* of the run, with what was before a resume; of this process */
} goss_agent_progress;

/* What a run is given beside its configuration. */
typedef struct goss_agent_run {
    const goss_env_kind *own;          /* a program's own environment; NULL: that of env.name */
    const volatile sig_atomic_t *stop; /* set by a signal: saves a checkpoint and ends; NULL */
    void (*progress)(void *context, const goss_agent_progress *p); /* called after each iteration; NULL */
    void *context;                                                 /* for progress */
} goss_agent_run;
/* Trains by a configuration of goss_agent_keys: run.dir gets config.ini, metrics.jsonl, checkpoint.safetensors and
 * model.safetensors (the agent of the best validation). The same run goes on from its checkpoint, to the same bits. o:
 * NULL: nothing of it. *last: the last progress, after an error too; NULL: not wanted. Errors: GOSS_E_ARGUMENT:
 * settings, or a folder of another run; GOSS_E_INTERRUPTED: stopped, with a checkpoint; GOSS_E_NUMERIC: numbers of an
 * environment that are not finite (a checkpoint is there), or a loss, gradients or actions of the policy, at the end,
 * too (the agent of the best validation is kept, if there is one); GOSS_E_IO; GOSS_E_UNSUPPORTED: as goss_agent_new;
 * GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_agent_train(const goss_config *c, const goss_agent_run *o,
                                                    goss_agent_progress *last, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
