/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_model.h: what gossamer inspect says of a model beyond its metadata: what its regularisers did and learned,
 * and what others could be put on. */
#ifndef GOSS_CLI_INSPECT_MODEL_H
#define GOSS_CLI_INSPECT_MODEL_H

#include "gossamer/model.h"

/* Whether a model has regularisers to tell of. */
bool cli_has_regularizers(const goss_model *m);
void cli_print_regularizers(const goss_model *m);
/* The list behind the key "regularizers". */
void cli_json_regularizers(const goss_model *m);
/* gossamer inspect MODEL --tensors. Returns the exit status. */
int cli_inspect_published(const char *path, bool json);
#endif
