/* SPDX-License-Identifier: Apache-2.0 */
/* process.h: environments in processes: what one says it is, and its lives. */
#ifndef GOSS_ENV_PROCESS_H
#define GOSS_ENV_PROCESS_H

#include "env/child.h"
#include "gossamer/env_process.h"

enum { GOSS__PROCESS_PARAMETERS = 32 };

/* How an observation is written. */
typedef enum goss__observation_form { GOSS__FORM_TEXT, GOSS__FORM_BYTES, GOSS__FORM_FLOATS } goss__observation_form;

struct goss_env_process {
    goss_env_kind kind;
    goss_env_many many;
    goss_env_parameter parameter[GOSS__PROCESS_PARAMETERS];
    char names[GOSS__PROCESS_PARAMETERS][64], name[128], title[400];
    goss__observation_form form;
    unsigned told;       /* which lines of a description there were */
    goss__str said;      /* the lines by which it describes itself */
    char *words[5];      /* argv */
    const char *command; /* for messages: one of the words; NULL: what runs says its name */
    int processes;
    double timeout;
};

/* Takes one line of a description; *ready: it was the last. Errors: GOSS_E_FORMAT. */
goss_status goss__spec_line(goss_env_process *p, char *line, bool *ready, goss_error *err);
/* "error TEXT": the process says itself what is wrong. */
goss_status goss__said_error(const char *line, goss_error *err);
/* A number of the protocol; also nan and inf, which are reported by what they stand for. */
bool goss__protocol_number(const char *text, float *out);

extern const goss_env_many goss__process_many;
/* Adds the command to an error of its process. */
goss_status goss__process_error(const goss_env_process *p, goss_status s, goss_error *err);
/* Reads the descriptions of n started processes, among which `lives` lives are divided. first: they become the
 * description of p; else they must be the same. */
goss_status goss__process_start(goss_env_process *p, goss__child *c, int n, int lives, bool first, goss_error *err);
#endif
