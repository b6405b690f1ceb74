/* SPDX-License-Identifier: Apache-2.0 */
/* init.h: generating a configuration from data. */
#ifndef GOSS_CLI_INIT_H
#define GOSS_CLI_INIT_H

#include "gossamer/class_set.h"
#include "gossamer/config.h"
#include "gossamer/data.h"

enum { INIT_REMARKS = 64, INIT_REMARK = 400 };

typedef struct init_plan {
    const char *data;          /* the path as given */
    goss_config *declared;     /* settings of the user */
    goss_config *config;       /* those, and the ones set by init */
    const char *const *unused; /* patterns of keys without meaning for this data, beside those that
                                  goss_train_key_means knows; NULL: none; NULL-terminated */
    struct {
        char key[40], text[INIT_REMARK];
    } remark[INIT_REMARKS];
    int remarks;
    char summary[INIT_REMARK]; /* summary of the data, for the head of the file */
    goss_status status;        /* the first error of the calls below; later ones do nothing */
    goss_error *err;
} init_plan;

/* Sets a key, unless the user has. */
void init_set(init_plan *p, const char *key, const char *fmt, ...) GOSS_PRINTF(3, 4);
/* Marks a key for review, in the file and on stderr; settings of the user are not marked. */
void init_mark(init_plan *p, const char *key, const char *fmt, ...) GOSS_PRINTF(3, 4);
/* Sets task.metric, unless the user has, or names an objective: that has metrics of its own. */
void init_metric(init_plan *p, const char *metric);
/* Whether this version has the key. */
bool init_knows(const char *key);

/* Fill the plan. Errors: unreadable data, or too little for training. */
goss_status init_images(init_plan *p, goss_error *err);
goss_status init_ratings(init_plan *p, goss_error *err);
goss_status init_table(init_plan *p, goss_error *err);
goss_status init_sounds(init_plan *p, goss_error *err);
/* Texts in classes: data.text names their column. */
goss_status init_texts(init_plan *p, goss_error *err);
/* Errors: GOSS_E_UNSUPPORTED: the user sets an objective of steps (labelling, language). */
goss_status init_refuses_steps(const init_plan *p, goss_error *err);
/* Episodes over samples in classes, for both. group: the field that an episode has one value of; -1: none. Errors:
 * GOSS_E_FORMAT: classes of single samples. */
goss_status init_class_tasks(init_plan *p, const goss_class_set *set, int group, int most_queries, goss_error *err);
/* A hypernetwork that generates the head from the classes of an episode. */
void init_class_method(init_plan *p, const char *rate);
/* The field of fewest values within which classes have several samples; -1: none. */
int init_class_group(const goss_class_set *set);
/* Images in tasks that are trained together, where the user says so; called with what init_images has opened. */
bool init_is_image_tasks(const init_plan *p);
goss_status init_image_tasks(init_plan *p, const goss_images *set, goss_error *err);
#endif
