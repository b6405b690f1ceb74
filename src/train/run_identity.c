/* SPDX-License-Identifier: Apache-2.0 */
/* run_identity.c: identity of a run, stored in its checkpoint and compared on resume: settings by value; images,
 * classes and the start model by content, independent of their paths. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/os.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/text.h"
#include "meta/settings.h"
#include "train/run.h"

/* ---- settings ---- */

static bool is_one_of(const char *key, const char *const *names) {
    for (; *names; names++)
        if (strcmp(key, *names) == 0) return true;
    return false;
}

/* Settings without influence on the result. */
static bool is_free(const char *key) {
    return is_one_of(key,
                     (const char *const[]){"run.threads", "run.dir", "data.cache", "train.checkpoint_minutes", NULL});
}

/* Counts whose positive values all give the same result. */
static bool is_switch(const char *key) { return strcmp(key, "train.micro_batch") == 0; }

/* What `auto` was called when it was the same for all data; accepted for old runs. Where it is something else now, the
 * data refuses the old one. NULL: another key, or value. */
static const char *old_default(const char *key, const char *value) {
    static const char *const old[][2] = {{"model.backbone", "conv4 64"}, {"hyper.rules", "head=class; *=shared"}};
    for (size_t i = 0; strcmp(value, "auto") == 0 && i < sizeof old / sizeof *old; i++)
        if (strcmp(key, old[i][0]) == 0) return old[i][1];
    return NULL;
}

/* Paths: compared by content. */
static bool is_path(const char *key) {
    return is_one_of(key, (const char *const[]){"data.path", "data.labels", "data.train_classes", "data.val_classes",
                                                "data.descriptor", "data.items", "data.tasks", "data.train_tasks",
                                                "data.val_tasks", "train.start", NULL});
}

/* The end of a run may change. */
static bool is_end(const char *key) {
    return is_one_of(key, (const char *const[]){"train.steps", "train.minutes", "validate.patience", NULL});
}

/* Files whose content is a setting. */
static bool is_content(const char *key, const char *value) {
    return *value && goss_name_matches(key, "regularizer.*.graph,regularizer.*.priors") && goss__is_file(value);
}

/* "content 0123456789abcdef" in place of a path. */
static void add_content(goss__str *text, const char *path) {
    char *data;
    size_t size;
    goss_error why;
    if (goss__read_file(path, (size_t)1 << 30, &data, &size, &why) != GOSS_OK) {
        goss__str_add(text, path); /* reported by its reader */
        return;
    }
    goss__str_addf(text, "content %016llx", (unsigned long long)goss__hash64(data, size, 0));
    goss__free(data);
}

static void add_line(goss__str *text, const char *key, const char *value) {
    goss__str_addf(text, "%s = ", key);
    size_t at = text->size;
    goss__utf8_add(text, value);
    for (; !text->failed && at < text->size; at++)
        if (text->data[at] == '\n') text->data[at] = ';';
    goss__str_add(text, "\n");
}

/* Which sections of [regularizer.NAME] there are. */
static const char sections_key[] = "regularizer sections";
static void add_sections(const goss_config *c, goss__str *text) {
    goss__str names = {0};
    const char *name;
    for (int i = 0; (name = goss_config_section(c, "regularizer", i)); i++)
        goss__str_addf(&names, "%s%s", i ? ", " : "", name);
    if (names.data) add_line(text, sections_key, names.data);
    text->failed |= names.failed;
    goss__str_free(&names);
}

goss_status goss__fingerprint(const goss_config *c, char **out, goss_error *err) {
    const goss_key *key;
    goss__str text = {0}, value = {0}, path;
    for (int i = 0; (key = goss_config_key_at(c, i)); i++) {
        if (is_free(key->name)) continue;
        value.size = 0;
        goss__config_value(c, key, &value);
        if (is_switch(key->name) && goss_config_int(c, key->name) > 0) value.size = 0, goss__str_add(&value, "on");
        if (value.data && is_content(key->name, value.data)) {
            path = value, value = (goss__str){0};
            add_content(&value, path.data);
            goss__str_free(&path);
        }
        const char *old = value.data ? old_default(key->name, value.data) : NULL;
        if (old) value.size = 0, goss__str_add(&value, old);
        if (value.data) add_line(&text, key->name, value.data);
    }
    add_sections(c, &text);
    bool failed = text.failed || value.failed;
    goss__str_free(&value);
    *out = text.data;
    if (!failed) return GOSS_OK;
    goss__str_free(&text);
    *out = NULL;
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for a run's settings");
}

/* The value of a key in such a text; NULL: it is not there. */
static const char *value_in(const char *settings, const char *key, size_t *size) {
    size_t n = strlen(key);
    for (const char *at = settings; *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (strncmp(at, key, n) == 0 && strncmp(at + n, " = ", 3) == 0) {
            *size = strcspn(at + n + 3, "\n");
            return at + n + 3;
        }
    return NULL;
}

static int shown(size_t n) { return n < 120 ? (int)n : 120; }

static const char advice[] = "Name another run.dir for a run of its own";

static goss_status differs(const char *dir, const char *first, int more, goss_error *err) {
    char others[40] = "";
    if (more > 0) snprintf(others, sizeof others, " (and %d more)", more);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s holds a run with other settings: %s%s. %s (train.start=%s/model.safetensors there begins "
                          "with what this one has learned), or set what it had to go on with it",
                          dir, first, others, advice, dir);
}

/* A section has all of its keys, so that the same sections have the same keys. */
static goss_status same_sections(const goss__run *r, const char *theirs, goss_error *err) {
    size_t had = 0, has = 0;
    const char *then = value_in(theirs, sections_key, &had), *now = value_in(r->fingerprint, sections_key, &has);
    if (had == has && (had == 0 || memcmp(then, now, had) == 0)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s holds a run with other sections [regularizer.NAME]: %.*s, not %.*s. %s, or name those it "
                          "had, in that order",
                          r->dir, then ? shown(had) : 4, then ? then : "none", now ? shown(has) : 4, now ? now : "none",
                          advice);
}

/* Compares all but free settings, paths and ends; names the first that differs. A key that one side lacks (another
 * version) has its default. */
static goss_status same_settings(const goss__run *r, const char *theirs, goss_error *err) {
    int n, different = 0;
    const goss_key *keys = goss_train_keys(&n);
    goss_config *defaults;
    goss__str first = {0};
    char *fallback = NULL;
    GOSS_TRY(same_sections(r, theirs, err));
    GOSS_TRY(goss_config_new(keys, n, &defaults, err));
    goss_status s = goss__fingerprint(defaults, &fallback, err);
    for (int i = 0; s == GOSS_OK && goss_config_key_at(r->config, i); i++) {
        size_t had, has;
        const char *key = goss_config_key_at(r->config, i)->name, *now = value_in(r->fingerprint, key, &has),
                   *then = value_in(theirs, key, &had);
        if (!now || is_path(key) || is_end(key)) continue;
        if (!then) then = value_in(fallback, key, &had);
        if (!then || (had == has && memcmp(then, now, had) == 0)) continue;
        if (different++ == 0)
            goss__str_addf(&first, "%s = %.*s, not %s = %.*s", key, shown(had), then, key, shown(has), now);
    }
    if (s == GOSS_OK && different) s = differs(r->dir, first.data ? first.data : "", different - 1, err);
    goss__str_free(&first);
    goss__free(fallback);
    goss_config_free(defaults);
    return s;
}

/* ---- ends ---- */

static double number_in(const char *settings, const char *key) {
    size_t n;
    char text[GOSS__NUMBER_TEXT + 1];
    double value = 0;
    const char *at = value_in(settings, key, &n);
    if (!at || n >= sizeof text) return 0;
    memcpy(text, at, n);
    text[n] = 0;
    return goss__number_parse(text, &value) ? value : 0;
}

/* A run whose end changed continues on the schedule of its new length. */
static goss_status move_end(goss__run *r, const char *theirs, goss_error *err) {
    goss__run_state *s = &r->state;
    const int64_t steps = r->set.train.steps;
    const double minutes = r->set.train.minutes, had = number_in(theirs, "train.minutes"),
                 patience = (double)r->set.validate.patience;
    r->moved = minutes != had || (double)steps != number_in(theirs, "train.steps") ||
               patience != number_in(theirs, "validate.patience");
    if (!r->moved) return GOSS_OK;
    if (steps > 0 && s->step > steps)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "train.steps = %lld, but the run in %s has done %lld: with more it goes on. %s",
                              (long long)steps, r->dir, (long long)s->step, advice);
    if (minutes > 0 && minutes != had && s->seconds > 60 * minutes)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "train.minutes = %g, but the run in %s has trained for %.2f: with more it goes on. %s",
                              minutes, r->dir, s->seconds / 60, advice);
    if (minutes != had) s->clock = minutes > 0 ? s->seconds / 60 / minutes : 0;
    return GOSS_OK;
}

goss_status goss__same_run(goss__run *r, const char *settings, goss_error *err) {
    GOSS_TRY(same_settings(r, settings, err));
    return move_end(r, settings, err);
}

/* ---- content ---- */

static goss_status same_data(const goss__run *r, goss_error *err) {
    char hash[32];
    const char *then = goss_safetensors_meta(r->previous, "data.hash"),
               *size = goss_safetensors_meta(r->previous, "data.size");
    if (!then || !size) return goss_error_set(err, GOSS_E_FORMAT, "metadata \"data.hash\" or \"data.size\" is missing");
    goss__data_identity(r, hash, sizeof hash);
    if (strcmp(hash, then) != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.path = %s holds other %s than the run in %s was started with: %s, then %s. Give it "
                              "the %s it had, or name another run.dir for a run of its own "
                              "(train.start=%s/model.safetensors begins with what this one has learned)",
                              r->set.data.path, r->data.kind->things, r->dir, r->data.about, size, r->data.kind->things,
                              r->dir);
    return r->data.kind->compare ? r->data.kind->compare(&r->data, r->previous, r->dir, err) : GOSS_OK;
}

/* The file is no longer needed; it is compared only if it still exists. */
static goss_status same_start(goss__run *r, goss_error *err) {
    const char *then = goss_safetensors_meta(r->previous, "start"), *path = r->set.train.start;
    if (!then) return goss_error_set(err, GOSS_E_FORMAT, "metadata \"start\" is missing");
    if (strlen(then) >= sizeof r->start) return goss_error_set(err, GOSS_E_FORMAT, "metadata \"start\" is no hash");
    strcpy(r->start, then);
    if (*path && *then && !goss__path_exists(path)) return GOSS_OK;
    char now[GOSS__START_TEXT] = "";
    if (*path) GOSS_TRY(goss__start_identity(path, now, err));
    if (strcmp(now, then) == 0) return GOSS_OK;
    return goss_error_set(
        err, GOSS_E_ARGUMENT,
        "train.start%s%s is not what the run in %s was started with%s. Give it as it was (the file need "
        "not be there any more), or name another run.dir for a run of its own",
        *path ? " = " : " is not set, which", path, r->dir, *then ? "" : ": there was none");
}

/* Models rewritten by other programs may lack the hash: the file's bytes are hashed instead. */
static goss_status bytes_identity(const char *path, char out[GOSS__START_TEXT], goss_error *err) {
    goss__map m;
    GOSS_TRY(goss__map_file(path, &m, err));
    snprintf(out, GOSS__START_TEXT, "bytes %016llx", (unsigned long long)goss__hash64(m.data, m.size, 0));
    goss__unmap(&m);
    return GOSS_OK;
}

goss_status goss__start_identity(const char *path, char out[GOSS__START_TEXT], goss_error *err) {
    goss_safetensors *f;
    GOSS_TRY(goss_safetensors_open(path, &f, err));
    const char *hash = goss_safetensors_meta(f, "gossamer.hash");
    const bool known = hash && strlen(hash) < GOSS__START_TEXT;
    if (known) strcpy(out, hash);
    goss_safetensors_close(f);
    return known ? GOSS_OK : bytes_identity(path, out, err);
}

void goss__data_identity(const goss__run *r, char *out, size_t size) {
    snprintf(out, size, "%016llx", (unsigned long long)r->data.hash);
}

goss_status goss__same_content(goss__run *r, goss_error *err) {
    if (!r->previous) return GOSS_OK;
    GOSS_TRY(same_data(r, err));
    return same_start(r, err);
}
