/* SPDX-License-Identifier: Apache-2.0 */
/* disable.c: lists of names, and the names of passes. */
#include "base/disable.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

const char *goss__disabled(void) { return getenv("GOSSAMER_DISABLE"); }

const char *goss__pass_name(int i) {
    static const char *const names[GOSS__PASS_COUNT + 1] = {
#define PASS(id, name, within, what) [GOSS__PASS_##id] = name,
        GOSS__PASSES(PASS)
#undef PASS
    };
    return names[i];
}

const char *goss__pass_what(int i) {
    static const char *const texts[GOSS__PASS_COUNT] = {
#define PASS(id, name, within, what) [GOSS__PASS_##id] = what,
        GOSS__PASSES(PASS)
#undef PASS
    };
    return texts[i];
}

bool goss__name_next(const char **at, const char **name, size_t *n) {
    while (*at && **at == ',') ++*at;
    if (!*at || !**at) return false;
    *name = *at, *n = strcspn(*at, ",");
    *at += *n;
    return true;
}

bool goss__is_name(const char *known, const char *name, size_t n) {
    return strlen(known) == n && memcmp(known, name, n) == 0;
}

bool goss__is_listed(const char *list, const char *known) {
    const char *name;
    for (size_t n; goss__name_next(&list, &name, &n);)
        if (goss__is_name(known, name, n) || goss__is_name("all", name, n)) return true;
    return false;
}

bool goss__pass_is_listed(const char *list, int i) {
    static const char *const within[GOSS__PASS_COUNT] = {
#define PASS(id, name, within, what) [GOSS__PASS_##id] = within,
        GOSS__PASSES(PASS)
#undef PASS
    };
    return goss__is_listed(list, goss__pass_name(i)) || (within[i] && goss__is_listed(list, within[i]));
}

goss__passes goss__passes_in(const char *list) {
    goss__passes set = 0;
    for (int i = 0; i < GOSS__PASS_COUNT; i++) set |= (goss__passes)goss__pass_is_listed(list, i) << i;
    return set;
}

bool goss__in_table(goss__name_table table, const char *name, size_t n) {
    for (int i = 0; table(i); i++)
        if (goss__is_name(table(i), name, n)) return true;
    return false;
}

static bool is_known(const char *name, size_t n, const goss__name_table *tables, int n_tables) {
    for (int t = 0; t < n_tables; t++)
        if (goss__in_table(tables[t], name, n)) return true;
    return goss__is_name("all", name, n);
}

goss_status goss__names_known(const char *list, const char *source, const goss__name_table *tables, int n_tables,
                              goss_error *err) {
    const char *name;
    for (size_t n; goss__name_next(&list, &name, &n);) {
        if (is_known(name, n, tables, n_tables)) continue;
        goss__str all = {0};
        for (int t = 0; t < n_tables; t++)
            for (int i = 0; tables[t](i); i++) goss__str_addf(&all, " %s", tables[t](i));
        goss__str_add(&all, " all");
        const goss_status s = all.failed
                                  ? goss_error_set(err, GOSS_E_NOMEM, "out of memory")
                                  : goss_error_set(err, GOSS_E_ARGUMENT, "%s: nothing is called \"%.*s\"; there are%s",
                                                   source, n > 60 ? 60 : (int)n, name, all.data);
        goss__str_free(&all);
        return s;
    }
    return GOSS_OK;
}
