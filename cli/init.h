/* SPDX-License-Identifier: Apache-2.0 */
/* init.h: a configuration that is made from data. */
#ifndef GOSS_CLI_INIT_H
#define GOSS_CLI_INIT_H

#include "gossamer/config.h"
#include "gossamer/data.h"

enum { INIT_REMARKS = 64, INIT_REMARK = 400 };

typedef struct init_plan {
    const char *data;          /* the path, as it was given */
    goss_config *declared;     /* what the user has set */
    goss_config *config;       /* that, and what init sets */
    const char *const *unused; /* patterns of keys that this kind of data has no use for; ends with NULL */
    struct {
        char key[40], text[INIT_REMARK];
    } remark[INIT_REMARKS];
    int remarks;
    char summary[INIT_REMARK]; /* what the data is, for the head of the file */
    goss_status status;        /* the first error of the calls below, which then do nothing more */
    goss_error *err;
} init_plan;

/* Sets a key, unless the user has. */
void init_set(init_plan *p, const char *key, const char *fmt, ...) GOSS_PRINTF(3, 4);
/* Marks a key with what to look at, in the file and on stderr; the user's own settings are not marked. */
void init_mark(init_plan *p, const char *key, const char *fmt, ...) GOSS_PRINTF(3, 4);
/* Whether this version knows the key. */
bool init_knows(const char *key);

/* Fill the plan. Errors: data that cannot be read, or is too little to train with. */
goss_status init_images(init_plan *p, goss_error *err);
goss_status init_table(init_plan *p, goss_error *err);
/* Images in tasks that are trained together, where the user says so; called with what init_images has opened. */
bool init_is_image_tasks(const init_plan *p);
goss_status init_image_tasks(init_plan *p, const goss_images *set, goss_error *err);
#endif
