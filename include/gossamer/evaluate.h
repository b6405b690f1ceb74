/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate.h: how good methods are on the same unseen tasks, with intervals.
 *
 * All methods see the same episodes; a difference between two of them is judged on pairs, which removes the spread that
 * easy and hard episodes cause. Nothing is transductive: a query is classified without looking at the others. Whether
 * the tasks are unseen ones is the caller's to ask: goss_model_overlap. */
#ifndef GOSSAMER_EVALUATE_H
#define GOSSAMER_EVALUATE_H

#include "gossamer/episode.h"
#include "gossamer/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct goss_contender {
    const goss_model *model;
    int fine_tune;         /* gradient steps on the support set after adapting (0) */
    goss_sampler *sampler; /* NULL: the common one. Else one that draws the same episodes from the same images, made
                              ready as this model wants them (goss_model_open_images) */
} goss_contender;

/* A method on what another model has learned: its embedding, with the batch norms' statistics that it was trained
 * under, and otherwise the method's own default settings. For protonet, ridge and finetune, which find their head
 * themselves, for joint, and for pixels and scratch, which take nothing of it but the preprocessing and (scratch) the
 * backbone. Where a network for all tasks was trained beside the model (method.joint), joint and finetune are that one.
 * Errors: GOSS_E_ARGUMENT for another method, or a model that has no such network. Owns: goss_model_free. */
GOSS_API GOSS_MUST_USE goss_status goss_contender_derive(const goss_model *from, const char *method, goss_model **out,
                                                         goss_error *err);

typedef struct goss_evaluate_options {
    int episodes;          /* 1000 */
    int batch;             /* episodes a run; 0: as many as about 1200 images are */
    goss_threads *threads; /* NULL: made for the call */
    /* Told after each run; may be NULL. */
    void (*progress)(void *context, int contender, int done, int episodes);
    void *context;
} goss_evaluate_options;
GOSS_API goss_evaluate_options goss_evaluate_defaults(void);

typedef struct goss_score {
    double accuracy;         /* 0..1, mean over the episodes */
    double ci95;             /* half the 95 % interval: 1.96 standard errors; NaN (not known) of a single episode */
    double seconds_per_task; /* adapting and classifying; drawing the episode is not in it */
    double difference;       /* accuracy minus the first contender's */
    double difference_ci95;  /* half its paired 95 % interval; NaN as above */
} goss_score;

/* Judges contenders on episodes 0 .. episodes-1 of a sampler. Each one works on images made ready as its model wants
 * them (extents, channels, inversion), and all on the same drawings: a contender of another format brings a sampler of
 * its own. Errors: GOSS_E_ARGUMENT for no contender, no episode or no query, for a set of another format than the
 * model's, for a sampler of a contender's own that would draw other episodes; GOSS_E_UNSUPPORTED for gradient steps of
 * a method that has none (pixels); GOSS_E_NUMERIC for weights or results that are not finite; what compiling and
 * running report. The contender's method stands in front. Shapes: scores [n]; each: NULL, or [n, episodes] for the
 * accuracy of every episode. */
GOSS_API GOSS_MUST_USE goss_status goss_evaluate(const goss_contender *contenders, int n, goss_sampler *sampler,
                                                 const goss_evaluate_options *options, goss_score *scores, double *each,
                                                 goss_error *err);
/* Mean of values[n] and half its 95 % interval, which is NaN (not known) for fewer than two. */
GOSS_API double goss_mean_ci95(const double *values, int n, double *mean);

#ifdef __cplusplus
}
#endif
#endif
