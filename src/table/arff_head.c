/* SPDX-License-Identifier: Apache-2.0 */
/* arff_head.c: lines, values and the header of ARFF files (Weka's format; Witten and Frank, "Data Mining"). */
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "io/json.h"
#include "table/arff.h"

goss_status goss__arff_error(const goss__arff *a, int column, goss_error *err, const char *fmt, ...) {
    char text[600], label[GOSS__LABEL] = "";
    va_list args;
    va_start(args, fmt);
    goss__vformat(text, sizeof text, fmt, args);
    va_end(args);
    if (column >= 0 && column < a->n) goss__column_label(a->decl[column].name, label);
    return goss_error_set(err, GOSS_E_FORMAT, "%s:%zu:%s%s %s", a->b->name, a->line, label, *label ? ":" : "", text);
}

static bool blank(char c) { return c == ' ' || c == '\t'; }

char *goss__arff_line(goss__arff *a, goss_status *status, goss_error *err) {
    *status = GOSS_OK;
    while (a->at < a->b->size) {
        const char *line = (const char *)a->b->data + a->at;
        const char *feed = memchr(line, '\n', a->b->size - a->at);
        size_t n = feed ? (size_t)(feed - line) : a->b->size - a->at;
        a->at += n + (feed != NULL);
        a->line++;
        while (n && (blank(line[n - 1]) || line[n - 1] == '\r')) n--;
        while (n && blank(*line)) line++, n--;
        if (n == 0 || *line == '%') continue;
        a->text.size = 0;
        goss__str_addn(&a->text, line, n);
        if (a->text.failed) {
            *status = goss_error_set(err, GOSS_E_NOMEM, "%s:%zu: no memory for the line", a->b->name, a->line);
            return NULL;
        }
        if (memchr(line, 0, n)) {
            *status = goss__arff_error(a, -1, err, "a zero byte; the file is damaged");
            return NULL;
        }
        if (!goss__utf8_valid(a->text.data)) {
            *status = goss__arff_error(
                a, -1, err, "the text is not UTF-8; if the file is in Latin-1: iconv -f ISO-8859-1 -t UTF-8");
            return NULL;
        }
        return a->text.data;
    }
    return NULL;
}

/* Removes quotes and backslashes, in place; NULL: unclosed. Returns the text after the closing quote. */
static char *unquote(char *p, char **value) {
    const char quote = *p++;
    char *to = *value = p;
    for (; *p && *p != quote; p++) {
        if (*p == '\\' && p[1]) p++;
        *to++ = *p;
    }
    if (!*p) return NULL;
    *to = 0;
    return p + 1;
}

bool goss__arff_value(char **p, const char *stops, char **value, bool *quoted, char *stop) {
    char *at = *p + strspn(*p, " \t"), *end;
    *quoted = *at == '\'' || *at == '"';
    if (*quoted) {
        if (!(at = unquote(at, value))) return false;
        end = at;
        at += strcspn(at, stops);
        if (end + strspn(end, " \t") < at) return false; /* text after the closing quote */
    } else {
        *value = at;
        at += strcspn(at, stops);
        for (end = at; end > *value && blank(end[-1]); end--) {
        }
    }
    *stop = *at;
    *p = *at ? at + 1 : at;
    if (!*quoted) *end = 0;
    return true;
}

/* ---- the header ---- */

static bool is_word(const char *text, const char *word) {
    size_t n = strlen(word);
    for (size_t i = 0; i < n; i++)
        if (goss__ascii_lower(text[i]) != word[i]) return false;
    return !goss__ascii_is_alnum(text[n]);
}

static goss_status no_memory(const goss__arff *a, goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to read it", a->b->name);
}

static goss_status grow(goss__arff *a, goss_error *err) {
    if (a->n < a->capacity) return GOSS_OK;
    int capacity = a->capacity ? 2 * a->capacity : 32;
    if (capacity > 1 << 20) return goss__arff_error(a, -1, err, "too many attributes");
    goss__column_decl *decl = goss__realloc(a->decl, (size_t)capacity * sizeof *decl);
    if (!decl) return no_memory(a, err);
    a->decl = decl, a->capacity = capacity;
    return GOSS_OK;
}

/* "{a, b, 'c d'}", after the brace. */
static goss_status nominal(goss__arff *a, char *p, goss__column_decl *d, goss_error *err) {
    goss__dictionary values = {0};
    goss_status s = GOSS_OK;
    char stop = ',';
    while (s == GOSS_OK && stop == ',') {
        char *value;
        bool quoted;
        if (!goss__arff_value(&p, ",}", &value, &quoted, &stop))
            s = goss__arff_error(a, a->n, err, "a quote in the list of values is not closed");
        else if (!stop)
            s = goss__arff_error(a, a->n, err, "the list of values does not end with }");
        else if (!*value && !quoted)
            s = goss__arff_error(a, a->n, err, "an empty value in the list");
        else if (goss__dictionary_find(&values, value) >= 0)
            continue; /* repeated */
        else if (goss__dictionary_add(&values, value) < 0)
            s = no_memory(a, err);
    }
    const char **list = s == GOSS_OK ? goss__arena_alloc(&a->arena, (size_t)values.count * sizeof *list) : NULL;
    if (s == GOSS_OK && !list) s = no_memory(a, err);
    for (int i = 0; s == GOSS_OK && i < values.count; i++)
        if (!(list[i] = goss__arena_strdup(&a->arena, values.text[i]))) s = no_memory(a, err);
    *d = (goss__column_decl){
        .name = d->name, .type = GOSS__DECL_CATEGORY, .categories = list, .n_categories = values.count};
    goss__dictionary_free(&values);
    return s;
}

static goss_status attribute_type(goss__arff *a, char *p, goss__column_decl *d, goss_error *err) {
    static const struct {
        const char *word;
        int type;
    } types[] = {{"numeric", GOSS__DECL_NUMBER},
                 {"real", GOSS__DECL_NUMBER},
                 {"integer", GOSS__DECL_NUMBER},
                 {"string", GOSS__DECL_TEXT},
                 {"date", GOSS__DECL_DATE}};
    p += strspn(p, " \t");
    if (*p == '{') return nominal(a, p + 1, d, err);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!is_word(p, types[i].word)) continue;
        d->type = types[i].type;
        return GOSS_OK;
    }
    return goss__arff_error(
        a, a->n, err, "\"%.40s\" is not a type of an attribute: numeric, real, integer, string, date or {values}%s", p,
        is_word(p, "relational") ? "; relations within a table are not read" : "");
}

static goss_status attribute(goss__arff *a, char *p, goss_error *err) {
    char *name, stop;
    bool quoted;
    GOSS_TRY(grow(a, err));
    p += strspn(p, " \t");
    if (!goss__arff_value(&p, " \t{", &name, &quoted, &stop))
        return goss__arff_error(a, -1, err, "the quote around the attribute's name is not closed");
    if (!*name) return goss__arff_error(a, -1, err, "the attribute has no name");
    a->decl[a->n] = (goss__column_decl){.name = goss__arena_strdup(&a->arena, name)};
    if (!a->decl[a->n].name) return no_memory(a, err);
    if (goss__dictionary_find(&a->names, name) >= 0)
        return goss__arff_error(a, -1, err, "attribute \"%.80s\" was declared before", name);
    if (goss__dictionary_add(&a->names, name) < 0) return no_memory(a, err);
    if (stop == '{') *--p = '{'; /* restores the terminator of the name */
    goss_status s = attribute_type(a, p, &a->decl[a->n], err);
    if (s == GOSS_OK) a->n++;
    return s;
}

goss_status goss__arff_head(goss__arff *a, goss_error *err) {
    goss_status s;
    for (char *p; (p = goss__arff_line(a, &s, err)) != NULL;) {
        if (is_word(p, "@data")) {
            if (a->n == 0) return goss__arff_error(a, -1, err, "@data, but no @attribute before it");
            return GOSS_OK;
        }
        if (is_word(p, "@relation")) continue;
        if (!is_word(p, "@attribute"))
            return goss__arff_error(a, -1, err, "\"%.40s\": the header has @relation, @attribute and @data only", p);
        GOSS_TRY(attribute(a, p + strlen("@attribute"), err));
    }
    GOSS_TRY(s);
    return goss_error_set(err, GOSS_E_FORMAT, "%s:%zu: the file ends before @data", a->b->name, a->line);
}
