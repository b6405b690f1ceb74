/* config.c: typed keys over inih, which reads the lines. Every value is kept as text beside its parsed form, so that what is
 * written back is what was meant. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/str.h"
#include "gossamer/config.h"

typedef struct value {
    char *text;
    double number; /* of int, real and bool */
    bool set, fresh; /* fresh: by the file being read, whose further lines are appended */
} value;

struct goss_config {
    const goss_key *keys;
    int n;
    value *values;
};

/* ---- one value ---- */

static bool parse_bool(const char *text, double *out) {
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, yes[i]) == 0) return *out = 1, true;
        if (strcmp(text, no[i]) == 0) return *out = 0, true;
    }
    return false;
}

static bool parse_number(const char *text, double *out) {
    char *end;
    if (!*text || isspace((unsigned char)*text)) return false;
    *out = strtod(text, &end);
    return *end == 0 && isfinite(*out);
}

static bool in_choices(const char *choices, const char *text) {
    size_t n = strlen(text);
    for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (strncmp(at, text, n) == 0 && (at[n] == '|' || at[n] == 0)) return true;
    return false;
}

static goss_status parse_value(const goss_key *k, const char *text, double *number, goss_error *err) {
    *number = 0;
    if (k->type == GOSS_KEY_TEXT) {
        if (!k->choices || in_choices(k->choices, text)) return GOSS_OK;
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%s\" is none of %s", text, k->choices);
    }
    if (k->type == GOSS_KEY_BOOL)
        return parse_bool(text, number) ? GOSS_OK : goss_error_set(err, GOSS_E_ARGUMENT, "\"%s\" is not true or false", text);
    if (!parse_number(text, number)) return goss_error_set(err, GOSS_E_ARGUMENT, "\"%s\" is not a number", text);
    if (k->type == GOSS_KEY_INT && (*number != floor(*number) || fabs(*number) > 9007199254740992.0))
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s is not an integer", text);
    if (k->min < k->max && (*number < k->min || *number > k->max))
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s is outside %g .. %g", text, k->min, k->max);
    return GOSS_OK;
}

static goss_status set_value(goss_config *c, int i, const char *text, goss_error *err) {
    double number;
    GOSS_TRY(parse_value(&c->keys[i], text, &number, err));
    char *copy = goss__strdup(text);
    if (!copy) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
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

/* Levenshtein's distance, of names short enough for one row. */
static int distance(const char *a, const char *b) {
    int row[128], n = (int)strlen(b);
    if (n > 126) return 1000;
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int corner = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int best = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[n];
}

static goss_status unknown_key(const goss_config *c, const char *name, goss_error *err) {
    int best = -1, least = 5;
    for (int i = 0; i < c->n; i++) {
        int d = distance(name, c->keys[i].name);
        if (d < least) least = d, best = i;
    }
    return goss_error_set(err, GOSS_E_ARGUMENT, "there is no key %s%s%s%s", name, best < 0 ? "" : "; did you mean ",
                          best < 0 ? "" : c->keys[best].name, best < 0 ? "" : "?");
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

typedef struct reading {
    goss_config *c;
    goss_error *err;
    goss_status status;
} reading;

static goss_status append_line(goss_config *c, int i, const char *text, goss_error *err) {
    goss__str joined = {0};
    goss__str_addf(&joined, "%s\n%s", c->values[i].text, text);
    goss_status s = joined.failed ? goss_error_set(err, GOSS_E_NOMEM, "out of memory") : set_value(c, i, joined.data, err);
    goss__str_free(&joined);
    return s;
}

static int on_line(void *ctx, const char *section, const char *key, const char *text) {
    reading *r = ctx;
    if (r->status != GOSS_OK) return 0;
    char name[256];
    snprintf(name, sizeof name, "%s.%s", section, key);
    int i = find(r->c, name);
    value *v = i < 0 ? NULL : &r->c->values[i];
    if (!section[0])
        r->status = goss_error_set(r->err, GOSS_E_FORMAT, "neither a [section] nor a key inside one");
    else if (i < 0)
        r->status = unknown_key(r->c, name, r->err);
    else if (v->fresh && r->c->keys[i].type != GOSS_KEY_TEXT)
        r->status = goss_error_set(r->err, GOSS_E_ARGUMENT, "the key stands twice");
    else
        r->status = v->fresh ? append_line(r->c, i, text, r->err) : set_value(r->c, i, text, r->err);
    if (r->status == GOSS_OK) return v->set = v->fresh = true;
    if (i >= 0) goss_error_prefix(r->err, r->status, "[%s] %s", section, key);
    return 0;
}

goss_status goss_config_parse(goss_config *c, const char *text, const char *name, goss_error *err) {
    reading r = {.c = c, .err = err};
    for (int i = 0; i < c->n; i++) c->values[i].fresh = false;
    int line = ini_parse_string(text, on_line, &r);
    if (line == 0) return GOSS_OK;
    if (r.status != GOSS_OK) return goss_error_prefix(err, r.status, "%s:%d", name, line);
    if (line < 0) return goss_error_set(err, GOSS_E_NOMEM, "%s: can not be read", name);
    return goss_error_set(err, GOSS_E_FORMAT, "%s:%d: neither a [section] nor \"key = value\"", name, line);
}

goss_status goss_config_read(goss_config *c, const char *path, goss_error *err) {
    char *text;
    size_t size;
    GOSS_TRY(goss__read_file(path, (size_t)1 << 20, &text, &size, err));
    goss_status s = strlen(text) == size ? goss_config_parse(c, text, path, err)
                                         : goss_error_set(err, GOSS_E_FORMAT, "%s: is not a text file", path);
    goss__free(text);
    return s;
}

goss_status goss_config_override(goss_config *c, const char *assignment, goss_error *err) {
    const char *equals = strchr(assignment, '=');
    char name[256];
    if (!equals || equals == assignment || (size_t)(equals - assignment) >= sizeof name)
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%s\" is not of the form section.key=value", assignment);
    snprintf(name, sizeof name, "%.*s", (int)(equals - assignment), assignment);
    int i = find(c, name);
    if (i < 0) return unknown_key(c, name, err);
    GOSS_TRY(goss_error_prefix(err, set_value(c, i, equals + 1, err), "%s", name));
    c->values[i].set = true;
    return GOSS_OK;
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

/* ---- writing ---- */

static void put_text(goss__str *s, const char *text) {
    for (; *text; text++) {
        goss__str_addn(s, text, 1);
        if (*text == '\n') goss__str_add(s, "    "); /* indented: goes on */
    }
}

static void put_key(goss__str *s, const goss_key *k, const value *v) {
    goss__str_addf(s, "# %s", k->doc);
    if (k->choices) goss__str_addf(s, " (%s)", k->choices);
    if (k->min < k->max && k->type != GOSS_KEY_TEXT) goss__str_addf(s, " (%g .. %g)", k->min, k->max);
    goss__str_addf(s, "\n%s = ", strchr(k->name, '.') + 1);
    put_text(s, v->text);
    goss__str_add(s, "\n");
}

char *goss_config_write(const goss_config *c) {
    goss__str s = {0};
    for (int i = 0; i < c->n; i++) {
        const char *name = c->keys[i].name;
        size_t n = (size_t)(strchr(name, '.') - name);
        bool new_section = i == 0 || strncmp(name, c->keys[i - 1].name, n + 1) != 0;
        if (new_section) goss__str_addf(&s, "%s[%.*s]\n", i ? "\n" : "", (int)n, name);
        put_key(&s, &c->keys[i], &c->values[i]);
    }
    if (!s.failed) return s.data;
    goss__str_free(&s);
    return NULL;
}

void goss_config_text_free(char *text) { goss__free(text); }
