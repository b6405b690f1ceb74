/* SPDX-License-Identifier: Apache-2.0 */
/* distil.h: an ensemble becomes one network of the size of a member (knowledge distillation: Hinton, Vinyals and Dean
 * 2015).
 *
 * The student begins as the first member and takes steps of Adam towards what all members together answer, on the rows
 * that the ensemble was made of and on mixtures of them (mixup: Zhang et al. 2018), of which there are as many as one
 * likes and no labels are needed.
 *
 *     GOSS_TRY(goss_table_network_adapt(model, table, &roles, NULL, 0, &(goss_table_network_options){.networks = 8},
 *                                       &ensemble, err));
 *     GOSS_TRY(goss_network_distil(ensemble, x, rows, NULL, &network, err));
 *
 * Threads: any; results do not depend on their number. */
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
    int pool;      /* rows that the ensemble is asked for, at most a quarter of them as they are, others mixed (4096) */
    double rate;   /* of Adam, falling to 0 by a cosine (0.002) */
    uint64_t seed; /* of mixtures and batches */
    goss_threads *threads; /* NULL: created for the call */
} goss_distil_options;

/* Distils an ensemble on samples x [n, input] as it reads them: the loss is the mean of KL(ensemble || student), with
 * classes of the probabilities, with numbers of normal distributions (without variances: the squared error). *before,
 * *after (may be NULL): that loss at the start and at the end, on 256 rows of the pool. The network has the ensemble's
 * data, names and notes. options: NULL: the defaults. Errors: GOSS_E_ARGUMENT: a single network, no samples, options
 * that are negative; GOSS_E_UNSUPPORTED: batch norm, sequences, more than one number a sample; GOSS_E_NOMEM.
 * Owns: *out goss_network_free. */
GOSS_API GOSS_MUST_USE goss_status goss_network_distil(const goss_network *ensemble, const float *x, int n,
                                                       const goss_distil_options *options, double *before,
                                                       double *after, goss_network **out, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
