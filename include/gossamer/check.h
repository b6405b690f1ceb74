/* SPDX-License-Identifier: Apache-2.0 */
/* check.h: what there is to say of a training run before it is begun: its data, its settings, the hypernetwork's first
 * numbers. */
#ifndef GOSSAMER_CHECK_H
#define GOSSAMER_CHECK_H

#include <signal.h>

#include "gossamer/config.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum goss_check_level {
    GOSS_CHECK_INFO,    /* good to know */
    GOSS_CHECK_WARNING, /* training begins, and its result may not be what it seems */
    GOSS_CHECK_ERROR    /* training would not begin */
} goss_check_level;

GOSS_API const char *goss_check_level_name(goss_check_level level); /* "info", "warning", "error" */

/* Whom it is told. What training itself would warn of goes to goss_log_set's callback, as in training. */
typedef struct goss_check_options {
    /* A finding: a short name of its kind ("leak", "unreadable", "rare-class", ...; "doctor": a line of the doctor's),
     * and a sentence that says what to do. The text is fit for a terminal. */
    void (*found)(void *context, goss_check_level level, const char *kind, const char *text);
    /* A number of the data: "images", "train.classes", ... Each name once. */
    void (*counted)(void *context, const char *name, int64_t value);
    void *context;
    const volatile sig_atomic_t *stop; /* as in goss_train_options */
} goss_check_options;

/* Does what goss_train does before its first step, but writes nothing (only data.cache is filled where it names a
 * folder, or run.dir where that is a run's), looks closer at the data, and asks the doctor. What would let the training
 * fail is a finding of level GOSS_CHECK_ERROR, no error of this call. Errors: GOSS_E_NOMEM, GOSS_E_INTERRUPTED. */
GOSS_API GOSS_MUST_USE goss_status goss_train_check(const goss_config *config, const goss_check_options *options,
                                                    goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
