/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.c: matching names of files. A placeholder stands for one or more characters other than '/', as few as
 * possible, the first one first. */
#include "sound/pattern.h"

#include <string.h>

#include "base/alloc.h"

static goss_status wrong(const char *text, const char *why, goss_error *err) {
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "data.pattern = %.200s: %s; it is of the form "
                          "{class}_{speaker}_{take}.wav",
                          text, why);
}

static goss_status add_name(goss__pattern *p, char *name, const char *text, goss_error *err) {
    if (p->n == GOSS__PATTERN_MOST) return wrong(text, "more than 16 placeholders", err);
    if (!*name) return wrong(text, "{} without a name", err);
    if (p->n > 0 && !*p->literal[p->n]) return wrong(text, "two placeholders side by side", err);
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->name[i], name) == 0) return wrong(text, "one name twice", err);
    if (strcmp(name, "class") == 0) p->at_class = p->n;
    p->name[p->n++] = name;
    return GOSS_OK;
}

static goss_status parse(goss__pattern *p, const char *text, goss_error *err) {
    char *at = p->text;
    p->at_class = -1;
    for (;;) {
        p->literal[p->n] = at;
        char *open = strchr(at, '{'), *close = open ? strchr(open, '}') : NULL;
        if (!open) break;
        if (!close) return wrong(text, "a brace that does not close", err);
        *open = *close = 0;
        GOSS_TRY(add_name(p, open + 1, text, err));
        at = close + 1;
    }
    if (strchr(at, '}')) return wrong(text, "a brace that does not open", err);
    return p->at_class >= 0 ? GOSS_OK : wrong(text, "no {class}", err);
}

goss_status goss__pattern_parse(const char *text, goss__pattern *out, goss_error *err) {
    *out = (goss__pattern){.text = goss__strdup(text)};
    if (!out->text) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a pattern");
    const goss_status s = parse(out, text, err);
    if (s != GOSS_OK) goss__pattern_free(out);
    return s;
}

void goss__pattern_free(goss__pattern *p) {
    goss__free(p->text);
    *p = (goss__pattern){0};
}

/* Literal i and what follows it. The recursion is as deep as there are placeholders. */
static bool match_from(const goss__pattern *p, int i, const char *path, goss__span *value) {
    const size_t n = strlen(p->literal[i]);
    if (strncmp(path, p->literal[i], n) != 0) return false;
    path += n;
    if (i == p->n) return !*path;
    for (size_t k = 1; path[k - 1] && path[k - 1] != '/'; k++) {
        value[i] = (goss__span){path, k};
        if (match_from(p, i + 1, path + k, value)) return true;
    }
    return false;
}

bool goss__pattern_match(const goss__pattern *p, const char *path, goss__span *value) {
    return match_from(p, 0, path, value);
}
