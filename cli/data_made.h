/* SPDX-License-Identifier: Apache-2.0 */
/* data_made.h: what gossamer data can make: a row of the table in cmd_data.c and a function, which parses its own
 * options and returns the exit status. */
#ifndef GOSS_CLI_DATA_MADE_H
#define GOSS_CLI_DATA_MADE_H

#include "cli.h"

int data_glyphs(int argc, char **argv);
int data_machines(int argc, char **argv);
int data_tables(int argc, char **argv);
int data_vectors(int argc, char **argv);
/* A new folder, or an empty one: nothing is mixed with files that are there. */
goss_status cli_make_folder(const char *path, goss_error *err);
#endif
