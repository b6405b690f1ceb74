/* SPDX-License-Identifier: Apache-2.0 */
/* run_samples.c: reopens the data of a model's run. Settings come from the model; that data and division are the same
 * is verified by the hash that a resume verifies. */
#include "gossamer/run_samples.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "train/run_data.h"

struct goss_run_samples {
    goss_config *config;
    goss__run_settings set;
    goss__run_data data;
    goss_task_source test;          /* GOSS_RUN_TEST: owned */
    const goss_task_source *source; /* of the part */
    goss_run_part part;
};

void goss_run_samples_free(goss_run_samples *r) {
    if (!r) return;
    goss_task_source_free(&r->test);
    goss__run_data_close(&r->data);
    goss_config_free(r->config);
    goss__free(r);
}

const goss_task_source *goss_run_samples_source(const goss_run_samples *r) { return r->source; }
goss_run_part goss_run_samples_part(const goss_run_samples *r) { return r->part; }
const goss_metric *goss_run_samples_metric(const goss_run_samples *r) { return r->data.metric; }
const char *goss_run_samples_path(const goss_run_samples *r) { return r->set.data.path; }

int64_t goss_run_samples_tasks(const goss_run_samples *r) {
    if (r->source->tasks > 0) return r->source->tasks;
    return r->part == GOSS_RUN_VALIDATION ? r->data.judged : r->set.validate.episodes;
}

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
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "the model does not say how it was trained, and so not which samples its run had: train it anew");
    if (!text) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a model's settings");
    goss_status s = GOSS_OK;
    for (char *line = strtok_r(text, "\n", &save); s == GOSS_OK && line; line = strtok_r(NULL, "\n", &save))
        s = take_setting(c, line, err);
    goss__free(text);
    return s;
}

static goss_status same_content(const goss_model *m, const goss_run_samples *r, goss_error *err) {
    const char *then = goss_model_note_of(m, "data.hash");
    char now[32];
    snprintf(now, sizeof now, "%016" PRIx64, r->data.hash);
    if (then && strcmp(then, now) == 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: these are not the %s that the model was trained with (%s), so that its division "
                          "into training, validation and test samples is unknown: give the same data",
                          goss_run_samples_path(r), r->data.kind->things, r->data.about);
}

/* ---- parts ---- */

static goss_status take_test(goss_run_samples *r, goss_error *err) {
    r->source = &r->test, r->part = GOSS_RUN_TEST;
    return goss__run_data_test(&r->data, &r->test, err);
}

static goss_status take_validation(goss_run_samples *r, goss_error *err) {
    r->source = &r->data.validation, r->part = GOSS_RUN_VALIDATION;
    if (r->data.validates) return GOSS_OK;
    return goss_error_set(
        err, GOSS_E_ARGUMENT,
        "the run validated nothing (validate.every = 0): look at its training samples, or at test samples");
}

static goss_status take_training(goss_run_samples *r, goss_error *err) {
    (void)err;
    r->source = &r->data.source, r->part = GOSS_RUN_TRAINING;
    return GOSS_OK;
}

static goss_status take_held_out(goss_run_samples *r, goss_error *err) {
    if (goss__run_data_tests(&r->data)) return take_test(r, err);
    return r->data.validates ? take_validation(r, err) : take_training(r, err);
}

static goss_status (*const take[])(goss_run_samples *r, goss_error *err) = {[GOSS_RUN_TEST] = take_test,
                                                                            [GOSS_RUN_VALIDATION] = take_validation,
                                                                            [GOSS_RUN_TRAINING] = take_training,
                                                                            [GOSS_RUN_HELD_OUT] = take_held_out};

/* Most errors of data name it. */
static goss_status say_what_for(goss_status s, const char *data, goss_error *err) {
    if (strstr(err->text, data)) return goss_error_prefix(err, s, "as the data of the model's run");
    return goss_error_prefix(err, s, "%s, as the data of the model's run", data);
}

static goss_status open_all(goss_run_samples *r, const goss_model *m, goss_run_part part, const char *data,
                            const volatile sig_atomic_t *stop, goss_error *err) {
    int n;
    const goss_key *keys = goss_train_keys(&n);
    GOSS_TRY(goss_config_new(keys, n, &r->config, err));
    GOSS_TRY(read_settings(m, r->config, err));
    if (data) GOSS_TRY(goss_config_set(r->config, "data.path", data, err));
    GOSS_TRY(goss__run_settings_read(r->config, &r->set, err));
    if (!goss__run_data_kind(&r->set, NULL)->pathless && !goss__path_exists(goss_run_samples_path(r)))
        return goss_error_set(err, GOSS_E_IO, "%s: there is no such file or folder%s", goss_run_samples_path(r),
                              data ? "" : ", where the run of the model had its data: name its place now");
    const goss__run_place place = {.stop = stop, .bare = true};
    const goss_status s = goss__run_data_open(&r->data, &r->set, &place, err);
    if (s != GOSS_OK) return data ? say_what_for(s, data, err) : s;
    GOSS_TRY(take[part](r, err));
    return same_content(m, r, err);
}

goss_status goss_run_samples_open(const goss_model *m, goss_run_part part, const char *data,
                                  const volatile sig_atomic_t *stop, goss_run_samples **out, goss_error *err) {
    *out = NULL;
    goss_run_samples *r = goss__calloc(1, sizeof *r);
    if (!r) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a run's samples");
    const goss_status s = open_all(r, m, part, data, stop, err);
    if (s == GOSS_OK)
        *out = r;
    else
        goss_run_samples_free(r);
    return s;
}
