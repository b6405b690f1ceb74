/* SPDX-License-Identifier: Apache-2.0 */
/* front.h: from a waveform to a sample, in the caller's memory. */
#ifndef GOSS_SOUND_FRONT_H
#define GOSS_SOUND_FRONT_H

#include "gossamer/sound.h"

/* A front end with its tables. pattern is not kept. */
typedef struct goss__front {
    goss_sound_front f;
    goss_sound_augment augment;
    goss_mel *mel;
    float *cosine;       /* of cepstra; else NULL */
    int fft, hop, width; /* samples, samples; coefficients of a frame */
    int64_t input[GOSS_TASK_MAX_RANK];
    int rank;
} goss__front;

/* Errors: of goss_sound_front_check; GOSS_E_NOMEM. */
goss_status goss__front_init(goss__front *fe, const goss_sound_front *f, const goss_sound_augment *augment,
                             goss_error *err);
void goss__front_free(goss__front *fe);
/* Bytes of scratch memory, 64-byte aligned, for a waveform of n samples. */
size_t goss__front_scratch(const goss__front *fe, size_t n);
/* The sample of a waveform; random.sample 0: not augmented. Returns its frames. Shapes: x [frames, width]. */
int goss__front_sample(const goss__front *fe, const float *samples, size_t n, goss_class_random random, void *scratch,
                       float *x);
#endif
