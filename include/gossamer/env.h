/* SPDX-License-Identifier: Apache-2.0 */
/* env.h: environments for reinforcement learning: families of Markov decision processes, thousands at once.
 *
 * A *family* is a kind of environment (CartPole, GridNavi ...) with a range for each of its parameters. A *task* is one
 * point of the family: task k is a pure function of (seed, part, k). An agent lives in a task for a *life* of several
 * *episodes*, in which it can learn from what it has seen. goss_envs runs many lives side by side; each has a task and
 * a counter-based random stream of its own, so that results are the same bits for any number of threads.
 *
 *     goss_env_family f;
 *     goss_env_family_of("cartpole", &f, &err);
 *     goss_env_family_set(&f, "length", .25, 1, &err);             // of the pole, from task to task
 *     goss_envs_new(&f, &(goss_envs_options){.count = 1024, .seed = 1}, &e, &err);
 *     goss_envs_begin_all(e, 0);                                   // life i in task i
 *     while (...) { policy(goss_envs_look(e).observation, actions); goss_envs_step(e, actions, &err); ... }
 *
 * A program's own environment is a goss_env_kind that it fills in (examples/own_environment.c). Equations of the
 * classic control problems: Barto, Sutton and Anderson 1983 (CartPole); Moore 1990 (MountainCar); Sutton 1996, Sutton
 * and Barto 1998 (Acrobot); values agree with Gymnasium's to the last digits (tests/golden/env). */
#ifndef GOSSAMER_ENV_H
#define GOSSAMER_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- kinds ---- */

/* The random stream of a life, or of the draw of a task. */
typedef struct goss_env_random goss_env_random;
/* Draws a number uniform in [0, 1). r advances. */
GOSS_API double goss_env_uniform(goss_env_random *r);
/* Draws a normal number of mean 0 and variance 1. */
GOSS_API double goss_env_normal(goss_env_random *r);
/* Draws an integer uniform in 0 .. n - 1, n at least 1. */
GOSS_API int goss_env_below(goss_env_random *r, int n);

/* Bounds of a kind: all numbers of a task, numbers of a state, of an observation, and of a continuous action. At most
 * 32 of a task's numbers have names. */
#define GOSS_ENV_MOST_PARAMETERS 640
#define GOSS_ENV_MOST_STATE 32
#define GOSS_ENV_MOST_OBSERVATIONS 1048576
#define GOSS_ENV_MOST_CONTROLS 8

/* A parameter of a family: a number that is uniform in low .. high from task to task. */
typedef struct goss_env_parameter {
    const char *name;
    double low, high;   /* the standard range; equal: the same in all tasks */
    double least, most; /* what goss_env_family_set takes */
    bool whole;         /* an integer from low to high, both included */
    const char *doc;    /* one line, for reports */
} goss_env_parameter;

/* A picture: RGB bytes [height, width, 3], rows from the top. */
typedef struct goss_env_canvas {
    int height, width;
    uint8_t *rgb; /* borrowed from whoever gave the canvas */
} goss_env_canvas;
/* Fills the box from x0, y0 to x1, y1 with a color 0xRRGGBB. Coordinates are pixels from the upper left corner,
 * fractions too; what is outside is left out. */
GOSS_API void goss_env_paint_box(goss_env_canvas *c, double x0, double y0, double x1, double y1, unsigned colour);
/* Paints a line with round ends, `width` pixels wide; a disc where it ends at its beginning. */
GOSS_API void goss_env_paint_line(goss_env_canvas *c, double x0, double y0, double x1, double y1, double width,
                                  unsigned colour);

/* One life of a call of goss_env_many. */
typedef struct goss_env_call {
    int life;                /* from 0 */
    uint64_t seed;           /* reset: of all randomness of the episode, below 2^53 */
    const double *parameter; /* reset: of the task */
    const float *action;     /* step: a number from 0, or controls in -1 .. 1 */
    float *observation;      /* written: [observations] */
    float reward;            /* step, written: of this step */
    uint8_t end;             /* step, written: 0 the episode goes on, 1 it ended by itself, 2 it was cut off */
} goss_env_call;

/* Lives that are advanced together by something that keeps their states itself: another process, a simulator with
 * batches of its own. An episode must depend on its call of reset and on the actions since alone. Errors: *bad: the
 * number of the call at fault, or -1; the text is completed with environment, life, task, episode and step. */
typedef struct goss_env_many {
    /* Makes `count` lives, which goss_envs_new asks for; context is the kind's. *lives is passed to the others. */
    goss_status (*open)(void *context, int count, void **lives, goss_error *err);
    /* Ends them (goss_envs_free). */
    void (*close)(void *lives);
    /* Begins an episode in each of n lives: reads seed and parameter of each call, writes its observation. */
    goss_status (*reset)(void *lives, goss_env_call *call, int n, int *bad, goss_error *err);
    /* Advances n lives by a step: reads the action of each call, writes observation, reward and end. */
    goss_status (*step)(void *lives, goss_env_call *call, int n, int *bad, goss_error *err);
    /* A life as a picture, which is borrowed until the next call. NULL: none. */
    goss_status (*picture)(void *lives, int life, goss_env_canvas *out, goss_error *err);
} goss_env_many;

/* A kind of environment. A state is an array of doubles; all functions are pure in (parameters, state, action, random
 * stream) and are called from several threads at once, each with its own arrays. */
typedef struct goss_env_kind {
    const char *name, *doc;
    int observations;                    /* numbers of an observation, at most GOSS_ENV_MOST_OBSERVATIONS */
    int actions;                         /* discrete: their number; 0: continuous */
    int controls;                        /* continuous: numbers of an action, each clipped to -1 .. 1 */
    int state;                           /* numbers of a state, at most GOSS_ENV_MOST_STATE; `many`: 0 */
    int horizon;                         /* steps after which an episode is truncated */
    int episodes;                        /* of a life, where goss_envs_options does not say */
    const goss_env_parameter *parameter; /* [named] with names and ranges */
    int named;                           /* at most 32 */
    int parameters;                      /* all numbers of a task: `named` and then what `draw` adds */
    /* Draws the parameters behind the named ones, which are there. NULL: none. */
    void (*draw)(double *parameter, goss_env_random *r);
    /* The first state of an episode. */
    void (*reset)(const double *parameter, double *state, goss_env_random *r);
    /* Advances the state by an action (discrete: action[0] is its number) and returns the reward. *terminal: the
     * episode has ended by itself; it is false before. */
    double (*step)(const double *parameter, double *state, const float *action, goss_env_random *r, bool *terminal);
    /* What the agent sees of a state: out [observations]. */
    void (*observe)(const double *parameter, const double *state, float *out);
    /* NULL, or the same as `step` and `observe` for n lives whose numbers lie one after the other, of a kind whose
     * steps are not random: advances state [n, state], writes reward [n], terminal [n] and observation
     * [n, observations]. */
    void (*steps)(int n, const double *parameter, double *state, const float *action, double *reward, bool *terminal,
                  float *observation);
    /* Draws the state as text, canvas [rows][columns] filled with blanks. NULL: cannot be shown. */
    void (*show)(const double *parameter, const double *state, char *canvas);
    int rows, columns; /* of that text, where there is `show` */
    /* Paints the state on a white canvas [height][width]. NULL: no pictures. */
    void (*paint)(const double *parameter, const double *state, goss_env_canvas *c);
    int height, width; /* of that picture, 1 .. 4096, where there is `paint` */
    int shape[3];      /* height, width and channels of an observation that is an image; 0: it is a list of numbers */
    /* In place of reset, step and observe, for lives that are advanced together; context is given to open. */
    const goss_env_many *many;
    void *context; /* passed to open */
} goss_env_kind;

/* Kind i: bandit, tabular, gridnavi, point, cartpole, mountaincar, acrobot, pendulum; NULL after the last, and below 0.
 * Static storage. */
GOSS_API const goss_env_kind *goss_env_kind_at(int i);

/* ---- families ---- */

/* A kind with the ranges of its named parameters. */
typedef struct goss_env_family {
    const goss_env_kind *kind;
    double low[32], high[32]; /* [kind->named] */
    int horizon;              /* of an episode; as the kind says */
} goss_env_family;

/* The family of a kind of the library, by its name, with standard ranges. Errors: GOSS_E_ARGUMENT: no such kind, with
 * near names or all. */
GOSS_API GOSS_MUST_USE goss_status goss_env_family_of(const char *name, goss_env_family *out, goss_error *err);
/* The family of a program's own kind, which must outlive it. Errors: GOSS_E_ARGUMENT: what is missing or out of range
 * in the kind, by its name. */
GOSS_API GOSS_MUST_USE goss_status goss_env_family_own(const goss_env_kind *kind, goss_env_family *out,
                                                       goss_error *err);
/* Sets a parameter's range. Errors: GOSS_E_ARGUMENT: no such parameter (with their names), or a range that is empty,
 * beyond what the parameter takes, or of fractions where it is whole; the family is then unchanged. */
GOSS_API GOSS_MUST_USE goss_status goss_env_family_set(goss_env_family *f, const char *name, double low, double high,
                                                       goss_error *err);
/* The parameters of task k, out [kind->parameters]: a named one is low + u (high - low), u uniform in [0, 1), or an
 * integer low .. high where it is whole; then those of the kind's `draw`. held_out: the tasks that are judged on, of
 * another random stream: where parameters are continuous they are other ones. Threads: any. */
GOSS_API void goss_env_task(const goss_env_family *f, uint64_t seed, bool held_out, uint64_t k, double *out);

/* ---- many at once ---- */

/* Settings of goss_envs_new. */
typedef struct goss_envs_options {
    int count;     /* lives side by side, 1 .. 2^24 */
    int episodes;  /* of a life; 0: the kind's */
    uint64_t seed; /* of tasks and of all randomness */
    bool held_out; /* of tasks */
    int threads;   /* 0: as goss_threads_new */
} goss_envs_options;

/* Lives side by side. Threads: one at a time. */
typedef struct goss_envs goss_envs;
/* Creates lives, begun as by goss_envs_begin_all(e, 0). Errors: GOSS_E_ARGUMENT: a setting out of range, or a kind as
 * in goss_env_family_own; GOSS_E_NOMEM; those of the kind's `open`. Owns: *out, goss_envs_free; copies the family,
 * whose kind must outlive it. */
GOSS_API GOSS_MUST_USE goss_status goss_envs_new(const goss_env_family *f, const goss_envs_options *o, goss_envs **out,
                                                 goss_error *err);
/* Frees lives; NULL is allowed. */
GOSS_API void goss_envs_free(goss_envs *e);
/* Starts life i in task k: a pure function of (seed, part, k), whatever i and what went before. What goes wrong in it
 * is an error of the next step. */
GOSS_API void goss_envs_begin(goss_envs *e, int i, uint64_t k);
/* Starts life i in task first + i, for all of them, on all threads. */
GOSS_API void goss_envs_begin_all(goss_envs *e, uint64_t first);
/* One step of all lives that are not over. actions: discrete [count] numbers from 0; continuous [count, controls],
 * which are clipped. An episode that ends is followed by the first state of the next; after the last one the life is
 * over and its actions are ignored until goss_envs_begin. Allocates nothing.
 * Errors: GOSS_E_ARGUMENT: an action that is no number of one (all states stay as they were); GOSS_E_NUMERIC: an
 * environment gave a reward or an observation that is not finite: with kind, life, task, episode and step; those of
 * goss_env_many, after which each step returns the same. */
GOSS_API GOSS_MUST_USE goss_status goss_envs_step(goss_envs *e, const float *actions, goss_error *err);

/* What is there now, borrowed; it changes with each step. */
typedef struct goss_envs_view {
    const float *observation; /* [count, observations] of the present state */
    const float *ended_at;    /* [count, observations] of the state in which an episode ended (where `ended`) */
    const float *reward;      /* [count] of the last step */
    const uint8_t *ended;     /* [count] the last step ended an episode */
    const uint8_t *terminal;  /* [count] ... by itself: what follows is worth nothing; else it was truncated */
    const uint8_t *over;      /* [count] the life is over */
    const int32_t *episode;   /* [count] the present episode from 0 */
    const int32_t *step;      /* [count] steps of the present episode */
    const double *parameter;  /* [count, parameters] of the tasks */
    const double *state;      /* [count, kind->state]; of `many`: NULL */
} goss_envs_view;
/* The present state of all lives. Arrays stay where they are until goss_envs_free: a view may be kept, and what it
 * points to changes with each beginning and step. */
GOSS_API goss_envs_view goss_envs_look(const goss_envs *e);
/* The number of lives. */
GOSS_API int goss_envs_count(const goss_envs *e);
/* The number of episodes of a life. */
GOSS_API int goss_envs_episodes(const goss_envs *e);
/* Life i as text of kind->rows lines, into out [(columns + 1) * rows + 1]. Errors: GOSS_E_UNSUPPORTED: a kind that
 * cannot be shown; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_envs_show(const goss_envs *e, int i, char *out, goss_error *err);
/* Life i as a picture, borrowed until the next call: what its kind paints, or else an observation that is an image, its
 * last channel in grey. Errors: GOSS_E_UNSUPPORTED: neither; those of goss_env_many. */
GOSS_API GOSS_MUST_USE goss_status goss_envs_picture(goss_envs *e, int i, goss_env_canvas *out, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
