/* SPDX-License-Identifier: Apache-2.0 */
/* config.c: typed keys. Every value is kept as text beside its parsed form, so that what is written back is what was
 * meant. Lines are ini.c's business; a file's text and an override go through the same checks. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/str.h"
#include "gossamer/config.h"
#include "io/ini.h"
#include "io/key.h"

/* A key that has a value: a declared one, or one of a section that the user has named. */
typedef struct entry {
    goss_key key; /* its name is the whole: "regularizer.tie.kind" */
    char *own;    /* that name, where it was made; else NULL */
    char *text;
    double number; /* of int, real and bool; a text's place among its choices */
    bool set;
    int line; /* where the file being read sets it; 0: not yet */
} entry;

struct goss_config {
    const goss_key *keys; /* declared */
    int n_keys;
    entry *entries; /* declared keys without a '*' in their order, then sections as they were named */
    int n, room;
    char **sections; /* "regularizer.tie" */
    int n_sections;
    const char *left; /* keys of files that are passed over; NULL: none */
};

/* ---- one value ---- */

/* Blanks around a number or a word say nothing; a free text, as a path, may have them. */
static char *copy_value(const goss_key *k, const char *text) {
    const bool word = k->type != GOSS_KEY_TEXT || k->choices;
    if (word) text += strspn(text, " \t");
    char *copy = goss__strdup(text);
    for (char *end = copy ? copy + strlen(copy) : NULL; word && end > copy && strchr(" \t", end[-1]);) *--end = 0;
    return copy;
}

static goss_status set_value(entry *e, const char *text, goss_error *err) {
    double number;
    char *copy = copy_value(&e->key, text);
    if (!copy) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    goss_status s = goss__key_value(&e->key, copy, &number, err);
    if (s != GOSS_OK) return goss__free(copy), s;
    goss__free(e->text);
    e->text = copy;
    e->number = number;
    return GOSS_OK;
}

/* ---- families: "regularizer.*.kind" declares the key kind of each section [regularizer.NAME] ---- */

/* Letters in front of the '*' of a family's key, "regularizer."; 0: a plain key. */
static size_t family_of(const goss_key *k) {
    const char *star = strstr(k->name, ".*.");
    return star ? (size_t)(star + 1 - k->name) : 0;
}

/* What a family's key is called in its sections: "kind"; "*": any name. */
static const char *bare_name(const goss_key *k) { return k->name + family_of(k) + 2; }

/* Letters of "regularizer.tie" in "regularizer.tie.kind", where `word` letters are the family's; 0: it has no such
 * form. */
static size_t section_size(const char *name, size_t word) {
    const char *end = strchr(name + word, '.');
    return end && end > name + word && end[1] ? (size_t)(end - name) : 0;
}

/* The size of the section's part of a key's name. */
static size_t section_of(const goss_key *keys, int n, const char *name) {
    for (int i = 0; i < n; i++) {
        const size_t word = family_of(&keys[i]);
        if (word && strncmp(name, keys[i].name, word) == 0 && section_size(name, word)) return section_size(name, word);
    }
    const char *dot = strchr(name, '.');
    return dot ? (size_t)(dot - name) : 0;
}

static bool declares(const goss_key *k, const char *name) {
    const size_t word = family_of(k),
                 section = word && strncmp(name, k->name, word) == 0 ? section_size(name, word) : 0;
    if (!word) return strcmp(k->name, name) == 0;
    return section && (strcmp(bare_name(k), "*") == 0 || strcmp(bare_name(k), name + section + 1) == 0);
}

const goss_key *goss_key_find(const goss_key *keys, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (declares(&keys[i], name)) return &keys[i];
    return NULL;
}

/* A name of letters, digits, '_' and '-', so that it can stand in names of tensors and patterns. */
static bool is_section_name(const char *name, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!goss__ascii_is_alnum(name[i]) && name[i] != '_' && name[i] != '-') return false;
    return n > 0 && n < 64;
}

static goss_status out_of_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

/* A new entry at its default. name: of a family's key in a section; NULL: the key's own. */
static goss_status add_entry(goss_config *c, const goss_key *k, const char *name, goss_error *err) {
    if (c->n == c->room) {
        const int room = c->room ? 2 * c->room : c->n_keys + 1;
        entry *grown = goss__realloc(c->entries, (size_t)room * sizeof *grown);
        if (!grown) return out_of_memory(err);
        c->entries = grown, c->room = room;
    }
    entry *e = &c->entries[c->n];
    *e = (entry){.key = *k, .own = name ? goss__strdup(name) : NULL};
    if (name && !e->own) return out_of_memory(err);
    if (name) e->key.name = e->own;
    goss_status s = goss_error_prefix(err, set_value(e, k->fallback, err), "default of %s", e->key.name);
    if (s == GOSS_OK)
        c->n++;
    else
        goss__free(e->own);
    return s;
}

static int find(const goss_config *c, const char *name) {
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->entries[i].key.name, name) == 0) return i;
    return -1;
}

static goss_status add_section(goss_config *c, const char *name, size_t size, size_t word, goss_error *err) {
    for (int i = 0; i < c->n_sections; i++)
        if (strncmp(c->sections[i], name, size) == 0 && !c->sections[i][size]) return GOSS_OK;
    if (!is_section_name(name + word, size - word))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "\"%.*s\" is no name of a section [%.*sNAME]: letters, digits, _ and -, 63 at most",
                              size - word < 80 ? (int)(size - word) : 80, name + word, (int)word, name);
    char **grown = goss__realloc(c->sections, (size_t)(c->n_sections + 1) * sizeof *grown);
    if (!grown) return out_of_memory(err);
    c->sections = grown;
    char *own = goss__alloc(size + 1);
    if (!own) return out_of_memory(err);
    memcpy(own, name, size), own[size] = 0;
    c->sections[c->n_sections++] = own;
    return GOSS_OK;
}

/* All keys of the family that have a name of their own, in this section. */
static goss_status add_keys(goss_config *c, const char *section, size_t word, goss_error *err) {
    goss__str name = {0};
    goss_status s = GOSS_OK;
    for (int i = 0; i < c->n_keys && s == GOSS_OK; i++) {
        const goss_key *k = &c->keys[i];
        if (family_of(k) != word || strncmp(k->name, section, word) != 0 || strcmp(bare_name(k), "*") == 0) continue;
        name.size = 0;
        goss__str_addf(&name, "%s.%s", section, bare_name(k));
        if (!name.failed && find(c, name.data) >= 0) break; /* they are there */
        s = name.failed ? out_of_memory(err) : add_entry(c, k, name.data, err);
    }
    goss__str_free(&name);
    return s;
}

static goss_status unknown_key(const goss_config *c, const char *name, goss_error *err);

/* The entry of that name; one of a family is made where it is first named. */
static goss_status find_or_make(goss_config *c, const char *name, int *at, goss_error *err) {
    *at = find(c, name);
    if (*at >= 0) return GOSS_OK;
    const goss_key *k = goss_key_find(c->keys, c->n_keys, name);
    if (!k || !family_of(k)) return unknown_key(c, name, err);
    const size_t word = family_of(k), size = section_size(name, word);
    GOSS_TRY(add_section(c, name, size, word, err));
    for (int i = 0; i < c->n_sections; i++)
        if (strncmp(c->sections[i], name, size) == 0 && !c->sections[i][size])
            GOSS_TRY(add_keys(c, c->sections[i], word, err));
    if (strcmp(bare_name(k), "*") == 0) GOSS_TRY(add_entry(c, k, name, err));
    *at = find(c, name);
    return GOSS_OK;
}

static const char *section_at(const goss_config *c, const char *family, int *i) {
    const size_t n = strlen(family);
    for (int k = 0; k < c->n_sections; k++)
        if (strncmp(c->sections[k], family, n) == 0 && c->sections[k][n] == '.' && (*i)-- == 0)
            return c->sections[k] + n + 1;
    return NULL;
}

const char *goss_config_section(const goss_config *c, const char *family, int i) { return section_at(c, family, &i); }

int goss_config_sections(const goss_config *c, const char *family) {
    int n = 0;
    while (goss_config_section(c, family, n)) n++;
    return n;
}

const goss_key *goss_config_key_at(const goss_config *c, int i) {
    return i >= 0 && i < c->n ? &c->entries[i].key : NULL;
}

/* ---- names ---- */

/* How far a name is from a key: letters, and little for the right key in another section. */
static int distance_of(const char *name, const char *section_end, const char *key) {
    const int d = goss__distance(name, key);
    return section_end && strcmp(section_end, strchr(key, '.')) == 0 && d > 2 ? 2 : d;
}

/* A family's key as the section at hand would have it, into out: "regularizer.tie.kind"; "regularizer.NAME.kind" where
 * the name names no section. */
static void in_section(const goss_key *k, const char *name, goss__str *out) {
    const size_t word = family_of(k);
    const char *dot = strchr(name, '.'), *end = dot && dot[1] != '.' ? strchr(dot + 1, '.') : NULL;
    out->size = 0;
    goss__str_addf(out, "%.*s%.*s.%s", (int)word, k->name, end ? (int)(end - dot - 1) : 4, end ? dot + 1 : "NAME",
                   bare_name(k));
}

/* "regularizer.kind" */
static bool is_without_section(const goss_key *k, const char *name) {
    const size_t word = family_of(k);
    return word && strncmp(name, k->name, word) == 0 && strcmp(name + word, bare_name(k)) == 0;
}

/* A slip of some letters, the right key in the wrong section or in none. Empty: nothing like it. */
static void similar(const goss_config *c, const char *name, goss__str *best) {
    const char *key = strchr(name, '.');
    int least = (int)strlen(name) / 3 + 1;
    goss__str own = {0};
    for (int i = 0; i < c->n_keys && !best->size; i++)
        if (c->keys[i].also && goss__name_matches(name, c->keys[i].also)) goss__str_add(best, c->keys[i].name);
    for (int i = 0; i < c->n_keys && !best->size; i++)
        if (!key && !family_of(&c->keys[i]) && strcmp(strchr(c->keys[i].name, '.') + 1, name) == 0)
            goss__str_add(best, c->keys[i].name);
    if (best->size) return;
    for (int i = 0; i < c->n_keys; i++) {
        const goss_key *k = &c->keys[i];
        if (family_of(k) && strcmp(bare_name(k), "*") == 0) continue;
        if (family_of(k)) in_section(k, name, &own);
        const char *candidate = family_of(k) ? own.data : k->name;
        int d = candidate ? distance_of(name, family_of(k) ? NULL : key, candidate) : least;
        if (is_without_section(k, name)) d = 0;
        if (d >= least) continue;
        least = d, best->size = 0;
        goss__str_add(best, candidate);
    }
    goss__str_free(&own);
}

static goss_status unknown_key(const goss_config *c, const char *name, goss_error *err) {
    goss__str best = {0};
    similar(c, name, &best);
    goss_status s =
        goss_error_set(err, GOSS_E_ARGUMENT, "there is no key %s%s%s%s", name, best.size ? "; did you mean " : "",
                       best.size ? best.data : "", best.size ? "?" : "");
    goss__str_free(&best);
    return s;
}

/* ---- life ---- */

goss_status goss_config_new(const goss_key *keys, int n, goss_config **out, goss_error *err) {
    *out = NULL;
    goss_config *c = goss__calloc(1, sizeof *c);
    goss_status s = c ? GOSS_OK : out_of_memory(err);
    if (c) c->keys = keys, c->n_keys = n;
    for (int i = 0; i < n && s == GOSS_OK; i++) {
        assert(strchr(keys[i].name, '.') && keys[i].fallback);
        if (!family_of(&keys[i])) s = add_entry(c, &keys[i], NULL, err);
    }
    if (s == GOSS_OK)
        *out = c;
    else
        goss_config_free(c);
    return s;
}

void goss_config_free(goss_config *c) {
    if (!c) return;
    for (int i = 0; i < c->n; i++) goss__free(c->entries[i].text), goss__free(c->entries[i].own);
    for (int i = 0; i < c->n_sections; i++) goss__free(c->sections[i]);
    goss__free(c->entries), goss__free(c->sections);
    goss__free(c);
}

/* ---- reading ---- */

void goss_config_leave(goss_config *c, const char *pattern) { c->left = pattern; }

static goss_status on_item(void *ctx, const goss__ini_item *item, goss_error *err) {
    goss_config *c = ctx;
    int i;
    if (c->left && goss__name_matches(item->name, c->left)) return GOSS_OK;
    GOSS_TRY(find_or_make(c, item->name, &i, err));
    entry *e = &c->entries[i];
    goss_status s = e->line ? goss_error_set(err, GOSS_E_ARGUMENT, "the key stands in line %d already", e->line)
                            : set_value(e, item->text, err);
    if (s == GOSS_OK) e->set = true, e->line = item->line;
    const size_t section = section_of(c->keys, c->n_keys, item->name);
    if (s == GOSS_E_ARGUMENT && strstr(item->text, " #"))
        goss_error_prefix(err, s, "a remark behind a value begins with \" ;\"");
    return goss_error_prefix(err, s, "[%.*s] %s", (int)section, item->name, item->name + section + 1);
}

goss_status goss_config_parse(goss_config *c, const char *text, const char *name, goss_error *err) {
    for (int i = 0; i < c->n; i++) c->entries[i].line = 0;
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
    int i;
    GOSS_TRY(find_or_make(c, key, &i, err));
    GOSS_TRY(goss_error_prefix(err, set_value(&c->entries[i], text, err), "%s", key));
    c->entries[i].set = true;
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

static const entry *get(const goss_config *c, const char *key, goss_key_type type) {
    int i = find(c, key);
    assert(i >= 0 && c->entries[i].key.type == type);
    (void)type;
    return &c->entries[i];
}

int64_t goss_config_int(const goss_config *c, const char *key) { return (int64_t)get(c, key, GOSS_KEY_INT)->number; }
double goss_config_real(const goss_config *c, const char *key) { return get(c, key, GOSS_KEY_REAL)->number; }
bool goss_config_bool(const goss_config *c, const char *key) { return get(c, key, GOSS_KEY_BOOL)->number != 0; }
const char *goss_config_text(const goss_config *c, const char *key) { return get(c, key, GOSS_KEY_TEXT)->text; }

bool goss_config_is_set(const goss_config *c, const char *key) {
    int i = find(c, key);
    assert(i >= 0);
    return c->entries[i].set;
}

/* ---- binding ---- */

/* The value of a key by its whole name, into a struct. */
static goss_status bind_entry(const goss_config *c, const goss_key *k, const char *name, void *settings,
                              goss_error *err) {
    const entry *e = get(c, name, k->type);
    return goss_error_prefix(err, goss__key_bind(k, e->text, e->number, settings, err), "%s", name);
}

goss_status goss_config_bind(const goss_config *c, const goss_key *keys, int n, void *settings, goss_error *err) {
    for (int i = 0; i < n; i++)
        if (!family_of(&keys[i])) GOSS_TRY(bind_entry(c, &keys[i], keys[i].name, settings, err));
    return GOSS_OK;
}

goss_status goss_config_bind_section(const goss_config *c, const char *section, const goss_key *keys, int n,
                                     void *settings, goss_error *err) {
    goss__str name = {0};
    goss_status s = GOSS_OK;
    for (int i = 0; i < n && s == GOSS_OK; i++) {
        const size_t word = family_of(&keys[i]);
        if (!word || strcmp(bare_name(&keys[i]), "*") == 0) continue;
        name.size = 0;
        goss__str_addf(&name, "%.*s%s.%s", (int)word, keys[i].name, section, bare_name(&keys[i]));
        s = name.failed ? out_of_memory(err) : bind_entry(c, &keys[i], name.data, settings, err);
    }
    goss__str_free(&name);
    return s;
}

/* ---- writing ---- */

/* before: "# " where the line is to be a comment. */
static void put_key(goss__str *s, const char *before, const char *name, const entry *e) {
    const goss_key *k = &e->key;
    char range[100];
    goss__str_addf(s, "# %s", k->doc ? k->doc : name);
    if (k->type == GOSS_KEY_TEXT && k->choices) goss__str_addf(s, " (%s)", k->choices);
    if (k->type == GOSS_KEY_BOOL) goss__str_add(s, " (true|false)");
    if (k->min < k->max && goss__key_is_number(k->type))
        goss__str_addf(s, " (%s%s%s)", goss__key_range(k, range, sizeof range), k->unit ? " " : "",
                       k->unit ? k->unit : "");
    goss__str_addf(s, "\n%s%s = ", before, name);
    goss__ini_add_value(s, e->text);
    goss__str_add(s, "\n");
}

/* Opens the section of a key where it is another one than the last. */
static void put_section(goss__str *s, const char *name, size_t n, const char **last) {
    if (!*last || strncmp(name, *last, n + 1) != 0) goss__str_addf(s, "%s[%.*s]\n", *last ? "\n" : "", (int)n, name);
    *last = name;
}

/* A family without sections as comments: what could be said. */
static void put_family(goss__str *s, const goss_config *c, int first) {
    const size_t word = family_of(&c->keys[first]);
    goss__str_addf(s, "\n# Any number of sections [%.*sNAME] of these keys, with names of your own:\n", (int)word,
                   c->keys[first].name);
    for (int i = first; i < c->n_keys; i++) {
        const goss_key *k = &c->keys[i];
        if (family_of(k) != word || strncmp(k->name, c->keys[first].name, word) != 0) continue;
        const entry e = {.key = *k, .text = (char *)k->fallback};
        put_key(s, "# ", bare_name(k), &e);
    }
}

static bool is_first_of_family(const goss_config *c, int i) {
    const size_t word = family_of(&c->keys[i]);
    for (int k = 0; k < i; k++)
        if (word && family_of(&c->keys[k]) == word && strncmp(c->keys[k].name, c->keys[i].name, word) == 0)
            return false;
    return word > 0;
}

static bool has_section(const goss_config *c, const goss_key *k) {
    for (int i = 0; i < c->n_sections; i++)
        if (strncmp(c->sections[i], k->name, family_of(k)) == 0) return true;
    return false;
}

char *goss_config_write_with(const goss_config *c, bool (*wanted)(void *context, const char *key),
                             const char *(*remark)(void *context, const char *key), void *context) {
    goss__str s = {0};
    const char *last = NULL;
    goss__str_add(&s, "");
    for (int i = 0; i < c->n; i++) {
        const char *name = c->entries[i].key.name;
        const size_t section = section_of(c->keys, c->n_keys, name);
        if (wanted && !wanted(context, name)) continue;
        put_section(&s, name, section, &last);
        const char *text = remark ? remark(context, name) : NULL;
        if (text) goss__str_addf(&s, "# %s\n", text);
        put_key(&s, "", name + section + 1, &c->entries[i]);
    }
    for (int i = 0; i < c->n_keys && !wanted; i++)
        if (is_first_of_family(c, i) && !has_section(c, &c->keys[i])) put_family(&s, c, i);
    if (!s.failed) return s.data;
    goss__str_free(&s);
    return NULL;
}

char *goss_config_write(const goss_config *c) { return goss_config_write_with(c, NULL, NULL, NULL); }

void goss_config_text_free(char *text) { goss__free(text); }
