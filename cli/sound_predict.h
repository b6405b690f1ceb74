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
    float *x, *p; /* a sample; [classes] of what was heard last */
    float unsure; /* of that */
    bool json;
    int bad; /* recordings and paths that could not be read */
} sound_listener;

/* Sets p and unsure. The waveform is at the front end's rate. */
goss_status sound_listen(sound_listener *d, const goss_wave *w, goss_error *err);

/* ---- sound_stream.c ---- */
goss_status sound_predict_stream(sound_listener *d, const predict_request *q, goss_error *err);
#endif
