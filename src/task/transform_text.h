/* SPDX-License-Identifier: Apache-2.0 */
/* transform_text.h: what the makers of transforms share. */
#ifndef GOSS_TASK_TRANSFORM_TEXT_H
#define GOSS_TASK_TRANSFORM_TEXT_H

#include "gossamer/table_task.h"
#include "io/json.h"

/* Appends a copy; false: no memory. */
bool goss__add_name(char ***names, int *n, const char *name);
/* f->categorical and f->unused, from f->inputs and f->known. */
goss_status goss__transform_lists(goss_table_transform *f, goss_error *err);
/* Adds a name to a list of columns (goss_table_options), in quotes. */
void goss__name_list_add(goss__str *s, const char *name);
/* Adds , "key": ["name", ...] and reads it. */
void goss__json_add_names(goss__str *s, const char *key, char *const *names, int n);
#if GOSS_HAVE_JANSSON
GOSS_MUST_USE goss_status goss__json_read_names(const json_t *root, const char *key, char ***names, int *n,
                                                goss_error *err);
#endif
#endif
