/* checkpoint.c: a run's state as one file: every parameter of the store, the counters, the validations so far. What it
 * was made with is in it, so that a run is never continued with other settings or other data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/finite.h"
#include "base/os.h"
#include "base/str.h"
#include "io/json.h"
#include "base/number.h"
#include "meta/settings.h"
#include "train/run.h"

static const char checkpoint_kind[] = "checkpoint 1";

/* Settings that change nothing about the result. */
static bool is_free(const char *key) {
    static const char *const names[] = {"run.threads", "run.dir", "data.cache", "train.checkpoint_minutes"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(key, names[i]) == 0) return true;
    return false;
}

goss_status goss__fingerprint(const goss_config *c, char **out, goss_error *err) {
    int n;
    const goss_key *keys = goss_train_keys(&n);
    goss__str text = {0};
    for (int i = 0; i < n; i++) {
        char value[8192];
        if (is_free(keys[i].name)) continue;
        goss__config_value(c, &keys[i], value, sizeof value);
        for (char *p = value; *p; p++)
            if (*p == '\n') *p = ';';
        goss__str_addf(&text, "%s = %s\n", keys[i].name, value);
    }
    if (text.failed) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a run's settings");
    *out = text.data;
    return GOSS_OK;
}

/* ---- writing ---- */

typedef struct field {
    const char *key;
    double value;
} field;
enum { FIELDS = 9 };

static void fields_of(const goss__run_state *s, field out[FIELDS]) {
    const field f[FIELDS] = {{"step", (double)s->step},
                             {"seconds", s->seconds},
                             {"clock", s->clock},
                             {"best", s->best},
                             {"best_ci95", s->best_ci95},
                             {"best_step", (double)s->best_step},
                             {"since_best", (double)s->since_best},
                             {"finished", s->finished},
                             {"end", (double)s->end}};
    memcpy(out, f, sizeof f);
}

static goss_status add_doubles(goss_tensor_file *file, const char *name, const double *values, int64_t n,
                               goss_error *err) {
    return n ? goss_tensor_file_add(file, name, "F64", 1, &n, values, err) : GOSS_OK;
}

/* What the model that the run started from had seen: a resume must know it without that file. */
static bool has_start(const goss__run *r) { return *goss_config_text(r->config, "train.start") != 0; }

static goss_status collect(const goss__run *r, goss_tensor_file *file, goss_error *err) {
    char text[GOSS__NUMBER_TEXT], hash[32];
    field f[FIELDS];
    fields_of(&r->state, f);
    for (int i = 0; i < FIELDS; i++) {
        goss__number_print(f[i].value, text);
        GOSS_TRY(goss_tensor_file_meta(file, f[i].key, text, err));
    }
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)goss_images_hash(r->data.set));
    GOSS_TRY(goss_tensor_file_meta(file, GOSS__KIND_KEY, checkpoint_kind, err));
    GOSS_TRY(goss_tensor_file_meta(file, "data.hash", hash, err));
    GOSS_TRY(goss_tensor_file_meta(file, "settings", r->fingerprint, err));
    for (int i = 0; i < goss_params_count(r->params); i++)
        GOSS_TRY(goss_tensor_file_add(file, goss_params_name(r->params, i), "F32", goss_params_rank(r->params, i),
                                      goss_params_shape(r->params, i), goss_params_data(r->params, i), err));
    if (has_start(r)) GOSS_TRY(goss__seen_write(r->model, file, err));
    GOSS_TRY(add_doubles(file, "validations", r->history, r->n_history, err));
    return add_doubles(file, "replay", r->replay + r->next_replay, r->n_replay - r->next_replay, err);
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

/* Names the first setting that differs. */
static goss_status same_settings(const char *theirs, const char *ours, goss_error *err) {
    while (*ours && *theirs) {
        size_t n = strcspn(ours, "\n"), m = strcspn(theirs, "\n");
        if (n != m || memcmp(ours, theirs, n) != 0)
            return goss_error_set(
                err, GOSS_E_ARGUMENT,
                "the folder holds a run with other settings: %.*s, not %.*s. Remove the folder or name another run.dir",
                m < 200 ? (int)m : 200, theirs, n < 200 ? (int)n : 200, ours);
        ours += n + (ours[n] != 0), theirs += m + (theirs[m] != 0);
    }
    return *ours == *theirs ? GOSS_OK
                            : goss_error_set(err, GOSS_E_ARGUMENT, "the folder holds a run of another version");
}

static goss_status read_state(const goss_safetensors *f, goss__run_state *s, goss_error *err) {
    field fields[FIELDS];
    double v[FIELDS];
    fields_of(s, fields);
    for (int i = 0; i < FIELDS; i++) {
        const char *text = goss_safetensors_meta(f, fields[i].key);
        if (!text || !goss__number_parse(text, &v[i]) || v[i] < -1 || v[i] > 1e15)
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
                           .end = (goss_train_end)v[8]};
    return GOSS_OK;
}

static goss_status read_params(const goss_safetensors *f, goss__run *r, goss_error *err) {
    for (int i = 0; i < goss_params_count(r->params); i++) {
        const float *data;
        GOSS_TRY(
            goss_safetensors_floats(f, goss_params_name(r->params, i), goss_params_numel(r->params, i), &data, err));
        int64_t at = goss__first_not_finite(data, goss_params_numel(r->params, i));
        if (at >= 0)
            return goss_error_set(
                err, GOSS_E_NUMERIC,
                "tensor \"%s\": number %lld is %g, which is not finite: the run had come apart. Train "
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

static goss_status read_all(const goss_safetensors *f, goss__run *r, goss_error *err) {
    char hash[32];
    const char *settings = goss_safetensors_meta(f, "settings"), *data = goss_safetensors_meta(f, "data.hash");
    GOSS_TRY(goss__file_kind(f, checkpoint_kind, err));
    if (!settings || !data)
        return goss_error_set(err, GOSS_E_FORMAT, "metadata \"settings\" or \"data.hash\" is missing");
    GOSS_TRY(same_settings(settings, r->fingerprint, err));
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)goss_images_hash(r->data.set));
    if (strcmp(hash, data) != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "the images are not those that the run was started with");
    GOSS_TRY(read_state(f, &r->state, err));
    GOSS_TRY(read_params(f, r, err));
    if (has_start(r)) GOSS_TRY(goss__seen_read(r->model, f, err));
    enum { ROOM = 256 };
    GOSS_TRY(read_doubles(f, "validations", ROOM, &r->history, &r->n_history, err));
    r->history_room = r->n_history + ROOM;
    return read_doubles(f, "replay", 0, &r->replay, &r->n_replay, err);
}

goss_status goss__checkpoint_read(goss__run *r, bool *found, goss_error *err) {
    char path[4200];
    goss_safetensors *f;
    GOSS_TRY(goss__run_path(r, "checkpoint.safetensors", path, err));
    *found = goss__path_exists(path);
    if (!*found) return GOSS_OK;
    GOSS_TRY(goss_safetensors_open(path, &f, err));
    goss_status s = read_all(f, r, err);
    goss_safetensors_close(f);
    return s == GOSS_OK ? s : goss_error_prefix(err, s, "%s", path);
}

/* ---- the clock of what was cut off ---- */

/* The clock in a line of a later step; false: the line is none. */
static bool line_clock(const char *line, size_t n, int64_t after, double *clock) {
    static const char *const keys[] = {"step", "clock"};
    double v[2];
    if (!goss__json_numbers(line, n, keys, 2, v)) return false; /* half a line: the end of what was written */
    if (!(v[0] > (double)after)) return false;
    *clock = v[1];
    return true;
}

goss_status goss__replay_read(goss__run *r, goss_error *err) {
    char path[4200], *text;
    size_t size;
    GOSS_TRY(goss__run_path(r, "metrics.jsonl", path, err));
    if (!goss__path_exists(path)) return GOSS_OK;
    GOSS_TRY(goss__read_file(path, (size_t)1 << 31, &text, &size, err));
    int lines = 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    double *clocks = goss__calloc((size_t)lines + 1, sizeof *clocks);
    int n = 0;
    for (char *at = text, *end; clocks && (end = memchr(at, '\n', (size_t)(text + size - at))); at = end + 1)
        n += line_clock(at, (size_t)(end - at), r->state.step, &clocks[n]);
    goss__free(text);
    if (!clocks) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d lines of metrics", lines);
    /* Both lists start at the checkpoint and agree as far as both go: the log is itself written from the older list. */
    if (n > r->n_replay) {
        double *shorter = r->replay;
        r->replay = clocks, r->n_replay = n, clocks = shorter;
    }
    goss__free(clocks);
    return GOSS_OK;
}
