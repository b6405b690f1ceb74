/* SPDX-License-Identifier: Apache-2.0 */
/* sound_predict.c: gossamer predict for recordings: a line or JSON object each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "class_answer.h"
#include "sound_predict.h"

static void report_bad(sound_listener *d, const char *name, const goss_error *e) {
    if (d->json) cli_put_unread(name, e);
    fflush(stdout);
    cli_fail(e);
    d->bad++;
}

goss_status sound_listen(sound_listener *d, const goss_wave *w, goss_error *err) {
    int32_t steps;
    GOSS_TRY(goss_sound_reader_sample(d->reader, w->samples, w->n, d->x, &steps, err));
    const bool ragged = d->front->fit == GOSS_SOUND_RAGGED;
    return goss_predictor_predict_ragged(d->predictor, d->x, ragged ? &steps : NULL, 1, d->p, &d->unsure, err);
}

static goss_status answer(sound_listener *d, const goss_wave *w, const char *name, goss_error *err) {
    if (goss_sound_is_silent(w->samples, w->n, w->rate, NULL)) {
        cli_put_silence(name, d->json);
        return GOSS_OK;
    }
    GOSS_TRY(sound_listen(d, w, err));
    cli_put_answer(d->network, name, d->p, goss_network_members(d->network) > 1 ? d->unsure : -1, d->json);
    return GOSS_OK;
}

static goss_status predict_file(sound_listener *d, const char *path, goss_error *err) {
    goss_wave w;
    goss_error e;
    const goss_status read = goss_wave_read(path, d->front->rate, 0, &w, &e);
    if (read == GOSS_E_NOMEM) return goss_error_set(err, read, "%s", e.text);
    if (read != GOSS_OK) {
        report_bad(d, path, &e);
        return GOSS_OK;
    }
    const goss_status s = answer(d, &w, path, err);
    goss_wave_free(&w);
    return s;
}

static goss_status predict_path(sound_listener *d, const char *path, goss_error *err) {
    char **paths;
    int n;
    goss_error e;
    goss_status s = goss_sound_paths(path, &paths, &n, &e);
    if (s != GOSS_OK) {
        report_bad(d, path, &e);
        return GOSS_OK;
    }
    for (int i = 0; i < n && s == GOSS_OK; i++) s = predict_file(d, paths[i], err);
    goss_sound_paths_free(paths, n);
    return s;
}

static goss_status open_listener(sound_listener *d, goss_error *err) {
    const goss_data_spec *data = goss_network_data(d->network);
    if (!data->transform)
        return goss_error_set(err, GOSS_E_FORMAT, "the network does not say how a recording becomes a sample");
    GOSS_TRY(goss_sound_front_parse(data->transform, &d->front, err));
    GOSS_TRY(goss_sound_reader_new(d->front, &d->reader, err));
    GOSS_TRY(goss_predictor_of_network(d->network, NULL, &d->predictor, err));
    d->x = calloc(goss_task_input_size(&data->task), sizeof *d->x);
    d->p = calloc((size_t)goss_network_classes(d->network), sizeof *d->p);
    return d->x && d->p ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "out of memory");
}

static void close_listener(sound_listener *d) {
    goss_predictor_free(d->predictor);
    goss_sound_reader_free(d->reader);
    goss_sound_front_free(d->front);
    free(d->x), free(d->p);
}

static goss_status predict(sound_listener *d, const predict_request *q, goss_error *err) {
    GOSS_TRY(open_listener(d, err));
    if (q->stream) return sound_predict_stream(d, q, err);
    for (int i = 0; i < q->n; i++) GOSS_TRY(predict_path(d, q->inputs[i], err));
    return GOSS_OK;
}

int predict_sounds(const goss_network *n, const cli_verb *verb, const predict_request *q) {
    sound_listener d = {.network = n, .json = q->json};
    goss_error err;
    if (q->stream && q->n > 1) cli_usage(verb, "--stream reads one stream, and there are %d inputs", q->n);
    if (q->rate && !q->stream) cli_usage(verb, "--rate is the rate of a --stream; sound files tell theirs");
    for (int i = 0; i < q->n && !q->stream; i++)
        if (strcmp(q->inputs[i], "-") == 0) cli_usage(verb, "samples on standard input need --stream");
    const int status = predict(&d, q, &err) == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
    close_listener(&d);
    return status == EXIT_DONE && d.bad ? EXIT_ERROR : status;
}
