/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h: chunked bump allocation for objects of equal lifetime. Blocks never move. */
#ifndef GOSS_BASE_ARENA_H
#define GOSS_BASE_ARENA_H

#include <stddef.h>
#include <stdarg.h>

#include "gossamer/status.h"

typedef struct goss__arena_chunk goss__arena_chunk;
typedef struct goss__arena {
    goss__arena_chunk *chunks; /* newest first */
} goss__arena;

/* A zero-initialised goss__arena is an empty one. Memory is zeroed and aligned to 16. NULL on failure. */
void *goss__arena_alloc(goss__arena *a, size_t size);
char *goss__arena_strdup(goss__arena *a, const char *s);
char *goss__arena_printf(goss__arena *a, const char *fmt, ...) GOSS_PRINTF(2, 3);
void goss__arena_free(goss__arena *a); /* frees everything; the arena is empty and usable again */
#endif
