/* SPDX-License-Identifier: Apache-2.0 */
/* episode.h: few-shot tasks drawn from a set of images.
 *
 * An episode has some ways (classes); of each, shots labelled support images to adapt from and queries to be judged
 * on. Episode k is a pure function of (spec, class list, set, k): every method that asks for it sees the same one, on
 * any machine and with any number of threads. Vinyals et al. 2016, "Matching networks for one shot learning". */
#ifndef GOSSAMER_EPISODE_H
#define GOSSAMER_EPISODE_H

#include "gossamer/data.h"
#include "gossamer/task.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct goss_episode_spec {
    int ways;            /* 5; with one_alphabet the most there may be */
    int shots, queries;  /* 1 and 15: a class, support and query, never the same drawing */
    int min_shots;       /* 0: every class has `shots`; else each class draws its own from [min_shots, shots] */
    bool rotations;      /* copies turned by 90, 180, 270 degrees are classes of their own: 4n classes to draw from */
    bool one_alphabet;   /* all classes of one alphabet: its number of ways (at least 2, at most `ways`) */
    bool distinct_faces; /* a class with several faces shows some in its support and only others in its queries */
    float augment; /* 0: images as they are; 1: turned by 10 degrees, scaled and sheared by 10 %, shifted by 2 of 28
                      pixels (standard deviations of the first, limits of the last), each image by its own draw */
    float elastic; /* 0; standard deviation of a smooth displacement field, in pixels of 28 */
    uint64_t seed;
} goss_episode_spec;

GOSS_API goss_episode_spec goss_episode_spec_defaults(void);

/* The extents of one episode at most: what the buffers below must hold. */
typedef struct goss_episode_limits {
    int ways, supports, queries; /* supports and queries are images of all classes together */
    size_t image;                /* floats an image: height * width * channels */
} goss_episode_limits;

/* One episode. The caller sets the pointers; each may be NULL where it is not wanted. Images of a class are
 * neighbours and classes ascend by label; label w is the w-th class drawn. */
typedef struct goss_episode {
    float *support_images;       /* [supports, height, width, channels], 0..1 */
    int32_t *support_labels;     /* [supports], 0 <= label < ways */
    float *query_images;         /* [queries, height, width, channels] */
    int32_t *query_labels;       /* [queries] */
    int32_t *classes;            /* [ways] class of the set */
    int32_t *turns;              /* [ways] quarter turns counter-clockwise, 0..3 */
    int32_t *support_ids;        /* [supports] image of the set */
    int32_t *query_ids;          /* [queries] */
    int ways, supports, queries; /* written: what was drawn */
} goss_episode;

typedef struct goss_sampler goss_sampler;

/* Makes a sampler of episodes over `classes` (NULL: all classes) of `set`.
 *
 * Errors: GOSS_E_ARGUMENT with the numbers: fewer classes than ways, a class with fewer drawings than shots + queries,
 * faces that cannot be told apart as asked, distinct faces where no class has two, rotations of images that are not
 * square.
 * Owns: *out is the caller's; the set is borrowed and must outlive it, the list is copied.
 * Threads: one sampler belongs to one thread at a time; equal samplers draw equal episodes. */
GOSS_API GOSS_MUST_USE goss_status goss_sampler_create(const goss_images *set, const goss_class_list *classes,
                                                       const goss_episode_spec *spec, goss_sampler **out,
                                                       goss_error *err);
GOSS_API void goss_sampler_destroy(goss_sampler *sampler); /* NULL allowed */
GOSS_API goss_episode_limits goss_sampler_limits(const goss_sampler *sampler);
GOSS_API goss_episode_spec goss_sampler_spec(const goss_sampler *sampler);
GOSS_API const goss_images *goss_sampler_images(const goss_sampler *sampler); /* the set, borrowed */

/* What a sampler really draws, where that may be less than its spec asks for: what a report should say. */
typedef struct goss_sampler_scope {
    int classes;       /* that it draws from: one_alphabet leaves out alphabets of a single one */
    int least_ways;    /* the fewest ways of an episode; goss_sampler_limits has the most */
    int several_faces; /* with distinct_faces: the classes that have several; the others show their only one twice */
} goss_sampler_scope;
GOSS_API goss_sampler_scope goss_sampler_scope_of(const goss_sampler *sampler);

/* Draws episode k into the caller's buffers. Allocates nothing and cannot fail. */
GOSS_API void goss_sampler_draw(goss_sampler *sampler, uint64_t k, goss_episode *episode);
/* The sampler as a source of classification tasks: task k is episode k. Borrows the sampler; nothing to free. */
GOSS_API goss_task_source goss_sampler_source(goss_sampler *sampler);

#ifdef __cplusplus
}
#endif
#endif
