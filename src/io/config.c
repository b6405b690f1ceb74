/* SPDX-License-Identifier: Apache-2.0 */
/* config.c: typed keys. Every value is kept as text beside its parsed form, so that what is written back is what was
 * meant. Lines are ini.c's business; a file's text and an override go through the same checks. */
#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/str.h"
#include "gossamer/config.h"
#include "io/ini.h"
#include "base/number.h"

typedef struct value {
    char *text;
    double number; /* of int, real and bool; a text's place among its choices */
    bool set;
    int line; /* where the file being read sets it; 0: not yet */
} value;

struct goss_config {
    const goss_key *keys;
    int n;
    value *values;
};

/* ---- one value ---- */

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
static const char *range_text(const goss_key *k, char *out, size_t size) {
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
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s is not %s", text, range_text(k, range, sizeof range));
    return GOSS_OK;
}

static goss_status parse_value(const goss_key *k, const char *text, double *number, goss_error *err) {
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

/* Blanks around a number or a word say nothing; a free text, as a path, may have them. */
static char *copy_value(const goss_key *k, const char *text) {
    const bool word = k->type != GOSS_KEY_TEXT || k->choices;
    if (word) text += strspn(text, " \t");
    char *copy = goss__strdup(text);
    for (char *end = copy ? copy + strlen(copy) : NULL; word && end > copy && strchr(" \t", end[-1]);) *--end = 0;
    return copy;
}

static goss_status set_value(goss_config *c, int i, const char *text, goss_error *err) {
    double number;
    char *copy = copy_value(&c->keys[i], text);
    if (!copy) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    goss_status s = parse_value(&c->keys[i], copy, &number, err);
    if (s != GOSS_OK) return goss__free(copy), s;
    goss__free(c->values[i].text);
    c->values[i].text = copy;
    c->values[i].number = number;
    return GOSS_OK;
}

/* ---- names ---- */

static int find(const goss_config *c, const char *name) {
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->keys[i].name, name) == 0) return i;
    return -1;
}

/* A slip of some letters, the right key in the wrong section or in none; NULL: nothing like it. */
static const char *similar(const goss_config *c, const char *name) {
    const char *best = NULL, *key = strchr(name, '.');
    int least = (int)strlen(name) / 3 + 1;
    for (int i = 0; i < c->n && !key; i++)
        if (strcmp(strchr(c->keys[i].name, '.') + 1, name) == 0) return c->keys[i].name;
    for (int i = 0; i < c->n; i++) {
        int d = goss__distance(name, c->keys[i].name);
        if (key && strcmp(key, strchr(c->keys[i].name, '.')) == 0 && d > 2) d = 2;
        if (d < least) least = d, best = c->keys[i].name;
    }
    return best;
}

static goss_status unknown_key(const goss_config *c, const char *name, goss_error *err) {
    const char *best = similar(c, name);
    return goss_error_set(err, GOSS_E_ARGUMENT, "there is no key %s%s%s%s", name, best ? "; did you mean " : "",
                          best ? best : "", best ? "?" : "");
}

/* ---- life ---- */

goss_status goss_config_new(const goss_key *keys, int n, goss_config **out, goss_error *err) {
    *out = NULL;
    goss_config *c = goss__calloc(1, sizeof *c);
    if (c) c->values = goss__calloc((size_t)n, sizeof *c->values);
    if (!c || !c->values) {
        goss__free(c);
        return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    }
    c->keys = keys, c->n = n;
    for (int i = 0; i < n; i++) {
        assert(strchr(keys[i].name, '.') && keys[i].fallback);
        goss_status s = goss_error_prefix(err, set_value(c, i, keys[i].fallback, err), "default of %s", keys[i].name);
        if (s == GOSS_OK) continue;
        goss_config_free(c);
        return s;
    }
    *out = c;
    return GOSS_OK;
}

void goss_config_free(goss_config *c) {
    if (!c) return;
    for (int i = 0; i < c->n; i++) goss__free(c->values[i].text);
    goss__free(c->values);
    goss__free(c);
}

/* ---- reading ---- */

static goss_status on_item(void *ctx, const goss__ini_item *item, goss_error *err) {
    goss_config *c = ctx;
    int i = find(c, item->name);
    if (i < 0) return unknown_key(c, item->name, err);
    value *v = &c->values[i];
    goss_status s = v->line ? goss_error_set(err, GOSS_E_ARGUMENT, "the key stands in line %d already", v->line)
                            : set_value(c, i, item->text, err);
    if (s == GOSS_OK) v->set = true, v->line = item->line;
    const char *dot = strchr(item->name, '.');
    if (s == GOSS_E_ARGUMENT && strstr(item->text, " #"))
        goss_error_prefix(err, s, "a remark behind a value begins with \" ;\"");
    return goss_error_prefix(err, s, "[%.*s] %s", (int)(dot - item->name), item->name, dot + 1);
}

goss_status goss_config_parse(goss_config *c, const char *text, const char *name, goss_error *err) {
    for (int i = 0; i < c->n; i++) c->values[i].line = 0;
    return goss__ini_parse(text, name, on_item, c, err);
}

goss_status goss_config_read(goss_config *c, const char *path, goss_error *err) {
    char *text;
    size_t size;
    GOSS_TRY(goss__read_file(path, (size_t)1 << 20, &text, &size, err));
    goss_status s = strlen(text) == size
                        ? goss_config_parse(c, text, path, err)
                        : goss_error_set(err, GOSS_E_FORMAT, "%s: is not a text file, as a configuration is", path);
    goss__free(text);
    return s;
}

goss_status goss_config_set(goss_config *c, const char *key, const char *text, goss_error *err) {
    int i = find(c, key);
    if (i < 0) return unknown_key(c, key, err);
    GOSS_TRY(goss_error_prefix(err, set_value(c, i, text, err), "%s", key));
    c->values[i].set = true;
    return GOSS_OK;
}

goss_status goss_config_override(goss_config *c, const char *assignment, goss_error *err) {
    const char *equals = strchr(assignment, '=');
    char name[256];
    if (!equals || equals == assignment || (size_t)(equals - assignment) >= sizeof name)
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%s\" is not of the form section.key=value", assignment);
    snprintf(name, sizeof name, "%.*s", (int)(equals - assignment), assignment);
    return goss_config_set(c, name, equals + 1, err);
}

/* ---- values ---- */

static const value *get(const goss_config *c, const char *key, goss_key_type type) {
    int i = find(c, key);
    assert(i >= 0 && c->keys[i].type == type);
    (void)type;
    return &c->values[i];
}

int64_t goss_config_int(const goss_config *c, const char *key) { return (int64_t)get(c, key, GOSS_KEY_INT)->number; }
double goss_config_real(const goss_config *c, const char *key) { return get(c, key, GOSS_KEY_REAL)->number; }
bool goss_config_bool(const goss_config *c, const char *key) { return get(c, key, GOSS_KEY_BOOL)->number != 0; }
const char *goss_config_text(const goss_config *c, const char *key) { return get(c, key, GOSS_KEY_TEXT)->text; }

bool goss_config_is_set(const goss_config *c, const char *key) {
    int i = find(c, key);
    assert(i >= 0);
    return c->values[i].set;
}

/* ---- binding ---- */

static bool is_number(goss_key_type type) { return type == GOSS_KEY_INT || type == GOSS_KEY_REAL; }

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
        return is_number(k->type);
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

static goss_status bind(const goss_key *k, const char *text, double number, void *settings, goss_error *err) {
    assert(holds(k));
    put(&k->field, text, number, settings);
    return k->read ? k->read(text, settings, err) : GOSS_OK;
}

goss_status goss_config_bind(const goss_config *c, const goss_key *keys, int n, void *settings, goss_error *err) {
    for (int i = 0; i < n; i++) {
        const value *v = get(c, keys[i].name, keys[i].type);
        GOSS_TRY(goss_error_prefix(err, bind(&keys[i], v->text, v->number, settings, err), "%s", keys[i].name));
    }
    return GOSS_OK;
}

goss_status goss_key_parse(const goss_key *key, const char *text, void *settings, goss_error *err) {
    double number;
    GOSS_TRY(parse_value(key, text, &number, err));
    return bind(key, text, number, settings, err);
}

/* ---- writing ---- */

static void put_key(goss__str *s, const goss_key *k, const value *v) {
    char range[100];
    goss__str_addf(s, "# %s", k->doc ? k->doc : strchr(k->name, '.') + 1);
    if (k->type == GOSS_KEY_TEXT && k->choices) goss__str_addf(s, " (%s)", k->choices);
    if (k->type == GOSS_KEY_BOOL) goss__str_add(s, " (true|false)");
    if (k->min < k->max && is_number(k->type))
        goss__str_addf(s, " (%s%s%s)", range_text(k, range, sizeof range), k->unit ? " " : "", k->unit ? k->unit : "");
    goss__str_addf(s, "\n%s = ", strchr(k->name, '.') + 1);
    goss__ini_add_value(s, v->text);
    goss__str_add(s, "\n");
}

/* Opens the section of a key where it is another one than the last. */
static void put_section(goss__str *s, const char *name, const char **last) {
    const size_t n = (size_t)(strchr(name, '.') - name);
    if (!*last || strncmp(name, *last, n + 1) != 0) goss__str_addf(s, "%s[%.*s]\n", *last ? "\n" : "", (int)n, name);
    *last = name;
}

char *goss_config_write_with(const goss_config *c, bool (*wanted)(void *context, const char *key),
                             const char *(*remark)(void *context, const char *key), void *context) {
    goss__str s = {0};
    const char *last = NULL;
    goss__str_add(&s, "");
    for (int i = 0; i < c->n; i++) {
        const char *name = c->keys[i].name;
        if (wanted && !wanted(context, name)) continue;
        put_section(&s, name, &last);
        const char *text = remark ? remark(context, name) : NULL;
        if (text) goss__str_addf(&s, "# %s\n", text);
        put_key(&s, &c->keys[i], &c->values[i]);
    }
    if (!s.failed) return s.data;
    goss__str_free(&s);
    return NULL;
}

char *goss_config_write(const goss_config *c) { return goss_config_write_with(c, NULL, NULL, NULL); }

void goss_config_text_free(char *text) { goss__free(text); }
