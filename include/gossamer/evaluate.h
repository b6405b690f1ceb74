/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate.h: the accuracy of methods on the same unseen image tasks, with intervals.
 *
 * All contenders see the same episodes. Differences between contenders are paired by episode, which removes the
 * variance between easy and hard ones. Nothing is transductive: a query is classified without looking at the others.
 * The caller checks whether the tasks are unseen: goss_model_overlap.
 *
 *     goss_contender c[2] = {{.model = model}};
 *     goss_model *protonet;
 *     GOSS_TRY(goss_contender_derive(model, "protonet", &protonet, err));       // on the model's embedding
 *     c[1].model = protonet;
 *     goss_score score[2];
 *     goss_evaluate_options o = goss_evaluate_defaults();
 *     GOSS_TRY(goss_evaluate(c, 2, sampler, &o, score, NULL, err));             // score[1].difference +- its ci95 */
#ifndef GOSSAMER_EVALUATE_H
#define GOSSAMER_EVALUATE_H

#include "gossamer/episode.h"
#include "gossamer/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A model in a comparison. Everything is borrowed. */
typedef struct goss_contender {
    const goss_model *model;
    int fine_tune;                   /* gradient steps on the support set after adapting (0) */
    goss_weight_precision precision; /* its networks are rounded as in files of that precision (F32) */
    /* Of a model that generates structures: which, within what; NULL: its own, within the most of training */
    const goss_structure_ask *structure;
    goss_sampler *sampler; /* NULL: the common one. Else a sampler that draws the same episodes from the same images,
                              with this model's preprocessing (goss_model_open_images) */
    const goss_task_source *source; /* the same for goss_evaluate_tasks: the same tasks, with this model's
                                       preprocessing; NULL: the common one */
} goss_contender;

/* A method applied to what another model has learned: its embedding, with the batch norm statistics it was trained
 * with, and otherwise the method's default settings. For protonet, ridge and finetune, which compute their own head,
 * for joint, for maml if a starting point was trained beside the model (method.maml), and for pixels and scratch, which
 * take only the preprocessing and (scratch) the backbone. If a network for all tasks was trained beside the model
 * (method.joint), joint and finetune use that one.
 * Errors: GOSS_E_ARGUMENT: another method, or a model without such a network. Owns: goss_model_free. */
GOSS_API GOSS_MUST_USE goss_status goss_contender_derive(const goss_model *from, const char *method, goss_model **out,
                                                         goss_error *err);

/* The same at equal cost: in the network that uniform shrinking leaves of the model's space within a budget
 * (goss_space_shrink), with what the method takes over cut down to it (goss_space_compact). It has no structures of its
 * own. budget NULL, a model whose backbone leaves nothing open, and pixels: as goss_contender_derive. outputs: as in
 * space.h, the most classes of a task. Errors: as goss_contender_derive; GOSS_E_ARGUMENT: no network is within the
 * budget. Owns: goss_model_free. */
GOSS_API GOSS_MUST_USE goss_status goss_contender_derive_within(const goss_model *from, const char *method,
                                                                const goss_space_budget *budget, int64_t outputs,
                                                                goss_model **out, goss_error *err);

/* Whether goss_contender_derive can make that of a model, without making it. Errors: as goss_contender_derive, with the
 * methods that it can make. */
GOSS_API GOSS_MUST_USE goss_status goss_contender_check(const goss_model *from, const char *method, goss_error *err);

/* How contenders are evaluated; defaults in brackets. */
typedef struct goss_evaluate_options {
    int episodes;          /* (1000) */
    int batch;             /* episodes per run; 0: as many as have about 1200 images (0) */
    goss_threads *threads; /* NULL: created for the call */
    /* Called after each run with the number of episodes done; may be NULL. */
    void (*progress)(void *context, int contender, int done, int episodes);
    /* Called for every task with what the contender answered; valid during the call. May be NULL. */
    void (*answered)(void *context, int contender, int episode, const goss_answers *answers);
    void *context;
} goss_evaluate_options;
/* The defaults. */
GOSS_API goss_evaluate_options goss_evaluate_defaults(void);

/* The result for a contender. */
typedef struct goss_score {
    double accuracy;         /* 0 to 1, mean over episodes */
    double ci95;             /* half the 95 % interval: 1.96 standard errors; NaN (unknown) for a single episode */
    double seconds_per_task; /* of adapting and classifying, without drawing the episode */
    double difference;       /* accuracy minus the first contender's */
    double difference_ci95;  /* half its paired 95 % interval; NaN as above */
    goss_structure_figures structure; /* of the tasks' networks, if the model generates structures */
} goss_score;

/* Evaluates n contenders on episodes 0 .. episodes-1 of a sampler. Each works on images preprocessed for its model
 * (extents, channels, inversion), and all on the same drawings: a contender with another image format has its own
 * sampler. Shapes: scores [n]; each: NULL, or [n, episodes] for the accuracy of every episode.
 * Errors, with the contender's method: GOSS_E_ARGUMENT: no contender, no episode, no query, images of another format
 * than the model's, a contender's sampler that would draw other episodes; GOSS_E_UNSUPPORTED: gradient steps of a
 * method without any (pixels), int8 where no network is stored (goss_method_adapt); GOSS_E_NUMERIC: weights or results
 * that are not finite; errors of compiling and running.
 * Threads: the samplers'. */
GOSS_API GOSS_MUST_USE goss_status goss_evaluate(const goss_contender *contenders, int n, goss_sampler *sampler,
                                                 const goss_evaluate_options *options, goss_score *scores, double *each,
                                                 goss_error *err);
/* The same on tasks 0 .. episodes-1 of a source of classification tasks with classes of their own (class_set.h), or of
 * contenders' own sources (goss_contender.source), which the caller must have made to draw the same tasks. Errors: as
 * goss_evaluate; GOSS_E_ARGUMENT: a model with other inputs than its source's. Threads: the sources'. */
GOSS_API GOSS_MUST_USE goss_status goss_evaluate_tasks(const goss_contender *contenders, int n,
                                                       const goss_task_source *source,
                                                       const goss_evaluate_options *options, goss_score *scores,
                                                       double *each, goss_error *err);
/* Mean of values [n] and half its 95 % interval, 1.96 standard errors; NaN (unknown) for n < 2. For few values use
 * goss_student_ci95. */
GOSS_API double goss_mean_ci95(const double *values, int n, double *mean);

#ifdef __cplusplus
}
#endif
#endif
