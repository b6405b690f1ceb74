/* SPDX-License-Identifier: Apache-2.0 */
/* run_check.c: everything that a training verifies before its first step, as a list of findings. It opens the run as
 * training does (without a folder), so that the two cannot disagree. */
#include "train/run_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "gossamer/text.h"

const char *goss_check_level_name(goss_check_level level) {
    static const char *const names[] = {"info", "warning", "error"};
    return names[level];
}

void goss__check_found(const goss__check *k, goss_check_level level, const char *kind, const char *fmt, ...) {
    char raw[2048], line[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(raw, sizeof raw, fmt, args);
    va_end(args);
    goss__text_line(raw, line, sizeof line);
    if (k->options->found) k->options->found(k->options->context, level, kind, line);
}

void goss__check_counted(const goss__check *k, const char *name, int64_t value) {
    if (k->options->counted) k->options->counted(k->options->context, name, value);
}

/* ---- the doctor ---- */

static void tell_doctor(const goss__check *k, char *text) {
    static const char ready[] = "verdict: ready to train", verdict[] = "verdict: ";
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const bool is_verdict = strncmp(line, verdict, sizeof verdict - 1) == 0;
        const bool ill = is_verdict && strcmp(line, ready) != 0;
        goss__check_found(k, ill ? GOSS_CHECK_WARNING : GOSS_CHECK_INFO, "doctor", "%s", line);
    }
}

static goss_status ask_doctor(const goss__check *k, goss__run *r, goss_error *err) {
    char *text;
    bool diverges;
    if (!goss_method_trains(goss_model_method(r->model))) {
        goss__check_found(k, GOSS_CHECK_INFO, "method", "train.method = %s has nothing to train",
                          goss_method_name(goss_model_method(r->model)));
        return GOSS_OK;
    }
    const goss_status s = goss__run_examine(r, &text, &diverges, err);
    if (text) tell_doctor(k, text);
    goss_text_free(text);
    return s == GOSS_OK && diverges ? goss__run_diverges(r, err) : s;
}

/* ---- the run ---- */

static goss_status look(const goss__check *k, goss__run *r, goss_error *err) {
    if (r->previous)
        goss__check_found(k, GOSS_CHECK_INFO, "run", "run.dir = %s holds this run, %lld steps of it: training goes on",
                          k->set->run.dir, (long long)r->state.step);
    if (goss__data_images_set(&r->data)) GOSS_TRY(goss__check_images(k, &r->data, err));
    if (goss__data_image_tasks_of(&r->data))
        GOSS_TRY(goss__check_image_tasks(k, goss__data_image_tasks_of(&r->data), err));
    if (goss__data_table_of(&r->data)) GOSS_TRY(goss__check_table(k, goss__data_table_of(&r->data), err));
    if (r->data.kind->classes) GOSS_TRY(goss__check_classes(k, r->data.kind->classes(&r->data), err));
    const goss_catalogue *catalogue;
    const goss_task_division *users;
    const goss_table *described;
    const goss_ratings *ratings = goss__data_ratings_of(&r->data, &catalogue, &users, &described);
    if (ratings) goss__check_ratings(k, ratings, catalogue, users, described);
    return ask_doctor(k, r, err);
}

static bool ends_check(goss_status s) { return s == GOSS_E_NOMEM || s == GOSS_E_INTERRUPTED; }

/* Reports why the data cannot be opened: the error of training, or every file with the same defect. */
static void tell_failed(const goss__check *k, const goss_error *why) {
    const bool known =
        k->set->data.kind != GOSS__DATA_AUTO || goss_train_data_known(k->set->data.path, NULL) == GOSS_OK;
    const bool by_data = known && strncmp(why->text, "data.path", 9) == 0;
    const bool table = goss_table_is(k->set->data.path);
    const int told = by_data ? (table ? goss__check_table_files : goss__check_unreadable)(k) : 0;
    if (told == 0) goss__check_found(k, GOSS_CHECK_ERROR, "run", "%s", why->text);
}

/* The folder is no reason not to look at the data. */
static void look_for_folder(const goss__check *k) {
    goss_error why;
    if (goss__run_folder_is_named(k->set, &why) != GOSS_OK)
        goss__check_found(k, GOSS_CHECK_ERROR, "run", "%s", why.text);
}

static goss_status check_run(const goss__check *k, goss_error *why) {
    goss__run r;
    const goss_train_options with = {.stop = k->options->stop};
    goss_status s = goss__run_open_dry(&r, k->set->config, &with, why);
    if (s == GOSS_OK) {
        s = look(k, &r, why);
        goss__run_close(&r);
        if (s != GOSS_OK && !ends_check(s)) goss__check_found(k, GOSS_CHECK_ERROR, "run", "%s", why->text);
    } else if (!ends_check(s)) {
        tell_failed(k, why);
    }
    look_for_folder(k);
    return s;
}

goss_status goss_train_check(const goss_config *config, const goss_check_options *options, goss_error *err) {
    static const goss_check_options quiet;
    goss__run_settings set;
    const goss__check k = {&set, options ? options : &quiet};
    goss_error why;
    goss_status s = goss__run_settings_read(config, &set, &why);
    if (s == GOSS_OK)
        s = check_run(&k, &why);
    else if (!ends_check(s))
        goss__check_found(&k, GOSS_CHECK_ERROR, "run", "%s", why.text);
    return ends_check(s) ? goss_error_set(err, s, "%s", why.text) : GOSS_OK;
}
