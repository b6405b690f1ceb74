/* SPDX-License-Identifier: Apache-2.0 */
/* run_check.h: findings of a check, shared by its parts. */
#ifndef GOSS_TRAIN_RUN_CHECK_H
#define GOSS_TRAIN_RUN_CHECK_H

#include "gossamer/check.h"
#include "train/class_data.h"
#include "gossamer/recommend.h"
#include "train/run.h"

typedef struct goss__check {
    const goss__run_settings *set;
    const goss_check_options *options;
} goss__check;

void goss__check_found(const goss__check *k, goss_check_level level, const char *kind, const char *fmt, ...)
    GOSS_PRINTF(4, 5);
void goss__check_counted(const goss__check *k, const char *name, int64_t value);

/* ---- check_images.c ---- */
/* Of an open run's images: counts, classes with one image, images on both sides of a split or in two classes. */
goss_status goss__check_images(const goss__check *k, const goss__run_data *d, goss_error *err);
/* The part of an image. */
typedef enum goss__image_part { GOSS__UNUSED, GOSS__TRAIN, GOSS__VALIDATE, GOSS__TEST } goss__image_part;
/* How many images, classes and alphabets the set has, and of what extents they are. */
void goss__check_count_images(const goss__check *k, const goss_images *set);
/* Images that are the same, on both sides of a split or in two classes. part_of [images]: goss__image_part. */
goss_status goss__check_same_images(const goss__check *k, const goss_images *set, const uint8_t *part_of,
                                    goss_error *err);
/* Of images that could not be opened: each file that cannot be read. Returns how many there are. */
int goss__check_unreadable(const goss__check *k);

/* ---- check_image_tasks.c ---- */
/* Of tasks of images: counts, classes of few images to train on, images on both sides of a split or in two classes. */
goss_status goss__check_image_tasks(const goss__check *k, const goss_image_tasks *t, goss_error *err);

/* ---- check_classes.c ---- */
/* Of samples in classes: counts, groups, samples on both sides of the split or in two classes. */
goss_status goss__check_classes(const goss__check *k, const goss__class_data *c, goss_error *err);

/* ---- check_table.c ---- */
/* Of an open run's table: counts, findings, rows on both sides of a split, rows that follow each other in time. */
goss_status goss__check_table(const goss__check *k, const goss_table_data *d, goss_error *err);
/* Of a folder of tables that could not be opened: each file by itself. Returns how many are bad. */
int goss__check_table_files(const goss__check *k);

/* ---- check_ratings.c ---- */
/* Of an open run's ratings: counts, users with too few, repeated ratings, items that nobody has rated, users without a
 * descriptor. */
void goss__check_ratings(const goss__check *k, const goss_ratings *r, const goss_catalogue *c,
                         const goss_task_division *users, const goss_table *described);
#endif
