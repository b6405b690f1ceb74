/* SPDX-License-Identifier: Apache-2.0 */
/* class_answer.h: what gossamer predict prints of a sample with a network that classifies. */
#ifndef GOSS_CLI_CLASS_ANSWER_H
#define GOSS_CLI_CLASS_ANSWER_H

#include "gossamer/model.h"

/* A line, or a JSON object: input, class, probability, and the uncertainty of an ensemble (< 0: it is none).
 * p [classes]. */
void cli_put_answer(const goss_network *n, const char *input, const float *p, float uncertainty, bool json);
/* The same of a recording in which nothing is to be heard: the answer is silence, whatever classes the network has. */
void cli_put_silence(const char *input, bool json);
/* A JSON object for a sample that cannot be read. */
void cli_put_unread(const char *input, const goss_error *e);
#endif
