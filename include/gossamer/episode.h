/* SPDX-License-Identifier: Apache-2.0 */
/* episode.h: few-shot classification tasks drawn from a set of images.
 *
 * An episode has a number of classes (ways); of each, labelled support images to adapt from (shots) and queries to be
 * classified. Episode k is a pure function of (spec, class list, set, k): every method sees the same one, on any
 * machine and with any number of threads. Source: Vinyals et al. 2016, "Matching networks for one shot learning".
 *
 *     goss_episode_spec spec = goss_episode_spec_defaults();              // 5-way 1-shot
 *     GOSS_TRY(goss_sampler_create(set, NULL, &spec, &sampler, err));     // over all classes
 *     goss_task_source source = goss_sampler_source(sampler);             // for any method */
#ifndef GOSSAMER_EPISODE_H
#define GOSSAMER_EPISODE_H

#include "gossamer/data.h"
#include "gossamer/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What episodes are like; defaults in brackets. */
typedef struct goss_episode_spec {
    int ways;            /* (5); with one_alphabet the most there may be */
    int shots, queries;  /* (1, 15) support and query images per class, never the same image */
    int min_shots;       /* 0: every class has `shots` (0); else each class draws its own from [min_shots, shots] */
    bool rotations;      /* copies rotated by 90, 180, 270 degrees are classes of their own: 4 n classes (false) */
    bool one_alphabet;   /* all classes from one alphabet: its number of ways, from 2 to `ways` (false) */
    bool distinct_faces; /* a class with several faces has some in its support set and only others in its queries */
    /* 0: images as they are (0). 1: each image rotated by 10 degrees, scaled and sheared by 10 % (standard deviations),
     * and shifted by up to 2 of 28 pixels. */
    float augment;
    float elastic; /* standard deviation of a smooth displacement field, in pixels of 28 (0) */
    bool mirror;   /* each image is mirrored left to right with probability 1/2 (false) */
    uint64_t seed;
} goss_episode_spec;

/* The defaults. */
GOSS_API goss_episode_spec goss_episode_spec_defaults(void);

/* The largest extents of an episode, for buffers. */
typedef struct goss_episode_limits {
    int ways, supports, queries; /* supports and queries: images of all classes together */
    size_t image;                /* floats per image: height * width * channels */
} goss_episode_limits;

/* An episode. The caller sets the pointers; NULL: not wanted. Images are ordered by class, classes by label; label w is
 * the w-th class drawn. */
typedef struct goss_episode {
    float *support_images;       /* [supports, height, width, channels], 0 to 1 */
    int32_t *support_labels;     /* [supports], 0 <= label < ways */
    float *query_images;         /* [queries, height, width, channels] */
    int32_t *query_labels;       /* [queries] */
    int32_t *classes;            /* [ways] class of the set */
    int32_t *turns;              /* [ways] quarter turns counter-clockwise, 0 to 3 */
    int32_t *support_ids;        /* [supports] image of the set */
    int32_t *query_ids;          /* [queries] */
    int ways, supports, queries; /* written: the numbers drawn */
} goss_episode;

/* A source of episodes. Threads: a sampler belongs to one thread at a time; equal samplers draw equal episodes. */
typedef struct goss_sampler goss_sampler;

/* A sampler over `classes` (NULL: all) of a set, which is borrowed; the list is copied.
 * Errors: GOSS_E_ARGUMENT with the numbers: fewer classes than ways, a class with fewer images than shots + queries,
 * faces that cannot be separated as requested, distinct faces where no class has two, rotations of images that are not
 * square. Owns: goss_sampler_destroy. */
GOSS_API GOSS_MUST_USE goss_status goss_sampler_create(const goss_images *set, const goss_class_list *classes,
                                                       const goss_episode_spec *spec, goss_sampler **out,
                                                       goss_error *err);
/* Frees a sampler; NULL is allowed. */
GOSS_API void goss_sampler_destroy(goss_sampler *sampler);
/* The largest extents of its episodes. */
GOSS_API goss_episode_limits goss_sampler_limits(const goss_sampler *sampler);
/* The spec it was created with. */
GOSS_API goss_episode_spec goss_sampler_spec(const goss_sampler *sampler);
/* Its set of images. Borrowed. */
GOSS_API const goss_images *goss_sampler_images(const goss_sampler *sampler);

/* The actual range of a sampler, which may be smaller than its spec, for reports. */
typedef struct goss_sampler_scope {
    int classes;       /* that it draws from: one_alphabet excludes alphabets of a single class */
    int least_ways;    /* the fewest ways of an episode; goss_sampler_limits has the most */
    int several_faces; /* with distinct_faces: classes with several faces; the others show their only one twice */
} goss_sampler_scope;
/* The actual range. */
GOSS_API goss_sampler_scope goss_sampler_scope_of(const goss_sampler *sampler);

/* Draws episode k into the caller's buffers. Allocates nothing and cannot fail. */
GOSS_API void goss_sampler_draw(goss_sampler *sampler, uint64_t k, goss_episode *episode);
/* The sampler as a source of classification tasks: task k is episode k. Borrows the sampler; nothing to free. */
GOSS_API goss_task_source goss_sampler_source(goss_sampler *sampler);

#ifdef __cplusplus
}
#endif
#endif
