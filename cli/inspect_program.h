/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_program.h: gossamer inspect on a file with a program. */
#ifndef GOSS_CLI_INSPECT_PROGRAM_H
#define GOSS_CLI_INSPECT_PROGRAM_H

#include "gossamer/program.h"
#include "gossamer/safetensors.h"

/* The metadata key of a program's text. */
#define CLI_PROGRAM_KEY "program"
/* Whether the file claims to be a program; it may be invalid. */
bool cli_is_program(const goss_safetensors *f);
/* Prints its interface and its text. */
void cli_print_interface(const goss_program *p, int width);
void cli_print_program(const goss_program *p);
/* The interface as a JSON object. */
void cli_json_program(const goss_program *p);
#endif
