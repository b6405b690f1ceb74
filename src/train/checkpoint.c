/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.c: a run's state as one file: every parameter of the store, the counters, the validations so far. It
 * records settings and content hashes, so that a run is never continued with other settings or other data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/finite.h"
#include "base/os.h"
#include "io/json.h"
#include "base/number.h"
#include "train/run.h"

static const char checkpoint_kind[] = "checkpoint 2";

/* ---- writing ---- */

typedef struct field {
    const char *key;
    double value;
} field;
enum { FIELDS = 10 };

static void fields_of(const goss__run_state *s, field out[FIELDS]) {
    const field f[FIELDS] = {{"step", (double)s->step},
                             {"seconds", s->seconds},
                             {"clock", s->clock},
                             {"best", s->best},
                             {"best_ci95", s->best_ci95},
                             {"best_step", (double)s->best_step},
                             {"since_best", (double)s->since_best},
                             {"finished", s->finished},
                             {"end", (double)s->end},
                             {"bad", (double)s->bad}};
    memcpy(out, f, sizeof f);
}

static goss_status add_doubles(goss_tensor_file *file, const char *name, const double *values, int64_t n,
                               goss_error *err) {
    return n ? goss_tensor_file_add(file, name, "F64", 1, &n, values, err) : GOSS_OK;
}

/* Samples seen by the model that the run started from: a resume must know them without that file. */
static bool has_start(const goss__run *r) { return r->start[0] != 0; }

/* Identity of the run, compared by run_identity.c. */
static goss_status add_identity(const goss__run *r, goss_tensor_file *file, goss_error *err) {
    char hash[32];
    goss__data_identity(r, hash, sizeof hash);
    GOSS_TRY(goss_tensor_file_meta(file, "data.hash", hash, err));
    GOSS_TRY(goss_tensor_file_meta(file, "data.size", r->data.size, err));
    GOSS_TRY(goss_tensor_file_meta(file, "start", r->start, err));
    GOSS_TRY(goss_tensor_file_meta(file, "settings", r->fingerprint, err));
    return r->data.kind->keep ? r->data.kind->keep(&r->data, file, err) : GOSS_OK;
}

static goss_status collect(const goss__run *r, goss_tensor_file *file, goss_error *err) {
    char text[GOSS__NUMBER_TEXT];
    field f[FIELDS];
    fields_of(&r->state, f);
    for (int i = 0; i < FIELDS; i++) {
        goss__number_print(f[i].value, text);
        GOSS_TRY(goss_tensor_file_meta(file, f[i].key, text, err));
    }
    GOSS_TRY(goss_tensor_file_meta(file, GOSS__KIND_KEY, checkpoint_kind, err));
    GOSS_TRY(add_identity(r, file, err));
    for (int i = 0; r->params && i < goss_params_count(r->params); i++)
        GOSS_TRY(goss_tensor_file_add(file, goss_params_name(r->params, i), "F32", goss_params_rank(r->params, i),
                                      goss_params_shape(r->params, i), goss_params_data(r->params, i), err));
    if (has_start(r)) GOSS_TRY(goss__seen_write(r->model, file, err));
    if (r->regularizers.measured)
        GOSS_TRY(add_doubles(file, "measures", r->regularizers.last, r->regularizers.n_measures, err));
    GOSS_TRY(add_doubles(file, "validations", r->history, r->n_history, err));
    return add_doubles(file, "replay", (const double *)(r->replay + r->next_replay),
                       2 * (int64_t)(r->n_replay - r->next_replay), err);
}

goss_status goss__checkpoint_write(const goss__run *r, goss_error *err) {
    char path[4200];
    goss_tensor_file *file;
    GOSS_TRY(goss__run_path(r, "checkpoint.safetensors", path, err));
    GOSS_TRY(goss_tensor_file_new(&file, err));
    goss_status s = collect(r, file, err);
    if (s == GOSS_OK) s = goss_tensor_file_write(file, path, err);
    goss_tensor_file_free(file);
    return s;
}

/* ---- reading ---- */

/* A metric may be negative; unknown counts are -1. */
static double least_of(const char *key) { return strcmp(key, "best") == 0 ? -1e15 : -1; }

static goss_status read_state(const goss_safetensors *f, goss__run_state *s, goss_error *err) {
    field fields[FIELDS];
    double v[FIELDS];
    fields_of(s, fields);
    for (int i = 0; i < FIELDS; i++) {
        const char *text = goss_safetensors_meta(f, fields[i].key);
        if (!text && strcmp(fields[i].key, "bad") == 0) text = "0"; /* of earlier versions */
        if (!text || !goss__number_parse(text, &v[i]) || v[i] < least_of(fields[i].key) || v[i] > 1e15)
            return goss_error_set(err, GOSS_E_FORMAT, "metadata %s is missing or no number in range", fields[i].key);
    }
    *s = (goss__run_state){.step = (int64_t)v[0],
                           .seconds = v[1],
                           .clock = v[2],
                           .best = v[3],
                           .best_ci95 = v[4],
                           .best_step = (int64_t)v[5],
                           .since_best = (int64_t)v[6],
                           .finished = v[7] != 0,
                           .end = (goss_train_end)v[8],
                           .bad = (int64_t)v[9]};
    return GOSS_OK;
}

static goss_status read_params(const goss_safetensors *f, goss__run *r, goss_error *err) {
    for (int i = 0; r->params && i < goss_params_count(r->params); i++) {
        const float *data;
        GOSS_TRY(
            goss_safetensors_floats(f, goss_params_name(r->params, i), goss_params_numel(r->params, i), &data, err));
        int64_t at = goss__first_not_finite(data, goss_params_numel(r->params, i));
        if (at >= 0)
            return goss_error_set(err, GOSS_E_NUMERIC,
                                  "tensor \"%s\": number %lld is %g, which is not finite: the run had diverged. Train "
                                  "anew in another run.dir with a smaller optimizer.rate; best.safetensors is kept",
                                  goss_params_name(r->params, i), (long long)at, (double)data[at]);
        memcpy(goss_params_data(r->params, i), data, (size_t)goss_params_numel(r->params, i) * sizeof *data);
    }
    return GOSS_OK;
}

/* A list of doubles, with room for as many more; none: NULL. */
static goss_status read_doubles(const goss_safetensors *f, const char *name, int room, double **out, int *n,
                                goss_error *err) {
    const goss_file_tensor *t = goss_safetensors_find(f, name);
    *n = 0;
    if (t && (strcmp(t->dtype, "F64") != 0 || t->rank != 1 || t->shape[0] > INT32_MAX / 2))
        return goss_error_set(err, GOSS_E_FORMAT, "tensor \"%s\" is no list of doubles", name);
    size_t size = t ? t->size : 0;
    *out = goss__alloc(size + (size_t)room * sizeof **out);
    if (!*out) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %s", name);
    if (t) memcpy(*out, t->data, size), *n = (int)t->shape[0];
    return GOSS_OK;
}

/* What regularisers reported last: for the model. */
static goss_status read_measures(const goss_safetensors *f, goss__regularizers *r, goss_error *err) {
    double *v;
    int n;
    GOSS_TRY(read_doubles(f, "measures", 1, &v, &n, err));
    r->measured = n > 0 && n == r->n_measures;
    if (r->measured) memcpy(r->last, v, (size_t)n * sizeof *v);
    goss__free(v);
    return GOSS_OK;
}

static goss_status read_all(const goss_safetensors *f, goss__run *r, goss_error *err) {
    enum { ROOM = 256 };
    double *replay;
    int n;
    GOSS_TRY(read_params(f, r, err));
    if (has_start(r)) GOSS_TRY(goss__seen_read(r->model, f, err));
    GOSS_TRY(read_doubles(f, "validations", ROOM, &r->history, &r->n_history, err));
    r->history_room = r->n_history + ROOM;
    GOSS_TRY(read_doubles(f, "replay", 1, &replay, &n, err));
    r->replay = (goss__look *)replay, r->n_replay = n / 2;
    return read_measures(f, &r->regularizers, err);
}

static goss_status in_checkpoint(const goss__run *r, goss_status s, goss_error *err) {
    return goss_error_prefix(err, s, "%s/checkpoint.safetensors", r->dir);
}

goss_status goss__checkpoint_read(goss__run *r, goss_error *err) {
    goss_status s = read_all(r->previous, r, err);
    goss_safetensors_close(r->previous);
    r->previous = NULL;
    return in_checkpoint(r, s, err);
}

/* A run that was stopped before its first step has no state to preserve: with other settings it starts over. */
static bool has_begun(const goss__run *r) { return r->state.step > 0 || r->state.finished; }

static void forget(goss__run *r) {
    goss_safetensors_close(r->previous);
    r->previous = NULL;
    r->moved = false;
    r->start[0] = 0;
    r->state = (goss__run_state){.best = -1};
}

/* Every run writes a checkpoint before a model: a folder with a model but no checkpoint is not overwritten. */
static goss_status no_model(const goss__run *r, goss_error *err) {
    static const char *const names[] = {"model.safetensors", "best.safetensors"};
    for (int i = 0; i < 2; i++) {
        char path[4200];
        GOSS_TRY(goss__run_path(r, names[i], path, err));
        if (!goss__path_exists(path)) continue;
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "%s is there, but no checkpoint.safetensors to go on from: it would be replaced. Name "
            "another run.dir for a run of its own (train.start=%s there begins with what this one has "
            "learned)",
            path, path);
    }
    return GOSS_OK;
}

/* Adds to the error what can be done without the checkpoint. */
static goss_status damaged(const goss__run *r, goss_status s, goss_error *err) {
    char path[4200];
    if (s != GOSS_E_FORMAT || !err) return s;
    const goss_error why = *err;
    GOSS_TRY(goss__run_path(r, "best.safetensors", path, err));
    return goss_error_set(
        err, s, "%s: the run cannot go on from it. Put a copy of it back, or name another run.dir%s%s%s", why.text,
        goss__path_exists(path) ? " (train.start=" : "", goss__path_exists(path) ? path : "",
        goss__path_exists(path) ? " there begins with the best model so far)" : "");
}

static goss_status open_previous(goss__run *r, goss_error *err) {
    GOSS_TRY(in_checkpoint(r, goss__file_kind(r->previous, checkpoint_kind, err), err));
    GOSS_TRY(in_checkpoint(r, read_state(r->previous, &r->state, err), err));
    const char *settings = goss_safetensors_meta(r->previous, "settings");
    if (!settings) return in_checkpoint(r, goss_error_set(err, GOSS_E_FORMAT, "metadata \"settings\" is missing"), err);
    return goss__same_run(r, settings, err);
}

goss_status goss__checkpoint_open(goss__run *r, goss_error *err) {
    char path[4200];
    GOSS_TRY(goss__run_path(r, "checkpoint.safetensors", path, err));
    if (!goss__path_exists(path)) return no_model(r, err);
    GOSS_TRY(damaged(r, goss_safetensors_open(path, &r->previous, err), err));
    goss_status s = damaged(r, open_previous(r, err), err);
    if (s != GOSS_E_ARGUMENT || has_begun(r)) return s;
    forget(r);
    return GOSS_OK;
}

goss_status goss__checkpoint_compare(goss__run *r, goss_error *err) {
    goss_status s = goss__same_content(r, err);
    if (s != GOSS_E_ARGUMENT || has_begun(r)) return s;
    forget(r);
    return GOSS_OK;
}

/* ---- the clock of what was cut off ---- */

/* Parses the clock of a log line of a later step; false if there is none. */
static bool read_look(const char *line, size_t n, int64_t after, goss__look *out) {
    static const char *const keys[] = {"step", "clock"};
    double v[2];
    if (!goss__json_numbers(line, n, keys, 2, v)) return false; /* a truncated line: end of the log */
    if (!(v[0] > (double)after)) return false;
    *out = (goss__look){v[0], v[1]};
    return true;
}

goss_status goss__replay_read(goss__run *r, goss_error *err) {
    char path[4200], *text;
    size_t size;
    GOSS_TRY(goss__run_path(r, "metrics.jsonl", path, err));
    if (r->set.train.minutes == 0 || !goss__path_exists(path)) return GOSS_OK;
    GOSS_TRY(goss__read_file(path, (size_t)1 << 31, &text, &size, err));
    int lines = 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    goss__look *looks = goss__calloc((size_t)lines + 1, sizeof *looks);
    int n = 0;
    for (char *at = text, *end; looks && (end = memchr(at, '\n', (size_t)(text + size - at))); at = end + 1)
        n += read_look(at, (size_t)(end - at), r->state.step, &looks[n]);
    goss__free(text);
    if (!looks) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d lines of metrics", lines);
    /* Both lists start at the checkpoint and share a common prefix: the log is itself written from the older list. */
    if (n > r->n_replay) {
        goss__look *shorter = r->replay;
        r->replay = looks, r->n_replay = n, looks = shorter;
    }
    goss__free(looks);
    return GOSS_OK;
}
