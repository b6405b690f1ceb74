/* SPDX-License-Identifier: Apache-2.0 */
/* sound_predict.h: a network that hears recordings, and events of a stream. */
#ifndef GOSS_CLI_SOUND_PREDICT_H
#define GOSS_CLI_SOUND_PREDICT_H

#include "data_kinds.h"
#include "gossamer/sound.h"

typedef struct sound_listener {
    const goss_network *network;
    goss_sound_front *front;
    goss_sound_reader *reader;
    goss_predictor *predictor;
    goss_threads *threads; /* of both */
    float *x, *p, *unsure; /* [SOUND_BATCH] samples, and answers [classes] to what was heard last */
    int32_t *steps;        /* [SOUND_BATCH] */
    bool json;
    int bad; /* recordings and paths that could not be read */
} sound_listener;

enum { SOUND_BATCH = 64 };

/* Sets p and unsure of n waveforms, 1 .. SOUND_BATCH, at the front end's rate. */
goss_status sound_listen(sound_listener *d, const goss_wave *const *w, int n, goss_error *err);

/* ---- sound_stream.c ---- */
goss_status sound_predict_stream(sound_listener *d, const predict_request *q, goss_error *err);
#endif
