/* SPDX-License-Identifier: Apache-2.0 */
/* objective_steps.c: an answer at each step of a sequence: labels of steps, and the next token of a text. Both are
 * classification, of steps in place of samples. */
#include "task/task.h"

static const goss_metric *const of_labels[] = {&goss__accuracy, &goss__log_loss, &goss__bits, NULL};
static const goss_metric *const of_language[] = {&goss__bits, &goss__log_loss, &goss__accuracy, NULL};
static const char *const columns[] = {"prediction", NULL};
static const char *const bits[] = {"prediction", "bits", NULL};

#define STEPS(word, follows, list, write)                                                                              \
    {                                                                                                                  \
        .name = word, .classes = true, .steps = true, .next = follows, .numbers = 1, .encode = goss__encode_classes,   \
        .loss = goss__class_loss, .report = "accuracy", .score = goss__class_score, .mix = goss__mix_classes,          \
        .answer = goss__class_answer, .metrics = list, .columns = write                                                \
    }
const goss_objective goss__labelling = STEPS("labelling", false, of_labels, columns);
const goss_objective goss__language = STEPS("language", true, of_language, bits);
