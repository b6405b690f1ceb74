/* SPDX-License-Identifier: Apache-2.0 */
/* config.h: a run's configuration: declared, typed keys in sections, read from an INI file and the command line.
 *
 * The caller declares every key with its type, default and range; nothing else is accepted. Errors say where and what:
 * "train.ini:14: [train] steps: 3.5 is not an integer". Threads: a configuration that is no longer changed may be read
 * by any number. */
#ifndef GOSSAMER_CONFIG_H
#define GOSSAMER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum goss_key_type { GOSS_KEY_INT, GOSS_KEY_REAL, GOSS_KEY_BOOL, GOSS_KEY_TEXT } goss_key_type;

typedef struct goss_key {
    const char *name; /* "train.steps": section, dot, key */
    goss_key_type type;
    const char *fallback; /* the default, as it would stand in a file */
    double min, max;      /* numbers: the range, when min < max; either may be infinite */
    const char *choices;  /* texts: "adam|adamw|sgd"; NULL: any */
    const char *doc;      /* one line */
} goss_key;

typedef struct goss_config goss_config;

/* A configuration with every key at its default. Borrows the keys. Free with goss_config_free. */
GOSS_API GOSS_MUST_USE goss_status goss_config_new(const goss_key *keys, int n, goss_config **out, goss_error *err);
GOSS_API void goss_config_free(goss_config *c); /* NULL allowed */
/* Reads an INI file over what is there. [section], key = value, comments from ';' or '#' at the start of a line and
 * from ';' after a blank; a text that goes on in indented lines keeps its line breaks; a value in double quotes may
 * hold anything (\" \\ \n \t). Errors: GOSS_E_IO; GOSS_E_FORMAT for a line of no such form; GOSS_E_ARGUMENT for an
 * unknown key (with the nearest known one), a repeated key and an unacceptable value. What stands before the error is
 * applied.
 */
GOSS_API GOSS_MUST_USE goss_status goss_config_read(goss_config *c, const char *path, goss_error *err);
/* The same from memory; `name` stands in errors. */
GOSS_API GOSS_MUST_USE goss_status goss_config_parse(goss_config *c, const char *text, const char *name,
                                                     goss_error *err);
/* One key, "section.key". Errors: GOSS_E_ARGUMENT, as above. */
GOSS_API GOSS_MUST_USE goss_status goss_config_set(goss_config *c, const char *key, const char *text, goss_error *err);
/* "section.key=value", as on a command line. */
GOSS_API GOSS_MUST_USE goss_status goss_config_override(goss_config *c, const char *assignment, goss_error *err);

/* Values. The key must be declared with that type (asserted): a caller's mistake, not a user's. */
GOSS_API int64_t goss_config_int(const goss_config *c, const char *key);
GOSS_API double goss_config_real(const goss_config *c, const char *key);
GOSS_API bool goss_config_bool(const goss_config *c, const char *key);
GOSS_API const char *goss_config_text(const goss_config *c, const char *key); /* borrowed until the next change */
GOSS_API bool goss_config_is_set(const goss_config *c, const char *key);      /* by a file or an override */

/* All keys as a commented INI that parses to the same values. Owned by the caller: goss_config_text_free. NULL: no
 * memory. */
GOSS_API char *goss_config_write(const goss_config *c);
/* The same with some of the keys, and with remarks: `wanted` (NULL: all) chooses the keys, `remark` (NULL: none) gives
 * the text of a line of comment in front of a key, or NULL. */
GOSS_API char *goss_config_write_with(const goss_config *c, bool (*wanted)(void *context, const char *key),
                                      const char *(*remark)(void *context, const char *key), void *context);
GOSS_API void goss_config_text_free(char *text);

#ifdef __cplusplus
}
#endif
#endif
