/* SPDX-License-Identifier: Apache-2.0 */
/* agent_checkpoint.c: the folder of an agent's run and its checkpoint: the store (weights, moments of the optimiser),
 * the running moments and counters, and the settings that a resumed run must have again. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/number.h"
#include "base/os.h"
#include "gossamer/safetensors.h"
#include "io/tensor_format.h"
#include "meta/notes.h"
#include "rl/agent_run.h"

#define KIND "agent checkpoint 1"

/* ---- the folder ---- */

static goss_status see_foreign(void *context, const char *name, goss_error *err) {
    static const char *const own[] = {"config.ini", "metrics.jsonl", "checkpoint.safetensors", "model.safetensors"};
    char *found = context;
    (void)err;
    if (name[0] == '.') return GOSS_OK;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(name, own[i]) == 0) return GOSS_OK;
    snprintf(found, 200, "%.199s", name);
    return GOSS_OK;
}

/* Errors: it is no folder of an agent's run. */
static goss_status check_files(const char *dir, goss_error *err) {
    char found[200] = "", path[4200];
    GOSS_TRY(goss__folder_each(dir, see_foreign, found, err));
    if (*found)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "run.dir: %s has files of others (%s). Name a new folder, as run.dir=runs/first", dir,
                              found);
    snprintf(path, sizeof path, "%s/checkpoint.safetensors", dir);
    if (goss__path_exists(path)) return GOSS_OK;
    snprintf(path, sizeof path, "%s/config.ini", dir);
    if (!goss__path_exists(path)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "run.dir: %s has a run without a checkpoint of an agent. Name a new folder", dir);
}

static goss_status check_path(const char *dir, goss_error *err) {
    if (strlen(dir) + sizeof "/checkpoint.safetensors" <= 4200) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "run.dir: the path is too long");
}

goss_status goss__agent_folder(const char *dir, int *lock, goss_error *err) {
    *lock = -1;
    GOSS_TRY(goss__tensor_files_ready(err));
    GOSS_TRY(check_path(dir, err));
    GOSS_TRY(goss__mkdirs(dir, err));
    GOSS_TRY(goss__lock_dir(dir, lock, err));
    const goss_status s = check_files(dir, err);
    if (s != GOSS_OK) goss__unlock_dir(*lock), *lock = -1;
    return s;
}

/* ---- writing ---- */

static goss_status collect(goss_tensor_file *f, const goss_agent *a, const goss_params *params,
                           const goss__agent_state *s, const char *identity, double *moments, goss_error *err) {
    GOSS_TRY(goss_tensor_file_meta(f, GOSS__KIND_KEY, KIND, err));
    GOSS_TRY(goss_tensor_file_meta(f, "settings", identity, err));
    GOSS_TRY(goss__agent_meta_number(f, "iteration", (double)s->iteration, err));
    GOSS_TRY(goss__agent_meta_number(f, "frames", (double)a->frames, err));
    GOSS_TRY(goss__agent_meta_number(f, "seconds", s->seconds, err));
    if (s->has_best) GOSS_TRY(goss__agent_meta_number(f, "best", s->best, err));
    GOSS_TRY(goss__agent_meta_number(f, "finished", s->finished, err));
    GOSS_TRY(goss__agent_add_moments(a, f, moments, err));
    for (int i = 0; i < goss_params_count(params); i++)
        GOSS_TRY(goss_tensor_file_add(f, goss_params_name(params, i), "F32", goss_params_rank(params, i),
                                      goss_params_shape(params, i), goss_params_data(params, i), err));
    return GOSS_OK;
}

goss_status goss__agent_checkpoint_write(const char *dir, const goss_agent *a, const goss_params *params,
                                         const goss__agent_state *s, const char *identity, goss_error *err) {
    goss_tensor_file *f;
    char path[4200];
    snprintf(path, sizeof path, "%s/checkpoint.safetensors", dir);
    double *moments = goss__calloc((size_t)goss__agent_moments(a), sizeof *moments);
    if (!moments) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a checkpoint");
    goss_status status = goss_tensor_file_new(&f, err);
    if (status != GOSS_OK) return goss__free(moments), status;
    status = collect(f, a, params, s, identity, moments, err);
    if (status == GOSS_OK) status = goss_tensor_file_write(f, path, err);
    goss_tensor_file_free(f), goss__free(moments);
    return status;
}

/* ---- reading ---- */

static goss_status same_settings(const char *then, const char *now, goss_error *err) {
    while (*then && *now) {
        const size_t a = strcspn(then, "\n"), b = strcspn(now, "\n");
        if (a != b || memcmp(then, now, a) != 0)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "the run was begun with %.*s, and now has %.*s. Name another run.dir, or the same "
                                  "settings",
                                  (int)a, then, (int)b, now);
        then += a + (then[a] == '\n'), now += b + (now[b] == '\n');
    }
    if (*then == *now) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "the run was begun with other settings (%.60s). Name another run.dir",
                          *then ? then : now);
}

static goss_status number_of(const goss_safetensors *f, const char *key, double *out, goss_error *err) {
    const char *text = goss_safetensors_meta(f, key);
    if (text && goss__number_parse(text, out)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "%s is missing or damaged", key);
}

static goss_status check_run(const goss_safetensors *f, const char *identity, goss_error *err) {
    const char *kind = goss_safetensors_meta(f, GOSS__KIND_KEY), *then = goss_safetensors_meta(f, "settings");
    if (!kind || strcmp(kind, KIND) != 0 || !then)
        return goss_error_set(err, GOSS_E_FORMAT, "it is no checkpoint of an agent. Name another run.dir");
    return same_settings(then, identity, err);
}

static goss_status take(const goss_safetensors *f, goss_agent *a, goss_params *params, goss__agent_state *s,
                        const char *identity, goss_error *err) {
    double iteration, frames, finished;
    GOSS_TRY(check_run(f, identity, err));
    GOSS_TRY(number_of(f, "iteration", &iteration, err));
    GOSS_TRY(number_of(f, "frames", &frames, err));
    GOSS_TRY(number_of(f, "seconds", &s->seconds, err));
    GOSS_TRY(number_of(f, "finished", &finished, err));
    s->has_best = goss_safetensors_meta(f, "best") != NULL;
    if (s->has_best) GOSS_TRY(number_of(f, "best", &s->best, err));
    s->iteration = (int64_t)iteration, s->finished = finished > 0, a->frames = (int64_t)frames;
    GOSS_TRY(goss__agent_read_moments(f, a, err));
    for (int i = 0; i < goss_params_count(params); i++) {
        const float *from;
        GOSS_TRY(goss_safetensors_floats(f, goss_params_name(params, i), goss_params_numel(params, i), &from, err));
        goss_params_set(params, i, from);
    }
    return GOSS_OK;
}

goss_status goss__agent_folder_check(const char *dir, const char *identity, goss_error *err) {
    goss_safetensors *f;
    char path[4200];
    GOSS_TRY(check_path(dir, err));
    if (!goss__path_exists(dir)) return goss__folder_check(dir, err);
    GOSS_TRY(check_files(dir, err));
    snprintf(path, sizeof path, "%s/checkpoint.safetensors", dir);
    if (!goss__path_exists(path)) return goss__folder_check(dir, err);
    GOSS_TRY(goss_safetensors_open(path, &f, err));
    const goss_status s = goss_error_prefix(err, check_run(f, identity, err), "%s", path);
    goss_safetensors_close(f);
    return s == GOSS_OK ? goss__folder_check(dir, err) : s;
}

goss_status goss__agent_checkpoint_read(const char *dir, goss_agent *a, goss_params *params, goss__agent_state *s,
                                        const char *identity, bool *found, goss_error *err) {
    goss_safetensors *f;
    char path[4200];
    snprintf(path, sizeof path, "%s/checkpoint.safetensors", dir);
    *found = goss__path_exists(path);
    if (!*found) return GOSS_OK;
    GOSS_TRY(goss_safetensors_open(path, &f, err));
    const goss_status status = goss_error_prefix(err, take(f, a, params, s, identity, err), "%s", path);
    goss_safetensors_close(f);
    return status;
}
