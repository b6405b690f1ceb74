/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.h: what the names of files say: {class}_{speaker}_{take}.wav. */
#ifndef GOSS_SOUND_PATTERN_H
#define GOSS_SOUND_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "gossamer/status.h"

enum { GOSS__PATTERN_MOST = 16 };

/* A pattern as literals around placeholders: literal[0] {name[0]} literal[1] ... literal[n]. Points into `text`. */
typedef struct goss__pattern {
    char *text; /* owned */
    char *literal[GOSS__PATTERN_MOST + 1], *name[GOSS__PATTERN_MOST];
    int n, at_class; /* placeholders; which of them is {class} */
} goss__pattern;

/* Errors: GOSS_E_ARGUMENT: braces that do not close, a name twice, two placeholders side by side, no {class}. Owns:
 * goss__pattern_free. */
goss_status goss__pattern_parse(const char *text, goss__pattern *out, goss_error *err);
void goss__pattern_free(goss__pattern *p);
/* A part of a path. */
typedef struct goss__span {
    const char *at;
    size_t n;
} goss__span;
/* Whether a path is of that form; value [n]: what stands for the placeholders, each as short as the rest allows. */
bool goss__pattern_match(const goss__pattern *p, const char *path, goss__span *value);
#endif
