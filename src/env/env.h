/* SPDX-License-Identifier: Apache-2.0 */
/* env.h: environments inside: their random streams, and the kinds. A kind is one file, with a row in env_kinds.c. */
#ifndef GOSS_ENV_ENV_H
#define GOSS_ENV_ENV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rng.h"
#include "gossamer/env.h"

struct goss_env_random {
    goss__rng rng;
};

/* Lives side by side; env_vector.c has those whose states are arrays, env_many.c those that are kept elsewhere. */
struct goss_envs {
    goss_env_family family;
    goss_envs_options o;
    struct goss__pool *pool;
    goss_env_random *random; /* [count] */
    uint64_t *task;
    float *observation, *ended_at, *reward;
    uint8_t *ended, *terminal, *over, *bad;
    int32_t *episode, *step;
    double *parameter, *state;
    const float *actions;   /* of the step that is being taken */
    void *lives;            /* of goss_env_many */
    goss_env_call *call;    /* [count] of goss_env_many */
    goss_env_canvas canvas; /* of goss_envs_picture */
    goss_status status;     /* the first error of goss_env_many, which stays */
    goss_error error;
};
/* The numbers of an action as goss_envs_step has them. */
static inline int goss__env_action_size(const goss_env_kind *k) { return k->actions ? 1 : k->controls; }
static inline float *goss__env_seen_by(const goss_envs *e, float *all, int i) {
    return all + (size_t)i * (size_t)e->family.kind->observations;
}
/* Whether the present observation of a life is finite; where it is not, the life is marked. */
void goss__env_mark(goss_envs *e, int i);

/* The first states of lives first .. first + n - 1, whose tasks are set; and a step of all of them. */
void goss__many_begin(goss_envs *e, int first, int n);
void goss__many_step(goss_envs *e);

/* The stream of a life in task k, or of the draw of that task. */
goss_env_random goss__env_stream(uint64_t seed, bool held_out, uint64_t k, uint64_t purpose);

static inline double goss__env_between(goss_env_random *r, double low, double high) {
    return low + (high - low) * goss_env_uniform(r);
}
static inline double goss__env_clip(double v, double least, double most) {
    return v < least ? least : v > most ? most : v;
}
/* An action's control, within -1 .. 1. */
static inline double goss__env_control(float a) { return goss__env_clip((double)a, -1, 1); }

/* Puts a character on a canvas, if it is on it. */
void goss__env_put(const goss_env_kind *k, char *canvas, int row, int column, char c);
/* A straight line of characters. */
void goss__env_line(const goss_env_kind *k, char *canvas, double row, double column, double to_row, double to_column,
                    char c);

extern const goss_env_kind goss__env_bandit, goss__env_tabular, goss__env_gridnavi, goss__env_point, goss__env_cartpole,
    goss__env_mountaincar, goss__env_acrobot, goss__env_pendulum;

#define GOSS__FIXED(name_, value, least_, most_, doc_)                                                                 \
    { .name = name_, .low = value, .high = value, .least = least_, .most = most_, .doc = doc_ }
#define GOSS__VARIES(name_, low_, high_, least_, most_, doc_)                                                          \
    { .name = name_, .low = low_, .high = high_, .least = least_, .most = most_, .doc = doc_ }
#define GOSS__WHOLE(name_, low_, high_, least_, most_, doc_)                                                           \
    { .name = name_, .low = low_, .high = high_, .least = least_, .most = most_, .whole = true, .doc = doc_ }
#endif
