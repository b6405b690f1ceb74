/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h: XXH3-128 of a stream of bytes, as 32 hexadecimal digits: detects damage, not forgery. */
#ifndef GOSS_IO_HASH_H
#define GOSS_IO_HASH_H

#include <stddef.h>

#include "gossamer/status.h"

#define GOSS__HASH_TEXT 33
typedef struct goss__hash goss__hash;

GOSS_MUST_USE goss_status goss__hash_new(goss__hash **out, goss_error *err);
void goss__hash_add(goss__hash *h, const void *data, size_t size);
void goss__hash_end(goss__hash *h, char text[GOSS__HASH_TEXT]); /* frees h */
#endif
