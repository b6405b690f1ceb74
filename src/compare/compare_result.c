/* SPDX-License-Identifier: Apache-2.0 */
/* compare_result.c: the result of a cell, as a small JSON file that is replaced atomically. It contains a hash of
 * the cell's settings; a file with another hash is ignored. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/str.h"
#include "compare/compare.h"
#include "io/json.h"

const goss_metric *goss__metric_named(const char *name) {
    for (const goss_objective *const *o = goss_objectives(); *o; o++)
        for (const goss_metric *const *m = (*o)->metrics; *m; m++)
            if (strcmp((*m)->name, name) == 0) return *m;
    return NULL;
}

/* DIR/cells/alone~l2.s3.json; what is tried so far: DIR/tries/ */
static goss_status path_of(const goss_compare *c, const goss__cell *cell, const char *folder, char out[4200],
                           goss_error *err) {
    char name[GOSS__ROW_NAME + 40], fold[20] = "";
    if (c->folds > 1) snprintf(fold, sizeof fold, ".f%d", cell->fold);
    snprintf(name, sizeof name, "%s.s%d%s", cell->row->name, cell->seed, fold);
    for (char *s = name; *s; s++)
        if (*s == '/') *s = '~';
    if (snprintf(out, 4200, "%s/%s/%s.json", goss_compare_folder(c), folder, name) < 4200) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "compare.dir: the path is too long");
}

goss_status goss__result_differs(const goss_compare *c, const goss__cell *cell, const char *what, goss_error *err) {
    const char *dir = goss_compare_folder(c);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s, seed %d: its result is of other %s than others of that seed, or than there is now: the "
                          "data was changed after some cells had run. Name another compare.dir, or remove %s/cells and "
                          "%s/tries",
                          cell->row->name, cell->seed, what, dir, dir);
}

/* ---- writing ---- */

static void add_number(goss__str *s, const char *key, double value) {
    goss__str_addf(s, ", \"%s\": ", key);
    goss__json_add_number(s, value);
}

static void add_numbers(goss__str *s, const char *key, const double *value, int n) {
    goss__str_addf(s, ", \"%s\": [", key);
    for (int i = 0; i < n; i++) {
        if (i) goss__str_add(s, ", ");
        goss__json_add_number(s, value[i]);
    }
    goss__str_add(s, "]");
}

static void begin(goss__str *s, const goss__cell *cell, const goss__result *r) {
    goss__str_add(s, "{\"version\": 1, \"row\": ");
    goss__json_add_text(s, cell->row->name);
    goss__str_addf(s, ", \"seed\": %d, \"fold\": %d, \"settings\": \"%016" PRIx64 "\", \"data\": \"%016" PRIx64 "\"",
                   cell->seed, cell->fold, r->settings, r->data);
    goss__str_add(s, ", \"metric\": ");
    goss__json_add_text(s, r->metric ? r->metric->name : "");
    goss__str_add(s, ", \"tried\": [");
    for (int i = 0; i < r->tries; i++) {
        goss__str_addf(s, "%s{\"step\": %lld", i ? ", " : "", (long long)r->tried[i].step);
        add_number(s, "strength", r->tried[i].strength), add_number(s, "validation", r->tried[i].validation);
        add_number(s, "seconds", r->tried[i].seconds);
        goss__str_add(s, "}");
    }
    goss__str_add(s, "]");
}

static goss_status finish(const goss_compare *c, const goss__cell *cell, const char *folder, goss__str *s,
                          goss_error *err) {
    char path[4200];
    goss__str_add(s, "}\n");
    goss_status status = path_of(c, cell, folder, path, err);
    if (status == GOSS_OK && s->failed) status = goss_error_set(err, GOSS_E_NOMEM, "no memory for a result");
    if (status == GOSS_OK) status = goss__write_file(path, s->data, s->size, err);
    goss__str_free(s);
    return status;
}

goss_status goss__tries_write(const goss_compare *c, const goss__cell *cell, const goss__result *r, goss_error *err) {
    goss__str s = {0};
    begin(&s, cell, r);
    return finish(c, cell, "tries", &s, err);
}

goss_status goss__result_write(const goss_compare *c, const goss__cell *cell, const goss__result *r, goss_error *err) {
    goss__str s = {0};
    begin(&s, cell, r);
    add_number(&s, "strength", r->strength), add_number(&s, "step", (double)r->step);
    add_number(&s, "validation", r->validation), add_number(&s, "explained_variance", r->explained);
    add_number(&s, "seconds", r->seconds);
    add_numbers(&s, "noisy", r->noisy, c->noises.n), add_numbers(&s, "ranks", r->rank, c->ranks.n);
    goss__str_add(&s, ", \"tasks\": [");
    for (int k = 0; k < r->tasks; k++) {
        goss__str_add(&s, k ? ", [" : "[");
        goss__json_add_text(&s, r->task[k]);
        goss__str_add(&s, ", "), goss__json_add_number(&s, r->value[k]);
        goss__str_add(&s, "]");
    }
    goss__str_add(&s, "]");
    return finish(c, cell, "cells", &s, err);
}

/* ---- reading ---- */

#if GOSS_HAVE_JANSSON
static double number(const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static uint64_t hash(const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    uint64_t out = 0;
    return json_is_string(v) && sscanf(json_string_value(v), "%" SCNx64, &out) == 1 ? out : 0;
}

static bool take_tries(const json_t *o, int most, goss__result *r) {
    const json_t *tried = json_object_get(o, "tried"), *metric = json_object_get(o, "metric");
    const size_t n = json_array_size(tried);
    if (!json_is_array(tried) || n > (size_t)most || !json_is_string(metric)) return false;
    r->metric = goss__metric_named(json_string_value(metric));
    for (r->tries = 0; r->tries < (int)n; r->tries++) {
        const json_t *one = json_array_get(tried, (size_t)r->tries);
        const double step = number(one, "step");
        if (!(step >= 0 && step < 1e15)) return false;
        r->tried[r->tries] =
            (goss__try){number(one, "strength"), number(one, "validation"), number(one, "seconds"), (int64_t)step};
    }
    r->data = hash(o, "data");
    return true;
}

static bool take_tasks(const json_t *o, goss__result *r) {
    const json_t *tasks = json_object_get(o, "tasks");
    const size_t n = json_array_size(tasks);
    r->task = goss__calloc(n + 1, sizeof *r->task), r->value = goss__calloc(n + 1, sizeof *r->value);
    if (!json_is_array(tasks) || n == 0 || !r->task || !r->value || !r->metric) return false;
    for (size_t k = 0; k < n; k++) {
        const json_t *one = json_array_get(tasks, k), *name = json_array_get(one, 0), *value = json_array_get(one, 1);
        if (!json_is_string(name) || !(r->task[k] = goss__strdup(json_string_value(name)))) return false;
        r->tasks++;
        r->value[k] = json_is_number(value) ? json_number_value(value) : (double)NAN;
    }
    return true;
}

static void take_numbers(const json_t *o, const char *key, double *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(json_object_get(o, key), i);
        out[i] = json_is_number(v) ? json_number_value(v) : (double)NAN;
    }
}

static bool take_all(const json_t *o, int most, goss__result *r) {
    if (!take_tries(o, most, r) || !take_tasks(o, r)) return false;
    const double step = number(o, "step");
    r->strength = number(o, "strength"), r->step = step >= 0 ? (int64_t)step : 0;
    r->validation = number(o, "validation"), r->explained = number(o, "explained_variance");
    r->seconds = number(o, "seconds");
    take_numbers(o, "noisy", r->noisy, GOSS__NOISES), take_numbers(o, "ranks", r->rank, GOSS__RANKS);
    return true;
}

/* NULL without an error: there is none of the settings that r has. */
static goss_status open_json(const goss_compare *c, const goss__cell *cell, const char *folder, goss__result *r,
                             char path[4200], json_t **out, goss_error *err) {
    char *text;
    size_t size;
    *out = NULL;
    GOSS_TRY(path_of(c, cell, folder, path, err));
    if (!goss__path_exists(path)) return GOSS_OK;
    GOSS_TRY(goss__read_file(path, (size_t)1 << 26, &text, &size, err));
    goss_status s = goss__json_parse(text, size, 0, out, err);
    goss__free(text);
    if (s != GOSS_OK) return goss_error_prefix(err, s, "%s: is damaged; remove it", path);
    r->stale = hash(*out, "settings") != r->settings;
    if (!r->stale) return GOSS_OK;
    json_decref(*out);
    *out = NULL;
    return GOSS_OK;
}

static goss_status damaged(const char *path, goss_error *err) {
    return goss_error_set(err, GOSS_E_FORMAT, "%s: is damaged; remove it, and the same command makes it again", path);
}

goss_status goss__tries_read(const goss_compare *c, const goss__cell *cell, goss__result *r, goss_error *err) {
    json_t *root;
    char path[4200];
    GOSS_TRY(open_json(c, cell, "tries", r, path, &root, err));
    if (!root) return GOSS_OK;
    const bool good = take_tries(root, cell->row->tries, r);
    json_decref(root);
    return good ? GOSS_OK : damaged(path, err);
}

goss_status goss__result_read(const goss_compare *c, const goss__cell *cell, goss__result *out, bool *found,
                              goss_error *err) {
    json_t *root;
    char path[4200];
    *out = (goss__result){0}, *found = false;
    GOSS_TRY(goss_error_prefix(err, goss__cell_hash(c, cell, &out->settings, err), "%s", cell->row->name));
    GOSS_TRY(open_json(c, cell, "cells", out, path, &root, err));
    if (!root) return GOSS_OK;
    *found = take_all(root, GOSS__STRENGTHS_MOST, out);
    json_decref(root);
    if (*found) return GOSS_OK;
    goss__result_free(out);
    return damaged(path, err);
}
#else
static goss_status lacking(goss_error *err) {
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "results of comparisons are JSON, and this build has no jansson (" GOSS_JANSSON_GET ")");
}

goss_status goss__tries_read(const goss_compare *c, const goss__cell *cell, goss__result *r, goss_error *err) {
    (void)c, (void)cell, (void)r;
    return lacking(err);
}

goss_status goss__result_read(const goss_compare *c, const goss__cell *cell, goss__result *out, bool *found,
                              goss_error *err) {
    (void)c, (void)cell;
    *out = (goss__result){0}, *found = false;
    return lacking(err);
}
#endif
