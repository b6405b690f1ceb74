/* SPDX-License-Identifier: Apache-2.0 */
/* config_words.h: a run's configuration on the command line: [RUN.ini] [section.key=value ...]. */
#ifndef GOSS_CLI_CONFIG_WORDS_H
#define GOSS_CLI_CONFIG_WORDS_H

#include "gossamer/train.h"

/* The file is read first, wherever it stands: settings go over it. Errors name the word, and what was meant. Sections
 * that gossamer compare and gossamer search have in the same file are passed over. */
goss_status cli_read_config(goss_config *c, int words, char **word, goss_error *err);
/* The same, where `others` (goss_config_leave) are passed over. */
goss_status cli_read_config_without(goss_config *c, const char *others, int words, char **word, goss_error *err);
#endif
