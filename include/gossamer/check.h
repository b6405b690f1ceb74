/* SPDX-License-Identifier: Apache-2.0 */
/* check.h: checking a training run before it starts: its data, its settings and the hypernetwork's initialisation.
 *
 * This is what `gossamer check` prints. A finding is addressed to a person: its level says whether training would
 * start, its text what to do about it.
 *
 *     static void found(void *errors, goss_check_level level, const char *kind, const char *text) {
 *         printf("%s: %s\n", goss_check_level_name(level), text);
 *         if (level == GOSS_CHECK_ERROR) ++*(int *)errors;
 *     }
 *     ...
 *     int errors = 0;
 *     goss_check_options o = {.found = found, .context = &errors};
 *     goss_status s = goss_train_check(config, &o, &err);
 *     bool starts = s == GOSS_OK && errors == 0;                      // s alone: whether the check could be done */
#ifndef GOSSAMER_CHECK_H
#define GOSSAMER_CHECK_H

#include <signal.h>

#include "gossamer/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The severity of a finding. */
typedef enum goss_check_level {
    GOSS_CHECK_INFO,    /* good to know */
    GOSS_CHECK_WARNING, /* training starts, but its result may be misleading */
    GOSS_CHECK_ERROR    /* training would refuse to start */
} goss_check_level;

/* "info", "warning" or "error". Static storage. */
GOSS_API const char *goss_check_level_name(goss_check_level level);

/* Callbacks that receive the results; each may be NULL. Texts are borrowed during the call. Warnings that training
 * itself would give go to the callback of goss_log_set, as in training. */
typedef struct goss_check_options {
    /* A finding. kind: a short name: "leak", "unreadable", "rare-class", ...; "doctor": a line of the doctor's report
     * (docs/file-format.md lists them). text: a sentence with what to do, safe to print on a terminal. */
    void (*found)(void *context, goss_check_level level, const char *kind, const char *text);
    /* A count: "images", "train.classes", ... Each name at most once. */
    void (*counted)(void *context, const char *name, int64_t value);
    void *context;                     /* passed to both */
    const volatile sig_atomic_t *stop; /* as in goss_train_options */
} goss_check_options;

/* Does what goss_train does before its first step, then inspects the data further and runs the doctor. Writes nothing,
 * except decoded images into data.cache if that is set, or into run.dir if that is a run's folder. What would make
 * training fail is a finding of level GOSS_CHECK_ERROR, not an error of this call; where that is run.dir not being set,
 * the rest is inspected all the same. options: NULL: nothing is reported.
 * Errors: GOSS_E_NOMEM, GOSS_E_INTERRUPTED. Threads: the callbacks are called by the calling thread. */
GOSS_API GOSS_MUST_USE goss_status goss_train_check(const goss_config *config, const goss_check_options *options,
                                                    goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
