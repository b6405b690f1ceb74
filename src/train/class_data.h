/* SPDX-License-Identifier: Apache-2.0 */
/* class_data.h: what kinds of data made of samples in classes (gossamer/class_set.h) share: which samples are trained
 * and validated on, and the episodes over them. */
#ifndef GOSS_TRAIN_CLASS_DATA_H
#define GOSS_TRAIN_CLASS_DATA_H

#include "gossamer/class_set.h"
#include "train/run_data.h"

typedef struct goss__class_data {
    const goss_class_set *set;
    bool *train, *held;      /* [samples] */
    goss_task_source *shots; /* one for each number of shots, min_shots ascending */
    int n_shots;
    int classes[2]; /* that are trained and validated on */
    uint64_t seed;
    int tasks; /* of a step */
} goss__class_data;

/* Checks named files. */
goss_status goss__class_data_check(const goss__run_settings *s, goss_error *err);
/* Divides the samples of a set, which is borrowed: train, held and classes. Errors: settings that the set does not
 * admit, with what is to be set instead. Owns: goss__class_data_close, of what an error leaves, too. */
goss_status goss__class_data_divide(goss__class_data *c, const goss_class_set *set, const goss__run_settings *s,
                                    goss_error *err);
/* After that: episodes. Sets source, validation, judged, size and about of data. augment: samples that are trained on
 * are augmented. What the set's input and copy are must be final by now. */
goss_status goss__class_data_open(goss__class_data *c, const goss__run_settings *s, bool augment, goss__run_data *data,
                                  goss_error *err);
void goss__class_data_close(goss__class_data *c);
/* What was trained and validated on, by content. */
goss_status goss__class_data_mark(const goss__class_data *c, goss_model *m, bool validates, goss_error *err);
/* goss__data_kind.validated_on. */
void goss__class_data_validated_on(const goss__run_data *data, const goss__run_settings *s, char *out, size_t size);
#endif
