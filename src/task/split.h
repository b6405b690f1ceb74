/* SPDX-License-Identifier: Apache-2.0 */
/* split.h: shares of samples for training, validation and test, and lists of tasks in files. */
#ifndef GOSS_TASK_SPLIT_H
#define GOSS_TASK_SPLIT_H

#include <stdint.h>

#include "gossamer/status.h"

/* Errors: a sum other than 1; a first share that is not positive. things: "rows", for the text. */
goss_status goss__split_check(const double share[3], const char *things, goss_error *err);
/* Parts (goss_row_part) of n samples by their place: as many as the shares say, rounded so that each has one. */
void goss__split_cut(const double share[3], const uint32_t *place, int n, uint8_t *part);

/* The same where part `fold` (from 1) of `folds` is for testing, so that no sample is in two of them, and the others
 * are divided by their shares. */
void goss__split_cut_fold(int fold, int folds, const double share[3], const uint32_t *place, int n, uint8_t *part);

/* Sets uses[i] = use for the tasks that a file lists, one a line. Errors: FILE:LINE: a name that is none of the n (with
 * near ones), one that is listed twice or has another use already; a file that names none. */
goss_status goss__task_list_read(const char *path, const char *const *names, int n, uint8_t use, uint8_t *uses,
                                 goss_error *err);
#endif
