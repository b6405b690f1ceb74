/* evaluate.h: how good methods are on the same unseen tasks, with intervals.
 *
 * All methods see the same episodes; a difference between two of them is judged on pairs, which removes the spread that
 * easy and hard episodes cause. Nothing is transductive: a query is classified without looking at the others. */
#ifndef GOSSAMER_EVALUATE_H
#define GOSSAMER_EVALUATE_H

#include "gossamer/episode.h"
#include "gossamer/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct goss_contender {
    const goss_model *model;
    int fine_tune; /* gradient steps on the support set after adapting (0) */
} goss_contender;

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
    double ci95;             /* half the 95 % interval: 1.96 standard errors */
    double seconds_per_task; /* adapting and classifying; drawing the episode is not in it */
    double difference;       /* accuracy minus the first contender's */
    double difference_ci95;  /* half its paired 95 % interval */
} goss_score;

/* Judges contenders on episodes 0 .. episodes-1 of a sampler whose set has the models' image format.
 * Errors: GOSS_E_ARGUMENT for another image format; what compiling and running report, with the contender's method in
 * front. Shapes: scores [n]; each: NULL, or [n, episodes] for the accuracy of every episode. */
GOSS_API GOSS_MUST_USE goss_status goss_evaluate(const goss_contender *contenders, int n, goss_sampler *sampler,
                                                 const goss_evaluate_options *options, goss_score *scores, double *each,
                                                 goss_error *err);
/* Mean of values[n] and half its 95 % interval; 0 for fewer than two. */
GOSS_API double goss_mean_ci95(const double *values, int n, double *mean);

#ifdef __cplusplus
}
#endif
#endif
