/* SPDX-License-Identifier: Apache-2.0 */
/* findings.h: the results of gossamer check, for output. */
#ifndef GOSS_CLI_FINDINGS_H
#define GOSS_CLI_FINDINGS_H

#include <stdbool.h>

#include "gossamer/check.h"

typedef struct cli_finding {
    goss_check_level level;
    char *kind, *text;
} cli_finding;

typedef struct cli_count {
    char *name;
    int64_t value;
} cli_count;

typedef struct cli_findings {
    cli_finding *item;
    int n, room;
    cli_count *count;
    int counts, count_room;
    bool failed; /* out of memory: incomplete */
} cli_findings;

/* context: a cli_findings, zero-initialised. For goss_check_options. */
void cli_findings_add(void *context, goss_check_level level, const char *kind, const char *text);
void cli_findings_count(void *context, const char *name, int64_t value);
void cli_findings_free(cli_findings *f);
int cli_findings_of(const cli_findings *f, goss_check_level level);
/* To standard output. */
void cli_findings_print(const cli_findings *f);
void cli_findings_json(const cli_findings *f);
#endif
