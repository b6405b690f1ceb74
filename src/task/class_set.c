/* SPDX-License-Identifier: Apache-2.0 */
/* class_set.c: selects samples of a set by names that the user gives: a field and its values, or a list of classes. */
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/str.h"
#include "gossamer/class_set.h"

int goss_class_set_field(const goss_class_set *set, const char *name) {
    for (int i = 0; i < set->fields; i++)
        if (strcmp(set->field[i].name, name) == 0) return i;
    return -1;
}

/* "; did you mean X?" or the list of names. */
static goss_status lacking(const char *what, const char *kind, const char *name, const char *const *names, int n,
                           goss_error *err) {
    goss__str near = {0};
    if (n > 0) goss__near_names(&near, name, names, n);
    goss_status s =
        goss_error_set(err, GOSS_E_ARGUMENT, "%s %.60s \"%.100s\"%s", what, kind, name, near.data ? near.data : "");
    goss__str_free(&near);
    return s;
}

goss_status goss_class_set_find_field(const goss_class_set *set, const char *name, const char *about, int *field,
                                      goss_error *err) {
    enum { MOST = 16 };
    const char *names[MOST];
    int n = 0;
    *field = goss_class_set_field(set, name);
    if (*field >= 0) return GOSS_OK;
    for (; n < set->fields && n < MOST; n++) names[n] = set->field[n].name;
    if (n == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: the %s have no field \"%.100s\", nor any other: data.pattern names the parts of a "
                              "file's name, as {class}_{speaker}_{take}.wav; a csv file has columns",
                              about, set->things, name);
    return goss_error_prefix(err, lacking("there is no", "field", name, names, n, err), "%s", about);
}

/* Finds a value of a field, or a class, by name. */
static goss_status choose_value(const goss_class_set *set, const goss_class_field *f, const char *value, bool *use,
                                bool to, goss_error *err) {
    int v = 0;
    while (v < f->values && strcmp(f->text[v], value) != 0) v++;
    if (v == f->values) return lacking("there is no", f->name, value, f->text, f->values, err);
    for (int i = 0; i < set->samples; i++)
        if (f->of[i] == v) use[i] = to;
    return GOSS_OK;
}

static goss_class_field classes_of(const goss_class_set *set) {
    return (goss_class_field){.name = "class", .values = set->classes, .text = set->class_name, .of = set->class_of};
}

static goss_status choose(const goss_class_set *set, char *text, bool *use, bool value, goss_error *err) {
    char *list = strchr(text, '='), *word;
    goss_class_field f = classes_of(set);
    int field;
    if (!list || !list[1])
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.100s\" is not FIELD=VALUE,..., as speaker=theo", text);
    *list++ = 0;
    if (strcmp(text, f.name) != 0) {
        GOSS_TRY(goss_class_set_find_field(set, text, text, &field, err));
        f = set->field[field];
    }
    while ((word = strsep(&list, ",")))
        if (*word) GOSS_TRY(choose_value(set, &f, word, use, value, err));
    return GOSS_OK;
}

goss_status goss_class_set_choose(const goss_class_set *set, const char *field_is_values, bool *use, bool value,
                                  goss_error *err) {
    char *text = goss__strdup(field_is_values);
    if (!text) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a choice of %s", set->things);
    goss_status s = choose(set, text, use, value, err);
    goss__free(text);
    return s;
}

/* ---- lists of classes ---- */

static char *trim(char *line) {
    static const char blanks[] = " \t\r";
    line += strspn(line, blanks);
    for (size_t n = strlen(line); n > 0 && strchr(blanks, line[n - 1]); n--) line[n - 1] = 0;
    return line;
}

goss_status goss_class_set_read_classes(const goss_class_set *set, const char *path, bool *use, bool value,
                                        goss_error *err) {
    enum { LIMIT = 1 << 26 };
    const goss_class_field classes = classes_of(set);
    char *data, *rest, *word;
    size_t size;
    goss_status s = GOSS_OK;
    GOSS_TRY(goss__read_file(path, LIMIT, &data, &size, err));
    rest = strncmp(data, "\xef\xbb\xbf", 3) == 0 ? data + 3 : data; /* a byte order mark */
    if (memchr(data, 0, size)) s = goss_error_set(err, GOSS_E_FORMAT, "%s: a list of classes has no zero bytes", path);
    for (int line = 1; s == GOSS_OK && (word = strsep(&rest, "\n")); line++) {
        const char *name = trim(word);
        if (!*name || *name == '#') continue;
        s = choose_value(set, &classes, name, use, value, err);
        s = goss_error_prefix(err, s, "%s:%d", path, line);
    }
    goss__free(data);
    return s;
}
