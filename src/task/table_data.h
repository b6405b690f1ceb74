/* SPDX-License-Identifier: Apache-2.0 */
/* table_data.h: what the makers and readers of a table's fits share. */
#ifndef GOSS_TASK_TABLE_DATA_H
#define GOSS_TASK_TABLE_DATA_H

#include "gossamer/table_data.h"

/* Frees what it holds, not the struct. */
void goss__table_fit_clear(goss_table_fit *f);

/* A slot for each number of a target, or one for its classes. */
goss_status goss__baselines_room(goss_table_fit *f, goss_error *err);

/* A task's rows that are trained on, as baselines want them; y [n, numbers of a target]. */
typedef struct goss__task_numbers {
    goss_rows rows;
    void *memory; /* goss__free */
} goss__task_numbers;
goss_status goss__task_numbers_of(const goss_table_tasks *t, const goss_table_transform *f, int task,
                                  goss__task_numbers *out, goss_error *err);
#endif
