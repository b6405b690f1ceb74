/* SPDX-License-Identifier: Apache-2.0 */
/* distil.h: gradient steps on a network of rows that is there already: towards an ensemble, or towards labelled rows.
 *
 * An ensemble becomes one network of the size of a member (knowledge distillation: Hinton, Vinyals and Dean 2015): the
 * student begins as the first member and takes steps of Adam towards what all members together answer, on the rows that
 * the ensemble was made of and on mixtures of them (mixup: Zhang et al. 2018), of which there are as many as one likes
 * and no labels are needed. With labelled rows the same steps are fine-tuning, as many as rows held out want.
 *
 *     GOSS_TRY(goss_table_network_adapt(model, table, &roles, NULL, 0, &(goss_table_network_options){.networks = 8},
 *                                       &ensemble, err));
 *     GOSS_TRY(goss_network_distil(ensemble, x, rows, NULL, NULL, NULL, &network, err));
 *
 * The loss is the mean over rows of KL(wanted || said), with classes of probabilities, with numbers of normal
 * distributions (without variances: half of the squared error). Threads: any; results do not depend on their number. */
#ifndef GOSSAMER_DISTIL_H
#define GOSSAMER_DISTIL_H

#include "gossamer/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Defaults in brackets; 0 stands for them. */
typedef struct goss_distil_options {
    int steps;     /* (400) */
    int batch;     /* rows of a step (128) */
    int pool;      /* rows that the ensemble is asked for, at most a quarter as they are, the others mixed (4096) */
    double rate;   /* of Adam, falling to 0 by a cosine (0.002) */
    uint64_t seed; /* of mixtures and batches */
    goss_threads *threads; /* NULL: created for the call */
} goss_distil_options;

/* Distils an ensemble on samples x [n, input] as it reads them. *before, *after (may be NULL): the loss at the start
 * and at the end, on 256 rows of the pool. The network has the ensemble's data, names and notes. options: NULL: the
 * defaults. Errors: GOSS_E_ARGUMENT: a single network, no samples, options that are negative; GOSS_E_UNSUPPORTED: batch
 * norm, sequences, images, quantiles, more than one number a sample; GOSS_E_NOMEM. Owns: *out goss_network_free. */
GOSS_API GOSS_MUST_USE goss_status goss_network_distil(const goss_network *ensemble, const float *x, int n,
                                                       const goss_distil_options *options, double *before,
                                                       double *after, goss_network **out, goss_error *err);

/* Labelled samples x [n, input], as a network reads them, with targets y [n]: class numbers, or numbers in the user's
 * units. Borrowed. */
typedef struct goss_labelled_rows {
    const float *x, *y;
    int n;
} goss_labelled_rows;

/* Defaults in brackets; 0 stands for them. */
typedef struct goss_tune_options {
    int steps;             /* (1024) */
    int batch;             /* rows of a step, drawn with replacement (128) */
    double rate;           /* of Adam (0.001) */
    uint64_t seed;         /* of the draws */
    goss_threads *threads; /* NULL: created for the call */
} goss_tune_options;

/* Takes that many steps with each member of a network. With rows that are held out (NULL: none) these decide: of 0, 16,
 * 32, 64, ... steps those after which they are predicted best (all members together) are kept, and looking ends where
 * two in a row were worse than the best one; *taken (may be NULL): how many; loss [2] (may be NULL): that of the rows
 * held out, without any and after these. The same seed takes the same steps, however many. Errors: as
 * goss_network_distil; GOSS_E_ARGUMENT: weights that are rounded (goss_network_set_precision), since steps would be
 * lost; GOSS_E_NUMERIC: a step that is not finite. The network is then as it was. */
GOSS_API GOSS_MUST_USE goss_status goss_network_tune(goss_network *network, const goss_labelled_rows *rows,
                                                     const goss_labelled_rows *held, const goss_tune_options *options,
                                                     int *taken, double *loss, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
