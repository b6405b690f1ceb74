/* SPDX-License-Identifier: Apache-2.0 */
/* compare_settings.c: settings by name, before it is known which run they are for. */
#include <string.h>

#include "base/alloc.h"
#include "compare/compare.h"

static goss__setting *find(const goss__settings *s, const char *key) {
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->v[i].key, key) == 0) return &s->v[i];
    return NULL;
}

const char *goss__settings_get(const goss__settings *s, const char *key) {
    const goss__setting *one = find(s, key);
    return one ? one->value : NULL;
}

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for settings"); }

static goss_status replace(goss__setting *one, const char *value, int line, goss_error *err) {
    char *copy = goss__strdup(value);
    if (!copy) return no_memory(err);
    goss__free(one->value);
    one->value = copy, one->line = line;
    return GOSS_OK;
}

goss_status goss__settings_put(goss__settings *s, const char *key, const char *value, int line, goss_error *err) {
    goss__setting *one = find(s, key);
    if (one) return replace(one, value, line, err);
    if (s->n == s->room) {
        const int room = s->room ? 2 * s->room : 32;
        goss__setting *grown = goss__realloc(s->v, (size_t)room * sizeof *grown);
        if (!grown) return no_memory(err);
        s->v = grown, s->room = room;
    }
    one = &s->v[s->n];
    *one = (goss__setting){.key = goss__strdup(key), .value = goss__strdup(value), .line = line};
    if (one->key && one->value) return s->n++, GOSS_OK;
    goss__free(one->key), goss__free(one->value);
    return no_memory(err);
}

void goss__settings_free(goss__settings *s) {
    for (int i = 0; i < s->n; i++) goss__free(s->v[i].key), goss__free(s->v[i].value);
    goss__free(s->v);
    *s = (goss__settings){0};
}
