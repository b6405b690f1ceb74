/* SPDX-License-Identifier: Apache-2.0 */
/* sound_stream.c: gossamer predict --stream: signed 16-bit samples, mono, in the machine's byte order; a JSON line an
 * event, as soon as it has ended.
 *
 * A recurrent network whose front end looks at single frames hears an event while it lasts: its states are carried from
 * frame to frame, and the answer is there when the event has ended. Other networks hear an event when it is whole. The
 * answers are the same. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sound_predict.h"

enum { CHUNK = 1024 };

typedef struct stream {
    sound_listener *to;
    int rate; /* of the stream */
    /* Carried along: the network's states, the event that they are of, the frames of it that were read. */
    goss_stream *carried; /* NULL: events are heard as a whole */
    goss_event_finder *finder;
    int64_t start;
    int read;
    float *frame; /* [width] */
    /* The time that frames took. */
    int64_t frames, events;
    double seconds, longest;
} stream;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void note_time(stream *s, double since, int frames) {
    const double took = now() - since;
    if (frames < 1) return;
    s->frames += frames, s->seconds += took;
    s->longest = took / frames > s->longest ? took / frames : s->longest;
}

/* ---- events as a whole ---- */

/* Resampled, where the network's rate is another. */
static goss_status hear(stream *s, const float *samples, size_t n, goss_error *err) {
    goss_wave w = {.samples = calloc(n, sizeof *samples), .n = n, .rate = s->rate, .hash = 1};
    const double since = now();
    if (!w.samples) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    memcpy(w.samples, samples, n * sizeof *samples);
    goss_status status = goss_wave_resample(&w, s->to->front->rate, err);
    if (status == GOSS_OK) status = sound_listen(s->to, &(const goss_wave *){&w}, 1, err);
    note_time(s, since, goss_sound_reader_frames(s->to->reader, w.n));
    goss_wave_free(&w);
    return status;
}

/* ---- events frame by frame ---- */

/* Reads frames up to `end` of the event that begins at `start` and of which there are n samples. */
static goss_status go_on(stream *s, int64_t start, const float *samples, size_t n, int end, goss_error *err) {
    const double since = now();
    if (start != s->start) goss_stream_reset(s->carried), s->start = start, s->read = 0;
    end = end < s->to->front->frames ? end : s->to->front->frames;
    const int before = s->read;
    for (; s->read < end; s->read++) {
        GOSS_TRY(goss_sound_reader_frame(s->to->reader, samples, n, s->read, s->frame, err));
        GOSS_TRY(goss_stream_read(s->carried, s->frame, 1, s->to->p, err));
    }
    note_time(s, since, s->read - before);
    return GOSS_OK;
}

/* Of an event that has ended. One of more frames than a sample has is cut around its middle, and heard as a whole. */
static goss_status conclude(stream *s, int64_t start, const float *samples, size_t n, goss_error *err) {
    const int frames = goss_sound_reader_frames(s->to->reader, n);
    if (!s->carried || frames > s->to->front->frames) return hear(s, samples, n, err);
    const goss_status status = go_on(s, start, samples, n, frames, err);
    s->start = -1;
    return status;
}

static goss_status follow(stream *s, goss_error *err) {
    int64_t start;
    const float *samples;
    size_t n;
    if (!s->carried || !goss_event_finder_within(s->finder, &start, &samples, &n)) return GOSS_OK;
    return go_on(s, start, samples, n, goss_sound_reader_settled(s->to->reader, n), err);
}

/* ---- answers ---- */

static goss_status event(void *context, int64_t start, const float *samples, size_t n, goss_error *err) {
    stream *s = context;
    const goss_network *net = s->to->network;
    const float *p = s->to->p;
    int best = 0;
    GOSS_TRY(conclude(s, start, samples, n, err));
    s->events++;
    for (int i = 1; i < goss_network_classes(net); i++)
        if (p[i] > p[best]) best = i;
    printf("{\"start\": %.3f, \"end\": %.3f, \"class\": ", (double)start / s->rate,
           (double)(start + (int64_t)n) / s->rate);
    cli_json_name(goss_network_class_name(net, best));
    printf(", \"probability\": %.6f", (double)p[best]);
    if (goss_network_members(net) > 1) printf(", \"uncertainty\": %.6f", (double)s->to->unsure[0]);
    printf(", \"probabilities\": {");
    for (int i = 0; i < goss_network_classes(net); i++) {
        printf("%s", i ? ", " : "");
        cli_json_name(goss_network_class_name(net, i));
        printf(": %.6f", (double)p[i]);
    }
    printf("}}\n");
    fflush(stdout);
    return GOSS_OK;
}

/* Frame by frame of 10 milliseconds, so that an event is followed while it lasts. */
static goss_status push(stream *s, const float *samples, size_t n, goss_error *err) {
    const size_t piece = s->carried ? (size_t)s->rate / 100 : n;
    for (size_t at = 0; at < n; at += piece) {
        GOSS_TRY(goss_event_finder_push(s->finder, samples + at, n - at < piece ? n - at : piece, event, s, err));
        GOSS_TRY(follow(s, err));
    }
    return GOSS_OK;
}

/* A header would be heard as a word. */
static goss_status check_raw(const char *head, size_t n, goss_error *err) {
    static const char magic[][5] = {"RIFF", "RIFX", "RF64", "fLaC", "OggS", "FORM", ".snd", "caff"};
    for (size_t i = 0; n >= 4 && i < sizeof magic / sizeof *magic; i++)
        if (memcmp(head, magic[i], 4) == 0)
            return goss_error_set(err, GOSS_E_FORMAT,
                                  "the stream begins as a sound file does (%s), and raw samples are read: arecord -t "
                                  "raw, sox -t raw; a file is read without --stream",
                                  magic[i]);
    return GOSS_OK;
}

static goss_status read_all(stream *s, FILE *from, goss_error *err) {
    int16_t raw[CHUNK];
    float samples[CHUNK];
    size_t bytes = 0, n; /* of an incomplete sample */
    bool begun = false;
    while ((n = fread((char *)raw + bytes, 1, sizeof raw - bytes, from)) > 0) {
        if (!begun) GOSS_TRY(check_raw((const char *)raw, n, err));
        begun = true;
        const size_t have = bytes + n, whole = have / 2;
        for (size_t i = 0; i < whole; i++) samples[i] = (float)raw[i] / 32768;
        GOSS_TRY(push(s, samples, whole, err));
        bytes = have % 2;
        if (bytes) memcpy(raw, (char *)raw + have - 1, 1);
    }
    if (ferror(from)) return goss_error_set(err, GOSS_E_IO, "the stream: %s", strerror(errno));
    GOSS_TRY(goss_event_finder_end(s->finder, event, s, err));
    return bytes ? goss_error_set(err, GOSS_E_FORMAT, "the stream ends within a sample: samples have two bytes")
                 : GOSS_OK;
}

/* ---- the stream ---- */

static void tell_whole(const char *why) { cli_tell("events are heard as a whole: %s", why); }

/* Whether states are carried, and why not. */
static goss_status open_carried(stream *s, goss_error *err) {
    const goss_sound_front *f = s->to->front;
    goss_error why;
    if (!goss_sound_front_by_frame(f)) {
        if (f->fit == GOSS_SOUND_RAGGED)
            tell_whole("the front end cuts or normalises them (sound.trim = 0 and sound.normalise = none do not)");
        return GOSS_OK;
    }
    if (s->rate != f->rate) {
        tell_whole("they are resampled");
        return GOSS_OK;
    }
    const goss_status status = goss_stream_open(s->to->network, 1, NULL, &s->carried, &why);
    if (status == GOSS_E_UNSUPPORTED) {
        tell_whole(why.text);
        return GOSS_OK;
    }
    if (status != GOSS_OK) return goss_error_set(err, status, "%s", why.text);
    s->frame = calloc((size_t)(f->mels > f->coefficients ? f->mels : f->coefficients), sizeof *s->frame);
    if (!s->frame) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    cli_tell("states are carried from frame to frame");
    return GOSS_OK;
}

static void tell_time(const stream *s) {
    if (s->frames)
        cli_tell("%lld events, %lld frames of %g ms: %.1f microseconds a frame, %.1f at most", (long long)s->events,
                 (long long)s->frames, s->to->front->hop, 1e6 * s->seconds / (double)s->frames, 1e6 * s->longest);
}

static goss_status listen_to(stream *s, const char *path, goss_error *err) {
    const bool in = strcmp(path, "-") == 0;
    FILE *from = in ? stdin : fopen(path, "rb");
    if (!from) return goss_error_set(err, GOSS_E_IO, "%s: %s", path, strerror(errno));
    setvbuf(from, NULL, _IOFBF, 2 * CHUNK);
    goss_status status = goss_event_finder_new(s->rate, NULL, &s->finder, err);
    if (status == GOSS_OK) status = open_carried(s, err);
    if (status == GOSS_OK) status = read_all(s, from, err);
    if (status == GOSS_OK) tell_time(s);
    goss_event_finder_free(s->finder);
    goss_stream_free(s->carried);
    free(s->frame);
    if (!in) fclose(from);
    return status;
}

goss_status sound_predict_stream(sound_listener *d, const predict_request *q, goss_error *err) {
    stream s = {.to = d, .rate = q->rate ? q->rate : d->front->rate, .start = -1};
    return listen_to(&s, q->inputs[0], err);
}
