/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_table.h: gossamer inspect, for tables. */
#ifndef GOSS_CLI_INSPECT_TABLE_H
#define GOSS_CLI_INSPECT_TABLE_H

#include "gossamer/table.h"

/* Declarations of the user. */
typedef struct cli_table_view {
    goss_table_options options;
    goss_roles_declared roles;
    const char *separator, *decimal, *header; /* as given; NULL: detected */
} cli_table_view;

/* Shows a table on stdout; returns the exit status. */
int cli_inspect_table(const char *path, const cli_table_view *view, bool json);
#endif
