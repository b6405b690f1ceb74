/* SPDX-License-Identifier: Apache-2.0 */
/* search_write.c: the best network as files: a configuration that trains it, the model that the search has trained, and
 * one of generated weights to start from. The configuration comes last: where it is, all are. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "gossamer/file.h"
#include "search/search.h"

enum { PATH = 4096 };

/* BASE.ini -> BASE and an ending. */
static goss_status beside(const char *path, const char *end, char out[PATH], goss_error *err) {
    if (!goss__ascii_ends(path, ".ini"))
        return goss_error_set(err, GOSS_E_ARGUMENT, "-o %.200s: the result is a configuration, as best.ini", path);
    const int n = snprintf(out, PATH, "%.*s%s", (int)(strlen(path) - 4), path, end);
    if (n > 0 && n < PATH) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "-o: a path of %zu characters is too long", strlen(path));
}

static bool generates(const goss_search *s) { return s->o.methods[GOSS_SEARCH_SMASH] || s->o.methods[GOSS_SEARCH_GHN]; }

static goss_status check_files(const goss_search *s, const char *path, const char *const *inputs, int n,
                               goss_error *err) {
    char file[PATH];
    GOSS_TRY(beside(path, "", file, err)); /* its ending */
    GOSS_TRY(goss_output_check(path, GOSS_OUTPUT_MODEL, inputs, n, err));
    for (int i = 0; i < (generates(s) ? 2 : 1); i++) {
        GOSS_TRY(beside(path, i ? "-start.safetensors" : ".safetensors", file, err));
        GOSS_TRY(goss_output_check(file, GOSS_OUTPUT_MODEL, inputs, n, err));
    }
    return GOSS_OK;
}

/* Labels beside an idx file, which no key names, are recognised by their content. */
goss_status goss_search_check_output(const goss_search *s, const char *path, goss_error *err) {
    const char *key;
    int n = 0;
    while (goss_train_input(s->config, n)) n++;
    const char **inputs = goss__calloc((size_t)n + 1, sizeof *inputs);
    if (!inputs) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d names", n);
    for (int i = 0; (key = goss_train_input(s->config, i)); i++) inputs[i] = goss_config_text(s->config, key);
    const goss_status status = check_files(s, path, inputs, n, err);
    goss__free(inputs);
    return status;
}

/* ---- models ---- */

/* A run of this folder's name, unless the configuration names one. */
static goss_status settings_of(const goss_search *s, const char *path, goss_config **out, goss_error *err) {
    int n;
    char dir[PATH];
    const goss_key *keys = goss_train_keys(&n);
    char *text = goss_config_write(s->plain);
    *out = NULL;
    goss_status status =
        text ? goss_config_new(keys, n, out, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for a configuration");
    if (status == GOSS_OK) status = goss_config_parse(*out, text, "settings", err);
    if (status == GOSS_OK) status = goss_config_set(*out, "model.backbone", s->trial[s->winner].text, err);
    if (status == GOSS_OK) status = beside(path, "", dir, err);
    if (status == GOSS_OK && !*s->set.run.dir) status = goss_config_set(*out, "run.dir", dir, err);
    goss_config_text_free(text);
    return status;
}

static goss_status note_origin(const goss_search *s, const goss_config *c, goss_model *m, goss_error *err) {
    char text[64], *settings;
    snprintf(text, sizeof text, "%016llx", (unsigned long long)s->data.hash);
    GOSS_TRY(goss_model_note(m, "data.hash", text, err));
    snprintf(text, sizeof text, "%llu", (unsigned long long)s->set.run.seed);
    GOSS_TRY(goss_model_note(m, "train.seed", text, err));
    GOSS_TRY(goss__fingerprint(c, &settings, err));
    const goss_status status = goss_model_note(m, "train.settings", settings, err);
    goss__free(settings);
    GOSS_TRY(status);
    GOSS_TRY(goss_model_note(m, "search.structure", s->trial[s->winner].key, err));
    return s->data.kind->mark(&s->data, m, err);
}

/* The network as it was trained, or with generated weights. */
static goss_status write_model(goss_search *s, const goss_config *c, goss__scorer *from, const char *path,
                               goss_error *err) {
    const goss__trial *t = &s->trial[s->winner];
    goss__net n;
    goss_target *small = NULL;
    float *slab = NULL;
    GOSS_TRY(goss__net_open(s, t, &n, err));
    goss_status status = GOSS_OK;
    if (from) {
        status = goss__scorer_weights(from, t->structure, &small, &slab, err);
        if (status == GOSS_OK) status = goss__net_begin_at(&n, small, slab, err);
    } else {
        goss__net_restore(&n, s->best_slab, s->set.train.steps);
        goss__net_export(&n);
    }
    if (status == GOSS_OK) status = note_origin(s, c, n.model, err);
    if (status == GOSS_OK) status = goss_model_save(n.model, path, err);
    goss_target_free(small), goss_numbers_free(slab);
    goss__net_free(&n);
    return status;
}

/* ---- the configuration ---- */

static goss_status write_config(const goss_search *s, const goss_config *c, const char *path, goss_error *err) {
    const goss__trial *t = &s->trial[s->winner];
    goss__str text = {0};
    char *settings = goss_config_write(c);
    goss__str_addf(&text,
                   "# SPDX-License-Identifier: Apache-2.0\n"
                   "# The best network of a search, %lld bytes and %lld MACs; %s %.4f on validation samples after "
                   "%lld steps.\n",
                   (long long)t->cost.bytes, (long long)t->cost.macs, s->data.metric->name, t->validation,
                   (long long)s->set.train.steps);
    if (settings) goss__str_add(&text, settings);
    const bool ok = settings && !text.failed;
    const goss_status status = ok ? goss_file_write(path, text.data, text.size, err)
                                  : goss_error_set(err, GOSS_E_NOMEM, "no memory for a configuration");
    goss_config_text_free(settings);
    goss__str_free(&text);
    return status;
}

goss_status goss_search_write(goss_search *s, const char *path, goss_error *err) {
    char file[PATH];
    goss_config *c;
    GOSS_TRY(settings_of(s, path, &c, err));
    goss_status status = beside(path, ".safetensors", file, err);
    if (status == GOSS_OK) status = write_model(s, c, NULL, file, err);
    goss__scorer *from = s->scorer[GOSS_SEARCH_SMASH] ? s->scorer[GOSS_SEARCH_SMASH] : s->scorer[GOSS_SEARCH_GHN];
    if (status == GOSS_OK && from) status = beside(path, "-start.safetensors", file, err);
    if (status == GOSS_OK && from) status = write_model(s, c, from, file, err);
    if (status == GOSS_OK) status = write_config(s, c, path, err);
    goss_config_free(c);
    return status;
}
