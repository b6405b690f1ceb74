/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_share.h: what gossamer inspect says of what tasks share: rules, codes, gates, and the
 * ranks of what they do not. */
#ifndef GOSS_CLI_INSPECT_SHARE_H
#define GOSS_CLI_INSPECT_SHARE_H

#include "gossamer/model.h"

/* Of a model of method multitask. */
void cli_print_share(const goss_model *m);
/* The object behind the key "share". */
void cli_json_share(const goss_model *m);

/* ---- inspect_ranks.c ---- */
/* Effective ranks of the weights that differ by task; in JSON a key "ranks" of that object. */
void cli_print_ranks(const goss_model *m);
void cli_json_ranks(const goss_model *m);
#endif
