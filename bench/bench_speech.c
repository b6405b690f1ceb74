/* SPDX-License-Identifier: Apache-2.0 */
/* bench_speech: spoken words of one person at inference, on recordings made up here (16 kHz), with the initial weights
 * of a model that is not trained.
 *
 * speech-adapt: 50 recordings of half a second, 10 words x 5, become a network: a step is the front end of
 * configs/fsdd.ini at 16 kHz on each (log-mel spectrum, cut, MFCC, 32 frames), its convolutions, and the ridge head.
 * speech-stream: what `gossamer predict --stream` does with 10 ms of a stream, by a GRU of 64 units that is adapted to
 * the same 50 recordings: a step finds the event, and reads a frame of 40 log-mel bands where it is within one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/model.h"
#include "gossamer/sound.h"
#include "numbers.h"
#include "workload.h"

static const char *const names[] = {"speech-adapt", "speech-stream", NULL};
enum { RATE = 16000, CLIP = RATE / 2, WAYS = 10, SHOTS = 5, CLIPS = WAYS * SHOTS, FFT = 512, MELS = 40 };
enum { FRAMES = 32, COEFFICIENTS = 20, UNITS = 64, CHUNK = RATE / 100, CLIP_FRAMES = 1 + CLIP / CHUNK };
enum { WORD = RATE, PAUSE = RATE / 5 };

typedef struct speech {
    serving run;
    goss_sound_front front;
    goss_sound_reader *reader;
    float clip[CLIPS + 1][CLIP]; /* the last one is a query */
    goss_task_source source;
    goss_model *model;
    goss_threads *threads;
    goss_predictor *predictor;
    /* speech-stream */
    goss_network *network;
    goss_stream *stream;
    goss_event_finder *finder;
    float *sound; /* [WORD + PAUSE], again and again */
    size_t at;    /* the next chunk */
    int64_t start;
    int read;   /* frames of the event that begins at `start` */
    int events; /* that have ended */
    float answer[WAYS];
    goss_error err;
} speech;

static speech b; /* of megabytes */

static void must(goss_status s) {
    if (s == GOSS_OK) return;
    fprintf(stderr, "%s: %s\n", b.run.workload, b.err.text[0] ? b.err.text : goss_status_name(s));
    exit(1);
}

/* ---- recordings ---- */

/* Two tones that swell and fade within noise, which the front end cuts off. */
static void make_sound(const char *name, double hz, int n, float *out) {
    static const double turn = 6.283185307179586;
    numbers_reals(name, 1e-3, 0, out, n);
    for (int i = n / 10; i < n - n / 10; i++) {
        const double t = (double)i / RATE, swell = sin(turn / 2 * (i - n / 10) / (n - 2 * (n / 10)));
        out[i] += (float)(swell * swell * (0.3 * sin(turn * hz * t) + 0.1 * sin(turn * 2.5 * hz * t)));
    }
}

static void make_clips(void) {
    char name[16];
    for (int i = 0; i < CLIPS; i++) {
        snprintf(name, sizeof name, "clip%d", i);
        make_sound(name, 200 * (1 + i / SHOTS) + 15 * (i % SHOTS), CLIP, b.clip[i]);
    }
    make_sound("query", 317, CLIP, b.clip[CLIPS]); /* between the first two words */
}

/* The task's support set: the front end is part of drawing it, as in goss_sounds. */
static void draw(const goss_task_source *source, uint64_t k, goss_task *t) {
    const float *clip[CLIPS];
    size_t n[CLIPS];
    (void)source, (void)k;
    t->supports = CLIPS, t->queries = 0, t->id = -1;
    for (int i = 0; i < CLIPS; i++) {
        clip[i] = b.clip[i], n[i] = CLIP;
        if (t->support_target) t->support_target[i] = (float)(i / SHOTS);
    }
    if (t->support)
        must(goss_sound_reader_samples(b.reader, clip, n, CLIPS, t->support, t->support_length, t->threads, &b.err));
}

/* ---- the model ---- */

static void make_model(const char *backbone) {
    int n;
    char setting[400], *transform;
    const goss_key *keys = goss_model_keys(&n);
    goss_config *c;
    must(goss_config_new(keys, n, &c, &b.err));
    snprintf(setting, sizeof setting, "model.backbone=%s", backbone);
    must(goss_config_override(c, setting, &b.err));
    must(goss_sound_front_text(&b.front, &transform, &b.err));
    goss_data_spec data = goss_data_spec_tasks("sound", &b.source.spec);
    data.transform = transform;
    must(goss_model_create("ridge", c, &data, 1, &b.model, &b.err));
    goss_sound_text_free(transform);
    goss_config_free(c);
    for (int i = 0; i < goss_method_params(goss_model_method(b.model)); i++) {
        const goss_method_param p = goss_method_param_at(goss_model_method(b.model), i);
        if (strcmp(p.name, "target") == 0) bench_fill_layout(p.layout, goss_model_values(b.model, i));
    }
}

static void open_speech(const char *backbone) {
    make_clips();
    must(goss_sound_reader_new(&b.front, &b.reader, &b.err));
    goss_task_spec *s = &b.source.spec;
    s->input_rank = goss_sound_shape_of(&b.front, s->input);
    s->outputs = WAYS, s->supports = CLIPS, s->lengths = b.front.fit == GOSS_SOUND_RAGGED;
    b.source.draw = draw;
    make_model(backbone);
    must(goss_threads_new(b.run.threads, &b.threads, &b.err));
}

static void close_speech(void) {
    goss_predictor_free(b.predictor);
    goss_stream_free(b.stream);
    goss_event_finder_free(b.finder);
    goss_network_free(b.network);
    goss_model_free(b.model);
    goss_threads_free(b.threads);
    goss_sound_reader_free(b.reader);
    free(b.sound);
}

static void print_head(double flops) {
    printf("{\"workload\":\"%s\",\"threads\":%d,\"flops\":%.0f,\"check\":{", b.run.workload,
           goss_threads_count(b.threads), flops);
}

/* What is said of the answers p [WAYS]: logarithms, which tell of every class. */
static void print_answer(const float *p) {
    double sum = 0, squares = 0;
    for (int i = 0; i < WAYS; i++) sum += log((double)p[i]), squares += (double)p[i] * (double)p[i];
    printf("\"log_probabilities\":%.8g,\"squares\":%.8g}", sum, squares);
}

/* ---- speech-adapt ---- */

/* The sum of the products of all recordings' samples with numbers of 0 to 1. */
static double features(const goss_sound_front *front) {
    float x[CLIP_FRAMES * MELS], probe[CLIP_FRAMES * MELS];
    goss_sound_reader *r;
    int64_t extent[3];
    double sum = 0;
    goss_sound_shape_of(front, extent);
    const int n = (int)(extent[0] * extent[1]);
    numbers_reals("probe", 0.5, 0.5, probe, n);
    must(goss_sound_reader_new(front, &r, &b.err));
    for (int i = 0; i < CLIPS; i++) {
        must(goss_sound_reader_sample(r, b.clip[i], CLIP, x, NULL, &b.err));
        for (int k = 0; k < n; k++) sum += (double)x[k] * (double)probe[k];
    }
    goss_sound_reader_free(r);
    return sum;
}

static void adapt(void *context) {
    (void)context;
    must(goss_predictor_adapt(b.predictor, &b.source, 0, &b.err));
}

static void check_adapt(void) {
    float x[FRAMES * COEFFICIENTS], p[WAYS];
    goss_sound_front log_mel = b.front;
    log_mel.features = GOSS_SOUND_MEL, log_mel.normal = GOSS_SOUND_NONE;
    log_mel.trim = 0, log_mel.fit = GOSS_SOUND_PAD, log_mel.frames = CLIP_FRAMES;
    adapt(NULL);
    must(goss_sound_reader_sample(b.reader, b.clip[CLIPS], CLIP, x, NULL, &b.err));
    must(goss_predictor_predict(b.predictor, x, 1, p, NULL, &b.err));
    printf("\"log_mel\":%.8g,\"mfcc\":%.8g,", features(&log_mel), features(&b.front));
    print_answer(p);
}

/* Products of a convolution of 3 x 3 with padding, without the taps that fall on it. */
static double conv_products(int h, int w, int in, int out) { return (3.0 * h - 2) * (3.0 * w - 2) * in * out; }

static void run_adapt(void) {
    b.front = goss_sound_front_defaults();
    b.front.rate = RATE, b.front.features = GOSS_SOUND_MFCC, b.front.coefficients = COEFFICIENTS;
    b.front.frames = FRAMES, b.front.normal = GOSS_SOUND_STANDARD;
    open_speech("conv 48 3 pad 1; norm batch; relu; pool max 2; conv 64 3 pad 1; norm batch; relu; pool max 2; "
                "conv 96 3 pad 1; norm batch; relu; pool max 2; flatten");
    const goss_adapt_options o = {.threads = b.threads};
    must(goss_predictor_of_model(b.model, &b.source.spec, &o, &b.predictor, &b.err));
    const double width = 4 * 2 * 96, spectrum = CLIP_FRAMES * (2.5 * FFT * 9 + 2 * FFT + 2.0 * MELS * 20),
                 net = conv_products(32, 20, 1, 48) + conv_products(16, 10, 48, 64) + conv_products(8, 5, 64, 96),
                 head = CLIPS * width * (CLIPS + WAYS) + CLIPS * CLIPS * (CLIPS / 6.0 + WAYS);
    print_head(CLIPS * (spectrum + 2 * net) + 2 * head);
    check_adapt();
    serve(&b.run, adapt, NULL);
}

/* ---- speech-stream: cli/sound_stream.c, of a network that carries its states ---- */

static void read_frames(int64_t start, const float *samples, size_t n, int end) {
    float frame[MELS];
    if (start != b.start) goss_stream_reset(b.stream), b.start = start, b.read = 0;
    for (; b.read < end && b.read < b.front.frames; b.read++) {
        must(goss_sound_reader_frame(b.reader, samples, n, b.read, frame, &b.err));
        must(goss_stream_read(b.stream, frame, 1, b.answer, &b.err));
    }
}

static goss_status event(void *context, int64_t start, const float *samples, size_t n, goss_error *err) {
    (void)context, (void)err;
    read_frames(start, samples, n, goss_sound_reader_frames(b.reader, n));
    b.start = -1, b.events++;
    return GOSS_OK;
}

static void hear(void *context) {
    int64_t start;
    const float *samples;
    size_t n;
    (void)context;
    must(goss_event_finder_push(b.finder, b.sound + b.at, CHUNK, event, NULL, &b.err));
    b.at = (b.at + CHUNK) % (WORD + PAUSE);
    if (goss_event_finder_within(b.finder, &start, &samples, &n))
        read_frames(start, samples, n, goss_sound_reader_settled(b.reader, n));
}

/* The answer to the first word. */
static void check_stream(void) {
    while (b.events == 0) hear(NULL);
    print_answer(b.answer);
}

static void run_stream(void) {
    b.front = goss_sound_front_defaults();
    b.front.rate = RATE, b.front.frames = 300, b.front.fit = GOSS_SOUND_RAGGED, b.front.shape = GOSS_SOUND_SEQUENCE;
    b.front.normal = GOSS_SOUND_NONE, b.front.trim = 0;
    open_speech("gru 64; readout last");
    if (!(b.sound = malloc((WORD + PAUSE) * sizeof *b.sound))) must(GOSS_E_NOMEM);
    make_sound("word", 317, WORD, b.sound);
    numbers_reals("pause", 1e-3, 0, b.sound + WORD, PAUSE);
    const goss_adapt_options o = {.threads = b.threads};
    must(goss_model_adapt_task(b.model, &b.source, 0, NULL, &o, &b.network, &b.err));
    must(goss_stream_open(b.network, 1, b.threads, &b.stream, &b.err));
    must(goss_event_finder_new(RATE, NULL, &b.finder, &b.err));
    b.start = -1;
    print_head(2.5 * FFT * 9 + 2 * FFT + 2.0 * MELS * 20 + 2.0 * 3 * UNITS * (MELS + UNITS) + 2 * UNITS * WAYS);
    check_stream();
    serve(&b.run, hear, NULL);
}

int main(int argc, char **argv) {
    serve_open(&b.run, argc, argv, names);
    (b.run.which == 0 ? run_adapt : run_stream)();
    close_speech();
    return 0;
}
