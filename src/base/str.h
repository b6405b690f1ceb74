/* str.h: a growing byte string. Errors are sticky: after a failed allocation every call is a no-op and `failed` is set. */
#ifndef GOSS_BASE_STR_H
#define GOSS_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

#include "gossamer/status.h"

typedef struct goss__str {
    char *data; /* NUL-terminated once anything was added; NULL while empty */
    size_t size, capacity;
    bool failed;
} goss__str;

void goss__str_add(goss__str *s, const char *text);
void goss__str_addn(goss__str *s, const char *data, size_t n);
void goss__str_addf(goss__str *s, const char *fmt, ...) GOSS_PRINTF(2, 3);
void goss__str_free(goss__str *s);
#endif
