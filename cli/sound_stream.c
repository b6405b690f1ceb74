/* SPDX-License-Identifier: Apache-2.0 */
/* sound_stream.c: gossamer predict --stream: signed 16-bit samples, mono, in the machine's byte order; a JSON line an
 * event, as soon as it has ended. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sound_predict.h"

enum { CHUNK = 1024 };

typedef struct stream {
    sound_listener *to;
    int rate; /* of the stream */
} stream;

/* Resampled, where the network's rate is another. */
static goss_status hear(const stream *s, const float *samples, size_t n, goss_error *err) {
    goss_wave w = {.samples = calloc(n, sizeof *samples), .n = n, .rate = s->rate, .hash = 1};
    if (!w.samples) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    memcpy(w.samples, samples, n * sizeof *samples);
    goss_status status = goss_wave_resample(&w, s->to->front->rate, err);
    if (status == GOSS_OK) status = sound_listen(s->to, &w, err);
    goss_wave_free(&w);
    return status;
}

static goss_status event(void *context, int64_t start, const float *samples, size_t n, goss_error *err) {
    const stream *s = context;
    const goss_network *net = s->to->network;
    const float *p = s->to->p;
    int best = 0;
    GOSS_TRY(hear(s, samples, n, err));
    for (int i = 1; i < goss_network_classes(net); i++)
        if (p[i] > p[best]) best = i;
    printf("{\"start\": %.3f, \"end\": %.3f, \"class\": ", (double)start / s->rate,
           (double)(start + (int64_t)n) / s->rate);
    cli_json_name(goss_network_class_name(net, best));
    printf(", \"probability\": %.6f", (double)p[best]);
    if (goss_network_members(net) > 1) printf(", \"uncertainty\": %.6f", (double)s->to->unsure);
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

static goss_status read_all(stream *s, FILE *from, goss_event_finder *finder, goss_error *err) {
    int16_t raw[CHUNK];
    float samples[CHUNK];
    size_t bytes = 0, n; /* of an incomplete sample */
    while ((n = fread((char *)raw + bytes, 1, sizeof raw - bytes, from)) > 0) {
        const size_t have = bytes + n, whole = have / 2;
        for (size_t i = 0; i < whole; i++) samples[i] = (float)raw[i] / 32768;
        GOSS_TRY(goss_event_finder_push(finder, samples, whole, event, s, err));
        bytes = have % 2;
        if (bytes) memcpy(raw, (char *)raw + have - 1, 1);
    }
    if (ferror(from)) return goss_error_set(err, GOSS_E_IO, "the stream: %s", strerror(errno));
    GOSS_TRY(goss_event_finder_end(finder, event, s, err));
    return bytes ? goss_error_set(err, GOSS_E_FORMAT, "the stream ends within a sample: samples have two bytes")
                 : GOSS_OK;
}

static goss_status listen_to(stream *s, const char *path, goss_error *err) {
    goss_event_finder *finder;
    const bool in = strcmp(path, "-") == 0;
    FILE *from = in ? stdin : fopen(path, "rb");
    if (!from) return goss_error_set(err, GOSS_E_IO, "%s: %s", path, strerror(errno));
    setvbuf(from, NULL, _IOFBF, 2 * CHUNK);
    goss_status status = goss_event_finder_new(s->rate, NULL, &finder, err);
    if (status == GOSS_OK) status = read_all(s, from, finder, err);
    goss_event_finder_free(finder);
    if (!in) fclose(from);
    return status;
}

goss_status sound_predict_stream(sound_listener *d, const predict_request *q, goss_error *err) {
    stream s = {d, q->rate ? q->rate : d->front->rate};
    return listen_to(&s, q->inputs[0], err);
}
