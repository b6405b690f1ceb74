/* disable.h: what GOSSAMER_DISABLE (names with commas between) switches off, to measure what it is worth. */
#ifndef GOSS_BASE_DISABLE_H
#define GOSS_BASE_DISABLE_H

#include <stdbool.h>

/* Any thread, as long as none changes the environment. */
bool goss__disabled(const char *name);
#endif
