/* SPDX-License-Identifier: Apache-2.0 */
/* test_samples.h: the samples that a training run kept apart inside of its own tasks (data.split), for judging its
 * model: neither trained on nor validated on, but of the tasks that the model knows. */
#ifndef GOSSAMER_TEST_SAMPLES_H
#define GOSSAMER_TEST_SAMPLES_H

#include <signal.h>

#include "gossamer/model.h"
#include "gossamer/task.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct goss_test_samples goss_test_samples;

/* Divides the data as the model's run did, by the settings that the model keeps. data: where it is now; NULL: where it
 * was. Errors: GOSS_E_ARGUMENT: the model comes from no training run, the run kept nothing apart, or the data or its
 * division is not what the model was trained with (compared by content); what opening the data reports; *stop nonzero:
 * GOSS_E_INTERRUPTED. stop may be NULL. Owns: *out, goss_test_samples_free. */
GOSS_API GOSS_MUST_USE goss_status goss_test_samples_open(const goss_model *m, const char *data,
                                                          const volatile sig_atomic_t *stop, goss_test_samples **out,
                                                          goss_error *err);
GOSS_API void goss_test_samples_free(goss_test_samples *t); /* NULL allowed */
/* Tasks in turns, source->tasks of them: training samples as support, all test samples as queries. Borrowed. */
GOSS_API const goss_task_source *goss_test_samples_source(const goss_test_samples *t);
/* The metric that the run was validated by. */
GOSS_API const goss_metric *goss_test_samples_metric(const goss_test_samples *t);
GOSS_API const char *goss_test_samples_path(const goss_test_samples *t); /* of the data */

#ifdef __cplusplus
}
#endif
#endif
