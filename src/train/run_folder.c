/* SPDX-License-Identifier: Apache-2.0 */
/* run_folder.c: the folder a run writes to: created, locked, verified to belong to a run and to be writable before
 * any expensive work starts. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/os.h"
#include "base/str.h"
#include "base/text.h"
#include "io/tensor_format.h"
#include "train/run.h"

/* First line of a run's config.ini; identifies a run folder. */
static const char mark[] = "# A training run of gossamer: its settings, written anew at every start.\n";

static const char *const files[] = {"config.ini",       "metrics.jsonl",     "checkpoint.safetensors",
                                    "best.safetensors", "model.safetensors", "profile.txt",
                                    "profile.json"};
enum { FILES = sizeof files / sizeof *files, FOREIGN = 64 };

goss_status goss__run_path(const goss__run *r, const char *name, char out[4200], goss_error *err) {
    if (snprintf(out, 4200, "%s/%s", r->dir, name) < 4200) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "run.dir: the path is too long");
}

static goss_status is_own(const goss__run *r, bool *own, goss_error *err) {
    char path[4200], *text;
    size_t size;
    GOSS_TRY(goss__run_path(r, "config.ini", path, err));
    *own = false;
    if (!goss__path_exists(path) || goss__is_dir(path)) return GOSS_OK;
    GOSS_TRY(goss__read_file(path, (size_t)1 << 24, &text, &size, err));
    *own = size >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0;
    goss__free(text);
    return GOSS_OK;
}

/* Other verbs may have cached decoded images in the folder (data.cache); hidden files belong to file managers or to
 * temporary writers. */
static goss_status see_foreign(void *context, const char *name, goss_error *err) {
    char *found = context;
    if (!*found && name[0] != '.' && !goss__ascii_ends(name, ".images")) goss__text_line(name, found, FOREIGN);
    return (void)err, GOSS_OK;
}

static goss_status check_own(const goss__run *r, goss_error *err) {
    bool own;
    char path[4200], found[FOREIGN] = "";
    GOSS_TRY(is_own(r, &own, err));
    for (int i = 0; i < FILES; i++) {
        GOSS_TRY(goss__run_path(r, files[i], path, err));
        if (goss__path_exists(path) && !goss__is_file(path))
            return goss_error_set(err, GOSS_E_IO,
                                  "run.dir: %s is there and no file, but a run writes a file of that name", path);
    }
    if (!own) GOSS_TRY(goss__folder_each(r->dir, see_foreign, found, err));
    if (!*found) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "run.dir: %s is not empty (%s is in it), and no training run of this version has written it. "
                          "Name a new folder, as run.dir=runs/first",
                          r->dir, found);
}

/* A run inside the data's folder would be read as data. */
static goss_status check_apart(const goss__run *r, const char *key, const char *folder, goss_error *err) {
    const char *data = r->set.data.path;
    if (!*folder || !*data || strcmp(folder, "none") == 0 || !goss__lies_in(folder, data)) return GOSS_OK;
    const goss__data_kind *kind = goss__run_data_kind(&r->set, r->tasks);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s = %s %s the folder of the %s (data.path). Name another, as %s=runs/first", key, folder,
                          goss__same_file(folder, data) ? "is" : "lies in", kind->name, key);
}

/* Refuses inputs that the run would overwrite. */
static goss_status check_inputs(const goss__run *r, goss_error *err) {
    char path[4200];
    for (int i = 0; i < FILES; i++) {
        GOSS_TRY(goss__run_path(r, files[i], path, err));
        const char *key = goss__run_input_at(r->set.config, path);
        if (key)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "%s: the run would write over %s; name another run.dir, or a copy of that file", key,
                                  path);
    }
    return GOSS_OK;
}

/* A file can be made in the folder. */
static goss_status check_writable(const goss__run *r, goss_error *err) {
    char path[4200];
    goss__writer *w;
    GOSS_TRY(goss__run_path(r, "checkpoint.safetensors", path, err));
    GOSS_TRY(goss__writer_open(path, &w, err));
    goss__writer_abandon(w);
    return GOSS_OK;
}

/* Counts the levels of the path that are missing. */
static goss_status count_missing(goss__run *r, goss_error *err) {
    char *path = goss__strdup(r->dir);
    if (!path) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a path");
    r->made = 0;
    for (bool more = true; more && *path && !goss__path_exists(path); r->made++) more = goss__path_up(path);
    goss__free(path);
    return GOSS_OK;
}

static goss_status open_folder(goss__run *r, goss_error *err) {
    GOSS_TRY(count_missing(r, err));
    GOSS_TRY(goss__mkdirs(r->dir, err));
    return goss__lock_dir(r->dir, &r->lock, err);
}

void goss__run_folder_undo(goss__run *r) {
    char path[4200];
    if (!r->dir || r->made == 0 || r->lock < 0) return;
    for (int i = 0; i < FILES; i++)
        if (goss__run_path(r, files[i], path, NULL) == GOSS_OK) (void)unlink(path);
    for (bool more = true; more && r->made > 0 && rmdir(r->dir) == 0; r->made--) more = goss__path_up(r->dir);
}

goss_status goss__run_folder_is_named(const goss__run_settings *s, goss_error *err) {
    if (*s->run.dir) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "run.dir is not set: the folder to write to, as run.dir=runs/first");
}

/* Checks that need no folder. */
static goss_status check_names(goss__run *r, goss_error *err) {
    r->dir = goss__strdup(r->set.run.dir);
    if (!r->dir) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a path");
    GOSS_TRY(goss__tensor_files_ready(err));
    GOSS_TRY(check_apart(r, "run.dir", r->set.run.dir, err));
    GOSS_TRY(check_apart(r, "data.cache", r->set.data.cache, err));
    return *r->dir ? check_inputs(r, err) : GOSS_OK;
}

goss_status goss__run_folder_look(goss__run *r, goss_error *err) {
    GOSS_TRY(check_names(r, err));
    if (!goss__path_exists(r->dir)) return GOSS_OK;
    if (!goss__is_dir(r->dir)) return goss_error_set(err, GOSS_E_IO, "run.dir: %s is there and no folder", r->dir);
    return check_own(r, err);
}

goss_status goss__run_folder(goss__run *r, goss_error *err) {
    GOSS_TRY(check_names(r, err));
    GOSS_TRY(goss_error_prefix(err, open_folder(r, err), "run.dir"));
    GOSS_TRY(check_own(r, err));
    return goss_error_prefix(err, check_writable(r, err), "run.dir");
}

goss_status goss__run_write_config(const goss__run *r, goss_error *err) {
    char path[4200], *text = goss_config_write(r->config);
    goss__str all = {0};
    goss__str_add(&all, mark);
    goss__str_add(&all, text ? text : "");
    goss_status s = text && !all.failed ? goss__run_path(r, "config.ini", path, err)
                                        : goss_error_set(err, GOSS_E_NOMEM, "no memory for the configuration's text");
    if (s == GOSS_OK) s = goss__write_file(path, all.data, all.size, err);
    goss__str_free(&all);
    goss_config_text_free(text);
    return s;
}
