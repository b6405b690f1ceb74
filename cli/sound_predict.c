/* SPDX-License-Identifier: Apache-2.0 */
/* sound_predict.c: gossamer predict for recordings: a line or JSON object each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "class_answer.h"
#include "sound_predict.h"

goss_status sound_listen(sound_listener *d, const goss_wave *const *w, int n, goss_error *err) {
    const float *samples[SOUND_BATCH];
    size_t length[SOUND_BATCH];
    for (int i = 0; i < n; i++) samples[i] = w[i]->samples, length[i] = w[i]->n;
    GOSS_TRY(goss_sound_reader_samples(d->reader, samples, length, n, d->x, d->steps, d->threads, err));
    const bool ragged = d->front->fit == GOSS_SOUND_RAGGED;
    return goss_predictor_predict_ragged(d->predictor, d->x, ragged ? d->steps : NULL, n, d->p, d->unsure, err);
}

/* ---- files, some at a time ---- */

/* What was asked about, in the order of the answers. */
typedef struct inquiry {
    char *name;
    goss_wave wave;
    bool heard;   /* has an answer: it was read, and is not silent */
    bool bad;     /* could not be read */
    goss_error e; /* why */
} inquiry;

typedef struct inquiries {
    int n;
    size_t samples;
    inquiry of[SOUND_BATCH];
} inquiries;

static void forget(inquiries *all) {
    for (int i = 0; i < all->n; i++) goss_wave_free(&all->of[i].wave), free(all->of[i].name);
    all->n = 0, all->samples = 0;
}

static void tell_bad(sound_listener *d, const inquiry *q) {
    if (d->json) cli_put_unread(q->name, &q->e);
    fflush(stdout);
    cli_fail(&q->e);
    d->bad++;
}

static goss_status answer_all(sound_listener *d, inquiries *all, goss_error *err) {
    const goss_wave *heard[SOUND_BATCH];
    const size_t classes = (size_t)goss_network_classes(d->network);
    int n = 0, k = 0;
    for (int i = 0; i < all->n; i++)
        if (all->of[i].heard) heard[n++] = &all->of[i].wave;
    if (n) GOSS_TRY(sound_listen(d, heard, n, err));
    for (int i = 0; i < all->n; i++) {
        const inquiry *q = &all->of[i];
        if (q->bad)
            tell_bad(d, q);
        else if (!q->heard)
            cli_put_silence(q->name, d->json);
        else {
            const float unsure = goss_network_members(d->network) > 1 ? d->unsure[k] : -1;
            cli_put_answer(d->network, q->name, d->p + (size_t)k++ * classes, unsure, d->json);
        }
    }
    forget(all);
    return GOSS_OK;
}

/* The next inquiry, about `name`; answers the ones before it first if there are many. */
static goss_status next(sound_listener *d, inquiries *all, const char *name, inquiry **out, goss_error *err) {
    enum { MOST_SAMPLES = 1 << 24 };
    if (all->n == SOUND_BATCH || all->samples > MOST_SAMPLES) GOSS_TRY(answer_all(d, all, err));
    *out = &all->of[all->n];
    **out = (inquiry){.name = strdup(name)};
    if (!(*out)->name) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    all->n++;
    return GOSS_OK;
}

static goss_status ask_file(sound_listener *d, inquiries *all, const char *path, goss_error *err) {
    inquiry *q;
    GOSS_TRY(next(d, all, path, &q, err));
    const goss_status read = goss_wave_read(path, d->front->rate, 0, &q->wave, &q->e);
    if (read == GOSS_E_NOMEM) return goss_error_set(err, read, "%s", q->e.text);
    q->bad = read != GOSS_OK;
    q->heard = !q->bad && !goss_sound_is_silent(q->wave.samples, q->wave.n, q->wave.rate, NULL);
    all->samples += q->wave.n;
    return GOSS_OK;
}

static goss_status ask_path(sound_listener *d, inquiries *all, const char *path, goss_error *err) {
    char **paths;
    int n;
    goss_error e;
    inquiry *q;
    goss_status s = goss_sound_paths(path, &paths, &n, &e);
    if (s != GOSS_OK) {
        GOSS_TRY(next(d, all, path, &q, err));
        q->bad = true, q->e = e;
        return GOSS_OK;
    }
    for (int i = 0; i < n && s == GOSS_OK; i++) s = ask_file(d, all, paths[i], err);
    goss_sound_paths_free(paths, n);
    return s;
}

static goss_status ask_all(sound_listener *d, inquiries *all, const predict_request *q, goss_error *err) {
    for (int i = 0; i < q->n; i++) GOSS_TRY(ask_path(d, all, q->inputs[i], err));
    return answer_all(d, all, err);
}

static goss_status predict_files(sound_listener *d, const predict_request *q, goss_error *err) {
    inquiries *all = calloc(1, sizeof *all);
    if (!all) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    const goss_status s = ask_all(d, all, q, err);
    forget(all);
    free(all);
    return s;
}

/* ---- opening ---- */

static goss_status open_listener(sound_listener *d, goss_error *err) {
    const goss_data_spec *data = goss_network_data(d->network);
    if (!data->transform)
        return goss_error_set(err, GOSS_E_FORMAT, "the network does not say how a recording becomes a sample");
    GOSS_TRY(goss_sound_front_parse(data->transform, &d->front, err));
    GOSS_TRY(goss_sound_reader_new(d->front, &d->reader, err));
    GOSS_TRY(goss_threads_new(0, &d->threads, err));
    GOSS_TRY(goss_predictor_of_network(d->network, d->threads, &d->predictor, err));
    d->x = calloc(SOUND_BATCH * goss_task_input_size(&data->task), sizeof *d->x);
    d->p = calloc(SOUND_BATCH * (size_t)goss_network_classes(d->network), sizeof *d->p);
    d->unsure = calloc(SOUND_BATCH, sizeof *d->unsure), d->steps = calloc(SOUND_BATCH, sizeof *d->steps);
    return d->x && d->p && d->unsure && d->steps ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "out of memory");
}

static void close_listener(sound_listener *d) {
    goss_predictor_free(d->predictor);
    goss_threads_free(d->threads);
    goss_sound_reader_free(d->reader);
    goss_sound_front_free(d->front);
    free(d->x), free(d->p), free(d->unsure), free(d->steps);
}

static goss_status predict(sound_listener *d, const predict_request *q, goss_error *err) {
    GOSS_TRY(open_listener(d, err));
    return q->stream ? sound_predict_stream(d, q, err) : predict_files(d, q, err);
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
