/* SPDX-License-Identifier: Apache-2.0 */
/* compare_report.h: how gossamer compare tells what it found. */
#ifndef GOSS_COMPARE_REPORT_H
#define GOSS_COMPARE_REPORT_H

#include "gossamer/compare.h"

void compare_print(const goss_compare *c, const goss_comparison *s);
void compare_json(const goss_comparison *s);
/* FOLDER/tasks.csv: a line a task, a column a row of the comparison. */
goss_status compare_write_tasks(const goss_compare *c, const goss_comparison *s, goss_error *err);
#endif
