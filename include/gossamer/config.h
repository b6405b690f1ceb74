/* SPDX-License-Identifier: Apache-2.0 */
/* config.h: a run's configuration: declared, typed keys in sections, from an INI file and the command line, bound to a
 * struct of settings.
 *
 * The caller declares every key with type, default and range; anything else is an error. Errors say where and what:
 * "train.ini:14: [train] steps: 3.5 is not an integer". Numbers have a decimal point, whatever the locale.
 *
 *     typedef struct settings { int64_t steps; goss_optimizer_kind optimizer; } settings;
 *     static const goss_key keys[] = {
 *         {"train.steps", GOSS_KEY_INT, "1000", .min = 1, .max = 1e9, .doc = "training steps",
 *          .field = {GOSS_FIELD(settings, steps)}},
 *         {"train.optimizer", GOSS_KEY_TEXT, "adamw", .choices = "sgd|adam|adamw", .doc = "update rule",
 *          .field = {GOSS_FIELD(settings, optimizer)}},
 *     };
 *     settings s;
 *     goss_config *c;
 *     GOSS_TRY(goss_config_new(keys, 2, &c, err));                    // every key at its default
 *     GOSS_TRY(goss_config_read(c, "train.ini", err));                // a file overrides defaults
 *     GOSS_TRY(goss_config_override(c, "train.steps=200", err));      // the command line overrides files
 *     GOSS_TRY(goss_config_bind(c, keys, 2, &s, err));                // read once: s.steps, s.optimizer
 *
 * Threads: a configuration that is no longer changed may be read by several threads. */
#ifndef GOSSAMER_CONFIG_H
#define GOSSAMER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The type of a key's value. */
typedef enum goss_key_type {
    GOSS_KEY_INT,  /* a 64-bit decimal integer */
    GOSS_KEY_REAL, /* a finite decimal number, as double */
    GOSS_KEY_BOOL, /* true or false; also yes, no, on, off, 1, 0 */
    GOSS_KEY_TEXT  /* UTF-8 text, possibly of several lines; may be one of `choices` */
} goss_key_type;

/* The type of a member of a struct of settings, {GOSS_FIELD(struct type, member)}: int, int64_t, uint64_t, float or
 * double for numbers, bool for BOOL, const char * for TEXT. A text with choices may also be bound to an enumeration
 * whose enumerators are in the order of the choices, from 0. (A program in C++ fills in both members itself.) */
typedef enum goss_field_type {
    GOSS_FIELD_NONE,   /* no member */
    GOSS_FIELD_INT,    /* int, of INT */
    GOSS_FIELD_INT64,  /* int64_t, of INT */
    GOSS_FIELD_UINT64, /* uint64_t, of INT */
    GOSS_FIELD_FLOAT,  /* float, of REAL */
    GOSS_FIELD_DOUBLE, /* double, of REAL */
    GOSS_FIELD_BOOL,   /* bool, of BOOL */
    GOSS_FIELD_TEXT,   /* const char *, of TEXT: borrowed */
    GOSS_FIELD_ENUM    /* unsigned or an enumeration, of TEXT with choices: the index of the choice */
} goss_field_type;
/* A member of a struct of settings. */
typedef struct goss_field {
    goss_field_type type;
    size_t at; /* offset in bytes */
} goss_field;
/* The field type of an expression's C type; other types do not compile. */
#define GOSS_FIELD_TYPE(value)                                                                                         \
    _Generic((value), int                                                                                             \
             : GOSS_FIELD_INT, int64_t                                                                                \
             : GOSS_FIELD_INT64, uint64_t                                                                             \
             : GOSS_FIELD_UINT64, float                                                                               \
             : GOSS_FIELD_FLOAT, double                                                                               \
             : GOSS_FIELD_DOUBLE, bool                                                                                \
             : GOSS_FIELD_BOOL, const char *                                                                          \
             : GOSS_FIELD_TEXT, unsigned                                                                              \
             : GOSS_FIELD_ENUM)
/* The initialiser of a goss_field: type and offset of a member. */
#define GOSS_FIELD(type, member) GOSS_FIELD_TYPE(((type *)0)->member), offsetof(type, member)

/* The declaration of a key. */
typedef struct goss_key {
    const char *name; /* "train.steps": section, dot, key. "regularizer.*.kind": the key kind of any number of sections
                         [regularizer.NAME] that a user names; "model.*.*": any key of [model.NAME] */
    goss_key_type type;
    const char *fallback; /* the default, as it would be written in a file */
    double min, max;      /* numbers: the closed range, if min < max; either may be infinite */
    const char *choices;  /* texts: "adam|adamw|sgd"; NULL: any text */
    const char *doc;      /* one line, written as a comment by goss_config_write */
    const char *unit;     /* of a number, written beside its range: "minutes", "rows"; NULL: none, or doc says it */
    goss_field field;     /* where goss_config_bind puts the value; {0}: nowhere */
    /* Parser of a TEXT with its own syntax, such as "3..10"; NULL: none. Validates the text and, if settings is not
     * NULL, stores the value there. Called when the key is set, so that errors have file and line, and again by
     * goss_config_bind. Errors: GOSS_E_ARGUMENT; the key is prepended. */
    goss_status (*read)(const char *text, void *settings, goss_error *err);
    const char *also; /* names of other keys, separated by commas, for which this one is suggested; NULL: none */
} goss_key;

/* Declared keys with their values: defaults, overridden by files and by assignments, in the order in which they are
 * read. A later value replaces an earlier one, except within one file, where a repeated key is an error. */
typedef struct goss_config goss_config;

/* A configuration with every key at its default. keys [n]: borrowed, must outlive the configuration.
 * Errors: GOSS_E_NOMEM. Owns: goss_config_free. */
GOSS_API GOSS_MUST_USE goss_status goss_config_new(const goss_key *keys, int n, goss_config **out, goss_error *err);
/* Frees the configuration; NULL is allowed. */
GOSS_API void goss_config_free(goss_config *c);
/* Keys of files that match the pattern ('*' any characters, ',' between several; borrowed) are somebody else's: reading
 * passes them over, as a training run does with what a comparison declares in the same file. NULL: none are. */
GOSS_API void goss_config_leave(goss_config *c, const char *pattern);
/* Reads an INI file over the present values: [section], key = value; comments from ';' or '#' at the start of a line
 * and from ';' after a blank; indented lines continue a text and keep its line breaks; a value in double quotes may
 * contain anything, with the escapes \" \\ \n \t.
 * Errors: GOSS_E_IO; GOSS_E_FORMAT: a malformed line; GOSS_E_ARGUMENT: an unknown key (with the nearest known one), a
 * repeated key, a value of the wrong type or out of range. All with file and line. What precedes the error is applied.
 */
GOSS_API GOSS_MUST_USE goss_status goss_config_read(goss_config *c, const char *path, goss_error *err);
/* The same from text in memory, which is not kept. Errors: as goss_config_read, without GOSS_E_IO; `name` stands for
 * the file. */
GOSS_API GOSS_MUST_USE goss_status goss_config_parse(goss_config *c, const char *text, const char *name,
                                                     goss_error *err);
/* Sets one key, "section.key". Errors: GOSS_E_ARGUMENT: an unknown key (with the nearest known one), a value of the
 * wrong type or out of range. Values are then unchanged. */
GOSS_API GOSS_MUST_USE goss_status goss_config_set(goss_config *c, const char *key, const char *text, goss_error *err);
/* Sets one key by "section.key=value", as on a command line. Errors: as goss_config_set;
 * GOSS_E_ARGUMENT: no '='. */
GOSS_API GOSS_MUST_USE goss_status goss_config_override(goss_config *c, const char *assignment, goss_error *err);

/* Stores the values of keys [n], which c must declare too, in the members of a struct of settings that their fields
 * name; other members keep their values. Texts are borrowed until the next change of the configuration. Errors: those
 * of goss_key.read. */
GOSS_API GOSS_MUST_USE goss_status goss_config_bind(const goss_config *c, const goss_key *keys, int n, void *settings,
                                                    goss_error *err);
/* The same for one section [FAMILY.NAME]: section is NAME ("tie"), and keys [n] include its family's, "FAMILY.*.KEY";
 * other keys are ignored. Errors: as goss_config_bind. */
GOSS_API GOSS_MUST_USE goss_status goss_config_bind_section(const goss_config *c, const char *section,
                                                            const goss_key *keys, int n, void *settings,
                                                            goss_error *err);
/* Parses one value and stores it as goss_config_bind does, without a configuration, for example for an option of a
 * command. The text is borrowed. Errors: GOSS_E_ARGUMENT, as goss_config_set; settings are then unchanged. */
GOSS_API GOSS_MUST_USE goss_status goss_key_parse(const goss_key *key, const char *text, void *settings,
                                                  goss_error *err);

/* Values. A key must be declared with the type that is asked for (asserted: a mistake of the program, not of its user).
 */
/* The value of an INT. */
GOSS_API int64_t goss_config_int(const goss_config *c, const char *key);
/* The value of a REAL. */
GOSS_API double goss_config_real(const goss_config *c, const char *key);
/* The value of a BOOL. */
GOSS_API bool goss_config_bool(const goss_config *c, const char *key);
/* The value of a TEXT, borrowed until the configuration is changed. */
GOSS_API const char *goss_config_text(const goss_config *c, const char *key);
/* Whether a file or an override has set the key, even to its default. */
GOSS_API bool goss_config_is_set(const goss_config *c, const char *key);

/* ---- sections named by the user ----
 *
 * A section [regularizer.tie] exists from its first mention in a file or, as "regularizer.tie.kind=l2", on a command
 * line. It has all keys that "regularizer.*.KEY" declare, at their defaults unless set. NAME consists of letters,
 * digits, '_' and '-'. */

/* The number of sections of a family, such as "regularizer". */
GOSS_API int goss_config_sections(const goss_config *c, const char *family);
/* The name of section i ("tie"), in order of first mention; NULL after the last. Borrowed. */
GOSS_API const char *goss_config_section(const goss_config *c, const char *family, int i);
/* Key i of the present configuration, with its full name ("regularizer.tie.kind"): first declared keys, then those of
 * sections; NULL after the last. Borrowed until the next change. */
GOSS_API const goss_key *goss_config_key_at(const goss_config *c, int i);
/* The declaration that a full name matches, literally or by a pattern; NULL: none. */
GOSS_API const goss_key *goss_key_find(const goss_key *keys, int n, const char *name);

/* All keys as a commented INI file that parses to the same values; a family without sections as comments. Returns NULL
 * if memory is exhausted.
 * Owns: goss_config_text_free. */
GOSS_API char *goss_config_write(const goss_config *c);
/* The same for a selection of keys, with remarks. wanted: whether a key is written; NULL: all. remark: a comment line
 * to put in front of a key, or NULL for none; borrowed during the call. context is passed to both. */
GOSS_API char *goss_config_write_with(const goss_config *c, bool (*wanted)(void *context, const char *key),
                                      const char *(*remark)(void *context, const char *key), void *context);
/* Frees a text of the two functions above; NULL is allowed. */
GOSS_API void goss_config_text_free(char *text);

#ifdef __cplusplus
}
#endif
#endif
