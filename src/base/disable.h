/* disable.h: what GOSSAMER_DISABLE (names with commas between) switches off, to measure what it is worth. */
#ifndef GOSS_BASE_DISABLE_H
#define GOSS_BASE_DISABLE_H

#include <stdbool.h>

#include "gossamer/status.h"

/* Any thread, as long as none changes the environment. */
bool goss__disabled(const char *name);
/* An error if it has a name that switches nothing off. */
goss_status goss__check_disabled(goss_error *err);
#endif
