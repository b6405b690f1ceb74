/* SPDX-License-Identifier: Apache-2.0 */
/* key.c: one key: what a text says as its value, and the field of a struct that the value goes to. Which keys there
 * are, and which have values, is config.c's business. */
#include "io/key.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/str.h"

/* ---- the value ---- */

/* Other programs write True and FALSE. */
static bool is_word(const char *text, const char *word) {
    for (; *word && goss__ascii_lower(*text) == *word; text++) word++;
    return !*word && !*text;
}

static bool parse_bool(const char *text, double *out) {
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
    for (int i = 0; i < 4; i++) {
        if (is_word(text, yes[i])) return *out = 1, true;
        if (is_word(text, no[i])) return *out = 0, true;
    }
    return false;
}

/* The place of a word among "adam|adamw|sgd"; -1: it is none of them. */
static int choice_of(const char *choices, const char *text) {
    const size_t n = strcspn(text, "|");
    int place = 0;
    if (text[n]) return -1;
    for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL, place++)
        if (strncmp(at, text, n) == 0 && (at[n] == '|' || at[n] == 0)) return place;
    return -1;
}

/* "from 1 to 10", "at least 1": a bound may be infinite. */
const char *goss__key_range(const goss_key *k, char *out, size_t size) {
    char low[GOSS__NUMBER_TEXT], high[GOSS__NUMBER_TEXT];
    goss__number_print(k->min, low);
    goss__number_print(k->max, high);
    if (isinf(k->max))
        snprintf(out, size, "at least %s", low);
    else if (isinf(k->min))
        snprintf(out, size, "at most %s", high);
    else
        snprintf(out, size, "from %s to %s", low, high);
    return out;
}

static goss_status parse_number(const goss_key *k, const char *text, double *number, goss_error *err) {
    char range[100];
    if (!goss__number_parse(text, number))
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%s\" is not a number%s", text,
                              strchr(text, ',') ? "; decimals come after a point" : "");
    if (k->type == GOSS_KEY_INT && *number != floor(*number))
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s is not an integer", text);
    if (k->type == GOSS_KEY_INT && fabs(*number) > 9007199254740992.0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s is too large: integers go up to 2^53", text);
    if (k->min < k->max && (*number < k->min || *number > k->max))
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s is not %s", text, goss__key_range(k, range, sizeof range));
    return GOSS_OK;
}

goss_status goss__key_value(const goss_key *k, const char *text, double *number, goss_error *err) {
    *number = 0;
    if (k->type != GOSS_KEY_TEXT && strchr(text, '\n'))
        return goss_error_set(err, GOSS_E_ARGUMENT, "only a text goes on in indented lines");
    if (k->type == GOSS_KEY_INT || k->type == GOSS_KEY_REAL) return parse_number(k, text, number, err);
    if (k->type == GOSS_KEY_BOOL)
        return parse_bool(text, number) ? GOSS_OK
                                        : goss_error_set(err, GOSS_E_ARGUMENT, "\"%s\" is not true or false", text);
    if (k->choices) {
        *number = choice_of(k->choices, text);
        if (*number < 0) return goss_error_set(err, GOSS_E_ARGUMENT, "\"%s\" is none of %s", text, k->choices);
    }
    return k->read ? k->read(text, NULL, err) : GOSS_OK;
}

/* ---- binding ---- */

bool goss__key_is_number(goss_key_type type) { return type == GOSS_KEY_INT || type == GOSS_KEY_REAL; }

/* A field that cannot hold what its key admits is a mistake in the table. */
static bool holds(const goss_key *k) {
    switch (k->field.type) {
    case GOSS_FIELD_NONE:
        return true;
    case GOSS_FIELD_INT:
        return k->type == GOSS_KEY_INT && k->min >= INT_MIN && k->max <= INT_MAX && k->min < k->max;
    case GOSS_FIELD_INT64:
        return k->type == GOSS_KEY_INT;
    case GOSS_FIELD_UINT64:
        return k->type == GOSS_KEY_INT && k->min >= 0 && k->min < k->max;
    case GOSS_FIELD_FLOAT:
    case GOSS_FIELD_DOUBLE:
        return goss__key_is_number(k->type);
    case GOSS_FIELD_BOOL:
        return k->type == GOSS_KEY_BOOL;
    case GOSS_FIELD_TEXT:
        return k->type == GOSS_KEY_TEXT;
    case GOSS_FIELD_ENUM:
        return k->type == GOSS_KEY_TEXT && k->choices;
    }
    return false;
}

static void put(const goss_field *field, const char *text, double number, char *settings) {
    void *at = settings + field->at;
    switch (field->type) {
    case GOSS_FIELD_NONE:
        return;
    case GOSS_FIELD_INT:
        *(int *)at = (int)number;
        return;
    case GOSS_FIELD_INT64:
        *(int64_t *)at = (int64_t)number;
        return;
    case GOSS_FIELD_UINT64:
        *(uint64_t *)at = (uint64_t)number;
        return;
    case GOSS_FIELD_FLOAT:
        *(float *)at = (float)number;
        return;
    case GOSS_FIELD_DOUBLE:
        *(double *)at = number;
        return;
    case GOSS_FIELD_BOOL:
        *(bool *)at = number != 0;
        return;
    case GOSS_FIELD_TEXT:
        *(const char **)at = text;
        return;
    case GOSS_FIELD_ENUM:
        *(unsigned *)at = (unsigned)number;
    }
}

goss_status goss__key_bind(const goss_key *k, const char *text, double number, void *settings, goss_error *err) {
    assert(holds(k));
    put(&k->field, text, number, settings);
    return k->read ? k->read(text, settings, err) : GOSS_OK;
}

goss_status goss_key_parse(const goss_key *key, const char *text, void *settings, goss_error *err) {
    double number;
    GOSS_TRY(goss__key_value(key, text, &number, err));
    return goss__key_bind(key, text, number, settings, err);
}
