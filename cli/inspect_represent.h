/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_represent.h: gossamer inspect MODEL --data DATA: what a model makes of the samples of its run. */
#ifndef GOSS_CLI_INSPECT_REPRESENT_H
#define GOSS_CLI_INSPECT_REPRESENT_H

#include <stdbool.h>

typedef struct cli_represent {
    const char *data;  /* NULL: where the model's run had it */
    const char *split; /* test, validation or training; NULL: the first of these that the run has */
    const char *on;    /* NULL: all representations */
    int threads;
} cli_represent;

/* Whether --split is one of its words. */
bool cli_represent_split(const char *word);
/* Returns the exit status. */
int cli_inspect_represent(const char *path, const cli_represent *r, bool json);
#endif
