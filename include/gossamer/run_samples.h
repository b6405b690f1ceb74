/* SPDX-License-Identifier: Apache-2.0 */
/* run_samples.h: the samples of the training run that a model comes from: those that it was trained on, was validated
 * on, and the test samples that the run held out within its tasks (data.split): used neither for training nor for
 * validation, but of tasks that the model knows.
 *
 *     GOSS_TRY(goss_run_samples_open(m, GOSS_RUN_TEST, NULL, NULL, &test, err));
 *     const goss_task_source *source = goss_run_samples_source(test);
 *     double *value = calloc((size_t)source->tasks, sizeof *value);           // one per task, NaN: undefined
 *     GOSS_TRY(goss_race_model(m, 0, source, goss_run_samples_metric(test), source->tasks, NULL, value, NULL, err));
 *     double mean, ci95 = goss_student_ci95(value, (int)source->tasks, &mean, NULL);             // over tasks
 *
 * Test samples measure generalisation to new samples of known tasks. For generalisation to new tasks, hold out tasks
 * (goss_task_list, goss_class_list) instead.
 *
 * Tables whose rows are divided within tasks, and tasks of images, have test samples: data.split gives three shares
 * (training, validation, test), of which the last one is not 0.
 *
 * How samples were divided is not in a model's file: it is determined again, by the same settings and seed on the same
 * data, and the data is verified by the hash that the model keeps. The model is not needed after opening.
 *
 * Threads: one at a time. */
#ifndef GOSSAMER_RUN_SAMPLES_H
#define GOSSAMER_RUN_SAMPLES_H

#include <signal.h>

#include "gossamer/model.h"
#include "gossamer/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A part of a run's samples. */
typedef enum goss_run_part {
    GOSS_RUN_TEST,       /* training samples as support, all test samples as queries */
    GOSS_RUN_VALIDATION, /* the tasks of a validation */
    GOSS_RUN_TRAINING,   /* tasks as training draws them */
    GOSS_RUN_HELD_OUT    /* the first of these that the run has */
} goss_run_part;

/* A part of the samples of a model's run, with the data that they are of in memory. */
typedef struct goss_run_samples goss_run_samples;

/* Repeats the split of the model's run, from the settings in the model. data: the present path of the data; NULL: that
 * of the run. stop: as in goss_train_options; may be NULL. Errors: GOSS_E_ARGUMENT: the model is not from a training
 * run, the run held out nothing or validated nothing, its kind of data has no test samples, or the data or its split
 * differs from that of the run (compared by content); GOSS_E_IO: there is nothing at the path; those of opening the
 * data; GOSS_E_INTERRUPTED; GOSS_E_NOMEM. Owns: *out, goss_run_samples_free. */
GOSS_API GOSS_MUST_USE goss_status goss_run_samples_open(const goss_model *m, goss_run_part part, const char *data,
                                                         const volatile sig_atomic_t *stop, goss_run_samples **out,
                                                         goss_error *err);
/* Frees them; NULL is allowed. */
GOSS_API void goss_run_samples_free(goss_run_samples *r);
/* The source of their tasks. Borrowed until goss_run_samples_free. */
GOSS_API const goss_task_source *goss_run_samples_source(const goss_run_samples *r);
/* How many draws have each of the source's tasks once; of tasks that are drawn without end, as many as a validation
 * has. */
GOSS_API int64_t goss_run_samples_tasks(const goss_run_samples *r);
/* Which part they are: of GOSS_RUN_HELD_OUT the one that was found. */
GOSS_API goss_run_part goss_run_samples_part(const goss_run_samples *r);
/* The metric of the run's validation (task.metric), for goss_race_model. Static storage. */
GOSS_API const goss_metric *goss_run_samples_metric(const goss_run_samples *r);
/* The path that the data was read from, for messages. Borrowed until goss_run_samples_free. */
GOSS_API const char *goss_run_samples_path(const goss_run_samples *r);

#ifdef __cplusplus
}
#endif
#endif
