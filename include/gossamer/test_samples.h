/* SPDX-License-Identifier: Apache-2.0 */
/* test_samples.h: the test samples that a training run held out within its tasks (data.split), for evaluating its
 * model: used neither for training nor for validation, but of tasks that the model knows.
 *
 *     GOSS_TRY(goss_test_samples_open(m, NULL, NULL, &test, err));
 *     const goss_task_source *source = goss_test_samples_source(test);
 *     double *value = calloc((size_t)source->tasks, sizeof *value);           // one per task, NaN: undefined
 *     GOSS_TRY(goss_race_model(m, 0, source, goss_test_samples_metric(test), source->tasks, NULL, value, NULL, err));
 *     double mean, ci95 = goss_student_ci95(value, (int)source->tasks, &mean, NULL);             // over tasks
 *
 * This is generalisation to new samples of known tasks. For generalisation to new tasks, hold out tasks
 * (goss_task_list, goss_class_list) instead.
 *
 * Tables whose rows are divided within tasks, and tasks of images, have test samples: data.split gives three shares
 * (training, validation, test), of which the last one is not 0.
 *
 * What was held out is not in a model's file: it is determined again, by the same settings and seed on the same data,
 * and the data is verified by the hash that the model keeps. The model is not needed after opening.
 *
 * Threads: one at a time. */
#ifndef GOSSAMER_TEST_SAMPLES_H
#define GOSSAMER_TEST_SAMPLES_H

#include <signal.h>

#include "gossamer/model.h"
#include "gossamer/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The test samples of a model's run, with the data that they are of in memory. */
typedef struct goss_test_samples goss_test_samples;

/* Repeats the split of the model's run, from the settings in the model. data: the present path of the data; NULL: that
 * of the run. stop: as in goss_train_options; may be NULL. Errors: GOSS_E_ARGUMENT: the model is not from a training
 * run, the run held out nothing, its kind of data has no test samples, or the data or its split differs from that of
 * the run (compared by content); GOSS_E_IO: there is nothing at the path; those of opening the data;
 * GOSS_E_INTERRUPTED; GOSS_E_NOMEM. Owns: *out, goss_test_samples_free. */
GOSS_API GOSS_MUST_USE goss_status goss_test_samples_open(const goss_model *m, const char *data,
                                                          const volatile sig_atomic_t *stop, goss_test_samples **out,
                                                          goss_error *err);
/* Frees them; NULL is allowed. */
GOSS_API void goss_test_samples_free(goss_test_samples *t);
/* A source of source->tasks tasks in turn: training samples as support, all test samples as queries. Borrowed
 * until goss_test_samples_free. */
GOSS_API const goss_task_source *goss_test_samples_source(const goss_test_samples *t);
/* The metric of the run's validation (task.metric), for goss_race_model. Static storage. */
GOSS_API const goss_metric *goss_test_samples_metric(const goss_test_samples *t);
/* The path that the data was read from, for messages. Borrowed until goss_test_samples_free. */
GOSS_API const char *goss_test_samples_path(const goss_test_samples *t);

#ifdef __cplusplus
}
#endif
#endif
