/* SPDX-License-Identifier: Apache-2.0 */
/* transform_text.h: what the makers of transforms share. */
#ifndef GOSS_TASK_TRANSFORM_TEXT_H
#define GOSS_TASK_TRANSFORM_TEXT_H

#include "gossamer/table_task.h"

/* Appends a copy; false: no memory. */
bool goss__add_name(char ***names, int *n, const char *name);
/* f->categorical and f->unused, from f->inputs and f->known. */
goss_status goss__transform_lists(goss_table_transform *f, goss_error *err);
#endif
