/* SPDX-License-Identifier: Apache-2.0 */
/* task.h: objectives inside: the rows of the table, and the metrics that they share. */
#ifndef GOSS_TASK_TASK_H
#define GOSS_TASK_TASK_H

#include "gossamer/task.h"

extern const goss_objective goss__classification, goss__regression, goss__huber;
extern const goss_metric goss__accuracy, goss__auc, goss__log_loss, goss__f1, goss__calibration_error;
extern const goss_metric goss__rmse, goss__mae, goss__r2;
#endif
