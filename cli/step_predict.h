/* SPDX-License-Identifier: Apache-2.0 */
/* step_predict.h: gossamer predict of networks that answer at each step of a text. */
#ifndef GOSS_CLI_STEP_PREDICT_H
#define GOSS_CLI_STEP_PREDICT_H

#include "data_kinds.h"

/* Returns the exit status; usage errors as in cli_kind.predict. */
int cli_predict_steps(const goss_network *n, const cli_verb *verb, const predict_request *q);
#endif
