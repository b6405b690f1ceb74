/* SPDX-License-Identifier: Apache-2.0 */
/* row_student.h: a network that is trained by itself, towards what is wanted of it on rows: soft classes [W], or a
 * number and the variance around it [2]; without variances the number alone. */
#ifndef GOSS_TRAIN_ROW_STUDENT_H
#define GOSS_TRAIN_ROW_STUDENT_H

#include "base/rng.h"
#include "gossamer/step.h"
#include "meta/network.h"

typedef struct goss__student {
    const goss_network *network; /* whose target it has */
    int width, wanted, batch;    /* numbers of a row, of what is wanted; rows of a step */
    bool classes, variance;
    float *x, *t; /* rows of a step */
    goss_threads *threads, *own;
    goss_step *step;
} goss__student;

/* Errors: GOSS_E_ARGUMENT: batch; GOSS_E_UNSUPPORTED: batch norm, sequences, images, more than one number a row. */
goss_status goss__student_open(goss__student *s, const goss_network *of, int batch, goss_threads *threads,
                               goss_error *err);
void goss__student_close(goss__student *s);
/* Weights of the network's layout, and the optimiser at its start only after opening. */
void goss__student_set(const goss__student *s, const float *slab);
void goss__student_get(const goss__student *s, float *slab);
/* A step of Adam on rows drawn of x [n,width], t [n,wanted]: towards less KL(wanted || said). */
goss_status goss__student_take(goss__student *s, const float *x, const float *t, int n, goss__rng *rng, double rate,
                               uint64_t number, goss_error *err);
/* What is wanted of rows with targets y [n] in the user's units: t [n,wanted]. */
void goss__student_want(const goss__student *s, const float *y, int n, float *t);
/* The mean of KL(wanted || said) of the network with one member's weights, over rows. */
goss_status goss__student_loss(const goss__student *s, const goss_network *said, const float *x, const float *t, int n,
                               double *loss, goss_error *err);
/* Member i as a network of its own, with data, names and notes. Owns: *out. */
goss_status goss__network_member(const goss_network *from, int i, goss_network **out, goss_error *err);
#endif
