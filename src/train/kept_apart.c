/* SPDX-License-Identifier: Apache-2.0 */
/* kept_apart.c: reopens a model's run for its test samples. Settings come from the model; that data and division are
 * the same is verified by the hash that a resume verifies. */
#include "gossamer/test_samples.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "train/run_data.h"

struct goss_test_samples {
    goss_config *config;
    goss__run_settings set;
    goss__run_data data;
    goss_task_source source;
};

void goss_test_samples_free(goss_test_samples *t) {
    if (!t) return;
    goss_task_source_free(&t->source);
    goss__run_data_close(&t->data);
    goss_config_free(t->config);
    goss__free(t);
}

const goss_task_source *goss_test_samples_source(const goss_test_samples *t) { return &t->source; }
const goss_metric *goss_test_samples_metric(const goss_test_samples *t) { return t->data.metric; }
const char *goss_test_samples_path(const goss_test_samples *t) { return t->set.data.path; }

/* A line "key = value" of the settings. Unknown keys are skipped: those that affect the division are covered by the
 * hash. */
static goss_status take_setting(goss_config *c, char *line, goss_error *err) {
    goss_error unknown;
    int n;
    char *equals = strstr(line, " = ");
    const goss_key *keys = goss_train_keys(&n);
    if (!equals) return GOSS_OK;
    *equals = 0;
    bool known = false;
    for (int i = 0; i < n; i++) known |= strcmp(keys[i].name, line) == 0;
    return goss_config_set(c, line, equals + 3, known ? err : &unknown) == GOSS_OK || !known ? GOSS_OK
                                                                                             : GOSS_E_ARGUMENT;
}

static goss_status read_settings(const goss_model *m, goss_config *c, goss_error *err) {
    const char *settings = goss_model_note_of(m, "train.settings");
    char *text = settings ? goss__strdup(settings) : NULL, *save = NULL;
    if (!settings)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "the model does not say how it was trained, and so not what its run kept apart");
    if (!text) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a model's settings");
    goss_status s = GOSS_OK;
    for (char *line = strtok_r(text, "\n", &save); s == GOSS_OK && line; line = strtok_r(NULL, "\n", &save))
        s = take_setting(c, line, err);
    goss__free(text);
    return s;
}

static goss_status same_content(const goss_model *m, const goss_test_samples *t, goss_error *err) {
    const char *then = goss_model_note_of(m, "data.hash");
    char now[32];
    snprintf(now, sizeof now, "%016" PRIx64, t->data.hash);
    if (then && strcmp(then, now) == 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: these are not the %s that the model was trained with (%s), so that what it has not seen "
                          "cannot be told: give the same data",
                          goss_test_samples_path(t), t->data.kind->things, t->data.about);
}

static goss_status open_all(goss_test_samples *t, const goss_model *m, const char *data,
                            const volatile sig_atomic_t *stop, goss_error *err) {
    int n;
    const goss_key *keys = goss_train_keys(&n);
    GOSS_TRY(goss_config_new(keys, n, &t->config, err));
    GOSS_TRY(read_settings(m, t->config, err));
    if (data) GOSS_TRY(goss_config_set(t->config, "data.path", data, err));
    GOSS_TRY(goss__run_settings_read(t->config, &t->set, err));
    if (!goss__path_exists(goss_test_samples_path(t)))
        return goss_error_set(err, GOSS_E_IO, "%s: there is no such file or folder%s", goss_test_samples_path(t),
                              data ? "" : ", where the run of the model had its data: name its place now");
    const goss__run_place place = {.stop = stop, .bare = true};
    GOSS_TRY(goss__run_data_open(&t->data, &t->set, &place, err));
    GOSS_TRY(goss__run_data_test(&t->data, &t->source, err));
    return same_content(m, t, err);
}

goss_status goss_test_samples_open(const goss_model *m, const char *data, const volatile sig_atomic_t *stop,
                                   goss_test_samples **out, goss_error *err) {
    *out = NULL;
    goss_test_samples *t = goss__calloc(1, sizeof *t);
    if (!t) return goss_error_set(err, GOSS_E_NOMEM, "no memory for test samples");
    const goss_status s = open_all(t, m, data, stop, err);
    if (s == GOSS_OK)
        *out = t;
    else
        goss_test_samples_free(t);
    return s;
}
